"""Part of the notes: a subtree, files, or both, chosen before the ranking is cut."""

from __future__ import annotations

import pytest

from service.answering import ask, search
from service.errors import GlobNotUnderstood, ScopeNotFound
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
