"""Concurrent questions share a run of the model and each gets its own vectors back."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from indexer.encoder import Encoded
from service.batching import SharedEncoder
from tests.conftest import TinyEncoder


class GatedEncoder(TinyEncoder):
    """Stays in its first batch until the gate opens; keeps the batches."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.started = threading.Event()
        self.batches: list[list[str]] = []

    def encode(self, texts: Sequence[str], *, query: bool = False) -> Encoded:
        self.batches.append(list(texts))
        self.started.set()
        assert self.gate.wait(30)
        if "bad" in texts:
            raise ValueError("bad text")
        return super().encode(texts, query=query)


def same(one: Encoded, other: Encoded) -> bool:
    return all(
        np.array_equal(getattr(one, part), getattr(other, part)) for part in ("vectors", "tokens", "counts", "spans")
    )


def asked_together(encoder: GatedEncoder, requests: Sequence[Sequence[str]]) -> list[Encoded | Exception]:
    """The first request holds the model while all others come to wait."""
    shared = SharedEncoder(encoder)

    def ask(texts: Sequence[str]) -> Encoded | Exception:
        try:
            return shared.encode(texts, query=True)
        except ValueError as error:
            return error

    with ThreadPoolExecutor(len(requests)) as pool:
        first = pool.submit(ask, requests[0])
        assert encoder.started.wait(30)
        others = [pool.submit(ask, texts) for texts in requests[1:]]
        while len(shared._queue) < len(requests) - 1:
            threading.Event().wait(0.001)
        encoder.gate.set()
        return [future.result(30) for future in [first, *others]]


def test_who_waits_together_is_encoded_together_and_gets_its_own() -> None:
    encoder = GatedEncoder()
    requests = [["one apple"], ["two red pears"], ["a fig", "and a lime tree"], ["", "plum"]]
    results = asked_together(encoder, requests)
    assert len(encoder.batches) == 2
    assert sorted(encoder.batches[1]) == sorted(text for texts in requests[1:] for text in texts)
    for texts, result in zip(requests, results, strict=True):
        assert isinstance(result, Encoded)
        assert same(result, TinyEncoder().encode(texts, query=True))


def test_a_crowd_is_taken_in_batches_of_bounded_size() -> None:
    encoder = GatedEncoder()
    requests = [[f"question {number}"] for number in range(80)]
    results = asked_together(encoder, requests)
    assert max(map(len, encoder.batches)) <= 32
    assert sum(map(len, encoder.batches)) == 80
    for texts, result in zip(requests, results, strict=True):
        assert isinstance(result, Encoded)
        assert same(result, TinyEncoder().encode(texts, query=True))


def test_an_error_reaches_those_it_concerns_and_nobody_is_left_waiting() -> None:
    encoder = GatedEncoder()
    results = asked_together(encoder, [["good"], ["bad"], ["worse luck"]])
    assert isinstance(results[0], Encoded)
    assert [str(result) for result in results[1:]] == ["bad text", "bad text"]
    shared = SharedEncoder(encoder)
    assert len(shared.encode(["good"], query=True).vectors) == 1


@pytest.mark.parametrize("texts", [[], ["one"], [f"number {n}" for n in range(100)]])
def test_it_encodes_as_the_encoder_below(texts: list[str]) -> None:
    for query in (True, False):
        assert same(SharedEncoder(TinyEncoder()).encode(texts, query=query), TinyEncoder().encode(texts, query=query))
