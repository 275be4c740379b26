"""Completion in real shells that not every machine has (`make try-outside`); bash is in the suite."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.conftest import run_trellis

ENVIRON = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def test_fish(tmp_path: Path) -> None:
    (tmp_path / "trellis.fish").write_text(run_trellis("completion", "fish").stdout)

    def press_tab(line: str) -> list[str]:
        script = f'source trellis.fish; complete -C "{line}"'
        done = subprocess.run(
            ["fish", "--no-config", "-c", script], cwd=tmp_path, env=ENVIRON, capture_output=True, text=True, check=True
        )
        return [offered.split("\t")[0] for offered in done.stdout.splitlines()]

    assert press_tab("trellis re") == ["related", "report"]
    assert press_tab("trellis serve --access ") == ["auto", "key", "open"]


def test_zsh(tmp_path: Path) -> None:
    (tmp_path / "_trellis").write_text(run_trellis("completion", "zsh").stdout)
    (tmp_path / ".zshrc").write_text(
        "PS1='> '\nautoload -Uz compinit && compinit -u -D\nsource ./_trellis\necho rea''dy\n"
    )
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(tmp_path)
        os.execvpe("zsh", ["zsh", "-i"], {**ENVIRON, "ZDOTDIR": str(tmp_path), "TERM": "dumb"})
    try:
        assert "ready" in _read_until(terminal, "ready")
        os.write(terminal, b"trellis serve --acc\t")
        assert "--access " in _read_until(terminal, "--access ")
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _read_until(terminal: int, wanted: str, seconds: float = 30) -> str:
    """What the terminal shows until this is there, or until the time is over."""
    shown, end = "", time.monotonic() + seconds
    while wanted not in shown and time.monotonic() < end:
        if select.select([terminal], [], [], 0.2)[0]:
            shown += os.read(terminal, 4096).decode("utf-8", "replace")
    return shown
