"""What retrieval scores on a set of questions whose answers are known by line.

A JSON object a line: {"id", "q", "gold": [[first, last], ...], "kind"}, and "file" where there are several files. Lines are
1-based and inclusive. An empty `gold` says that the notes do not answer. Measures as in Manning, Raghavan & Schütze,
"Introduction to Information Retrieval" (2008), chapter 8: a result is right when its excerpt shows a gold line.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import mean

import msgspec

from indexer.errors import TrellisError
from service.types import Answer

DEPTH = 10
_KEYWORD_KINDS = frozenset({"exact", "lexical", "prefix", "path", "topic", "keyword"})


class QuestionsError(TrellisError):
    """The question set cannot be read."""


class Question(msgspec.Struct, frozen=True):
    id: str
    q: str
    gold: list[tuple[int, int]]
    kind: str = "question"
    file: str | None = None


class Outcome(msgspec.Struct, frozen=True):
    """rank: of the first right result, 0 when none of the first ten is. lines_read: marked lines until the first gold one."""

    id: str
    kind: str
    group: str
    rank: int
    lines_read: int
    answered: bool
    confidence: float


class Scores(msgspec.Struct, frozen=True):
    """s1, s5, s10: share of questions with a right result among the first n. mrr: mean reciprocal rank within ten.
    read5, read15: share whose gold line is among the first n marked lines. refused: share said to be unanswered.
    """

    questions: int
    s1: float
    s5: float
    s10: float
    mrr: float
    read5: float
    read15: float
    refused: float


class Evaluation(msgspec.Struct, frozen=True):
    groups: dict[str, Scores]
    kinds: dict[str, Scores]
    not_in_notes: dict[str, float]
    outcomes: list[Outcome]


def read_questions(path: Path) -> list[Question]:
    """Raises QuestionsError with the line that is wrong."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise QuestionsError(f"The questions in '{path}' cannot be read: {error}") from error
    questions = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                questions.append(msgspec.json.decode(line, type=Question))
            except msgspec.DecodeError as error:
                raise QuestionsError(f"{path}:{number}: {error}") from error
    if not questions:
        raise QuestionsError(f"There are no questions in '{path}'.")
    return questions


def evaluate(questions: Sequence[Question], ask: Callable[[str], Answer]) -> Evaluation:
    """`ask` answers one question with its first ten results."""
    keyword_series = _keyword_series(questions)
    outcomes = []
    for question in questions:
        group = "keyword" if _series(question) in keyword_series else "natural"
        outcomes.append(_outcome(question, group, ask(question.q)))
    answerable = [outcome for question, outcome in zip(questions, outcomes, strict=True) if question.gold]
    beyond = [outcome for question, outcome in zip(questions, outcomes, strict=True) if not question.gold]
    groups = {"all": _scores(answerable)} if answerable else {}
    kinds: dict[str, list[Outcome]] = defaultdict(list)
    by_group: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in answerable:
        kinds[outcome.kind].append(outcome)
        by_group[outcome.group].append(outcome)
    groups |= {group: _scores(some) for group, some in sorted(by_group.items(), reverse=True)}
    not_in_notes = {"questions": float(len(beyond)), "refused": _share(not outcome.answered for outcome in beyond)}
    return Evaluation(groups, {kind: _scores(some) for kind, some in sorted(kinds.items())}, not_in_notes, outcomes)


def _outcome(question: Question, group: str, answer: Answer) -> Outcome:
    gold = {line for first, last in question.gold for line in range(first, last + 1)}

    def is_right(file: str, line: int) -> bool:
        return line in gold and question.file in (None, file)

    rank = lines_read = read = 0
    for position, result in enumerate(answer.results[:DEPTH], start=1):
        for shown in result.excerpt:
            right = is_right(result.source.file, shown.line)
            read += shown.hit
            rank = rank or (position if right else 0)
            lines_read = lines_read or (read if right and shown.hit else 0)
    return Outcome(question.id, question.kind, group, rank, lines_read, answer.answered, answer.confidence)


def _series(question: Question) -> str:
    return question.id.partition("-")[0]


def _keyword_series(questions: Sequence[Question]) -> set[str]:
    """The series (ids up to the hyphen) that are mostly keyword queries; a typo or a near miss belongs to its series."""
    total: Counter[str] = Counter()
    keyword: Counter[str] = Counter()
    for question in questions:
        if question.gold:
            total[_series(question)] += 1
            keyword[_series(question)] += question.kind in _KEYWORD_KINDS
    return {series for series, count in total.items() if keyword[series] > count / 2}


def _scores(outcomes: Sequence[Outcome]) -> Scores:
    return Scores(
        questions=len(outcomes),
        s1=_share(outcome.rank == 1 for outcome in outcomes),
        s5=_share(1 <= outcome.rank <= 5 for outcome in outcomes),
        s10=_share(outcome.rank >= 1 for outcome in outcomes),
        mrr=round(mean(1 / outcome.rank if outcome.rank else 0.0 for outcome in outcomes), 4),
        read5=_share(1 <= outcome.lines_read <= 5 for outcome in outcomes),
        read15=_share(1 <= outcome.lines_read <= 15 for outcome in outcomes),
        refused=_share(not outcome.answered for outcome in outcomes),
    )


def _share(cases: Iterable[bool]) -> float:
    cases = list(cases)
    return round(sum(cases) / len(cases), 4) if cases else 0.0


def table(evaluation: Evaluation) -> str:
    """The evaluation as text, a line a group and a kind."""
    head = f"{'':12}{'n':>5}{'s1':>7}{'s5':>7}{'s10':>7}{'MRR':>7}{'read5':>7}{'read15':>8}{'refused':>9}"
    lines = [head]
    for name, scores in [*evaluation.groups.items(), *evaluation.kinds.items()]:
        lines.append(
            f"{name:12}{scores.questions:5}{scores.s1:7.3f}{scores.s5:7.3f}{scores.s10:7.3f}{scores.mrr:7.3f}"
            f"{scores.read5:7.3f}{scores.read15:8.3f}{scores.refused:9.3f}"
        )
    beyond = evaluation.not_in_notes
    lines.append(f"not in the notes: {beyond['questions']:.0f} questions, {beyond['refused']:.1%} refused")
    return "\n".join(lines)
