"""The same question to the same generation is answered from memory, and never from an older one."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace

import numpy as np
from msgspec import structs

from indexer.numbering import SparseMask
from service import answering, recent
from service.search.query_syntax import Filters
from tests.conftest import Workshop


def test_the_same_question_is_ranked_once(workshop: Workshop) -> None:
    workshop.write("red apple\ngreen pear\n")
    workshop.build()
    snapshot = workshop.snapshot()
    before = workshop.encoder.questions
    first, second = recent.ask(snapshot, "apple"), recent.ask(snapshot, "apple")
    after_one = workshop.encoder.questions
    assert structs.replace(first, took_ms=0) == structs.replace(second, took_ms=0)
    assert after_one > before
    recent.ask(snapshot, "apple")
    assert workshop.encoder.questions == after_one


def test_whatever_shapes_an_answer_tells_questions_apart(workshop: Workshop) -> None:
    workshop.write("Fruit\n  red apple\nTree\n  apple tree\n")
    workshop.build()
    snapshot = workshop.snapshot()
    for arguments in (
        {},
        {"top": 1},
        {"filters": Filters(under=("Tree",))},
        {"filters": Filters(file="notes.txt")},
        {"explained": True},
    ):
        for kept, real in ((recent.ask, answering.ask), (recent.search, answering.search)):
            expected = real(snapshot, "apple", **arguments)
            for _ in range(2):
                assert structs.replace(kept(snapshot, "apple", **arguments), took_ms=0) == structs.replace(
                    expected, took_ms=0
                )


def test_a_new_generation_is_asked_anew(workshop: Workshop) -> None:
    workshop.write("red apple\n")
    workshop.build()
    assert recent.ask(workshop.snapshot(), "apple").results[0].text == "red apple"
    workshop.write("green apple\n")
    workshop.build()
    assert recent.ask(workshop.snapshot(), "apple").results[0].text == "green apple"


def test_answers_do_not_outlive_their_generation(workshop: Workshop) -> None:
    workshop.write("red apple\n")
    workshop.build()
    snapshot = workshop.snapshot()
    recent.search(snapshot, "apple")
    gone = weakref.ref(snapshot)
    del snapshot
    gc.collect()
    assert gone() is None


def test_memory_is_bounded(workshop: Workshop, monkeypatch) -> None:
    monkeypatch.setattr(recent, "_KEPT", 3000)
    workshop.write("".join(f"apple number {n}\n" for n in range(30)))
    workshop.build()
    snapshot = workshop.snapshot()
    for number in range(30):
        recent.search(snapshot, f"apple {number}")
    assert 0 < recent._recent[snapshot].currsize <= 3000
    asked = workshop.encoder.questions
    recent.search(snapshot, "apple 0")
    assert workshop.encoder.questions == asked + 1


def test_what_was_asked_takes_no_memory(workshop: Workshop) -> None:
    workshop.write("".join(f"apple number {n}\n" for n in range(3000)))
    workshop.build()
    snapshot = workshop.snapshot()
    gone = np.zeros(len(snapshot.store), np.bool_)
    for row in range(3):
        gone[row] = True
        recent.search(snapshot, "apple " * 600, 1, gone={snapshot: gone})
    kept = recent._recent[snapshot]
    assert len(kept) == 3
    assert sum(map(len, kept)) < 100


def test_a_node_that_is_gone_since_is_no_answer_from_memory(workshop: Workshop) -> None:
    workshop.write("red apple\ngreen apple\nyellow pear\n")
    workshop.build()
    snapshot = workshop.snapshot()
    assert recent.search(snapshot, "red apple").results[0].source.line == 1
    gone = np.array([True, False, False])
    for _ in range(2):
        shown = recent.search(snapshot, "red apple", gone={snapshot: gone}).results
        assert all(line.text != "red apple" for result in shown for line in result.excerpt)


def test_what_is_gone_from_one_collection_is_not_taken_for_another(workshop: Workshop) -> None:
    """Masks of very many nodes are told by their rows alone, as many as there are."""
    workshop.write("red apple\ngreen apple\nyellow apple\n")
    workshop.build()
    one, other = replace(workshop.snapshot(), collection="one"), replace(workshop.snapshot(), collection="other")
    shown = []
    for first, second in (([0, 1], [2]), ([0], [1, 2])):
        gone = {one: SparseMask(np.array(first), 3), other: SparseMask(np.array(second), 3)}
        found = recent.search([one, other], "apple", gone=gone).results
        shown.append({(result.collection, line.line) for result in found for line in result.excerpt})
    assert shown == [{("one", 3), ("other", 1), ("other", 2)}, {("one", 2), ("one", 3), ("other", 1)}]
