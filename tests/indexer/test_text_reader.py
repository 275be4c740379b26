"""Indented text in, nodes out. `tree` writes the nodes as a plain outline: two spaces a level, bullets taken off."""

from textwrap import dedent

import pytest

from indexer.node import Outline
from indexer.readers import read_outline


def read(text: str) -> Outline:
    """The nodes of an outline that is indented with the test around it."""
    return read_outline("notes.txt", dedent(text).lstrip("\n").encode())


def tree(outline: Outline) -> str:
    return "\n".join("  " * node.depth + node.text for node in outline.nodes)


def assert_tree(text: str, expected: str) -> None:
    outline = read(text)
    assert tree(outline) == dedent(expected).strip("\n")
    assert not outline.problems


STORAGE = """
    Storage
      S3
        buckets are global
        objects up to 5 TB
      EBS
        volumes live in one zone
    Compute
      EC2
"""


@pytest.mark.parametrize("indent", [" ", "  ", "   ", "    ", "     ", "        ", " " * 13, "\t", "\t\t", "\u3000"])
def test_any_step_is_read_as_one_level(indent: str) -> None:
    two_spaces = dedent(STORAGE).lstrip("\n")
    text = "".join(
        indent * ((len(line) - len(line.lstrip())) // 2) + line.lstrip() + "\n" for line in two_spaces.splitlines()
    )
    assert tree(read(text)) == two_spaces.rstrip("\n")


@pytest.mark.parametrize(
    ("text", "depths"),
    [
        ("a\n\tb\n\t  c\n\t  d\n\te\n", [0, 1, 2, 2, 1]),
        ("a\n    b\n\tc\n", [0, 1, 1]),  # a tab beside steps of four counts four
        ("a\n  b\n    c\n\td\n", [0, 1, 2, 1]),  # and two beside steps of two
        ("a\n    b\n  \tc\n    d\n", [0, 1, 1, 1]),  # spaces before a tab do not add to it
        ("a\n        b\n\tc\n\t\td\n", [0, 1, 1, 2]),
    ],
)
def test_tabs_and_spaces_stand_for_the_same_columns(text: str, depths: list[int]) -> None:
    assert [node.depth for node in read_outline("notes.txt", text.encode()).nodes] == depths


def test_a_jump_of_several_levels_is_one_level() -> None:
    assert_tree(
        """
        Networking
                    VPC
                      subnets
            Route 53
        """,
        """
        Networking
          VPC
            subnets
          Route 53
        """,
    )


def test_a_dedent_to_a_level_never_seen_goes_under_the_nearest_line_that_is_indented_less() -> None:
    assert_tree(
        """
        Networking
                VPC
                        subnets
            Route 53
                  records
              zones
          Direct Connect
        """,
        """
        Networking
          VPC
            subnets
          Route 53
            records
            zones
          Direct Connect
        """,
    )


def test_a_file_may_begin_indented() -> None:
    assert_tree("x\n", "x")
    outline = read_outline("notes.txt", b"        deep\n    less\nnot at all\n    below\n")
    assert [(node.text, node.depth, node.parent) for node in outline.nodes] == [
        ("deep", 0, None),
        ("less", 0, None),
        ("not at all", 0, None),
        ("below", 1, 2),
    ]


def test_blank_lines_count_but_are_no_nodes() -> None:
    outline = read_outline("notes.txt", b"\n  \nA\n\n\n  b\n\t\n    c\n\n")
    assert [(node.line, node.text, node.depth) for node in outline.nodes] == [(3, "A", 0), (6, "b", 1), (8, "c", 2)]


@pytest.mark.parametrize("label", ["Notes:", "notes :", "My notes:", "The outline:", "Table of contents:", "INDEX:"])
def test_a_label_line_is_a_node_but_no_ones_ancestor(label: str) -> None:
    outline = read_outline("notes.txt", f"{label}\n    IAM\n        users\n    S3\n".encode())
    assert [(node.line, node.text, node.depth, node.parent) for node in outline.nodes] == [
        (1, label, 0, None),
        (2, "IAM", 0, None),
        (3, "users", 1, 1),
        (4, "S3", 0, None),
    ]


@pytest.mark.parametrize(
    ("text", "depths"),
    [
        ("Notes:\n    IAM\nS3\n", [0, 1, 0]),  # not everything stands below it
        ("IAM:\n    users\n", [0, 1]),  # a subject
        ("- Notes:\n  - IAM\n", [0, 1]),  # an item
        ("Notes:\n", [0]),
        ("Notes:\n- IAM\n- S3\n", [0, 0, 0]),  # bullets flush under it stand below it
    ],
)
def test_what_only_looks_like_a_label(text: str, depths: list[int]) -> None:
    assert [node.depth for node in read_outline("notes.txt", text.encode()).nodes] == depths


@pytest.mark.parametrize("marker", [*"-*+•‣◦▪·–—", "1.", "2)", "10.", "999)"])
@pytest.mark.parametrize("gap", [" ", "   ", "\t"])
def test_bullets_and_numbers_are_taken_off(marker: str, gap: str) -> None:
    [top, item] = read_outline("notes.txt", f"Fruit.\n    {marker}{gap}apple\n".encode()).nodes
    assert (item.text, item.marker, item.depth, item.line) == ("apple", marker, 1, 2)
    assert (top.text, top.marker) == ("Fruit.", "")


@pytest.mark.parametrize(
    "text",
    [
        "-5 degrees",
        "*bold* words",
        "-",
        "*",
        "1.",
        "1.5 GB",
        "2024. was a year",
        "+1 for that",
        "a) is no number",
        "--- x",
    ],
)
def test_what_only_looks_like_a_bullet_stays_text(text: str) -> None:
    [node] = read_outline("notes.txt", text.encode()).nodes
    assert (node.text, node.marker) == (text, "")


def test_bullets_flush_under_their_heading_stand_below_it() -> None:
    assert_tree(
        """
        Fruit
        - apple
        - pear
          - conference
        Vegetables:
        1. kale
        2. leek

        Herbs
        * mint
        """,
        """
        Fruit
          apple
          pear
            conference
        Vegetables:
          kale
          leek
        Herbs
          mint
        """,
    )


def test_bullets_flush_under_an_indented_heading() -> None:
    assert_tree(
        """
        Food
            Fruit:
            - apple
            - pear
            Bread:
            - rye
        Drink
        """,
        """
        Food
          Fruit:
            apple
            pear
          Bread:
            rye
        Drink
        """,
    )


def test_bullets_beside_plain_siblings_stay_siblings() -> None:
    assert_tree(
        """
        Food
            bread
            butter
            - cheese
        """,
        """
        Food
          bread
          butter
          cheese
        """,
    )


def test_a_sentence_broken_under_its_bullet_is_one_node() -> None:
    outline = read(
        """
        - Snapshots are incremental, so only the blocks that changed after the
          last one are saved,
          and they cost less
        - Volumes
          - gp3
        """
    )
    assert tree(outline).split("\n")[0] == (
        "Snapshots are incremental, so only the blocks that changed after the last one are saved, and they cost less"
    )
    assert [(node.line, node.end_line, node.depth) for node in outline.nodes] == [(1, 3, 0), (4, 4, 0), (5, 5, 1)]


def test_a_sentence_broken_at_its_own_column_is_one_node() -> None:
    outline = read(
        """
        EBS
            Snapshots are incremental, so only the blocks that changed after the last
            one are saved.
            Volumes live in one zone.
        """
    )
    assert [(node.line, node.lines) for node in outline.nodes] == [
        (1, ("EBS",)),
        (2, ("Snapshots are incremental, so only the blocks that changed after the last", "one are saved.")),
        (4, ("Volumes live in one zone.",)),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "The first sentence is long enough to have been broken by hand here.\nso is this\n",  # it has ended
        "short\nlines\n",
        "a list of all the fruit that one can find on a market in May,\n\nand more\n",  # a blank line between
        "a list of all the fruit that one can find on a market in May,\n- and more\n",  # a bullet of its own
        "A list of all the fruit that one can find on a market in the May\nApples are there\n",  # begins anew
    ],
)
def test_lines_that_are_not_continued_stay_two_nodes(text: str) -> None:
    assert len(read_outline("notes.txt", text.encode()).nodes) == 2


def test_no_more_than_twelve_lines_are_joined_so_that_an_excerpt_can_show_them_all() -> None:
    outline = read_outline("notes.txt", b"and so on,\n" * 30)
    assert [len(node.lines) for node in outline.nodes] == [12, 12, 6]
    assert [node.line for node in outline.nodes] == [1, 13, 25]


@pytest.mark.parametrize("odd", ["\u2028", "\u2029", "\x0c", "\x0b", "\x85", "\x1b", "\0", "\u200b", "\ufeff"])
def test_an_odd_character_inside_a_line_neither_splits_nor_shifts_it(odd: str) -> None:
    middle = f"the {odd} middle"
    text = f"A heading of some length\n    {middle}\n        the end of the notes\n"
    outline = read_outline("notes.txt", text.encode())
    assert [(node.line, node.text, node.depth) for node in outline.nodes] == [
        (1, "A heading of some length", 0),
        (2, middle, 1),
        (3, "the end of the notes", 2),
    ]


def test_a_line_of_a_million_characters() -> None:
    long = "word " * 200_000 + "end"
    outline = read_outline("notes.txt", f"A\n  {long}\n  B\n".encode())
    assert [(node.line, len(node.text), node.depth) for node in outline.nodes] == [
        (1, 1, 0),
        (2, 1_000_003, 1),
        (3, 1, 1),
    ]


@pytest.mark.parametrize("indent", [" ", "\t"])
def test_ten_thousand_levels(indent: str) -> None:
    levels = 10_000
    outline = read_outline("notes.txt", "\n".join(indent * level + f"L{level}." for level in range(levels)).encode())
    assert [node.depth for node in outline.nodes] == list(range(levels))
    assert [node.parent for node in outline.nodes] == [None, *range(levels - 1)]
    assert len(set(outline.ids())) == levels


def test_a_hundred_thousand_children() -> None:
    outline = read_outline("notes.txt", b"Top\n" + b" - child.\n" * 100_000)
    assert {node.parent for node in outline.nodes} == {None, 0}
    assert outline.nodes[-1].line == 100_001


@pytest.mark.parametrize("data", [b"", b"\n", b"   \n\t\n\r\n", b"\xef\xbb\xbf", b"\xff\xfe", b"\x0c\n"])
def test_nothing_in_it(data: bytes) -> None:
    outline = read_outline("notes.txt", data)
    assert (list(outline.nodes), list(outline.problems)) == ([], [])


@pytest.mark.parametrize(
    "name", ["notes.txt", "NOTES.TXT", "notes.otl", "notes.text", "notes.outline", "notes", "a.unknown"]
)
def test_the_suffix_chooses_the_reader_and_text_is_the_default(name: str) -> None:
    outline = read_outline(name, b"A\n\tb\n")
    assert outline.file == name
    assert tree(outline) == "A\n  b"
