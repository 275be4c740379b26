"""Measures against numbers worked out by hand."""

from __future__ import annotations

from math import log2

import pytest

from service.measure.scores import Outcome, calibration, compare, score


def outcome(
    name: str, rank: int, confidence: float = 0.9, *, answerable: bool = True, gains: tuple[float, ...] = ()
) -> Outcome:
    return Outcome(name, "fact", "natural", rank, rank, confidence >= 0.5, confidence, answerable, list(gains))


def test_gains_are_discounted_by_rank() -> None:
    """Half of the gold lines in the first result, the other half in the third; and one question that found nothing."""
    scores = score([outcome("a", 1, gains=(0.5, 0.0, 0.5)), outcome("b", 0, gains=(0.0, 0.0))])
    assert scores.ndcg == pytest.approx((0.5 + 0.5 / log2(4)) / 2, abs=1e-4)
    assert scores.recall == pytest.approx(0.5)
    assert scores.mrr == pytest.approx(0.5)


def test_a_confidence_that_is_right_as_often_as_it_says_has_no_error() -> None:
    outcomes = [outcome(str(number), rank=int(number < 3), confidence=0.75) for number in range(4)]
    found = calibration(outcomes)
    assert found.error == pytest.approx(0)
    assert [(each.low, each.questions, each.right) for each in found.bins] == [(0.7, 4, 0.75)]


def test_a_confidence_that_is_always_sure_and_half_wrong_is_off_by_half() -> None:
    outcomes = [outcome(str(number), rank=number % 2, confidence=1.0) for number in range(10)]
    assert calibration(outcomes).error == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("inside", "beyond", "expected"),
    [
        ((0.9, 0.8), (0.1,), 1.0),
        ((0.9, 0.1), (0.5,), 0.5),
        ((0.5,), (0.5,), 0.5),
        ((0.1,), (0.9,), 0.0),
        ((0.9,), (), None),
    ],
)
def test_auroc_is_the_share_of_pairs_in_order(
    inside: tuple[float, ...], beyond: tuple[float, ...], expected: float | None
) -> None:
    outcomes = [outcome(f"in{at}", 1, value) for at, value in enumerate(inside)]
    outcomes += [outcome(f"out{at}", 0, value, answerable=False) for at, value in enumerate(beyond)]
    assert calibration(outcomes).auroc == expected


def test_two_runs_are_compared_question_by_question_worst_first() -> None:
    before = [outcome("same", 1), outcome("better", 4), outcome("lost", 2), outcome("gone", 1)]
    now = [outcome("same", 1), outcome("better", 1), outcome("lost", 0), outcome("new", 1)]
    assert [(change.id, change.before, change.now) for change in compare(before, now)] == [
        ("lost", 2, 0),
        ("better", 4, 1),
    ]
