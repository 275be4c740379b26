"""What Tab gives in a real bash, with the script that `trellis completion bash` prints."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.cli import main
from tests.conftest import Service, run_trellis

NOTES = """\
* Fruit
** Apples & pears :harvest:
An apple a day
** TODO Bananas, green
:PROPERTIES:
:owner: Priya
:END:
"""
SETTINGS = """\
collections:
  orchard: {{notes: notes.org, title: The orchard}}
  office: {{notes: notes.org}}
index: index
port: {port}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with settings, the notes that they name, and a service over these."""
    folder = tmp_path_factory.mktemp("completing")
    (folder / "notes.org").write_text(NOTES)
    (folder / "notable").mkdir()
    (folder / "trellis.yaml").write_text(SETTINGS.format(port=0))
    program = folder / "bin" / "trellis"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c "from service.cli import main; main(prog_name=\'trellis\')" "$@"\n'
    )
    program.chmod(0o755)
    service = Service("--config", str(folder / "trellis.yaml"), "serve", "--no-watch", "--collection", "orchard")
    port = service.url.rstrip("/").rpartition(":")[2]
    (folder / "trellis.yaml").write_text(SETTINGS.format(port=port))
    yield folder
    service.stop()


def press_tab(place: Path, line: str) -> list[str]:
    """What bash offers at the end of the line. A file name that it would complete itself is offered as bash does that."""
    script = f"""
        {run_trellis("completion", "bash").stdout}
        compopt() {{ offered=$2; }}
        COMP_LINE={shlex.quote(line)} COMP_POINT={len(line)}
        COMP_WORDS=({line}{" ''" if line.endswith(" ") else ""})
        COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
        _trellis_completion trellis
        printf '%s\\n' "${{COMPREPLY[@]}}" ${{offered:+"<$offered>"}}
    """
    path = f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        capture_output=True,
        text=True,
        cwd=place,
        env={**os.environ, "PATH": path},
        check=False,
    )
    assert done.stderr == ""
    return [line for line in done.stdout.splitlines() if line]


def test_commands_and_options(place: Path) -> None:
    assert press_tab(place, "trellis ") == sorted(main.commands)
    assert press_tab(place, "trellis re") == ["related", "report"]
    assert press_tab(place, "trellis keys re") == ["revoke"]
    assert press_tab(place, "trellis serve --acc") == ["--access"]
    assert press_tab(place, "trellis serve --access ") == ["auto", "key", "open"]
    assert press_tab(place, "trellis completion ") == ["bash", "zsh", "fish"]


def test_files_and_folders_are_bashs_own(place: Path) -> None:
    assert press_tab(place, "trellis index not") == ["<default>"]
    assert press_tab(place, "trellis ask what --index no") == ["<dirnames>"]


def test_collections_of_the_settings(place: Path) -> None:
    assert press_tab(place, "trellis ask what --collection o") == ["orchard", "office"]
    assert press_tab(place, "trellis --config nowhere.yaml ask what --collection o") == []


def test_what_the_running_service_knows(place: Path) -> None:
    assert press_tab(place, "trellis ask what --under appl") == [r"Apples\ \&\ pears"]
    assert press_tab(place, "trellis ask what --tag ") == ["harvest"]
    assert press_tab(place, "trellis ask what --todo ") == ["open", "done", "TODO"]
    assert press_tab(place, "trellis ask what --where own") == ["owner=Priya"]


def test_without_a_service_nothing_is_offered_and_nothing_is_said(place: Path) -> None:
    settings = (place / "trellis.yaml").read_text()
    (place / "off.yaml").write_text(settings.partition("port:")[0] + "port: 9\n")
    assert press_tab(place, "trellis --config off.yaml ask what --under appl") == []
    assert press_tab(place, "trellis --config off.yaml ask what --todo ") == ["open", "done"]


def test_completing_loads_nothing_heavy() -> None:
    probe = (
        "import sys\ntry:\n    from service.cli import main; main()\nfinally:\n    print(*sys.modules, file=sys.stderr)"
    )
    words = {"_TRELLIS_COMPLETE": "bash_complete", "COMP_WORDS": "trellis ask what --under x", "COMP_CWORD": "4"}
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, env={**os.environ, **words}, check=False
    )
    assert {"faiss", "onnxruntime", "torch", "flask", "sqlite3"}.isdisjoint(done.stderr.split())
    assert "service.cli.completion" in done.stderr.split()
