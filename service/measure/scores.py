"""Measures over judged answers: ranking, calibration, and what changed between two runs.

Ranking measures as in Manning, Raghavan & Schütze, "Introduction to Information Retrieval" (2008), chapter 8. Expected
calibration error as in Guo et al., "On Calibration of Modern Neural Networks" (2017), over ten bins of equal width.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import log2
from statistics import mean

import msgspec

_BINS = 10


class Outcome(msgspec.Struct, frozen=True):
    """How one question went.

    rank: of the first right result, 0 when none of the first ten is. lines_read: marked lines until the first gold one.
    gains: for each result, which share of the gold lines it is the first to show. answerable: whether there is a gold line.
    """

    id: str
    kind: str
    group: str
    rank: int
    lines_read: int
    answered: bool
    confidence: float
    answerable: bool = True
    gains: list[float] = []


class Scores(msgspec.Struct, frozen=True):
    """s1, s5, s10: share of questions with a right result among the first n. mrr: mean reciprocal rank within ten.
    ndcg: normalised discounted cumulative gain of the gold lines within ten results. recall: share of gold lines shown.
    read5, read15: share whose gold line is among the first n marked lines. refused: share said to be unanswered.
    """

    questions: int
    s1: float
    s5: float
    s10: float
    mrr: float
    ndcg: float
    recall: float
    read5: float
    read15: float
    refused: float


class Bin(msgspec.Struct, frozen=True):
    """Questions whose confidence lies in [low, high): how confident on average, and how many really were answered."""

    low: float
    high: float
    questions: int
    confidence: float
    right: float


class Calibration(msgspec.Struct, frozen=True):
    """error: expected calibration error. auroc: probability that an answerable question gets a higher confidence than one
    that the notes do not answer; None when one of the two is missing.
    """

    error: float
    auroc: float | None
    bins: list[Bin]


def score(outcomes: Sequence[Outcome]) -> Scores:
    """The measures over at least one outcome."""
    return Scores(
        questions=len(outcomes),
        s1=share(outcome.rank == 1 for outcome in outcomes),
        s5=share(1 <= outcome.rank <= 5 for outcome in outcomes),
        s10=share(outcome.rank >= 1 for outcome in outcomes),
        mrr=round(mean(1 / outcome.rank if outcome.rank else 0.0 for outcome in outcomes), 4),
        ndcg=round(mean(_ndcg(outcome.gains) for outcome in outcomes), 4),
        recall=round(mean(sum(outcome.gains) for outcome in outcomes), 4),
        read5=share(1 <= outcome.lines_read <= 5 for outcome in outcomes),
        read15=share(1 <= outcome.lines_read <= 15 for outcome in outcomes),
        refused=share(not outcome.answered for outcome in outcomes),
    )


def share(cases: Iterable[bool]) -> float:
    cases = list(cases)
    return round(sum(cases) / len(cases), 4) if cases else 0.0


def _ndcg(gains: Sequence[float]) -> float:
    """The ideal is to show all gold lines in the first result."""
    return sum(gain / log2(rank + 1) for rank, gain in enumerate(gains, start=1))


def calibration(outcomes: Sequence[Outcome]) -> Calibration:
    """Whether confidence is a probability: a question counts as right when one of its results shows a gold line."""
    bins = []
    for number in range(_BINS):
        low, high = number / _BINS, (number + 1) / _BINS
        inside = [outcome for outcome in outcomes if min(int(outcome.confidence * _BINS), _BINS - 1) == number]
        if inside:
            confidence = round(mean(outcome.confidence for outcome in inside), 4)
            bins.append(Bin(low, high, len(inside), confidence, share(outcome.rank > 0 for outcome in inside)))
    error = sum(each.questions * abs(each.confidence - each.right) for each in bins) / max(len(outcomes), 1)
    return Calibration(round(error, 4), _auroc(outcomes), bins)


def _auroc(outcomes: Sequence[Outcome]) -> float | None:
    inside = [outcome.confidence for outcome in outcomes if outcome.answerable]
    beyond = [outcome.confidence for outcome in outcomes if not outcome.answerable]
    if not inside or not beyond:
        return None
    wins = sum((high > low) + 0.5 * (high == low) for high in inside for low in beyond)
    return round(wins / (len(inside) * len(beyond)), 4)


class Change(msgspec.Struct, frozen=True):
    """A question that went differently in two runs: its rank before and now (0: not found), and whether it was answered."""

    id: str
    kind: str
    before: int
    now: int
    answered_before: bool
    answered_now: bool


def compare(before: Sequence[Outcome], now: Sequence[Outcome]) -> list[Change]:
    """The questions of both runs that went differently, worst first."""
    earlier = {outcome.id: outcome for outcome in before}
    changes = [
        Change(new.id, new.kind, old.rank, new.rank, old.answered, new.answered)
        for new in now
        if (old := earlier.get(new.id)) and (old.rank, old.answered) != (new.rank, new.answered)
    ]
    return sorted(changes, key=lambda change: _reciprocal(change.now) - _reciprocal(change.before))


def _reciprocal(rank: int) -> float:
    return 1 / rank if rank else 0.0
