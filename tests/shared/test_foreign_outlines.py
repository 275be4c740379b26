"""The readers on notes that other people wrote: nothing is fatal, no line is lost, and what is ill-formed is named."""

import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.account import Account
from indexer.node import Outline
from indexer.readers import read_with_account, suffixes
from indexer.sources import find_sources, read_whole
from tests.indexer.test_text_reader_properties import assert_every_line_is_in_one_node, assert_is_a_tree, lines_of

PICTURES = {".png", ".DS_Store"}


@pytest.fixture(scope="module")
def read(corpora: Path) -> list[tuple[Outline, Account, float]]:
    """Every file of the corpora in a format that is read, with the seconds that it took."""
    outlines = []
    for source in find_sources([corpora]).sources:
        data = read_whole(source.path)
        started = time.process_time()
        outline, account = read_with_account(source.file, data, source.notebook)
        outlines.append((outline, account, time.process_time() - started))
    assert len(outlines) > 3000
    return outlines


def test_the_notes_that_trellis_was_made_for(shared: Path) -> None:
    data = (shared / "notes" / "aws-notes.txt").read_bytes()
    outline, account = read_with_account("aws-notes.txt", data)
    assert account.adds_up
    assert not outline.problems
    assert len(lines_of(data.decode())) > 1900
    assert_every_line_is_in_one_node(outline, lines_of(data.decode()))
    assert len(set(outline.ids())) == len(outline.nodes)


def test_every_line_is_accounted_for(read: list[tuple[Outline, Account, float]]) -> None:
    assert [str(account) for _, account, _ in read if not account.adds_up] == []
    assert sum(account.lines for _, account, _ in read) > 400_000


def test_no_reader_fails_and_all_make_trees(read: list[tuple[Outline, Account, float]]) -> None:
    for outline, account, _ in read:
        assert not any("failed" in problem.message for problem in outline.problems), outline.problems
        assert_is_a_tree(outline.nodes)
        assert len(set(outline.ids())) == len(outline.nodes)
        lines = [node.line for node in outline.nodes]
        assert lines == sorted(lines), outline.file
        assert not lines or lines[-1] <= account.lines


def test_ill_formed_opml_is_read_and_each_file_reported(read: list[tuple[Outline, Account, float]]) -> None:
    opml = [(outline, account) for outline, account, _ in read if outline.format == "OPML"]
    ill = [outline for outline, _ in opml if outline.problems]
    assert (len(opml), len(ill)) == (119, 80)
    for outline in ill:
        [problem] = outline.problems
        assert problem.message.startswith("not well-formed XML")
        assert problem.line > 1
    for outline, account in opml:
        assert outline.nodes, outline.file
        assert account.syntax.get("text outside the outline", 0) == 0


def test_what_reading_costs(read: list[tuple[Outline, Account, float]], capsys: pytest.CaptureFixture[str]) -> None:
    """Printed, not judged: seconds for 10,000 lines of each corpus."""
    costs: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    for outline, account, seconds in read:
        costs[outline.format].append((account.lines, seconds))
    with capsys.disabled():
        for name, some in sorted(costs.items()):
            lines, seconds = (sum(part) for part in zip(*some, strict=True))
            print(
                f"\n{name}: {len(some):,} files, {lines:,} lines, {10_000 * seconds / lines:.2f} s for 10,000", end=""
            )
    assert len(costs) >= 6


def every_file(corpora: Path) -> Iterator[Path]:
    yield from sorted(path for path in corpora.rglob("*") if path.is_file())


def test_nothing_in_the_corpora_is_fatal_whatever_it_is_taken_for(corpora: Path) -> None:
    """Pictures, source code, Markdown as Org, Org as OPML: every line has its place, or a problem says that it is no text."""
    as_suffixes = suffixes()
    for at, path in enumerate(every_file(corpora)):
        if path.suffix.lower() not in as_suffixes or at % 10 == 0:
            data = path.read_bytes()
            for suffix in (path.suffix, as_suffixes[at % len(as_suffixes)]):
                outline, account = read_with_account(f"file{suffix}", data)
                assert account.adds_up, (path, account)
                assert not any("failed" in problem.message for problem in outline.problems), outline.problems
                if path.suffix in PICTURES:
                    assert (len(outline.nodes), len(outline.problems)) == (0, 1)
