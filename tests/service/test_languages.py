"""Notes that are not English, asked with the default model, which is: found by their words, and with no more confidence than
that gives.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.encoder import load, locate
from indexer.generation import open_generation
from service.answering import ask, search
from service.indexing import update
from service.measure.evaluate import Question, read_questions
from service.snapshot import Snapshot
from tests.conftest import ROOT

NOTES = ROOT / "bench" / "languages"
QUESTIONS = read_questions(NOTES / "questions.jsonl")


@pytest.fixture(scope="module")
def tongues(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    index: Path = tmp_path_factory.mktemp("tongues")
    model = locate()
    encoder = load(model)
    update([*NOTES.glob("*.txt")], index, model, lambda _: encoder)
    snapshot = Snapshot(open_generation(index, model), encoder)
    yield snapshot
    snapshot.generation.close()


def name(question: Question) -> str:
    return question.id


@pytest.mark.parametrize("question", [each for each in QUESTIONS if each.gold], ids=name)
def test_the_right_line_comes_first(tongues: Snapshot, question: Question) -> None:
    best = search(tongues, question.q).results[0].source
    assert best.file == question.file
    assert (best.line, best.line) in {tuple(lines) for lines in question.gold}


@pytest.mark.parametrize(
    "question", [q for q in QUESTIONS if not q.gold and q.id[:2] not in {"de", "fr", "es"}], ids=name
)
def test_what_is_not_there_is_not_claimed_in_a_language_the_model_cannot_read(
    tongues: Snapshot, question: Question
) -> None:
    assert not ask(tongues, question.q).answered


def test_a_question_that_nobody_understood_is_never_nearly_sure(tongues: Snapshot) -> None:
    confidence = [ask(tongues, question.q).confidence for question in QUESTIONS if not question.q.isascii()]
    assert max(ask(tongues, "渥堆").confidence, ask(tongues, "ブロアー").confidence) <= 0.8
    assert all(0 <= each <= 1 for each in confidence)


def test_marks_are_whole_characters_and_whole_runs(tongues: Snapshot) -> None:
    def marked(question: str) -> list[str]:
        line = next(line for line in search(tongues, question).results[0].excerpt if line.hit)
        return [line.text[start:end] for start, end in line.marks]

    assert marked("紫砂壶怎么清洗") == ["紫砂壶", "清洗"]
    assert marked("ﾌﾞﾛｱｰ") == ["ブロアー"]
    assert marked("نحمص البن") == ["نحمّص", "البنّ"]
    assert marked("баллон") == ["баллонов"]


def test_a_word_is_found_however_it_is_composed(tongues: Snapshot) -> None:
    for question in ("ra\u0302fraichir", "RAFRAÎCHIR", "réfrige\u0301rateur"):
        assert search(tongues, question).results[0].source.file == "fr.txt"
