"""What retrieval scores on the development questions over the original notes, asked through the command line."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import TRELLIS

FAR_OFF = {
    "a-102": "How do I get a red wine stain out of a wool carpet?",
    "a-105": "which bus goes to the airport on sundays",
    "b-102": "What's the nicest route to cycle from Berlin to Hamburg?",
    "b-105": "How many days in advance do I have to renew a child's passport?",
    "c-102": "best month to prune climbing roses",
    "c-105": "cheap weekend train tickets from Lyon to Paris",
}


def trellis(*arguments: str, cwd: Path) -> Any:
    ran = subprocess.run(
        [*TRELLIS, *arguments, "--json"], capture_output=True, text=True, timeout=600, cwd=cwd, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.fixture(scope="module")
def questions(shared: Path) -> Path:
    return shared / "questions" / "aws-dev.jsonl"


@pytest.fixture(scope="module")
def result(shared: Path, questions: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("aws")
    index = str(folder / "index")
    assert trellis("index", str(shared / "notes"), "--index", index, cwd=folder)["nodes"] > 1500
    assert trellis("index", str(shared / "notes"), "--index", index, cwd=folder)["embedded"] == 0
    return trellis("eval", str(questions), "--index", index, cwd=folder)


def test_every_question_was_asked(result: Any, questions: Path) -> None:
    asked = [json.loads(line)["id"] for line in questions.read_text("utf-8").splitlines()]
    assert [outcome["id"] for outcome in result["outcomes"]] == asked


def test_questions_in_natural_words(result: Any) -> None:
    assert result["groups"]["natural"]["mrr"] >= 0.55


def test_keyword_queries(result: Any) -> None:
    assert result["groups"]["keyword"]["mrr"] >= 0.93


def test_far_off_questions_are_refused(result: Any, questions: Path) -> None:
    asked = {item["id"]: item for item in map(json.loads, questions.read_text("utf-8").splitlines())}
    assert {number: asked[number]["q"] for number in FAR_OFF} == FAR_OFF
    answered = [outcome["id"] for outcome in result["outcomes"] if outcome["id"] in FAR_OFF and outcome["answered"]]
    assert answered == []


def test_answerable_questions_are_answered(result: Any) -> None:
    assert result["groups"]["all"]["refused"] <= 0.05
