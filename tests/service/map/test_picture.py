"""The picture from one state of the notes to the next, and what is kept of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from service.errors import MapNotDrawn
from service.map import tsne
from service.map.layout import Places
from service.map.opened import Maps
from service.map.picture import FILE, Picture, keep_picture, load_picture, picture_of
from tests.conftest import Workshop

LINES = [f"note {number} about subject {number % 7}" for number in range(39)]
"""Too few for t-SNE, which has tests of its own and takes its time."""


@pytest.fixture
def drawn(workshop: Workshop) -> Picture:
    workshop.write("\n".join(LINES))
    workshop.build()
    return picture_of(workshop.snapshot().generation)


def places(workshop: Workshop, before: Picture | None = None) -> Places:
    return picture_of(workshop.snapshot().generation, before).places


def test_a_saved_edit_leaves_the_other_notes_where_they_are(workshop: Workshop, drawn: Picture) -> None:
    workshop.write("\n".join(["something new", *LINES]))
    workshop.build()
    assert (places(workshop, drawn)[1:] == drawn.places).all()


def test_notes_under_another_heading_stay_where_they_were(workshop: Workshop) -> None:
    workshop.write("Old\n" + "".join(f"\t{line}\n" for line in LINES))
    workshop.build()
    before = picture_of(workshop.snapshot().generation)
    workshop.write("New\n" + "".join(f"\t{line}\n" for line in LINES))
    workshop.build()
    assert (places(workshop, before)[1:] == before.places[1:]).all()


def test_a_picture_of_which_little_is_left_is_drawn_anew(workshop: Workshop, drawn: Picture) -> None:
    workshop.write("\n".join(f"other {number} of matter {number % 5}" for number in range(39)), "more.txt")
    (workshop.notes / "notes.txt").unlink()
    workshop.build()
    assert (places(workshop, drawn) == places(workshop)).all()


def test_what_is_kept_comes_back_and_what_is_damaged_is_named_and_does_not(
    workshop: Workshop, drawn: Picture, caplog: pytest.LogCaptureFixture
) -> None:
    keep_picture(workshop.index, drawn)
    kept = load_picture(workshop.index)
    assert kept
    assert (kept.places == drawn.places).all()
    path = workshop.index / FILE
    whole = path.read_bytes()
    for data in (b"", whole[:-1], whole[:1000], whole.replace(b"PK", b"KP", 1), whole[:-9] + b"\0" * 9, b"rubbish"):
        path.write_bytes(data)
        assert load_picture(workshop.index) is None, data[:40]
        assert ".map beside the index is damaged" in caplog.text
        caplog.clear()
    path.unlink()
    assert load_picture(workshop.index) is None
    assert not caplog.text


def test_a_service_keeps_the_map_beside_the_index_unless_it_only_reads(workshop: Workshop, drawn: Picture) -> None:
    data = Maps(keep=False).view(workshop.snapshot(), workshop.index)
    assert load_picture(workshop.index) is None
    maps = Maps(keep=True)
    assert maps.view(workshop.snapshot(), workshop.index) == data
    kept = load_picture(workshop.index)
    assert kept
    assert (kept.places == drawn.places).all()


def test_after_an_edit_and_a_new_start_the_map_is_where_it_was(workshop: Workshop, drawn: Picture) -> None:
    Maps(keep=True).view(workshop.snapshot(), workshop.index)
    workshop.write("\n".join([*LINES, "something new"]))
    workshop.build()
    Maps(keep=True).view(workshop.snapshot(), workshop.index)
    kept = load_picture(workshop.index)
    assert kept
    assert (kept.places[:-1] == drawn.places).all()


def test_an_index_that_cannot_be_written_has_a_map_too(workshop: Workshop, drawn: Picture) -> None:
    (workshop.index / f".{FILE}.new").mkdir()
    assert Maps(keep=True).view(workshop.snapshot(), workshop.index)
    assert load_picture(workshop.index) is None


def test_the_libraries_that_draw_are_not_loaded_into_the_service() -> None:
    probe = "import sys, service.http.server; print([name for name in ('sklearn', 'openTSNE', 'scipy') if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_a_drawing_that_fails_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'MemoryError: too little' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    with pytest.raises(MapNotDrawn, match="MemoryError: too little"):
        tsne.lay_out(np.zeros((50, 3)), 1)
    broken.write_text("#!/bin/sh\ncat > /dev/null\n")
    with pytest.raises(MapNotDrawn):
        tsne.lay_out(np.zeros((50, 3)), 1)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "missing"))
    with pytest.raises(MapNotDrawn):
        tsne.lay_out(np.zeros((50, 3)), 1)
