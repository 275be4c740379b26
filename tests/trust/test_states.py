"""Edits, runs, kills and questions in any order; readers while the index is swapped. Small; `make trust` goes on for long."""

from __future__ import annotations

from bench.trust import states, swaps
from bench.trust.workplace import Workplace


def test_whatever_happens_the_index_says_what_the_notes_said(work: Workplace) -> None:
    found = states.walk(work, 40, seed=5)
    assert found.bad == []
    assert found.kinds["kill"] > 1
    assert found.compared > 1


def test_readers_never_see_two_generations_in_one(work: Workplace) -> None:
    found = swaps.run(work, readers=8, indexers=1, swaps=6, patience=60)
    assert found.bad == []
    assert len(found.generations) >= 3
    assert found.answers > 20
