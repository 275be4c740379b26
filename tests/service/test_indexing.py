"""Indexing calibrates: the anchors of confidence are measured once and kept with the generation."""

from __future__ import annotations

import numpy as np
import pytest

from indexer.build import build
from indexer.vectors import stored_vectors
from service import indexing
from service.answering import search
from service.judge.background import Background, background_of, kept_background
from service.snapshot import Current
from tests.conftest import TINY_MODEL, Workshop

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


OUTLINE = "{}\n" + "".join(f"  part {n}\n" + "".join(f"    thing {n} {m}\n" for m in range(20)) for n in range(5))


def test_a_renamed_heading_is_found_at_once_and_what_stands_below_follows(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "_AT_ONCE", 30)
    workshop.write(OUTLINE.format("Wardrobe"))
    workshop.calibrate()
    current = Current(workshop.index, TINY_MODEL, workshop.encoder)
    workshop.write(OUTLINE.format("Cellar"))
    workshop.encoder.encoded.clear()
    seen: list[tuple[int, int, str]] = []

    def look(_: str) -> None:
        snapshot = current.get()
        best = search(snapshot, "cellar thing 4 19", top=1).results[0]
        seen.append((snapshot.generation.manifest.borrowed, len(workshop.encoder.encoded), " > ".join(best.path)))

    indexing.follow([workshop.notes], workshop.index, current, look)
    assert [path for _, _, path in seen] == ["Cellar > part 4"] * 4
    assert [borrowed for borrowed, _, _ in seen] == [75, 45, 15, 0]
    assert [embedded for _, embedded, _ in seen] == [31, 61, 91, 106]
    assert fresh_vectors(workshop) == pytest.approx(kept_vectors(workshop), abs=1e-6)


def kept_vectors(workshop: Workshop) -> object:
    vectors = workshop.snapshot().generation.vectors
    return stored_vectors(vectors, np.arange(vectors.ntotal))


def fresh_vectors(workshop: Workshop) -> object:
    other = workshop.index.with_name("fresh")
    build([workshop.notes], other, TINY_MODEL, loader=lambda _: workshop.encoder)
    vectors = Current(other, TINY_MODEL, workshop.encoder).get().generation.vectors
    return stored_vectors(vectors, np.arange(vectors.ntotal))


def test_an_interrupted_follow_up_is_finished_by_the_next_build(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "_AT_ONCE", 30)
    workshop.write(OUTLINE.format("Wardrobe"))
    workshop.calibrate()
    current = Current(workshop.index, TINY_MODEL, workshop.encoder)
    workshop.write(OUTLINE.format("Cellar"))

    def stop(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        indexing.follow([workshop.notes], workshop.index, current, stop)
    assert current.get().generation.manifest.borrowed == 75
    report = workshop.calibrate()
    assert (report.embedded, report.borrowed) == (75, 0)
    assert fresh_vectors(workshop) == pytest.approx(kept_vectors(workshop), abs=1e-6)


def test_a_heading_renamed_back_needs_no_model(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "_AT_ONCE", 0)
    workshop.write(OUTLINE.format("Wardrobe"))
    workshop.calibrate()
    workshop.write(OUTLINE.format("Cellar"))
    indexing.update([workshop.notes], workshop.index, TINY_MODEL, lambda _: workshop.encoder, at_most=0)
    workshop.write(OUTLINE.format("Wardrobe"))
    workshop.encoder.encoded.clear()
    workshop.calibrate()
    assert workshop.encoder.encoded == ["Wardrobe"]
