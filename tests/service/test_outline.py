"""The outline around a node, part by part, and what an excerpt leaves out."""

from __future__ import annotations

import pytest

from service import answering
from service.errors import InvalidRequest, NodeNotFound
from service.outline import view_outline
from service.snapshot import Snapshot
from tests.conftest import Workshop

OUTLINE = """\
    Garden
        Tomatoes
            Water daily
            Sow in March
        Beans
            - Poles first
    House
        Boiler
"""


@pytest.fixture
def snapshot(workshop: Workshop) -> Snapshot:
    workshop.write(OUTLINE)
    workshop.write("Another\n\tfile\n", "z.txt")
    workshop.build()
    return workshop.snapshot()


def node_at(snapshot: Snapshot, line: int, file: str = "notes.txt") -> str:
    return answering.node_at(snapshot, file, line)


def test_a_node_comes_in_the_outline_of_its_whole_file(snapshot: Snapshot) -> None:
    view = view_outline(snapshot, node_at(snapshot, 4))
    assert [(row.depth, row.text) for row in view.rows] == [
        (0, "Garden"),
        (1, "Tomatoes"),
        (2, "Water daily"),
        (2, "Sow in March"),
        (1, "Beans"),
        (2, "Poles first"),
        (0, "House"),
        (1, "Boiler"),
    ]
    assert (view.at, view.start, view.total, view.zoom) == (3, 0, 8, None)
    assert [step.text for step in view.path] == ["Garden", "Tomatoes"]
    assert (view.source.file, view.source.line, view.text) == ("notes.txt", 4, "Sow in March")
    assert view.rows[5].marker == "-"


def test_each_row_knows_its_place_among_its_siblings_and_what_is_below(snapshot: Snapshot) -> None:
    rows = view_outline(snapshot, node_at(snapshot, 1)).rows
    assert [(row.place, row.siblings, row.below) for row in rows] == [
        (1, 2, 5),
        (1, 2, 2),
        (1, 2, 0),
        (2, 2, 0),
        (2, 2, 1),
        (1, 1, 0),
        (2, 2, 1),  # of this file: the top level of another one does not count
        (1, 1, 0),
    ]


def test_zoomed_into_a_subtree_it_is_all_there_is(snapshot: Snapshot) -> None:
    view = view_outline(snapshot, node_at(snapshot, 4), zoom=node_at(snapshot, 2))
    assert [(row.depth, row.text) for row in view.rows] == [(0, "Tomatoes"), (1, "Water daily"), (1, "Sow in March")]
    assert view.zoom is not None
    assert (view.zoom.text, view.at, view.total) == ("Tomatoes", 2, 3)


def test_the_path_to_a_very_deep_node_is_shown_at_its_ends(workshop: Workshop) -> None:
    workshop.write("".join(" " * depth + f"level{depth} {'long ' * 500}\n" for depth in range(100)))
    workshop.build()
    notes = workshop.snapshot()
    path = view_outline(notes, node_at(notes, 100)).path
    assert [step.line for step in path] == [*range(1, 18), *range(84, 100)]
    assert path[16].text == "…"
    assert path[0].text.startswith("level0 long")
    assert sum(len(step.text) for step in path) <= 6000


def test_rows_come_in_parts(snapshot: Snapshot) -> None:
    view = view_outline(snapshot, node_at(snapshot, 1), start=6, top=5)
    assert [row.text for row in view.rows] == ["House", "Boiler"]
    assert view_outline(snapshot, node_at(snapshot, 1), start=100).rows == []


def test_a_long_file_begins_at_a_whole_block_near_the_node(workshop: Workshop) -> None:
    workshop.write("Top\n" + "".join(f"\tline {number}\n" for number in range(1000)))
    workshop.build()
    snapshot = workshop.snapshot()
    view = view_outline(snapshot, node_at(snapshot, 640))
    assert view.start == 500
    assert view.rows[view.at - view.start].line == 640
    assert len(view.rows) == 200


@pytest.mark.parametrize(
    ("options", "words"), [({"top": 0}, "'top'"), ({"top": 201}, "'top'"), ({"start": -1}, "'start'")]
)
def test_what_is_out_of_range_is_refused_by_name(snapshot: Snapshot, options: dict[str, int], words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        view_outline(snapshot, node_at(snapshot, 1), **options)  # type: ignore[arg-type]


def test_a_node_elsewhere_than_the_zoom_and_one_that_is_gone_are_refused(snapshot: Snapshot) -> None:
    with pytest.raises(InvalidRequest, match="below"):
        view_outline(snapshot, node_at(snapshot, 8), zoom=node_at(snapshot, 1))
    with pytest.raises(NodeNotFound):
        view_outline(snapshot, "0" * 16)


def test_a_result_counts_what_it_leaves_out(workshop: Workshop) -> None:
    lines = [f"\titem {number}\n" + "\t\tdetail\n" * (number % 2) for number in range(30)]
    workshop.write("Shelf\n" + "".join(lines) + "\tviolin\n" + "".join(lines))
    workshop.build()
    snapshot = workshop.snapshot()
    (result,) = answering.search(snapshot, "violin", 1).results
    cut = result.cut
    assert cut is not None
    inside = result.source.end_line - result.source.start_line + 1
    assert cut.rows == 1 + 2 * 45 + 1
    assert cut.before.notes + inside + cut.after.notes == cut.rows - 1
    assert cut.before.notes == result.source.start_line - 2
    assert 0 < cut.before.siblings < cut.before.notes
    assert cut.node == node_at(snapshot, 1)
    assert result.path_ids == [cut.node]


def test_nothing_beyond_the_scope_is_counted(snapshot: Snapshot) -> None:
    (result,) = answering.search(snapshot, "water", 1, under=["Garden", "Tomatoes"]).results
    assert result.cut is not None
    shown = {line.line for line in result.excerpt}
    assert result.cut.after.notes + len(shown - {2}) + result.cut.before.notes == 2
