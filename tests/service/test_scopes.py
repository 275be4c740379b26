"""Files and headings by name."""

from __future__ import annotations

import pytest

from service.errors import InvalidRequest
from service.scopes import find_scopes
from service.search.query_syntax import join_path, split_path
from service.snapshot import Snapshot
from tests.conftest import Workshop


@pytest.fixture
def snapshot(workshop: Workshop) -> Snapshot:
    workshop.write(
        """\
        Garden
            Tomatoes
                Water daily
            Kitchen garden
                Herbs
                    Basil
                Peas
        House
            Old tomatoes
                in the cellar
        """,
        "home.txt",
    )
    workshop.write("Bicycle\n\tTyres\n\t\t4.5 bar\n", "work/bike.txt")
    workshop.build()
    return workshop.snapshot()


def test_nothing_typed_gives_the_files_and_the_outermost_headings(snapshot: Snapshot) -> None:
    found = find_scopes(snapshot, "")
    assert [(file.file, file.notes) for file in found.files] == [("home.txt", 10), ("work/bike.txt", 3)]
    assert [(heading.text, heading.notes) for heading in found.headings] == [
        ("Garden", 6),
        ("House", 2),
        ("Bicycle", 2),
    ]


def test_headings_are_found_by_any_part_of_their_words_the_largest_first(snapshot: Snapshot) -> None:
    found = find_scopes(snapshot, "GARDEN").headings
    assert [(heading.path, heading.text) for heading in found] == [([], "Garden"), (["Garden"], "Kitchen garden")]
    assert [heading.text for heading in find_scopes(snapshot, "mato").headings] == ["Tomatoes", "Old tomatoes"]


def test_all_that_is_typed_has_to_be_there_and_what_has_nothing_below_is_no_heading(snapshot: Snapshot) -> None:
    assert [heading.text for heading in find_scopes(snapshot, "old tom").headings] == ["Old tomatoes"]
    assert find_scopes(snapshot, "basil").headings == []


def test_files_are_found_by_a_part_of_their_name(snapshot: Snapshot) -> None:
    assert [file.file for file in find_scopes(snapshot, "bike").files] == ["work/bike.txt"]


@pytest.mark.parametrize("top", [0, 51])
def test_a_number_out_of_range_is_refused(snapshot: Snapshot, top: int) -> None:
    with pytest.raises(InvalidRequest, match="'top'"):
        find_scopes(snapshot, "", top)


@pytest.mark.parametrize(
    "path", [["Identity", "STS"], ["a > b", "c"], [">"], ["C:\\"], ["->", "x"], ["CI / CD"], ["CI / CD", "a > b"]]
)
def test_a_path_comes_back_from_how_it_is_written(path: list[str]) -> None:
    assert split_path(join_path(path)) == path


def test_as_much_as_a_name_could_have_is_read_of_what_is_typed(snapshot: Snapshot) -> None:
    assert [heading.text for heading in find_scopes(snapshot, "tom old " * 10_000).headings] == ["Old tomatoes"]
    assert find_scopes(snapshot, "tom" + " " * 200 + "nowhere") == find_scopes(snapshot, "tom")
    assert find_scopes(snapshot, "tom" + " " * 100 + "nowhere").headings == []
    assert [file.file for file in find_scopes(snapshot, "BIKE bike " * 10_000).files] == ["work/bike.txt"]


def test_files_come_in_order_and_no_more_than_asked_for(snapshot: Snapshot) -> None:
    assert [file.file for file in find_scopes(snapshot, "", 1).files] == ["home.txt"]
