"""Which reader reads a file: by suffix, then by content; and readers that other packages bring."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.errors import ReaderNotLoaded
from indexer.readers import formats, read_outline, read_with_account, suffixes
from tests.conftest import run_trellis

ORG = "#+TITLE: x\n* Head\n- item\n"
OPML = '<?xml version="1.0"?>\n<opml version="2.0"><body><outline text="a"/></body></opml>\n'
MARKDOWN = "# Head\n\ntext\n\n## Sub\n"
LOGSEQ = "- a block\n  id:: 64c0ffee-0000-4000-8000-000000000001\n"
VIMOUTLINER = "Head\n\t: body\n\t[_] a box\n"
TASKPAPER = "Project:\n- one @today\n- two @due(2026-03-01)\n"
NOTES = "Notes:\n- one\n    two # not a heading\nTODO: more\n- [ ] a box\n"


@pytest.mark.parametrize(
    ("file", "text", "format"),
    [
        ("a.md", MARKDOWN, "Markdown"),
        ("a.MARKDOWN", "plain words", "Markdown"),
        ("a.md", LOGSEQ, "Logseq"),
        ("a.org", "plain words", "Org"),
        ("a.opml", "no outline", "OPML"),
        ("a.otl", "plain words", "VimOutliner"),
        ("a.taskpaper", "plain words", "TaskPaper"),
        ("a.txt", NOTES, "indented text"),
        ("a.txt", ORG, "Org"),
        ("a.txt", OPML, "OPML"),
        ("a.outline", MARKDOWN, "Markdown"),
        ("a", ORG, "Org"),
        ("a", MARKDOWN, "Markdown"),
        ("a", LOGSEQ, "Logseq"),
        ("a", VIMOUTLINER, "VimOutliner"),
        ("a.todo", TASKPAPER, "TaskPaper"),
        ("a.log", NOTES, "indented text"),
        ("a.txt", "# shell\nls\n    list files\n# more\ncd\n    go there\n", "indented text"),
        ("a.txt", "People:\n- lunch @priya\n- call @ann\n", "indented text"),
    ],
)
def test_a_format_is_told_by_suffix_and_then_by_content(file: str, text: str, format: str) -> None:
    assert read_outline(file, text.encode()).format == format


def test_the_notebook_tells_too() -> None:
    assert read_outline("a.md", b"- a block\n", "logseq").format == "Logseq"
    assert read_outline("a.md", b"- a block\n", "obsidian").format == "Markdown"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path for packages, as pip leaves them: modules beside the metadata that names their entry points."""
    monkeypatch.syspath_prepend(str(tmp_path))
    formats.cache_clear()
    suffixes.cache_clear()
    yield tmp_path
    monkeypatch.undo()
    importlib.invalidate_caches()
    sys.modules.pop("shouting", None)
    formats.cache_clear()
    suffixes.cache_clear()


def install(folder: Path, code: str) -> None:
    """A distribution with one module, `shouting`, and one entry point."""
    metadata = folder / "shouting-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: shouting\nVersion: 1.0\n", "utf-8")
    (metadata / "entry_points.txt").write_text("[trellis.readers]\nshout = shouting:FORMAT\n", "utf-8")
    (folder / "shouting.py").write_text(code, "utf-8")
    importlib.invalidate_caches()


SHOUTING = """
from indexer.readers.page import Format, Page, Reading, Tree

def read(page: Page) -> Reading:
    tree = Tree()
    for number, line in enumerate(page.lines, start=1):
        if line.startswith("!"):
            tree.add(None, [(number, line[1:].strip())])
        elif line.startswith("#"):
            tree.name(number, number, "whisper")
        elif line == "crash":
            raise RuntimeError("it hurts")
    return tree.reading()

FORMAT = Format("shouting", (".shout",), read)
"""


def test_a_package_brings_a_reader(installed: Path) -> None:
    install(installed, SHOUTING)
    assert ".shout" in suffixes()
    outline, account = read_with_account("a.shout", b"! Fire\n# psst\n")
    assert [node.text for node in outline.nodes] == ["Fire"]
    assert str(account) == "a.shout (shouting): 3 lines = 1 in nodes + 1 blank + 1 whisper"


def test_lines_that_such_a_reader_leaves_out_are_reported(installed: Path) -> None:
    install(installed, SHOUTING)
    outline, account = read_with_account("a.shout", b"! Fire\nlost\n! Smoke\nlost too\n")
    assert not account.adds_up
    assert account.unaccounted == [2, 4]
    assert [str(problem) for problem in outline.problems] == [
        "a.shout:2: 2 lines from here on are in no node and have no name; the reader left them out"
    ]


def test_a_reader_that_fails_costs_no_text(installed: Path) -> None:
    install(installed, SHOUTING)
    outline, account = read_with_account("a.shout", b"! Fire\ncrash\n")
    assert [node.text for node in outline.nodes] == ["! Fire", "crash"]
    assert account.adds_up
    [problem] = outline.problems
    assert "the reader for shouting failed (RuntimeError: it hurts)" in problem.message


@pytest.mark.parametrize("code", ["import nothing_of_this_name", "FORMAT = 5"])
def test_a_reader_that_cannot_be_loaded_is_named(installed: Path, code: str) -> None:
    install(installed, code)
    with pytest.raises(
        ReaderNotLoaded, match=r"The reader 'shout' that an installed package brings \('shouting:FORMAT'\)"
    ):
        formats()


FAILING = """
from indexer.readers.page import Format, Reading

def fail(given):
    raise KeyError("it hurts")

FORMAT = Format("shouting", {suffixes}, lambda page: Reading([]), {asked})
"""


@pytest.mark.parametrize(
    ("file", "suffixes", "asked", "says"),
    [
        ("a.txt", "()", "fail", "failed (KeyError: 'it hurts') at telling whether this is its format"),
        ("a", "()", "fail", "failed (KeyError: 'it hurts') at telling whether this is its format"),
        ("a.shout", "('.shout',)", "decode=fail", "failed (KeyError: 'it hurts') at the bytes; read as indented text"),
        ("a.txt", "()", "lambda page: True, fail", "failed (KeyError: 'it hurts') at the bytes; read as indented text"),
        ("a.txt", "('.txt',)", "fail", "failed (KeyError: 'it hurts') at telling whether this is its format"),
        ("a.otl", "('.otl',)", "lambda page: True, fail", "failed (KeyError: 'it hurts') at the bytes"),
    ],
)
def test_a_format_that_fails_at_choosing_costs_no_text(
    installed: Path, file: str, suffixes: str, asked: str, says: str
) -> None:
    install(installed, FAILING.format(suffixes=suffixes, asked=asked))
    outline, account = read_with_account(file, b"Fire\nWater\n")
    assert [node.text for node in outline.nodes] == ["Fire", "Water"]
    assert account.adds_up
    [problem] = outline.problems
    assert str(problem).startswith(f"{file}:1: the reader for shouting {says}")


def test_the_command_line_uses_it_too(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(installed, SHOUTING)
    monkeypatch.setenv("PYTHONPATH", str(installed))
    (installed / "notes").mkdir()
    (installed / "notes" / "a.shout").write_text("! Fire in the engine room\n", "utf-8")
    made = run_trellis("index", str(installed / "notes"), "--index", str(installed / "index"), "--account")
    assert made.returncode == 0, made.stderr
    assert "a.shout (shouting): 2 lines = 1 in nodes + 1 blank" in made.stdout
    assert "all files (1): 2 lines = 1 in nodes + 1 blank" in made.stdout
