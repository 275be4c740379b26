"""Files that are renamed or moved: what the index takes a new file for, and that links to its nodes go on working."""

import pytest

from indexer.generation import open_generation
from indexer.renames import former_names
from tests.conftest import TINY_MODEL, Workshop


@pytest.mark.parametrize(
    ("then", "now", "former"),
    [
        ({"a": "1"}, {"a": "1"}, {}),
        ({"a": "1"}, {"b": "1"}, {"b": ["a"]}),
        ({"a": "1"}, {"b": "2"}, {}),
        ({"a": "1"}, {"a": "1", "b": "1"}, {}),  # a copy
        ({"a": "1", "b": "2"}, {"a": "2", "b": "1"}, {}),  # each name is still there
        ({"x/a": "1", "y/b": "1"}, {"z/b": "1", "z/a": "1"}, {"z/a": ["x/a"], "z/b": ["y/b"]}),
        ({"a": "1", "b": "1"}, {"c": "1"}, {"c": ["a"]}),
        ({"a": "1"}, {"b": "1", "c": "1"}, {"b": ["a"]}),
    ],
)
def test_a_new_file_with_the_contents_of_one_that_is_gone_is_that_one(
    then: dict[str, str], now: dict[str, str], former: dict[str, list[str]]
) -> None:
    assert former_names(then, {}, now) == former


def test_names_add_up_over_several_renames() -> None:
    assert former_names({"b": "1"}, {"b": ["a"]}, {"c": "1"}) == {"c": ["b", "a"]}
    assert former_names({"b": "1"}, {"b": ["a"]}, {"b": "2"}) == {"b": ["a"]}  # edited later
    assert former_names({"b": "1"}, {"b": ["a"]}, {"a": "1"}) == {"a": ["b"]}  # and back
    assert former_names({"b": "1"}, {"b": ["a"]}, {"c": "2"}) == {}


def ids(workshop: Workshop) -> dict[str, str]:
    opened = open_generation(workshop.index, TINY_MODEL)
    try:
        return {node.text: node.id for node in opened.store.nodes(range(len(opened.store)))}
    finally:
        opened.close()


def text_of(workshop: Workshop, node_id: str) -> str | None:
    opened = open_generation(workshop.index, TINY_MODEL)
    try:
        row = opened.store.row_of(node_id)
        return None if row is None else opened.store.node(row).text
    finally:
        opened.close()


def test_old_ids_lead_to_the_renamed_file_and_nothing_is_embedded(workshop: Workshop) -> None:
    path = workshop.write("EC2\n    instances\n    instances\n", "aws.txt")
    workshop.build()
    old = ids(workshop)
    (workshop.notes / "cloud").mkdir()
    path = path.rename(workshop.notes / "cloud" / "amazon.txt")
    assert workshop.build().embedded == 0
    assert text_of(workshop, old["EC2"]) == "EC2"
    assert text_of(workshop, old["instances"]) == "instances"
    path.rename(workshop.notes / "third.txt")
    assert workshop.build().embedded == 0
    assert text_of(workshop, old["instances"]) == "instances"


def test_they_still_do_when_the_renamed_file_is_edited(workshop: Workshop) -> None:
    workshop.write("EC2\n    instances\n", "aws.txt").rename(workshop.notes / "first.txt")
    workshop.build()
    old = ids(workshop)
    (workshop.notes / "first.txt").rename(workshop.notes / "second.txt")
    workshop.build()
    workshop.write("EC2\n    instances\n    images\n", "second.txt")
    workshop.build()
    assert text_of(workshop, old["instances"]) == "instances"
    workshop.write("EC2\n    images\n", "second.txt")
    workshop.build()
    assert text_of(workshop, old["instances"]) is None


def test_a_new_file_under_the_old_name_has_its_ids_to_itself(workshop: Workshop) -> None:
    workshop.write("EC2\n    instances\n", "aws.txt")
    workshop.build()
    old = ids(workshop)
    (workshop.notes / "aws.txt").rename(workshop.notes / "new.txt")
    workshop.build()
    workshop.write("EC2\n", "aws.txt")
    workshop.build()
    opened = open_generation(workshop.index, TINY_MODEL)
    row = opened.store.row_of(old["EC2"])
    assert row is not None
    assert opened.store.node(row).file == "aws.txt"
    opened.close()
