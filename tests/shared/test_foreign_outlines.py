"""The reader on outlines that other people wrote: no line is lost, and nothing is fatal."""

import re
from pathlib import Path

import pytest

from indexer.node import Outline
from indexer.readers import read_outline

OUTLINES = {".otl", ".txt"}


def lines_of(data: bytes) -> list[bytes]:
    """The lines of a file whose line ends are single bytes, by a rule of our own: LF, CR LF or CR."""
    return re.split(rb"\r(?!\n)|\n", data)


def assert_every_line_is_in_one_node(outline: Outline, data: bytes) -> None:
    lines = lines_of(data.removeprefix(b"\xef\xbb\xbf"))
    found = [(node.line + offset, text) for node in outline.nodes for offset, text in enumerate(node.lines)]
    filled = [number for number, line in enumerate(lines, 1) if line.strip()]
    assert [number for number, _ in found] == filled, outline.file
    doubtful = {problem.line for problem in outline.problems}
    for number, text in found:
        assert text.encode() in lines[number - 1] or doubtful, f"{outline.file}:{number}: {text}"
    for node in outline.nodes:
        assert node.parent is None or outline.nodes[node.parent].depth == node.depth - 1


def test_the_notes_that_trellis_was_made_for(shared: Path) -> None:
    data = (shared / "notes" / "aws-notes.txt").read_bytes()
    outline = read_outline("aws-notes.txt", data)
    assert not outline.problems
    assert len(lines_of(data)) > 1900
    assert_every_line_is_in_one_node(outline, data)
    assert len(set(outline.ids())) == len(outline.nodes)


def test_every_line_of_every_foreign_outline_is_in_one_node(corpora: Path) -> None:
    paths = sorted(path for path in corpora.rglob("*") if path.suffix in OUTLINES and path.is_file())
    assert len(paths) > 15
    for path in paths:
        data = path.read_bytes()
        assert_every_line_is_in_one_node(read_outline(path.relative_to(corpora).as_posix(), data), data)


@pytest.mark.parametrize("read_as", [None, "notes.txt"], ids=["by its suffix", "as indented text"])
def test_nothing_in_the_corpora_is_fatal(corpora: Path, read_as: str | None) -> None:
    """Markdown, Org, OPML, pictures, source code: either every line is in a node or a problem says that none is."""
    paths = sorted(path for path in corpora.rglob("*") if path.is_file())
    assert len(paths) > 3000
    for path in paths:
        data = path.read_bytes()
        outline = read_outline(read_as or path.name, data)
        if path.suffix == ".png":
            assert not outline.nodes
            assert len(outline.problems) == 1
        elif not outline.problems and not data.startswith((b"\xff\xfe", b"\xfe\xff")) and read_as:
            numbers = [node.line + offset for node in outline.nodes for offset in range(len(node.lines))]
            text = data.decode("utf-8-sig")
            filled = [n for n, line in enumerate(re.split(r"\r(?!\n)|\n", text), 1) if line.strip()]
            assert numbers == filled, path
