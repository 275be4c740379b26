"""Node ids: stable while file, path and text are, one of a kind otherwise.

The digests are pinned: ids stand in links and bookmarks, so a change to how they are made needs a new ID_VERSION.
"""

import pytest

from indexer.node import ID_VERSION
from indexer.readers import read_outline


def ids(text: str, file: str = "storage.txt") -> dict[str, str]:
    """Each node's id by its text and, where texts repeat, its line."""
    outline = read_outline(file, text.encode())
    texts = [node.text for node in outline.nodes]
    names = [node.text if texts.count(node.text) == 1 else f"{node.text} {node.line}" for node in outline.nodes]
    return dict(zip(names, outline.ids(), strict=True))


NOTES = """\
S3
    buckets are global
    - Café ☕
EBS
    gp3
    gp3
"""


PINNED = {
    "S3": "12f756a4f0f40636",
    "buckets are global": "cb4c2f9a9b897c7c",
    "Café ☕": "1c94345f36adf50d",
    "EBS": "ee0ccad0d1c4d5f2",
    "gp3 5": "12139010d292620f",
    "gp3 6": "e89109b55104b395",
}


def test_ids_are_pinned() -> None:
    assert ID_VERSION == b"trellis-node-1"
    assert ids(NOTES) == PINNED


def test_the_id_of_a_broken_sentence_is_that_of_the_whole_one() -> None:
    broken = "- Snapshots are incremental and\n  cheap\n"
    whole = "- Snapshots are incremental and cheap\n"
    assert ids(broken) == ids(whole)


@pytest.mark.parametrize(
    "edited",
    [
        NOTES.replace("    ", "\t"),
        NOTES.replace("\n", "\r\n"),
        NOTES.replace("- Café", "* Café"),
        "\n\n" + NOTES.replace("EBS", "\n\nEBS"),
        NOTES.replace("    buckets are global\n    - Café ☕", "    - Café ☕\n    buckets are global"),
    ],
    ids=["tabs", "crlf", "another bullet", "blank lines", "siblings swapped"],
)
def test_ids_survive_what_changes_neither_path_nor_text(edited: str) -> None:
    assert set(ids(edited).values()) == set(PINNED.values())


@pytest.mark.parametrize(
    ("old", "new", "kept"),
    [
        ("buckets are global", "buckets are regional", {"S3", "Café ☕", "EBS", "gp3 5", "gp3 6"}),
        ("S3", "S4", {"EBS", "gp3 5", "gp3 6"}),  # the path of all below it is another
        ("EBS\n", "", {"S3", "buckets are global", "Café ☕"}),  # the gp3 are below S3 now
        ("EBS", "    EBS", {"S3", "buckets are global", "Café ☕"}),
    ],
)
def test_ids_change_exactly_with_path_or_text(old: str, new: str, kept: set[str]) -> None:
    before, after = ids(NOTES), ids(NOTES.replace(old, new))
    assert {name for name, node_id in before.items() if node_id in after.values()} == kept


def test_another_file_has_other_ids() -> None:
    assert not set(ids(NOTES, "storage.txt").values()) & set(ids(NOTES, "aws/storage.txt").values())


def test_twins_are_told_apart_by_their_order() -> None:
    two, three = ids("gp3\ngp3\n"), ids("gp3\nother\ngp3\n\n\ngp3\n")
    assert len(set(three.values())) == 4
    assert (three["gp3 1"], three["gp3 3"]) == (two["gp3 1"], two["gp3 2"])


def test_children_of_twins_are_told_apart() -> None:
    outline = read_outline("a.txt", b"Limits\n  5\nLimits\n  5\n")
    assert len(set(outline.ids())) == 4


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a\n  b\n", "a\nb\n"),  # below it or beside it
        ("ab\n", "a\n  b\n"),
        ("a > b\n", "a\n  b\n"),
        ("a\0b c d e f g h i j k l m n o p\n", "a\n  b c d e f g h i j k l m n o p\n"),
    ],
)
def test_what_reads_alike_does_not_collide(one: str, other: str) -> None:
    assert list(ids(one).values())[-1] != list(ids(other).values())[-1]
