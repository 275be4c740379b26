"""Suites of our own over the outline that ships, with the real model: follow-ups, and what counts as supported."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from indexer.encoder import load, locate
from service import answering
from service.chat.followup import understand
from service.chat.support import Evidence
from service.measure.evaluate import read_questions
from service.search.windows import window_around
from service.snapshot import Current, Snapshot
from service.types import Result
from tests.conftest import NOTES, ROOT

FOLLOWUPS = [
    json.loads(line) for line in (ROOT / "bench" / "questions" / "followups.jsonl").read_text("utf-8").splitlines()
]
TARGET = 0.85


@pytest.fixture(scope="module")
def snapshot(shipped_index: Path) -> Snapshot:
    model = locate()
    return Current(shipped_index, model, load(model)).get()


def rank(results: list[Result], row: dict[str, object], *, marked: bool = False) -> int:
    """The place of the first result that shows a gold line, or has it among its marked lines; 0 when there is none."""
    for place, result in enumerate(results, start=1):
        lines = [line.line for line in result.excerpt if line.hit or not marked]
        if result.source.file == row["file"] and any(a <= line <= b for a, b in row["gold"] for line in lines):  # type: ignore[attr-defined]
            return place
    return 0


def test_there_are_forty_follow_ups_half_of_them_held_out() -> None:
    assert [row["split"] for row in FOLLOWUPS] == ["dev"] * 20 + ["held"] * 20
    lengths = {path.name: len(path.read_text("utf-8").splitlines()) for path in NOTES.glob("*.txt")}
    assert all(1 <= a <= b <= lengths[row["file"]] for row in FOLLOWUPS for a, b in row["gold"])


@pytest.mark.parametrize("split", ["dev", "held"])
def test_follow_ups_find_the_right_place_among_the_first_three(snapshot: Snapshot, split: str) -> None:
    found, missed = {"shown": 0, "marked": 0}, []
    rows = [row for row in FOLLOWUPS if row["split"] == split]
    for row in rows:
        question = understand(snapshot, [row["first"], row["then"]])
        results = answering.search(snapshot, question, 3).results
        found["marked"] += rank(results, row, marked=True) > 0
        if rank(results, row):
            found["shown"] += 1
        else:
            missed.append((row["id"], question))
    assert found["shown"] >= TARGET * len(rows), missed
    assert found["marked"] >= TARGET * len(rows), found


def test_a_change_of_subject_is_left_alone(snapshot: Snapshot) -> None:
    switches = [row for row in FOLLOWUPS if row["kind"] == "switch"]
    assert len(switches) == 8
    assert [row["then"] for row in switches] == [understand(snapshot, [row["first"], row["then"]]) for row in switches]


def test_questions_of_one_s_own_after_any_other_are_left_alone(snapshot: Snapshot) -> None:
    """Each shipped question that the notes answer, behind one on another file. Some files share subjects."""
    asked = [question for question in read_questions(ROOT / "bench" / "questions" / "notes.jsonl") if question.gold]
    pairs = [(one.q, other.q) for one, other in pairwise(asked) if one.file != other.file]
    merged = [other for one, other in pairs if understand(snapshot, [one, other]) != other]
    assert len(pairs) >= 90
    assert len(merged) <= 0.05 * len(pairs), merged


def test_a_third_turn_goes_on_about_the_second(snapshot: Snapshot) -> None:
    question = understand(
        snapshot, ["What is Amazon SQS?", "what about FIFO?", "how many messages a second can it take?"]
    )
    results = answering.search(snapshot, question, 3).results
    assert any("300 messages/s" in line.text for result in results for line in result.excerpt), question


@pytest.mark.parametrize(("file", "right"), [("support.jsonl", 0.95), ("support-held.jsonl", 0.9)])
def test_what_the_notes_do_not_support_is_told_apart(snapshot: Snapshot, file: str, right: float) -> None:
    store = snapshot.store
    rows = [json.loads(line) for line in (ROOT / "tests" / "data" / file).read_text("utf-8").splitlines()]
    wrong, let_through = [], []
    for row in rows:
        at = store.row_at(row["file"], row["line"])
        assert at is not None
        window = window_around(store, at)
        lines = [node.text for node in store.run(window.first, window.last)]
        supported = Evidence(snapshot, lines, store.path(at), row["question"]).supports(row["sentence"])
        if supported != row["supported"]:
            wrong.append(row["sentence"])
            let_through += [row["sentence"]] if supported else []
    assert len(wrong) <= (1 - right) * len(rows), wrong
    assert let_through == []
