"""Poisoned notes, a language model that obeys them, and a real browser: nothing may get out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.trust import obedient


def test_an_obedient_model_gets_nothing_out(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as apart:  # the browser of other tests holds this thread's event loop
        found = apart.submit(obedient.run, tmp_path, 8).result()
    assert found.requests == []
    assert found.false == []
    assert found.bad == []
    assert found.said > 0, "no poison reached the model, so nothing was tried"
    assert found.citations > 0
