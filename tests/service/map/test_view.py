"""The map of the notes."""

from __future__ import annotations

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
