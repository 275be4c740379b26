"""Poisoned notes, a language model that obeys them, and a real browser: nothing may get out."""

from __future__ import annotations

from pathlib import Path

from bench.trust import obedient


def test_an_obedient_model_gets_nothing_out(tmp_path: Path) -> None:
    found = obedient.run(tmp_path, 8)
    assert found.requests == []
    assert found.false == []
    assert found.bad == []
    assert found.said > 0, "no poison reached the model, so nothing was tried"
    assert found.citations > 0
