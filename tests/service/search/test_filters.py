"""Filters by what notes say of themselves, with inheritance down the tree, and how people write them into a question."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.answering import ask, search
from service.config import Config
from service.errors import EmptyQuestion, InvalidRequest, ScopeNotFound
from service.http.web import create_app
from service.search.query_syntax import EVERYTHING, Filters, misread, parse_query, split_property
from service.search.scope import node_mask
from service.snapshot import Current, Snapshot
from tests.conftest import TINY_MODEL, Workshop, run_trellis
from tests.trees import ORG

MARKDOWN = """
    ---
    tags: [home]
    date: 2025-12-24
    ---
    # Garden

    - [ ] turn the key in the shed
    - [x] the key to good beans
    - plain key words #Urgent/today
"""


@pytest.fixture
def notes(workshop: Workshop) -> Snapshot:
    workshop.write(ORG, "apollo.org")
    workshop.write(MARKDOWN, "garden.md")
    workshop.write("plain\n    a key without anything\n", "plain.txt")
    workshop.build()
    return workshop.snapshot()


def in_scope(notes: Snapshot, **filters: object) -> list[str]:
    mask = node_mask(notes.store, Filters(**filters))  # type: ignore[arg-type]
    assert mask is not None
    return [node.text for node in notes.store.run(0, len(notes.store) - 1) if mask[node.row]]


VALVE = ["Check the key valve", "a key detail of the valve"]
FUEL = ["Order the key fuel", "twelve key tonnes", "Answer of the key supplier"]
APOLLO = ["Apollo", "2026-01-15 Thu", *VALVE, *FUEL]
KITCHEN = ["Kitchen", "the key of the larder"]
GARDEN = ["Garden", "turn the key in the shed", "the key to good beans", "plain key words"]


@pytest.mark.parametrize(
    ("filters", "texts"),
    [
        ({"tag": ("Mission",)}, APOLLO),
        ({"tag": ("urgent/today",)}, ["plain key words"]),
        ({"tag": ("today",)}, None),
        ({"tag": ("space",)}, [*APOLLO, *KITCHEN]),  # of the file
        ({"tag": ("#urgent",)}, [*FUEL, "plain key words"]),
        ({"tag": ("urgent", "home")}, ["plain key words"]),
        ({"todo": "open"}, [*VALVE, "Answer of the key supplier", "turn the key in the shed"]),
        ({"todo": "done"}, ["Order the key fuel", "twelve key tonnes", "the key to good beans"]),
        ({"todo": "todo"}, [*VALVE, "turn the key in the shed"]),
        ({"todo": "wait"}, None),
        ({"todo": "*"}, [*VALVE, *FUEL, "turn the key in the shed", "the key to good beans"]),
        ({"todo": "WAITING"}, ["Answer of the key supplier"]),
        (
            {"where": (("owner", "priya"),)},
            [text for text in [*APOLLO, *KITCHEN] if text != "Answer of the key supplier"],
        ),
        ({"where": (("owner", "Ann"),)}, ["Answer of the key supplier"]),
        ({"where": (("owner", "*"),)}, [*APOLLO, *KITCHEN]),
        ({"where": (("colour", "*"),)}, None),
        ({"after": "2026"}, ["2026-01-15 Thu", *VALVE]),
        ({"after": "2026-03-01"}, VALVE),
        ({"after": "2026-03-02"}, None),
        ({"before": "2026"}, GARDEN),
        ({"after": "2026-01", "before": "2026-02"}, ["2026-01-15 Thu"]),
        ({"before": "2026-01-16", "after": "2025-12-25"}, ["2026-01-15 Thu"]),
        ({"tag": ("space",), "todo": "open", "file": "*.org"}, [*VALVE, "Answer of the key supplier"]),
        ({"under": ("Apollo",), "tag": ("home",)}, None),
    ],
)
def test_what_is_in_scope(notes: Snapshot, filters: dict[str, object], texts: list[str] | None) -> None:
    if texts is None:
        with pytest.raises(ScopeNotFound):
            in_scope(notes, **filters)
    else:
        assert in_scope(notes, **filters) == texts


@pytest.mark.parametrize("top", [1, 3, 50])
def test_a_filter_is_applied_before_the_cut(notes: Snapshot, top: int) -> None:
    for filters in (Filters(tag=("urgent",)), Filters(todo="WAITING"), Filters(before="2026")):
        results = search(notes, "key", top, filters=filters).results
        assert results
        assert {result.text for result in results} <= set(FUEL) | set(GARDEN)


def test_under_the_title_of_a_page(workshop: Workshop) -> None:
    workshop.write("- open issues\n\t- the key is lost\n- history\n", "pages/Apollo.md")
    workshop.write("title:: Moon\n\n- open issues\n\t- no key at all\n", "pages/other.md")
    workshop.write("- a day\n", "journals/2026_03_01.md")
    workshop.build()
    notes = workshop.snapshot()
    assert in_scope(notes, under=("apollo",)) == ["open issues", "the key is lost", "history"]
    assert in_scope(notes, under=("Apollo", "Open issues")) == ["open issues", "the key is lost"]
    assert in_scope(notes, under=("Moon", "open issues")) == ["open issues", "no key at all"]
    assert in_scope(notes, under=("open issues",)) == ["open issues", "the key is lost", "open issues", "no key at all"]
    assert in_scope(notes, after="2026-03") == ["a day"]


PARSED = [
    ("how long?", "how long?", EVERYTHING),
    ("valve tag:decision", "valve", Filters(tag=("decision",))),
    ("tag:a valve TAG:b leaks", "valve leaks", Filters(tag=("a", "b"))),
    ('fuel under:"Work / Apollo" after:2026-01', "fuel", Filters(under=("Work", "Apollo"), after="2026-01")),
    ('fuel under:"Work > Read / write"', "fuel", Filters(under=("Work", "Read / write"))),
    ("under:Work fuel", "fuel", Filters(under=("Work",))),
    ("file:*.org todo:open x", "x", Filters(file="*.org", todo="open")),
    ("x before:2026-03-01", "x", Filters(before="2026-03-01")),
    ("x after:2025 after:2026", "x", Filters(after="2026")),
    ("x where:owner=Priya", "x", Filters(where=(("owner", "Priya"),))),
    ('x where:"due date=next week"', "x", Filters(where=(("due date", "next week"),))),
    ("what happens after:lunch", "what happens after:lunch", EVERYTHING),
    ("after:2026-13 x", "after:2026-13 x", EVERYTHING),
    ("where:nothing x", "where:nothing x", EVERYTHING),
    ("tag: x", "tag: x", EVERYTHING),
    ('tag:"" x', 'tag:"" x', EVERYTHING),
    ('say "tag:x"', 'say "tag:x"', EVERYTHING),
    ("http://a/tag:x metatag:x", "http://a/tag:x metatag:x", EVERYTHING),
]


@pytest.mark.parametrize(("text", "words", "filters"), PARSED)
def test_how_people_write_filters(text: str, words: str, filters: Filters) -> None:
    assert parse_query(text) == (words, filters)


NEARLY = [
    ("x after:2026-13", ["after:2026-13 is no date"]),
    ("where:owner", ["where:owner has no value"]),
    ("tag: and todo:", ["tag: needs a value", "todo: needs a value"]),
    ('under:"Work', ["the closing quotation mark is missing"]),
    ('file:"a b".txt x', ["is no filter"]),
    ('tag:x under:"A / B" after:2026 where:owner=* file:"a b.txt"', []),
    ('under:"say tag: here"', []),
    ("the todo list: where is it?", []),
    ("https://example.org/tag:", []),
]


@pytest.mark.parametrize(("text", "told"), NEARLY)
def test_what_is_nearly_a_filter_is_told(text: str, told: list[str]) -> None:
    notices = misread(text)
    assert len(notices) == len(told)
    assert all(part in notice for part, notice in zip(told, notices, strict=True))


def test_a_reply_says_what_it_did_not_understand(workshop: Workshop) -> None:
    workshop.write("a key\n")
    workshop.calibrate()
    for reply in (ask(workshop.snapshot(), "key after:soon"), search(workshop.snapshot(), "key after:soon")):
        assert reply.notices == ["after:soon is no date; write after:2026-01-31, or a month or a year."]
    assert search(workshop.snapshot(), "key").notices == []


@given(st.text())
def test_whatever_is_written_is_a_question(text: str) -> None:
    words, filters = parse_query(text)
    assert filters == EVERYTHING or len(words) < len(text)
    assert filters != EVERYTHING or words == text


def test_a_question_holds_its_filters(notes: Snapshot) -> None:
    answer = ask(notes, 'the key tag:urgent under:"Apollo"')
    assert answer.question == 'the key tag:urgent under:"Apollo"'
    assert {result.text for result in answer.results} <= set(FUEL)
    assert search(notes, "key tag:urgent").results == search(notes, "key", filters=Filters(tag=("urgent",))).results


def test_a_filter_alone_asks_nothing(notes: Snapshot) -> None:
    with pytest.raises(EmptyQuestion):
        ask(notes, "tag:urgent")


@pytest.mark.parametrize("date", ["soon", "2026-1", "2026-13", "2026-00-01", "20260101", "2026-01-01T10"])
def test_a_date_that_is_none_is_named(date: str) -> None:
    for name in ("after", "before"):
        with pytest.raises(
            InvalidRequest, match=rf"'{name}' must be a date such as 2026-01-31 or 2026-01, not '{date}'"
        ):
            Filters(**{name: date})  # type: ignore[arg-type]


def test_a_property_needs_a_name() -> None:
    assert split_property("owner=Priya = me") == ("owner", "Priya = me")
    assert split_property("owner") == ("owner", "*")
    with pytest.raises(InvalidRequest, match="must be a name and a value"):
        split_property("=Priya")


def test_over_http(workshop: Workshop, notes: Snapshot) -> None:
    current = Current(workshop.index, TINY_MODEL, workshop.encoder)
    client = create_app(current, Config()).test_client()
    body = {"question": "key", "tag": ["space"], "todo": "open", "after": "2026-03", "where": {"Owner": "Priya"}}
    answer = client.post("/api/ask", json=body).get_json()
    assert {result["text"] for result in answer["results"]} <= set(VALVE)
    assert answer["results"]
    found = client.get("/api/search?q=key&tag=space&tag=urgent&where=owner=Ann").get_json()
    assert [result["text"] for result in found["results"]] == ["Answer of the key supplier"]
    wrong = client.post("/api/ask", json={"question": "key", "before": "then"})
    assert (wrong.status_code, "'before' must be a date" in wrong.get_json()["detail"]) == (400, True)
    offered = client.get("/api/filters").get_json()
    assert {choice["value"]: choice["count"] for choice in offered["tag"]} == {
        "space": 1,
        "mission": 1,
        "urgent": 1,
        "home": 1,
        "urgent/today": 1,
    }
    assert {choice["value"] for choice in offered["todo"]} == {"open", "done", "TODO", "DONE", "WAITING"}
    assert {choice["value"] for choice in offered["where"]} == {"owner=Priya", "owner=Ann"}
    assert [choice["value"] for choice in offered["file"]] == ["apollo.org", "garden.md", "plain.txt"]
    assert [choice["value"] for choice in offered["under"]] == ["Apollo", "Kitchen", "Garden", "plain"]
    node = client.get(f"/api/nodes/{found['results'][0]['id']}").get_json()
    assert {"name": "todo", "value": "WAITING"} in node["attributes"]


def test_on_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.md").write_text("- [ ] the valve leaks #urgent\n- [x] the valve is ordered\n", "utf-8")
    index = str(tmp_path / "index")
    assert run_trellis("index", str(tmp_path / "notes"), "--index", index).returncode == 0
    for arguments in (["valve", "--tag", "urgent"], ["valve", "--todo", "open"], ["valve tag:urgent"]):
        said = run_trellis("ask", *arguments, "--index", index, "--json")
        assert [result["text"] for result in json.loads(said.stdout)["results"]] == ["the valve leaks"]
    wrong = run_trellis("ask", "valve", "--after", "then", "--index", index)
    assert (wrong.returncode, "'after' must be a date" in wrong.stderr) == (2, True)


@pytest.mark.parametrize(
    "filters",
    [
        {"tag": ("key",) * 51},
        {"tag": ("key",) * 30, "where": (("owner", "*"),) * 21},
        {"file": "?" * 1001},
    ],
)
def test_more_than_one_question_may_look_for_is_refused(filters: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest, match=r"may name 50|at most 1,000"):
        Filters(**filters)  # type: ignore[arg-type]


def test_more_filters_in_words_than_a_question_may_have(notes: Snapshot) -> None:
    with pytest.raises(InvalidRequest, match="51 tags and properties"):
        ask(notes, "key " + "tag:home " * 51)
