"""Indexing calibrates: the anchors of confidence are measured once and kept with the generation."""

from __future__ import annotations

import pytest

from service.background import Background, background_of, kept_background
from tests.conftest import Workshop

NOTES = "".join(f"Topic {n}\n" + "".join(f"  thing {n} {m}\n" for m in range(9)) for n in range(10))


def kept(workshop: Workshop) -> Background | None:
    return kept_background(workshop.snapshot().generation)


def test_the_anchors_are_kept_and_read_back(workshop: Workshop) -> None:
    workshop.write(NOTES)
    workshop.calibrate()
    assert kept(workshop) is not None
    assert kept(workshop) == background_of(workshop.snapshot())


def test_nothing_changed_asks_nothing(workshop: Workshop) -> None:
    workshop.write(NOTES)
    workshop.calibrate()
    workshop.encoder.encode = pytest.fail  # type: ignore[assignment, method-assign]
    assert workshop.calibrate().embedded == 0


def test_a_small_change_keeps_the_anchors_and_many_small_ones_do_not(workshop: Workshop) -> None:
    workshop.write(NOTES)
    workshop.calibrate()
    first = kept(workshop)
    changes = []
    for number in range(1, 13):
        workshop.write(NOTES + "".join(f"new thing {n}\n" for n in range(number)))
        workshop.calibrate()
        changes.append(getattr(kept(workshop), "changed", None))
    assert changes[:11] == list(range(1, 12))
    assert changes[11] == 0
    assert first != kept(workshop)


def test_notes_indexed_without_anchors_are_measured_when_asked(workshop: Workshop) -> None:
    workshop.write(NOTES)
    workshop.build()
    assert kept(workshop) is None
    measured = background_of(workshop.snapshot())
    workshop.write(NOTES + "one more\n")
    workshop.calibrate()
    assert len(measured.far_off) == len(background_of(workshop.snapshot()).far_off)
