"""The node store, written and opened again before anything is believed."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest

from indexer.chunks import cut_chunks
from indexer.draft import ReadFile
from indexer.node import Problem
from indexer.quoting import content_hash, plain
from indexer.readers import read_outline, read_with_account
from indexer.store import Store
from indexer.store.finding import MOST_QUOTED
from tests.stores import stored, written

Opener = Callable[..., Store]

ONE = """\
Identity

    STS
        - AssumeRole gives the caller temporary keys, and these last for
          one hour
    IAM
        users
        users
Storage
"""
OTHER = "S3\n\tbuckets are global\n"


@pytest.fixture
def store_of(tmp_path: Path) -> Iterator[Opener]:
    """Writes texts as files one.txt, two.txt, ... and opens what was written."""
    opened: list[Store] = []

    def make(*texts: str, problems: tuple[Problem, ...] = ()) -> Store:
        names = ["one.txt", "two.txt", "three.txt"]
        outlines = [read_outline(name, text.encode()) for name, text in zip(names, texts, strict=False)]
        opened.append(stored(tmp_path / f"index-{len(opened)}", outlines, problems))
        return opened[-1]

    yield make
    for store in opened:
        store.close()


@pytest.fixture
def store(store_of: Opener) -> Store:
    return store_of(ONE, OTHER)


ROWS = {
    0: "Identity",
    1: "STS",
    2: "AssumeRole gives the caller temporary keys, and these last for one hour",
    3: "IAM",
    4: "users",
    5: "users",
    6: "Storage",
    7: "S3",
    8: "buckets are global",
}


def test_every_node_comes_back_with_its_place(store: Store) -> None:
    assert len(store) == 9
    assert {row: store.node(row).text for row in range(9)} == ROWS
    assert store.files == ["one.txt", "two.txt"]
    sentence = store.node(2)
    assert (sentence.file, sentence.line, sentence.end_line, sentence.depth) == ("one.txt", 4, 5, 2)
    assert (sentence.lines, sentence.marker) == (
        ("AssumeRole gives the caller temporary keys, and these last for", "one hour"),
        "-",
    )
    assert (store.node(8).file, store.node(8).line, store.node(8).parent) == ("two.txt", 2, 7)


def test_structure_is_held_by_row(store: Store) -> None:
    assert store.parent.tolist() == [-1, 0, 1, 0, 3, 3, -1, -1, 7]
    assert store.last.tolist() == [5, 2, 2, 5, 4, 5, 6, 8, 8]
    assert store.file.tolist() == [0] * 7 + [1] * 2
    assert store.chunk_node.tolist() == list(range(9))


@pytest.mark.parametrize(("row", "children"), [(0, [1, 3]), (1, [2]), (3, [4, 5]), (6, []), (7, [8])])
def test_children(store: Store, row: int, children: list[int]) -> None:
    assert store.children(row) == children


def test_ancestors_and_path_are_outermost_first(store: Store) -> None:
    assert store.ancestors(2) == [0, 1]
    assert store.path(2) == ["Identity", "STS"]
    assert store.path(0) == []


def test_ids_find_their_rows(store: Store) -> None:
    expected = [*read_outline("one.txt", ONE.encode()).ids(), *read_outline("two.txt", OTHER.encode()).ids()]
    assert [store.row_of(node_id) for node_id in expected] == list(range(9))
    assert store.ids() == set(expected)


@pytest.mark.parametrize("node_id", ["", "0000000000000000", "'; DROP TABLE node; --", "x" * 100_000, "\0", "é"])
def test_an_unknown_id_is_none(store: Store, node_id: str) -> None:
    assert store.row_of(node_id) is None


@pytest.mark.parametrize(
    ("file", "line", "row"),
    [
        ("one.txt", 1, 0),
        ("one.txt", 2, None),  # blank
        ("one.txt", 4, 2),
        ("one.txt", 5, 2),  # its second line
        ("one.txt", 9, 6),
        ("one.txt", 10, None),
        ("one.txt", 0, None),
        ("one.txt", -1, None),
        ("one.txt", 2**40, None),
        ("two.txt", 2, 8),
        ("three.txt", 1, None),
    ],
)
def test_the_node_at_a_line(store: Store, file: str, line: int, row: int | None) -> None:
    assert store.row_at(file, line) == row


def test_nodes_come_in_the_order_asked_for(store: Store) -> None:
    assert [node.row for node in store.nodes([8, 0, 4, 0])] == [8, 0, 4, 0]
    assert store.nodes([]) == []
    assert [node.row for node in store.run(3, 5)] == [3, 4, 5]


def test_more_nodes_than_sqlite_takes_in_one_query(store_of: Opener) -> None:
    store = store_of("Top\n" + "".join(f"  child {n}.\n" for n in range(40_000)))
    rows = list(range(40_000, 0, -1))
    assert [node.row for node in store.nodes(rows)] == rows
    assert len(store.children(0)) == 40_000


def test_ten_thousand_levels(store_of: Opener) -> None:
    store = store_of("\n".join(" " * level + f"L{level}." for level in range(10_000)))
    assert store.ancestors(9_999) == list(range(9_999))
    assert store.path(9_999)[-1] == "L9998."
    assert store.last.tolist() == [9_999] * 10_000


@pytest.mark.parametrize("odd", ["\0", "\u2028", "\x0c", "\x85", "'", '"', "\U0001f325", "\ufffd", "<b>", "\\", "%"])
def test_texts_come_back_letter_by_letter(store_of: Opener, odd: str) -> None:
    text = f"Some text around {odd} the odd letter, and a second line of it that\ngoes on {odd} here"
    [node] = store_of(text).nodes([0])
    assert node.lines == tuple(text.split("\n"))


@pytest.mark.parametrize(
    ("words", "rows"),
    [
        (["bucket"], [8]),
        (["BUCKETS"], [8]),
        (["user"], [4, 5]),
        (["sts", "storage"], [1, 6, 2]),  # a word in the path counts, but less
        (["giving"], [2]),
        (["nothing"], []),
        ([], []),
        (["nothing", "global"], [8]),
    ],
)
def test_words_find_chunks_in_any_inflection(store: Store, words: list[str], rows: list[int]) -> None:
    found, scores = store.match(words)
    assert sorted(found.tolist()) == sorted(rows)
    assert len(scores) == len(rows)
    assert (np.diff(scores) <= 0).all()
    assert (scores > 0).all()


def test_a_word_in_the_text_counts_more_than_in_the_path(store: Store) -> None:
    found, _ = store.match(["sts"])
    assert found.tolist() == [1, 2]


@pytest.mark.parametrize(
    "word",
    [
        '"',
        '""',
        'a"b',
        "AND",
        "NOT",
        "NEAR(a b)",
        "*",
        "a*",
        "^a",
        "piece:global",
        "(",
        "-a",
        "?!",
        "{}",
        "'",
        "",
        " ",
        "é\u0301",
    ],
)
def test_awkward_words_are_words(store: Store, word: str) -> None:
    alone, _ = store.match([word])
    assert set(alone.tolist()) <= set(range(9))
    found, _ = store.match([word, "global"])
    assert 8 in found.tolist()


def test_diacritics_do_not_matter(store_of: Opener) -> None:
    store = store_of("Café au lait.\nAnother line.\n")
    assert store.match(["cafe"])[0].tolist() == store.match(["CAFÉ"])[0].tolist() == [0]


def test_problems_come_back(store_of: Opener) -> None:
    problems = (Problem("a.txt", 3, "it's “odd”"), Problem("b.txt", 1, "this file cannot be read"))
    assert store_of(ONE, problems=problems).problems() == list(problems)


def test_chunk_rows_lead_to_a_row_with_that_hash(store: Store) -> None:
    outlines = [read_outline("one.txt", ONE.encode()), read_outline("two.txt", OTHER.encode())]
    hashes = [chunk.hash[:16] for outline in outlines for chunk in cut_chunks(outline)]
    rows = store.chunk_rows()
    assert set(rows) == set(hashes)
    assert len(rows) == 8  # the twins have one
    assert all(hashes[row] == digest for digest, row in rows.items())


def test_the_store_cannot_be_written(store: Store) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        store.segments[0].texts.execute("DELETE FROM node")


def test_the_same_notes_give_the_same_bytes(tmp_path: Path) -> None:
    read = [ReadFile(read_outline("one.txt", dedent(ONE).encode()))]
    first, second = (written(tmp_path / name, read) for name in ("one", "other"))
    assert first == second
    assert first.name == second.name


def test_many_threads_read_one_store(store_of: Opener) -> None:
    store = store_of("Top\n" + "".join(f"  child {n}.\n" for n in range(500)))
    wrong: list[object] = []

    def read(start: int) -> None:
        try:
            texts = {number: store.node(number + 1).text for number in range(start, start + 100)}
            found = {number: store.match([f"{number}"])[0].tolist() for number in texts}
            assert texts == {number: f"child {number}." for number in texts}
            assert found == {number: [number + 1] for number in texts}
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=read, args=(50 * start,)) for start in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


ORG = """\
#+FILETAGS: :space:
* TODO Valve :urgent:
  :PROPERTIES:
  :ID: abc
  :END:
  - first
    second
** DONE Below
* Other
"""


@pytest.fixture
def stated(tmp_path: Path) -> Iterator[Store]:
    """A file of Org between two of indented text, with its accounts and an earlier name."""
    read = [
        read_with_account(name, text.encode()) for name, text in (("a.txt", "a\n"), ("b.org", ORG), ("c.txt", "c\n"))
    ]
    names = {"b.org": ["old.org"]}
    store = stored(tmp_path, [ReadFile(outline, account, names.get(outline.file, ())) for outline, account in read])
    yield store
    store.close()


def test_attributes_hold_for_what_is_below(stated: Store) -> None:
    assert [node.text for node in stated.run(0, len(stated) - 1)] == [
        "a",
        "Valve",
        "first second",
        "Below",
        "Other",
        "c",
    ]
    assert stated.statements(["tag"]) == [(-1, 1, 4, "space"), (1, 1, 3, "urgent")]
    assert sorted(stated.statements(["todo"])) == [(1, 1, 3, "TODO"), (3, 3, 3, "DONE")]
    assert sorted(stated.statements(["state"])) == [(1, 1, 3, "open"), (3, 3, 3, "done")]
    assert stated.statements(["id"]) == [(1, 1, 1, "abc")]  # an id is nobody else's
    assert stated.statements(["no such name"]) == []


def test_what_a_node_says_of_itself(stated: Store) -> None:
    assert dict(stated.attributes(1)) == {"todo": "TODO", "state": "open", "tag": "urgent", "id": "abc"}
    assert stated.attributes(2) == []
    assert ("tag", "space", 1) in stated.attribute_values()


def test_accounts_are_kept(stated: Store) -> None:
    assert [str(account) for account in stated.accounts()] == [
        "a.txt (indented text): 2 lines = 1 in nodes + 1 blank",
        "b.org (Org): 10 lines = 5 in nodes + 1 blank + 3 properties + 1 keyword",
        "c.txt (indented text): 2 lines = 1 in nodes + 1 blank",
    ]


def test_tags_are_words_that_a_node_is_found_by(stated: Store) -> None:
    rows, _ = stated.match(["urgent"])
    assert stated.chunk_node[rows].tolist() == [1]
    assert stated.chunks_with("urgent") == 1


def test_ids_under_an_earlier_name_of_the_file(stated: Store) -> None:
    former = read_outline("old.org", ORG.encode()).ids()
    assert [stated.row_of(node_id) for node_id in former] == [1, 2, 3, 4]


def test_lines_that_do_not_follow_one_another(tmp_path: Path) -> None:
    outline = read_outline("pages/a.md", b"- one\n  key:: value\n  two\n\t- below\n", "logseq")
    store = stored(tmp_path, [outline])
    node = store.node(0)
    assert (node.line, node.end_line, list(node.line_numbers), node.lines) == (1, 3, [1, 3], ("one", "two"))
    assert [store.row_at("pages/a.md", line) for line in (1, 2, 3, 4, 5)] == [0, 0, 0, 1, None]
    store.close()


def test_many_nodes_on_one_line(tmp_path: Path) -> None:
    text = '<opml><body><outline text="a"><outline text="b"/></outline><outline text="c"/></body></opml>'
    outline = read_outline("a.opml", text.encode())
    store = stored(tmp_path, [outline])
    assert store.line.tolist() == [1, 1, 1]
    assert store.row_at("a.opml", 1) == 0
    store.close()


@pytest.mark.parametrize("name", ["straße", "water", "ab", "two words", "no such name", "κελι", "k"])
def test_many_rows_are_named_as_few_are(store_of: Opener, name: str) -> None:
    """SQLite and Python do not agree on letters without case: K is also the sign of degrees Kelvin."""
    texts = ["STRASSE", "Straße", "Water", "water it", "AB", "Two  words", "ΚΕΛΙ", "\N{KELVIN SIGN}", "K"] * 80
    store = store_of("\n".join(texts) + "\n")
    rows = np.arange(0, len(store), dtype=np.int64)
    expected = [row for row in rows.tolist() if plain(store.node(row).text) == plain(name)]
    for level in (rows, rows[len(rows) // 10 :], rows[rows % 4 > 0], rows[:9], rows[:0]):
        found = store.rows_named(level, plain(name))
        assert found == [row for row in expected if row in set(level.tolist())]


def test_of_very_many_rows_far_apart_all_that_are_named_are_found(store_of: Opener) -> None:
    store = store_of("Water\nother\nother\nother\n" * 600)
    rows = np.arange(0, len(store), 4)
    assert store.rows_named(rows, "water") == rows.tolist()
    assert store.rows_named(rows + 1, "water") == []


def test_of_very_many_places_of_a_quote_some_are_looked_at_the_shortest_texts_first(store_of: Opener) -> None:
    store = store_of("long and full of water\n" * (MOST_QUOTED + 10) + "water\n" + "water water\n" * MOST_QUOTED)
    assert store.rows_quoted("water", content_hash("water")) == [MOST_QUOTED + 10]
    assert len(store.rows_quoted("water water", content_hash("water water"))) == MOST_QUOTED
    assert store.rows_quoted("full", content_hash("long and full of water")) == list(range(MOST_QUOTED))
