"""Files that are hard to read, each with everything that its reader makes of it beside it, in `NAME.tree`.

How a tree is written: see `tests.trees.full_tree`. After a wanted change of a reader write the trees anew with
`python -m tests.indexer.test_awkward_files` and read every line of the difference.
"""

from pathlib import Path

import pytest

from indexer.account import Account
from indexer.node import Outline
from indexer.readers import read_with_account
from tests.conftest import ROOT
from tests.trees import full_tree

FOLDER = ROOT / "tests" / "data" / "awkward"
FILES = sorted(path for path in FOLDER.rglob("*") if path.is_file() and path.suffix != ".tree")


def read(path: Path) -> tuple[Outline, Account]:
    """A file in the folder `obsidian` or `logseq` is a page of such a notebook."""
    name = path.relative_to(FOLDER)
    return read_with_account(name.as_posix(), path.read_bytes(), name.parts[0] if len(name.parts) > 1 else "")


def name_of(path: Path) -> str:
    return path.relative_to(FOLDER).as_posix()


def test_every_format_is_among_them() -> None:
    assert {read(path)[0].format for path in FILES} == {
        "indented text",
        "Markdown",
        "Logseq",
        "Org",
        "OPML",
        "VimOutliner",
        "TaskPaper",
    }


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_the_tree_is_as_written_down(path: Path) -> None:
    assert full_tree(*read(path)) == path.with_name(f"{path.name}.tree").read_text("utf-8")


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_line_is_accounted_for(path: Path) -> None:
    outline, account = read(path)
    assert account.adds_up
    assert account.lines == account.in_nodes + account.blank + sum(account.syntax.values())
    assert len(set(outline.ids())) == len(outline.nodes)


if __name__ == "__main__":
    for each in FILES:
        each.with_name(f"{each.name}.tree").write_text(full_tree(*read(each)), "utf-8")
