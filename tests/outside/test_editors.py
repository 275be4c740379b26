"""The commands for editors, in the real editors without a screen, against the real service (`make try-outside`)."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT, Service

NOTES = """\
Fruit
  Apples
    An "apple" a day keeps the doctor away
  Bananas
    Bananas are picked while they are green – naïve!
"""
QUESTION = 'When are "bananas" picked? \\ naïve'


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("edited") / "my notes"
    folder.mkdir()
    (folder / "orchard.txt").write_text(NOTES)
    return folder


@pytest.fixture(scope="module")
def service(notes: Path) -> Iterator[str]:
    running = Service("serve", str(notes), "--index", str(notes.parent / "index"), "--port", "0", "--no-watch")
    yield running.url
    running.stop()


def emacs(script: str, url: str, notes: Path) -> str:
    settings = f'(setq trellis-url {json.dumps(url)} trellis-notes \'(("" . {json.dumps(str(notes))})))'
    command = [
        "emacs",
        "-Q",
        "--batch",
        "-l",
        str(ROOT / "editors" / "trellis.el"),
        "--eval",
        settings,
        "--eval",
        script,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


def test_emacs_asks_and_opens_the_line(service: str, notes: Path) -> None:
    script = f"""
        (progn
          (trellis-ask {json.dumps(QUESTION, ensure_ascii=False)})
          (princ (with-current-buffer "*Trellis*" (buffer-string)))
          (with-current-buffer "*Trellis*" (goto-char (point-min)) (forward-button 1) (push-button))
          (with-current-buffer (window-buffer (selected-window))
            (princ (format "OPENED %s:%d" (buffer-file-name) (line-number-at-pos)))))"""
    said = emacs(script, service, notes)
    assert "“Bananas are picked while they are green – naïve!”" in said
    assert f"OPENED {notes}/orchard.txt:5" in said


def test_emacs_finds_related_notes(service: str, notes: Path) -> None:
    script = """(progn (with-temp-buffer (insert "  Bananas are picked while they are green") (trellis-related))
                (princ (with-current-buffer "*Trellis*" (buffer-string))))"""
    assert "Near to: Bananas are picked" in (said := emacs(script, service, notes))
    assert "orchard.txt:3" in said


def test_emacs_says_what_is_wrong(service: str, notes: Path) -> None:
    assert "question is empty" in emacs('(trellis-ask " ")', service, notes)
    assert "at http://127.0.0.1:9" in (said := emacs('(trellis-ask "what?")', "http://127.0.0.1:9", notes))
    assert "Trellis" in said


def test_emacs_compiles_it_without_a_warning(tmp_path: Path) -> None:
    out = f'(setq byte-compile-error-on-warn t byte-compile-dest-file-function (lambda (_) "{tmp_path}/trellis.elc"))'
    command = [
        "emacs",
        "-Q",
        "--batch",
        "--eval",
        out,
        "-f",
        "batch-byte-compile",
        str(ROOT / "editors" / "trellis.el"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def vim(editor: str, folder: Path, url: str, notes: Path, *commands: str) -> str:
    """What is in the file `out` after these commands."""
    out = folder / f"out of {editor}"
    script = folder / "script.vim"
    lines = [
        "set nocompatible nomore",
        f"set runtimepath+={ROOT}/editors/vim",
        "runtime plugin/trellis.vim",
        f"let g:trellis_url = {json.dumps(url)}",
        f"let g:trellis_notes = {json.dumps(str(notes))}",
        *commands,
        "let places = map(getqflist(), '[bufname(v:val.bufnr), v:val.lnum, v:val.text]')",
        f"call writefile([json_encode(places), execute('messages')], '{out}')",
        "qall!",
    ]
    script.write_text("\n".join(lines) + "\n", "utf-8")
    start = (
        ["vim", "-N", "-u", "NONE", "-i", "NONE", "-es"]
        if editor == "vim"
        else ["nvim", "--headless", "-u", "NONE", "-i", "NONE"]
    )
    subprocess.run([*start, "-S", str(script)], capture_output=True, timeout=60, check=False, cwd=folder)
    return out.read_text("utf-8")


@pytest.mark.parametrize("editor", ["vim", "nvim"])
def test_vim_fills_the_quickfix_list(editor: str, tmp_path: Path, service: str, notes: Path) -> None:
    said = vim(editor, tmp_path, service, notes, f"TrellisAsk {QUESTION}", "cfirst", "call setline(1, getline(1))")
    places = json.loads(said.splitlines()[0])
    assert places[0][0].endswith("orchard.txt")
    assert places[0][1:] == [5, "Fruit > Bananas > Bananas are picked while they are green – naïve!"]
    assert "Bananas are picked while they are green – naïve!" in said.splitlines()[-1]


@pytest.mark.parametrize("editor", ["vim", "nvim"])
def test_vim_says_what_is_wrong(editor: str, tmp_path: Path, service: str, notes: Path) -> None:
    assert "what do you want to know?" in vim(editor, tmp_path, service, notes, "TrellisAsk")
    assert "4,000" in vim(editor, tmp_path, service, notes, f"TrellisAsk {'x' * 5000}")
    assert "no answer at http://127.0.0.1:9" in vim(editor, tmp_path, "http://127.0.0.1:9", notes, "TrellisAsk what?")


@pytest.mark.parametrize("editor", ["vim", "nvim"])
def test_vim_asks_about_a_range_of_lines(editor: str, tmp_path: Path, service: str, notes: Path) -> None:
    said = vim(
        editor, tmp_path, service, notes, "call setline(1, ['  When are', '  bananas picked?'])", "1,2TrellisAsk"
    )
    assert json.loads(said.splitlines()[0])[0][1] == 5
