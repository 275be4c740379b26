"""The outline that ships, asked as a learner would: the node that answers comes in the first three results.

The questions are in tests/data/shipped-questions.jsonl; `text` is the exact text of the node in `file` that answers.
"""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import NOTES

QUESTIONS = [
    json.loads(line)
    for line in (Path(__file__).parent.parent / "data" / "shipped-questions.jsonl").read_text("utf-8").splitlines()
]
NATURAL = [question for question in QUESTIONS if question["kind"] == "natural"]
BEYOND = [question for question in QUESTIONS if question["kind"] == "beyond"]


def ask(url: str, question: str) -> dict[str, Any]:
    body = json.dumps({"question": question, "top": 3}).encode()
    request = urllib.request.Request(f"{url}api/ask", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        answer: dict[str, Any] = json.load(response)
    return answer


def by_id(question: dict[str, str]) -> str:
    return question["id"]


def test_there_are_thirty_questions_and_eight_far_off_ones() -> None:
    assert (len(NATURAL), len(BEYOND)) == (30, 8)
    assert len({question["id"] for question in QUESTIONS}) == len(QUESTIONS)
    assert len({question["q"] for question in QUESTIONS}) == len(QUESTIONS)


@pytest.mark.parametrize("question", NATURAL, ids=by_id)
def test_the_node_that_answers_is_in_the_notes(question: dict[str, str]) -> None:
    """So that a reworded note fails here, by name, and not as a wrong ranking."""
    lines = [line.strip() for line in (NOTES / question["file"]).read_text("utf-8").splitlines()]
    assert lines.count(question["text"]) == 1


@pytest.mark.parametrize("question", NATURAL, ids=by_id)
def test_the_node_that_answers_comes_in_the_first_three(served: str, question: dict[str, str]) -> None:
    results = ask(served, question["q"])["results"]
    assert len(results) <= 3
    shown = [(result["source"]["file"], line["text"]) for result in results for line in result["excerpt"]]
    assert (question["file"], question["text"]) in shown, [result["text"] for result in results]


@pytest.mark.parametrize("question", BEYOND, ids=by_id)
def test_a_far_off_question_is_refused(served: str, question: dict[str, str]) -> None:
    answer = ask(served, question["q"])
    assert not answer["answered"], answer["answer"]
    assert answer["answer"] is None
