"""What retrieval scores on a set of questions whose answers are known by line.

A JSON object a line: {"id", "q", "gold": [[first, last], ...], "kind"}, and "file" where there are several files. Lines are
1-based and inclusive. An empty `gold` says that the notes do not answer. A result is right when its excerpt shows a gold
line.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from indexer.errors import TrellisError
from service.measure.scores import Calibration, Change, Outcome, Scores, calibration, compare, score, share
from service.types import Answer

DEPTH = 10
_HEADINGS = {"mrr": "MRR", "ndcg": "nDCG"}
_KEYWORD_KINDS = frozenset({"exact", "lexical", "prefix", "path", "topic", "keyword"})


class QuestionsError(TrellisError):
    """The question set, or the run to compare with, cannot be read."""


class Question(msgspec.Struct, frozen=True):
    id: str
    q: str
    gold: list[tuple[int, int]]
    kind: str = "question"
    file: str | None = None


class Evaluation(msgspec.Struct, frozen=True):
    """Scores over answerable questions, all, by group and by kind; how questions beyond the notes were refused; calibration
    over all questions; each question's outcome; and, against an earlier run, what changed.
    """

    groups: dict[str, Scores]
    kinds: dict[str, Scores]
    not_in_notes: dict[str, float]
    calibration: Calibration
    outcomes: list[Outcome]
    changes: list[Change] | None = None


def read_questions(path: Path) -> list[Question]:
    """Raises QuestionsError with the line that is wrong."""
    questions = []
    for number, line in enumerate(_read(path).removeprefix(BOM_UTF8).split(b"\n"), start=1):
        if line.strip():
            try:
                questions.append(msgspec.json.decode(line, type=Question))
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise QuestionsError(f"{path}:{number}: {error}") from error
    if not questions:
        raise QuestionsError(f"There are no questions in '{path}'.")
    return questions


def read_run(path: Path) -> Evaluation:
    """An earlier run, as `trellis eval --json` printed it. Raises QuestionsError."""
    try:
        return msgspec.json.decode(_read(path), type=Evaluation)
    except msgspec.DecodeError as error:
        raise QuestionsError(f"'{path}' is not what 'trellis eval --json' prints: {error}") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise QuestionsError(f"'{path}' cannot be read: {error.strerror}") from error


def evaluate(
    questions: Sequence[Question], ask: Callable[[str], Answer], earlier: Evaluation | None = None
) -> Evaluation:
    """`ask` answers one question with its first ten results."""
    keyword_series = _keyword_series(questions)
    outcomes = []
    for question in questions:
        group = "keyword" if _series(question) in keyword_series else "natural"
        outcomes.append(_outcome(question, group, ask(question.q)))
    answerable = [outcome for outcome in outcomes if outcome.answerable]
    beyond = [outcome for outcome in outcomes if not outcome.answerable]
    groups: dict[str, list[Outcome]] = defaultdict(list)
    kinds: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in answerable:
        groups[outcome.group].append(outcome)
        kinds[outcome.kind].append(outcome)
    every = {"all": score(answerable)} if answerable else {}
    return Evaluation(
        groups=every | {group: score(some) for group, some in sorted(groups.items(), reverse=True)},
        kinds={kind: score(some) for kind, some in sorted(kinds.items())},
        not_in_notes={
            "questions": float(len(beyond)),
            "refused": share(not outcome.answered for outcome in beyond),
            **{
                f"refused_{kind}": share(not outcome.answered for outcome in beyond if outcome.kind == kind)
                for kind in sorted({outcome.kind for outcome in beyond})
            },
        },
        calibration=calibration(outcomes),
        outcomes=outcomes,
        changes=compare(earlier.outcomes, outcomes) if earlier else None,
    )


def _outcome(question: Question, group: str, answer: Answer) -> Outcome:
    gold = {line for first, last in question.gold for line in range(first, last + 1)}
    unseen = set(gold)
    rank = lines_read = read = 0
    gains = []
    for position, result in enumerate(answer.results[:DEPTH], start=1):
        here = unseen if question.file in (None, result.source.file) else set()
        found = here & {shown.line for shown in result.excerpt}
        for shown in result.excerpt:
            right = shown.line in gold and question.file in (None, result.source.file)
            read += shown.hit
            rank = rank or (position if right else 0)
            lines_read = lines_read or (read if right and shown.hit else 0)
        gains.append(len(found) / len(gold) if gold else 0.0)
        unseen -= found
    return Outcome(
        id=question.id,
        kind=question.kind,
        group=group,
        rank=rank,
        lines_read=lines_read,
        answered=answer.answered,
        confidence=answer.confidence,
        answerable=bool(gold),
        gains=[round(gain, 4) for gain in gains],
    )


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


def table(evaluation: Evaluation) -> str:
    """The evaluation as text: a line a group and a kind, then refusals, calibration and changes."""
    names = [name for name in Scores.__struct_fields__ if name != "questions"]
    lines = [f"{'':12}{'n':>5}" + "".join(f"{_HEADINGS.get(name, name):>8}" for name in names)]
    for name, scores in [*evaluation.groups.items(), *evaluation.kinds.items()]:
        lines.append(f"{name:12}{scores.questions:5}" + "".join(f"{getattr(scores, field):8.3f}" for field in names))
    beyond = evaluation.not_in_notes
    by_kind = ", ".join(f"{name[8:]} {value:.1%}" for name, value in beyond.items() if name.startswith("refused_"))
    lines.append(f"not in the notes: {beyond['questions']:.0f} questions, {beyond['refused']:.1%} refused ({by_kind})")
    found = evaluation.calibration
    auroc = "" if found.auroc is None else f", AUROC answerable from not {found.auroc:.3f}"
    lines.append(f"calibration: expected error {found.error:.3f}{auroc}")
    lines += [
        f"  confidence {each.low:.1f}-{each.high:.1f}: {each.questions:4} questions, said {each.confidence:.2f}, "
        f"right {each.right:.2f}"
        for each in found.bins
    ]
    return "\n".join(lines + _changes(evaluation.changes))


def _changes(changes: Sequence[Change] | None) -> list[str]:
    if changes is None:
        return []
    lines = [f"{len(changes)} questions went differently than before:"]
    for change in changes:
        answered = "" if change.answered_before == change.answered_now else f", answered {change.answered_now}"
        lines.append(f"  {change.id} ({change.kind}): rank {change.before or '-'} -> {change.now or '-'}{answered}")
    return lines
