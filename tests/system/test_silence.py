"""Nothing of the notes, and no mark of the machine, goes to anybody: the libraries that would report home are kept from it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import NOTES, ROOT

WATCHED = """
import sys
def hear(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        print("spoke", event, arguments[-1] if event == "socket.connect" else arguments[0], file=sys.stderr)
sys.addaudithook(hear)
from service.cli import main
main()
"""


def test_no_library_leaves_a_mark_of_the_machine(shipped_index: Path, tmp_path: Path) -> None:
    """ONNX Runtime keeps one in the user's cache, with what it has yet to report, unless it is told not to, in time."""
    cache = tmp_path / "cache"
    home = {"XDG_CACHE_HOME": str(cache), "HOME": str(tmp_path)}
    wished = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    wished["ORT_DISABLE_TELEMETRY"] = "0"
    for command in (
        ["index", str(NOTES), "--index", str(shipped_index)],
        ["ask", "what is S3?", "--index", str(shipped_index)],
    ):
        run = subprocess.run(
            [sys.executable, "-c", WATCHED, *command], env=wished | home, capture_output=True, text=True, check=False
        )
        assert run.returncode in (0, 1), run.stderr
        assert "spoke" not in run.stderr
    left = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()]
    assert not [name for name in left if not name.startswith("cache/trellis/")]


def test_every_way_in_sets_it_before_the_library_is_loaded() -> None:
    for module in ("indexer.onnx_encoder", "indexer.conversion.convert", "service.cli"):
        code = (
            f"import {module}, os; print(os.environ['ORT_DISABLE_TELEMETRY'], os.environ['HF_HUB_DISABLE_TELEMETRY'])"
        )
        run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
        assert run.stdout.split() == ["1", "1"]
