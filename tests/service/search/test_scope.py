"""Part of the notes: a subtree, files, or both, chosen before the ranking is cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.quoting import plain
from service.answering import ask, search
from service.errors import GlobNotUnderstood, ScopeNotFound
from service.search import scope as scoping
from service.search.query_syntax import Filters, split_path
from service.search.scope import node_mask
from service.snapshot import Snapshot
from service.types import Result

WORK = """
    Identity
      STS
        temporary keys for a role
        a key lasts an hour
      Users
        a key lasts for ever
    Storage
      Buckets
        a key names an object
      sts
        not the same place
"""
HOME = """
    Identity
      STS
        the key under the mat
    Garden
      beans
"""


@pytest.fixture
def notes(workshop) -> Snapshot:
    workshop.write(WORK, "work/cloud.txt")
    workshop.write(HOME, "home.txt")
    workshop.build()
    return workshop.snapshot()


def in_scope(notes: Snapshot, under: list[str], file: str = "") -> list[str]:
    mask = node_mask(notes.store, Filters(tuple(under), file))
    assert mask is not None
    return [node.text for node in notes.store.run(0, len(notes.store) - 1) if mask[node.row]]


def shown(results: list[Result]) -> list[str]:
    return [result.text for result in results]


@pytest.mark.parametrize(("under", "file"), [([], ""), ([""], " "), (["  ", ""], "")])
def test_no_scope_is_everything(notes: Snapshot, under: list[str], file: str) -> None:
    assert node_mask(notes.store, Filters(tuple(under), file)) is None


UNDER = [
    (["Garden"], ["Garden", "beans"]),
    (["garden"], ["Garden", "beans"]),
    (["  Garden "], ["Garden", "beans"]),
    (["Identity", "Users"], ["Users", "a key lasts for ever"]),
    (
        ["identity", "sts"],
        ["STS", "the key under the mat", "STS", "temporary keys for a role", "a key lasts an hour"],
    ),
    (["Storage", "sts"], ["sts", "not the same place"]),
    (["Identity", "Users", "a key lasts for ever"], ["a key lasts for ever"]),
]


@pytest.mark.parametrize(("under", "texts"), UNDER)
def test_under_takes_the_node_and_all_below_it(notes: Snapshot, under: list[str], texts: list[str]) -> None:
    assert in_scope(notes, under) == texts


FILES = [
    ("*.txt", 16),
    ("home.txt", 5),
    ("work/", 11),
    ("work", 11),
    ("work/**", 11),
    ("/home.txt", 5),
    ("cloud.txt", 11),
    ("**/cloud.*", 11),
    ("  home.txt ", 5),
]


@pytest.mark.parametrize(("glob", "count"), FILES)
def test_file_is_a_glob(notes: Snapshot, glob: str, count: int) -> None:
    assert len(in_scope(notes, [], glob)) == count


def test_under_and_file_together(notes: Snapshot) -> None:
    assert in_scope(notes, ["Identity"], "home.txt") == ["Identity", "STS", "the key under the mat"]


NOWHERE = [
    (["STS"], "", "under"),
    (["Nowhere"], "", "under"),
    (["Identity", "Nowhere"], "", "under"),
    (["Identity", "STS", "deeper", "still"], "", "under"),
    (["Ident"], "", "under"),
    ([], "*.org", "file"),
    (["Garden"], "work/", "file"),
    ([], "!*.txt", "file"),
    ([], "# no", "file"),
    ([], "\0", "file"),
]


@pytest.mark.parametrize(("under", "glob", "what"), NOWHERE)
def test_an_unknown_scope_is_a_clear_error(notes: Snapshot, under: list[str], glob: str, what: str) -> None:
    with pytest.raises(ScopeNotFound) as refused:
        ask(notes, "key", under=under, file=glob)
    assert f"'{what}'" in str(refused.value)
    assert (" > ".join(under) if what == "under" else glob) in str(refused.value)


@pytest.mark.parametrize("glob", ["!", "\\", "[z-a].txt"])
def test_a_glob_that_means_nothing_is_a_clear_error(notes: Snapshot, glob: str) -> None:
    with pytest.raises(GlobNotUnderstood, match="is not a glob"):
        ask(notes, "key", file=glob)


def test_the_scope_is_applied_before_the_cut(workshop) -> None:
    """A hundred better matches elsewhere leave no room for the one in scope, if one only looks at the best few."""
    elsewhere = "\n".join(f"  red apple {number}" for number in range(100))
    workshop.write(f"Crowd\n{elsewhere}\n", "crowd.txt")
    workshop.write("Quiet\n  an apple that is nearly red but mostly of another colour altogether\n", "quiet.txt")
    workshop.build()
    notes = workshop.snapshot()
    question = "red apple"
    assert {result.source.file for result in search(notes, question, top=1).results} == {"crowd.txt"}
    for scope in ({"under": ["Quiet"]}, {"file": "quiet.txt"}):
        for results in (search(notes, question, top=1, **scope).results, ask(notes, question, top=1, **scope).results):
            assert [result.source.file for result in results] == ["quiet.txt"], scope


def test_results_in_scope_match_only_there(notes: Snapshot) -> None:
    results = ask(notes, "how long does a key last", under=["Identity", "Users"]).results
    assert shown(results)[0] == "a key lasts for ever"
    allowed = set(in_scope(notes, ["Identity", "Users"]))
    assert set(shown(results)) <= allowed
    assert {line.text for result in results for line in result.excerpt if line.hit} <= allowed


PATHS = [
    ("Identity > STS", ["Identity", "STS"]),
    ("Identity>STS", ["Identity", "STS"]),
    (" Identity ", ["Identity"]),
    ("", []),
    (" > > ", []),
]


@pytest.mark.parametrize(("path", "segments"), PATHS)
def test_a_path_as_people_write_it(path: str, segments: list[str]) -> None:
    assert split_path(path) == segments


PAGES = {
    "a.md": "---\ntitle: Same\n---\n\n- Tea\n  - green\n- Coffee\n  - black\n",
    "b.md": "---\ntitle: Other\n---\n\n- Tea\n  - from India\n",
    "c.md": "---\ntitle: same\n---\n\n- tea\n  - Tea\n    - white\n- Same\n  - Tea\n",
}


@pytest.mark.parametrize(
    ("under", "texts"),
    [
        (["same", "Tea"], ["Tea", "green", "tea", "Tea", "white", "Tea"]),
        (["same", "tea", "tea"], ["Tea", "white"]),
        (["Other"], ["Tea", "from India"]),
        (["SAME", "coffee"], ["Coffee", "black"]),
    ],
)
def test_a_path_may_begin_with_a_title_that_several_files_have(workshop, under: list[str], texts: list[str]) -> None:
    for file, text in PAGES.items():
        workshop.write(text, file)
    workshop.build()
    assert in_scope(workshop.snapshot(), under) == texts


def test_under_finds_the_same_among_very_many_children(workshop) -> None:
    """More than are read one by one, with letters of which SQLite does not know the capitals."""
    children = "".join(f"  Äpfel {number % 7}\n    x\n  apples {number % 7}\n    y\n" for number in range(400))
    workshop.write(f"Root\n{children}Other\n  apples 3\n")
    workshop.build()
    store = workshop.snapshot().store
    nodes = store.run(0, len(store) - 1)
    for name in ("ÄPFEL 3", "Apples  3"):
        named = [node for node in nodes if node.parent == 0 and plain(node.text) == plain(name)]
        mask = node_mask(store, Filters(("Root", name)))
        assert mask is not None
        assert np.flatnonzero(mask).tolist() == [row for node in named for row in range(node.row, node.last + 1)]
        assert len(named) > 50
    with pytest.raises(ScopeNotFound):
        node_mask(store, Filters(("Root", "apples 9")))


def test_what_nodes_say_is_read_once_however_many_filters_ask(workshop, monkeypatch) -> None:
    workshop.write("* TODO one :a:b:\n:PROPERTIES:\n:who: Ann\n:END:\n** DONE two :d:\n", "notes.org")
    workshop.build()
    store = workshop.snapshot().store
    read: list[tuple[str, ...]] = []
    statements = store.statements
    monkeypatch.setattr(store, "statements", lambda names: read.append(tuple(names)) or statements(names))
    mask = node_mask(store, Filters(tag=("a", "b", "d"), where=(("who", "ann"), ("who", "*"))))
    assert mask is not None
    assert mask.tolist() == [False, True]
    assert sorted(read) == sorted({*read})


@given(st.data())
def test_the_nearest_says_what_holds_as_one_by_one(data: st.DataObject) -> None:
    """Each statement by itself, in their order, as a plain reader would go through them."""
    rows = st.integers(0, 7)
    runs = data.draw(
        st.lists(st.tuples(rows, st.integers(0, 4), st.sampled_from("abA"), st.booleans()), max_size=8),
        label="statements",
    )
    said = sorted(
        ((-1 if file else at, at, at + length, value) for at, length, value, file in runs),
        key=lambda each: (each[1], each[0]),
    )
    expected = np.zeros(12, np.bool_)
    nearest = None
    for node, first, last, value in said:
        expected[first : last + 1] = value.casefold() == "a" or (node == nearest and bool(expected[first]))
        nearest = node

    class Stated:
        def __len__(self) -> int:
            return 12

        def statements(self, names: list[str]) -> list[tuple[int, int, int, str]]:
            return said

    by = scoping._ByRows(Stated())
    assert by.said("x", "a").tolist() == expected.tolist()
    tagged = np.zeros(12, np.bool_)
    for _, first, last, value in said:
        tagged[first : last + 1] |= value.casefold() == "a"
    assert by.tag("a").tolist() == tagged.tolist()
