"""Two questions at a time, the others in turn, and nobody waits for ever."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from service.answering import ask
from service.turns import AT_ONCE, turn
from tests.conftest import Workshop

HERE, FAR = SimpleNamespace(published=None), SimpleNamespace(published="a reader of Milvus")


def most_at_once(asked: list[SimpleNamespace], threads: int) -> int:
    """How many of these threads were let in together at most, when each stays as long as the others need to come in too."""
    inside, most, lock, all_in = 0, 0, threading.Lock(), threading.Event()

    def enter(_: int) -> None:
        nonlocal inside, most
        with turn(asked):  # type: ignore[arg-type]
            with lock:
                inside += 1
                most = max(most, inside)
                if inside == threads:
                    all_in.set()
            all_in.wait(0.1)
            with lock:
                inside -= 1

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(enter, range(threads)))
    return most


def test_two_questions_are_worked_on_at_once() -> None:
    assert most_at_once([HERE], 6) == AT_ONCE == 2


def test_who_waits_for_milvus_keeps_nobody_waiting() -> None:
    assert most_at_once([FAR], 6) == most_at_once([HERE, FAR], 6) == 6


def test_a_question_that_fails_gives_its_turn_back() -> None:
    for _ in range(2 * AT_ONCE):
        with pytest.raises(ValueError, match="it fails"), turn([HERE]):  # type: ignore[list-item]
            raise ValueError("it fails")
    assert most_at_once([HERE], 3) == AT_ONCE


def test_many_questions_at_once_are_all_answered_as_one_is(workshop: Workshop) -> None:
    workshop.write("Garden\n\tWater the tomatoes at dawn\nShed\n\tThe ladder stands behind the door\n")
    workshop.build()
    snapshot = workshop.snapshot()
    questions = ["when are tomatoes watered?", "where is the ladder?"] * 20
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda question: ask(snapshot, question).results, questions))
    assert answers == [ask(snapshot, question).results for question in questions]
