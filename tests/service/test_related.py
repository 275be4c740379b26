"""Related notes come from elsewhere: never the note itself, what stands above it or what stands below it."""

from __future__ import annotations

import pytest

from service.answering import node_at, related, view_node
from service.errors import TopOutOfRange
from service.snapshot import Snapshot

NOTES = """
    Kitchen knives
      sharpen knives on a stone
        a wet stone for knives
      knives are not for bones
    Garden
      Tools
        sharpen the spade on a stone
        oil the handle
    Cellar
      a stone floor
"""


@pytest.fixture
def notes(workshop) -> Snapshot:
    workshop.write(NOTES)
    workshop.build()
    return workshop.snapshot()


def family(notes: Snapshot, node_id: str) -> set[str]:
    """The ids of a node, its ancestors and its descendants."""
    store = notes.store
    row = store.row_of(node_id)
    assert row is not None
    rows = [*store.ancestors(row), *range(row, int(store.last[row]) + 1)]
    return {node.id for node in store.nodes(rows)}


@pytest.mark.parametrize("line", range(1, 11))
def test_never_itself_its_ancestors_or_its_descendants(notes: Snapshot, line: int) -> None:
    node_id = node_at(notes, "notes.txt", line)
    found = related(notes, node_id, top=50)
    ids = [node.id for node in found.results]
    assert found.node == node_id
    assert found.generation == notes.name
    assert ids
    assert len(ids) == len(set(ids))
    assert not set(ids) & family(notes, node_id)


def test_the_nearest_in_meaning_comes_first(notes: Snapshot) -> None:
    found = related(notes, node_at(notes, "notes.txt", 2)).results
    assert found[0].text == "sharpen the spade on a stone"
    assert found[0].path == ["Garden", "Tools"]
    assert (found[0].source.file, found[0].source.line) == ("notes.txt", 7)
    scores = [node.score for node in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


def test_an_equal_note_elsewhere_is_related_although_the_text_is_the_same(workshop) -> None:
    workshop.write("Here\n  buy milk\n", "a.txt")
    workshop.write("Here\n  buy milk\n", "b.txt")
    workshop.build()
    notes = workshop.snapshot()
    best = related(notes, node_at(notes, "a.txt", 2)).results[0]
    assert (best.text, best.source.file, best.score) == ("buy milk", "b.txt", pytest.approx(1, abs=1e-3))


def test_the_only_note_has_no_related_ones(workshop) -> None:
    workshop.write("alone\n  and below\n")
    workshop.build()
    notes = workshop.snapshot()
    for line in (1, 2):
        assert related(notes, node_at(notes, "notes.txt", line)).results == []


def test_where_there_are_only_siblings_they_are_related(workshop) -> None:
    workshop.write("Fruit\n  red apple\n  green apple\n")
    workshop.build()
    notes = workshop.snapshot()
    assert [node.text for node in related(notes, node_at(notes, "notes.txt", 2)).results] == ["green apple"]


@pytest.mark.parametrize("top", [1, 3, 50])
def test_top_is_kept(notes: Snapshot, top: int) -> None:
    node_id = node_at(notes, "notes.txt", 2)
    assert 1 <= len(related(notes, node_id, top=top).results) <= top


def test_asked_for_many_there_are_as_many_as_there_can_be(workshop) -> None:
    """A long note is several chunks; its related notes are still counted as notes."""
    long = " ".join(f"word{number}" for number in range(2000))
    workshop.write("Long\n" + "".join(f"  {long} {n}\n" for n in range(5)), "long.txt")
    workshop.write("word1 word2 word3\n", "short.txt")
    workshop.build()
    notes = workshop.snapshot()
    found = related(notes, node_at(notes, "short.txt", 1), top=6).results
    assert len(found) == 6


@pytest.mark.parametrize("top", [-1, 0, 51, 10**30])
def test_top_out_of_range_is_refused(notes: Snapshot, top: int) -> None:
    with pytest.raises(TopOutOfRange, match="between 1 and 50"):
        related(notes, node_at(notes, "notes.txt", 1), top=top)


def test_a_related_note_can_be_looked_up(notes: Snapshot) -> None:
    for node in related(notes, node_at(notes, "notes.txt", 2)).results:
        seen = view_node(notes, node.id)
        assert (seen.text, seen.path, seen.source) == (node.text, node.path, node.source)
