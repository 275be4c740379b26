"""What holds for every text: no line is lost, every line number is true, the nodes are a tree, and nothing is fatal.

The oracle counts lines by itself, character by character.
"""

import re
from collections.abc import Sequence

from hypothesis import example, given
from hypothesis import strategies as st

from indexer.node import Node, Outline
from indexer.readers import read_outline


def lines_of(text: str) -> list[str]:
    """The lines of a text, ended by LF, CR LF or CR."""
    lines = [""]
    for at, character in enumerate(text):
        if character == "\n" and at and text[at - 1] == "\r":
            continue
        if character in "\r\n":
            lines.append("")
        else:
            lines[-1] += character
    return lines


def assert_every_line_is_in_one_node(outline: Outline, lines: Sequence[str]) -> None:
    numbered = [(node.line + offset, text) for node in outline.nodes for offset, text in enumerate(node.lines)]
    assert [number for number, _ in numbered] == [n for n, line in enumerate(lines, 1) if line and not line.isspace()]
    for number, text in numbered:
        assert text
        assert text in lines[number - 1]


def assert_is_a_tree(nodes: Sequence[Node]) -> None:
    above: list[int] = []  # the open subtrees: a node's parent must still be one, or the run is broken
    for at, node in enumerate(nodes):
        if node.parent is None:
            assert node.depth == 0
            above = []
        else:
            assert node.parent < at
            assert nodes[node.parent].depth == node.depth - 1
            assert node.parent in above
            del above[above.index(node.parent) + 1 :]
        above.append(at)


indents = st.text(" \t\u3000\xa0", max_size=6)
bullets = st.sampled_from(["", "", "", "- ", "* ", "+\t", "• ", "1. ", "23) ", "-", "1."])
odd_characters = st.sampled_from("\u2028\u2029\x0b\x0c\x08\x1b\x85\ufeff\u200b\xad\u202e🌥é€")
words = st.sampled_from(
    ["Notes:", "of", "the", "and", "A", "apple", "(see", "below)", "long " * 15, "end.", "why?", "so:", "x,", "Fruit:"]
)
bodies = st.lists(words | odd_characters | st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=6).map(
    " ".join
)
outline_lines = st.builds(lambda indent, bullet, body: indent + bullet + body, indents, bullets, bodies)
ends = st.sampled_from(["\n", "\n", "\n", "\r\n", "\r", "\n\n"])
texts = st.lists(st.builds(lambda line, end: line + end, outline_lines, ends), max_size=25).map("".join)


@given(texts)
@example("Notes:\n- a\n- b")
@example("a\r\r\nb\n\rc")
@example("\ufeffa\n\ufeffb")
@example("-\n- -\n- - -\n")
@example("\u2028\n\x0c\na\x0b\n")
def test_every_line_belongs_to_exactly_one_node_with_its_true_number(text: str) -> None:
    outline = read_outline("notes.txt", text.encode())
    assert not outline.problems
    assert_every_line_is_in_one_node(outline, lines_of(text.removeprefix("\ufeff")))


@given(texts)
def test_a_parent_comes_first_and_a_subtree_is_one_run(text: str) -> None:
    assert_is_a_tree(read_outline("notes.txt", text.encode()).nodes)


@given(texts, st.sampled_from(["utf-8-sig", "utf-16", "utf-32"]))
def test_the_encoding_makes_no_difference(text: str, encoding: str) -> None:
    text = text.removeprefix("\ufeff")
    assert read_outline("notes.txt", text.encode(encoding)) == read_outline("notes.txt", text.encode())


@given(texts)
def test_every_id_is_one_of_a_kind(text: str) -> None:
    outline = read_outline("notes.txt", text.encode())
    ids = outline.ids()
    assert len(set(ids)) == len(outline.nodes)
    assert all(re.fullmatch("[0-9a-f]{16}", node_id) for node_id in ids)


def levels_of(steps: Sequence[int]) -> list[int]:
    """Depths from random numbers: no line is more than one level below the one before it."""
    levels: list[int] = []
    for step in steps:
        levels.append(min(step, levels[-1] + 1 if levels else 0))
    return levels


whole_bodies = bodies.map(str.strip).filter(lambda body: body and not body.startswith("\ufeff"))
plain = whole_bodies.filter(lambda body: not re.match(r"([-*+•‣◦▪·–—]|\d{1,3}[.)])\s", body))
bulleted = st.builds(lambda bullet, body: f"{bullet}{body} ends.".strip(), bullets, whole_bodies)


@given(st.lists(st.tuples(st.integers(0, 5), plain), max_size=20), st.integers(2, 12))
def test_reindenting_by_any_step_or_by_tabs_gives_the_same_tree(rows: list[tuple[int, str]], step: int) -> None:
    assert_same_tree_for_every_indent(rows, step)


@given(st.lists(st.tuples(st.integers(0, 5), bulleted), max_size=20), st.integers(2, 12))
def test_reindenting_bulleted_sentences_gives_the_same_tree(rows: list[tuple[int, str]], step: int) -> None:
    assert_same_tree_for_every_indent(rows, step)


def assert_same_tree_for_every_indent(rows: list[tuple[int, str]], step: int) -> None:
    levels = levels_of([level for level, _ in rows])

    def indented_by(indent: str) -> Outline:
        text = "\n".join(indent * level + body for level, (_, body) in zip(levels, rows, strict=True))
        return read_outline("notes.txt", text.encode())

    by_one = indented_by(" ")
    assert indented_by(" " * step) == by_one
    assert indented_by("\t") == by_one


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["Apple.", "Pear.", "Fig."])), min_size=1, max_size=20))
def test_plain_sentences_nest_exactly_as_they_are_indented(rows: list[tuple[int, str]]) -> None:
    levels = levels_of([level for level, _ in rows])
    text = "\n".join("  " * level + body for level, (_, body) in zip(levels, rows, strict=True))
    assert [node.depth for node in read_outline("notes.txt", text.encode()).nodes] == levels


@given(
    st.binary(max_size=400) | st.lists(st.sampled_from([b"\0", b"a", b"\n", b" ", b"\xff\xfe", b"\xe9"])).map(b"".join)
)
def test_no_bytes_are_fatal_and_none_disappear_without_a_word(data: bytes) -> None:
    outline = read_outline("notes.txt", data)
    assert_is_a_tree(outline.nodes)
    encodings = ["utf-8-sig", "utf-16", "utf-16-be", "utf-32", "latin-1"]
    blank = any(not data.decode(encoding, "replace").strip() for encoding in encodings)
    assert outline.nodes or outline.problems or blank


@given(st.text("aé \t\n\r€", max_size=80))
def test_latin_1_keeps_every_line(text: str) -> None:
    data = text.encode("cp1252")
    outline = read_outline("notes.txt", data)
    assert [node.line + offset for node in outline.nodes for offset in range(len(node.lines))] == [
        number for number, line in enumerate(lines_of(text), 1) if line.strip()
    ]
