"""The map of the notes."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from service.map import chosen
from service.map import view as map_view
from service.map.picture import picture_of
from service.map.types import MapView
from service.map.view import view_map
from tests.conftest import Workshop


def view(workshop: Workshop) -> MapView:
    snapshot = workshop.snapshot()
    return view_map(snapshot, picture_of(snapshot.generation).places)


def test_every_node_has_a_place_and_a_section(workshop: Workshop) -> None:
    workshop.write("One\n\ta\n\tb\n", "a.txt")
    workshop.write("Two\n\tc\n", "b.txt")
    workshop.build()
    snapshot = workshop.snapshot()
    found = view(workshop)
    ids = [found.ids[start : start + 16] for start in range(0, len(found.ids), 16)]
    assert [snapshot.store.row_of(node) for node in ids] == [0, 1, 2, 3, 4]
    assert len(found.x) == len(found.y) == 5
    assert (found.sections, found.section, found.by_file) == (["a.txt", "b.txt"], [0, 0, 0, 1, 1], True)


def test_in_one_file_sections_are_its_outermost_headings(workshop: Workshop) -> None:
    workshop.write("One\n\ta\nTwo\n\tb\n\tc\n")
    workshop.build()
    found = view(workshop)
    assert (found.sections, found.section, found.by_file) == (["One", "Two"], [0, 0, 1, 1, 1], False)


def test_under_one_outermost_heading_sections_are_its_children(workshop: Workshop) -> None:
    workshop.write("All\n\tOne\n\t\ta\n\tTwo\n\t\tb\n")
    workshop.build()
    found = view(workshop)
    assert (found.sections, found.section) == (["All", "One", "Two"], [0, 1, 1, 2, 2])


def test_headings_name_the_regions_of_what_stands_below_them_largest_first(workshop: Workshop) -> None:
    workshop.write(
        "Baking bread\n"
        + "".join(f"\tflour water salt dough {number}\n" for number in range(40))
        + "Riding bicycles\n"
        + "".join(f"\tchain tyre brake saddle {number}\n" for number in range(30))
        + "Few\n\tx\n"
    )
    workshop.build()
    found = view(workshop)
    assert [(label.text, label.notes) for label in found.labels] == [("Baking bread", 40), ("Riding bicycles", 30)]
    for label, rows in zip(found.labels, (slice(0, 41), slice(41, 72)), strict=True):
        assert min(found.x[rows]) <= label.x <= max(found.x[rows])
        assert min(found.y[rows]) <= label.y <= max(found.y[rows])


def test_names_are_cut_to_a_length_that_a_map_can_show(workshop: Workshop) -> None:
    workshop.write("x" * 5000 + "\n" + "\tline\n" * 9)
    workshop.build()
    assert {len(label.text) for label in view(workshop).labels} <= {60}


def some_of(found: MapView) -> list[str]:
    return [found.ids[start : start + 16] for start in range(0, len(found.ids), 16)]


@pytest.fixture
def gardens(workshop: Workshop) -> Workshop:
    """Three sections of 41 rows each, in one file."""
    for name in ("Trees", "Herbs", "Roots"):
        before = (workshop.notes / "notes.txt").read_text() if (workshop.notes / "notes.txt").exists() else ""
        workshop.write(before + f"{name}\n" + "".join(f"\t{name} kind {number}\n" for number in range(40)))
    workshop.build()
    return workshop


def test_up_to_so_many_notes_all_have_points_and_nothing_is_said_of_it(gardens: Workshop, monkeypatch) -> None:
    monkeypatch.setattr(chosen, "MOST", 123)
    found = view(gardens)
    assert len(found.x) == len(some_of(found)) == 123
    assert b'"notes":123' not in msgspec.json.encode(found)


def test_of_very_many_notes_some_have_points_and_it_is_said_of_how_many(gardens: Workshop, monkeypatch) -> None:
    monkeypatch.setattr(chosen, "MOST", 30)
    found, store = view(gardens), gardens.snapshot().store
    rows = [store.row_of(node) for node in some_of(found)]
    assert rows == sorted(set(rows))
    assert len(rows) == len(found.x) == len(found.y) == len(found.section) == 30
    assert found.notes == 123
    assert found == view(gardens)
    assert [label.text for label in found.labels] == ["Trees", "Herbs", "Roots"]
    assert {label.notes for label in found.labels} == {40}


@pytest.mark.parametrize("most", [2, 5, 30])
def test_a_section_that_is_seen_is_seen_with_its_first_row(gardens: Workshop, monkeypatch, most: int) -> None:
    """The page opens the list of a section by the first of its points."""
    monkeypatch.setattr(chosen, "MOST", most)
    found, store = view(gardens), gardens.snapshot().store
    assert set(found.section) == set(range(len(found.sections)))
    for number, name in enumerate(found.sections):
        first = some_of(found)[found.section.index(number)]
        assert store.node(store.row_of(first)).text == name


def test_of_very_many_files_those_are_named_that_have_points(workshop: Workshop, monkeypatch) -> None:
    for number in range(20):
        workshop.write(f"One {number}\n\ta\n", f"{number:02}.txt")
    workshop.build()
    monkeypatch.setattr(chosen, "MOST", 6)
    found, store = view(workshop), workshop.snapshot().store
    assert found.by_file
    assert len(found.sections) <= 6
    for node, section in zip(some_of(found), found.section, strict=True):
        assert store.node(store.row_of(node)).file == found.sections[section]


def test_an_edit_elsewhere_moves_no_point_and_chooses_no_others(gardens: Workshop, monkeypatch) -> None:
    monkeypatch.setattr(chosen, "MOST", 30)
    before = picture_of(gardens.snapshot().generation)
    first = view_map(gardens.snapshot(), before.places)
    gardens.write("First\n" + (gardens.notes / "notes.txt").read_text())
    gardens.build()
    second = view_map(gardens.snapshot(), picture_of(gardens.snapshot().generation, before).places)
    old, new = (dict(zip(some_of(each), zip(each.x, each.y, strict=True), strict=True)) for each in (first, second))
    kept = old.keys() & new.keys()
    assert len(kept) >= 28
    assert all(old[node] == new[node] for node in kept)


def test_labels_of_deep_headings_stand_where_a_sample_stands(workshop: Workshop, monkeypatch) -> None:
    workshop.write("".join("\t" * depth + f"level {depth}\n" for depth in range(20)) + "\t" * 20 + "leaf\n" * 1)
    workshop.build()
    whole = view(workshop).labels
    monkeypatch.setattr(map_view, "_MEASURED", 10)
    monkeypatch.setattr(map_view, "_SAMPLE", 1000)
    assert view(workshop).labels == whole
    monkeypatch.setattr(map_view, "_SAMPLE", 3)
    asked: list[int] = []
    median = np.median
    monkeypatch.setattr(np, "median", lambda values, **how: asked.append(len(values)) or median(values, **how))
    found = view(workshop)
    assert max(asked[-2 * 16 :]) == 3
    assert {label.id for label in found.labels} <= set(some_of(found))
