"""Limits hold exactly, for each caller apart, however many threads ask."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from service.errors import TooOften
from service.limits import Limiter


def passes(limiter: Limiter, caller: str, limits: str) -> bool:
    try:
        limiter.count(caller, limits)
    except TooOften:
        return False
    return True


def test_exactly_as_many_as_allowed_for_each_caller() -> None:
    limiter = Limiter()
    callers = [f"key {n % 4}" for n in range(800)]
    with ThreadPoolExecutor(8) as threads:
        passed = list(threads.map(lambda caller: (caller, passes(limiter, caller, "50/hour")), callers))
    for caller in set(callers):
        assert passed.count((caller, True)) == 50


def test_the_narrower_of_two_limits_holds_and_what_is_refused_does_not_count() -> None:
    limiter = Limiter()
    assert [passes(limiter, "a", "5/hour; 2/minute") for _ in range(10)].count(True) == 2
    assert [passes(limiter, "a", "5/hour") for _ in range(10)].count(True) == 3


def test_a_refusal_says_when_to_come_back() -> None:
    limiter = Limiter()
    limiter.count("a", "1/hour")
    with pytest.raises(TooOften) as refused:
        limiter.count("a", "1/hour")
    assert 1 <= refused.value.retry_after <= 7200
    assert "1 per 1 hour" in str(refused.value)
