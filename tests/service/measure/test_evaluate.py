"""What a question set scores, against numbers worked out by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from service.measure.evaluate import Question, QuestionsError, evaluate, read_questions, table
from service.types import Answer, ExcerptLine, Result, Source


def shown(*lines: int, hit: int | None = None, file: str = "notes.txt") -> Result:
    """A result whose excerpt shows these lines; all are marked as hits unless one is named."""
    excerpt = [ExcerptLine(line, 0, f"line {line}", hit is None or line == hit, []) for line in lines]
    return Result(f"id{lines[0]}", 0.5, [], "text", excerpt, Source(file, lines[0], lines[0], lines[-1]))


def answers(**by_question: Sequence[Result] | None) -> Callable[[str], Answer]:
    """What is answered to each question; None refuses it."""

    def ask(question: str) -> Answer:
        results = by_question[question]
        answered = results is not None
        return Answer(question, answered, 0.9 if answered else 0.1, None, list(results or [shown(999)]), "g", 1.0)

    return ask


def test_scores_of_four_questions_worked_out_by_hand() -> None:
    """
    q    gold   results            rank   1/rank
    a    10     [10]               1      1
    b    20-22  [1] [2] [21]       3      1/3
    c    30     six wrong, [30]    7      1/7
    d    40     nothing right      -      0
    """
    questions = [
        Question("n-1", "a", [(10, 10)]),
        Question("n-2", "b", [(20, 22)]),
        Question("n-3", "c", [(30, 30)]),
        Question("n-4", "d", [(40, 40)]),
    ]
    wrong = [shown(100 + number) for number in range(6)]
    ask = answers(a=[shown(10)], b=[shown(1), shown(2), shown(21)], c=[*wrong, shown(30)], d=[shown(41)])
    scores = evaluate(questions, ask).groups["all"]
    assert scores.questions == 4
    assert scores.s1 == 1 / 4
    assert scores.s5 == 2 / 4
    assert scores.s10 == 3 / 4
    assert scores.mrr == pytest.approx((1 + 1 / 3 + 1 / 7 + 0) / 4, abs=1e-4)
    assert scores.refused == 0


def test_only_the_first_ten_results_count() -> None:
    ten = [shown(100 + number) for number in range(10)]
    scores = evaluate([Question("n-1", "a", [(5, 5)])], answers(a=[*ten, shown(5)])).groups["all"]
    assert (scores.s10, scores.mrr) == (0, 0)


def test_a_result_is_right_when_its_excerpt_shows_a_gold_line_at_either_end() -> None:
    question = Question("n-1", "a", [(10, 12)])
    ranks = [
        evaluate([question], answers(a=[shown(*lines)])).outcomes[0].rank
        for lines in ([9], [8, 9, 10], [10], [12], [12, 13], [13])
    ]
    assert ranks == [0, 1, 1, 1, 1, 0]


def test_several_gold_places_are_each_right() -> None:
    question = Question("n-1", "a", [(10, 10), (50, 51)])
    assert evaluate([question], answers(a=[shown(3), shown(51)])).outcomes[0].rank == 2


def test_the_same_line_of_another_file_is_wrong() -> None:
    question = Question("n-1", "a", [(10, 10)], file="a.txt")
    results = [shown(10, file="b.txt"), shown(10, file="a.txt")]
    assert evaluate([question], answers(a=results)).outcomes[0].rank == 2


def test_lines_read_counts_marked_lines_up_to_the_first_right_one() -> None:
    """Two marked lines in the first result, then in the second a marked one that is wrong and the right one."""
    results = [shown(1, 2), shown(3, 10)]
    outcome = evaluate([Question("n-1", "a", [(10, 10)])], answers(a=results)).outcomes[0]
    assert (outcome.rank, outcome.lines_read) == (2, 4)


def test_a_right_line_that_is_shown_but_not_marked_is_not_read() -> None:
    outcome = evaluate([Question("n-1", "a", [(10, 10)])], answers(a=[shown(9, 10, hit=9)])).outcomes[0]
    assert (outcome.rank, outcome.lines_read) == (1, 0)


def test_read5_and_read15() -> None:
    """The right line is the 5th, the 6th and the 16th marked line."""
    questions = [Question(f"n-{q}", q, [(50, 50)]) for q in "abc"]
    ask = answers(a=[shown(*range(46, 51))], b=[shown(*range(45, 51))], c=[shown(*range(35, 51))])
    scores = evaluate(questions, ask).groups["all"]
    assert scores.read5 == pytest.approx(1 / 3, abs=1e-4)
    assert scores.read15 == pytest.approx(2 / 3, abs=1e-4)


def test_refusals_are_counted_apart_for_answerable_questions_and_others() -> None:
    questions = [
        Question("n-1", "a", [(1, 1)]),
        Question("n-2", "b", [(1, 1)]),
        Question("x-1", "c", []),
        Question("x-2", "d", []),
        Question("x-3", "e", []),
    ]
    result = evaluate(questions, answers(a=[shown(1)], b=None, c=None, d=None, e=[shown(1)]))
    assert result.groups["all"].questions == 2
    assert result.groups["all"].refused == 1 / 2
    assert result.not_in_notes["questions"] == 3
    assert result.not_in_notes["refused"] == pytest.approx(2 / 3, abs=1e-4)
    assert len(result.outcomes) == 5


def test_a_series_of_mostly_keyword_queries_is_a_group_of_its_own() -> None:
    """A typo in the keyword series belongs to that series; a keyword kind among natural questions does not make one."""
    questions = [
        Question("k-1", "a", [(1, 1)], kind="exact"),
        Question("k-2", "b", [(1, 1)], kind="prefix"),
        Question("k-3", "c", [(1, 1)], kind="typo"),
        Question("n-1", "d", [(1, 1)], kind="paraphrase"),
        Question("n-2", "e", [(1, 1)], kind="typo"),
        Question("n-3", "f", [(1, 1)], kind="topic"),
    ]
    right, wrong = [shown(1)], [shown(2)]
    result = evaluate(questions, answers(a=right, b=right, c=wrong, d=wrong, e=right, f=wrong))
    assert {name: (group.questions, group.s1) for name, group in result.groups.items()} == {
        "all": (6, 0.5),
        "keyword": (3, pytest.approx(2 / 3, abs=1e-4)),
        "natural": (3, pytest.approx(1 / 3, abs=1e-4)),
    }
    assert {kind: scores.questions for kind, scores in result.kinds.items()} == {
        "exact": 1,
        "paraphrase": 1,
        "prefix": 1,
        "topic": 1,
        "typo": 2,
    }


def test_a_set_without_answerable_questions_has_no_scores_but_refusals() -> None:
    result = evaluate([Question("x-1", "a", [])], answers(a=None))
    assert result.groups == {}
    assert (result.not_in_notes["questions"], result.not_in_notes["refused"]) == (1, 1)
    assert "1 questions, 100.0% refused" in table(result)


def test_the_table_has_a_line_a_group_and_a_kind() -> None:
    result = evaluate([Question("n-1", "a", [(1, 1)], kind="how")], answers(a=[shown(1)]))
    lines = table(result).splitlines()
    heads = lines[0].split()
    assert {"n", "s1", "s5", "s10", "MRR"} <= set(heads)
    assert [line.split()[0] for line in lines[1:4]] == ["all", "natural", "how"]
    scores = dict(zip(heads, map(float, lines[1].split()[1:]), strict=True))
    assert (scores["n"], scores["s1"], scores["s5"], scores["s10"], scores["MRR"]) == (1, 1, 1, 1, 1)


def write(folder: Path, text: str) -> Path:
    path = folder / "questions.jsonl"
    path.write_text(text, "utf-8")
    return path


def test_questions_are_read_a_line_each(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        '{"id": "n-1", "q": "why?", "gold": [[1, 3], [7, 7]], "kind": "why", "file": "a.txt", "note": "ignored"}\n'
        "\n"
        '{"id": "x-1", "q": "what?", "gold": []}\n',
    )
    assert read_questions(path) == [
        Question("n-1", "why?", [(1, 3), (7, 7)], "why", "a.txt"),
        Question("x-1", "what?", [], "question", None),
    ]


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\u0085", "\x7f"])
def test_a_question_may_hold_any_character_that_json_allows(tmp_path: Path, separator: str) -> None:
    asked = f"one{separator}two"
    path = write(tmp_path, json.dumps({"id": "n-1", "q": asked, "gold": []}, ensure_ascii=False) + "\n")
    assert [question.q for question in read_questions(path)] == [asked]


WRONG = [
    ("{", 1),
    ('{"id": "n-1", "q": "why?", "gold": []}\nnonsense', 2),
    ('\n\n{"id": "n-1", "q": "why?"}', 3),
    ('{"id": 5, "q": "why?", "gold": []}', 1),
    ('{"id": "n-1", "q": "why?", "gold": [[1]]}', 1),
    ('{"id": "n-1", "q": "why?", "gold": [["1", "2"]]}', 1),
    ("[]", 1),
]


@pytest.mark.parametrize(("text", "line"), WRONG)
def test_a_wrong_line_is_named(tmp_path: Path, text: str, line: int) -> None:
    with pytest.raises(QuestionsError, match=rf"questions\.jsonl:{line}: "):
        read_questions(write(tmp_path, text))


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_a_set_without_questions_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(QuestionsError, match="no questions"):
        read_questions(write(tmp_path, text))


def test_a_file_that_is_missing_or_no_text_is_refused(tmp_path: Path) -> None:
    binary = tmp_path / "binary.jsonl"
    binary.write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "none.jsonl", binary, tmp_path):
        with pytest.raises(QuestionsError) as refused:
            read_questions(path)
        assert str(path) in str(refused.value)
