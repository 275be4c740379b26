"""A run that is stopped at any moment loses little and damages nothing."""

import json
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from indexer.build import build
from indexer.encoder import Encoded, Model
from indexer.errors import IndexMissing
from indexer.generation import open_generation
from indexer.vectors import stored_vectors
from tests.conftest import NOTES, TINY_MODEL, TRELLIS, TinyEncoder, Workshop, run_trellis

LINES = [f"Line {number} on subject {number % 97}, item {number * 7919 % 1009}\n" for number in range(3000)]


class Stopping(TinyEncoder):
    """Stops the run, as Ctrl-C would, when it has encoded so many texts."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self._after = after

    def encode(self, texts: Sequence[str], *, query: bool = False) -> Encoded:
        if len(self.encoded) >= self._after:
            raise KeyboardInterrupt
        return super().encode(texts, query=query)


def arrays(folder: Path) -> tuple[np.ndarray, ...]:
    opened = open_generation(folder, TINY_MODEL)
    rows = np.arange(opened.vectors.ntotal)
    tokens = opened.tokens
    opened.close()
    return stored_vectors(opened.vectors, rows), tokens.codes, tokens.offsets, tokens.projection.matrix


def at_once(workshop: Workshop, folder: Path) -> tuple[np.ndarray, ...]:
    build([workshop.notes], folder, TINY_MODEL, loader=lambda _: TinyEncoder())
    return arrays(folder)


def stop(workshop: Workshop, after: int) -> None:
    encoder = Stopping(after)
    with pytest.raises(KeyboardInterrupt):
        build([workshop.notes], workshop.index, TINY_MODEL, loader=lambda _: encoder)


@pytest.mark.parametrize("after", [128, 1280, 2800], ids=lambda after: f"after {after}")
def test_the_next_run_goes_on_where_it_was_stopped(workshop: Workshop, tmp_path: Path, after: int) -> None:
    """Also across the point where the projection of token vectors is fitted, between the second and the third case."""
    workshop.write("".join(LINES))
    stop(workshop, after)
    report = workshop.build()
    assert report.resumed >= after - 128 * 6  # what was under way or waiting is lost
    assert len(workshop.encoder.encoded) == 3000 - report.resumed
    assert (report.nodes, report.embedded) == (3000, 3000)
    for ours, expected in zip(arrays(workshop.index), at_once(workshop, tmp_path / "at-once"), strict=True):
        np.testing.assert_array_equal(ours, expected)
    assert sorted(path.name for path in workshop.index.iterdir()) == [".lock", "CURRENT", "generations", "segments"]


def test_stopped_twice(workshop: Workshop, tmp_path: Path) -> None:
    workshop.write("".join(LINES))
    stop(workshop, 1280)
    stop(workshop, 640)
    report = workshop.build()
    assert report.resumed >= 1280 + 640 - 2 * 128 * 6
    for ours, expected in zip(arrays(workshop.index), at_once(workshop, tmp_path / "at-once"), strict=True):
        np.testing.assert_array_equal(ours, expected)


def test_notes_that_changed_meanwhile_are_embedded_as_they_are_now(workshop: Workshop, tmp_path: Path) -> None:
    path = workshop.write("".join(LINES))
    stop(workshop, 2560)
    path.write_text("".join(line.replace("Line 1", "Row 1") for line in LINES[:2500]))
    report = workshop.build()
    assert 0 < report.resumed < 2500
    vectors, *_ = at_once(workshop, tmp_path / "at-once")
    np.testing.assert_array_equal(arrays(workshop.index)[0], vectors)


def test_an_update_that_is_stopped_leaves_the_old_index_and_goes_on(workshop: Workshop) -> None:
    workshop.write("".join(LINES[:200]))
    before = workshop.build().generation
    workshop.write("".join(LINES))
    stop(workshop, 1280)
    opened = open_generation(workshop.index, TINY_MODEL)
    opened.close()
    assert opened.name == before
    report = workshop.build()
    assert report.kept == 200
    assert report.resumed > 0
    assert len(arrays(workshop.index)[0]) == 3000


def test_what_another_model_had_embedded_is_not_taken(workshop: Workshop) -> None:
    workshop.write("".join(LINES))
    stop(workshop, 1280)
    assert workshop.build(Model("other", Path("nowhere"), "1" * 64)).resumed == 0


def test_a_damaged_journal_is_only_work_lost(workshop: Workshop, tmp_path: Path) -> None:
    workshop.write("".join(LINES))
    stop(workshop, 2560)
    journal = workshop.index / ".unfinished"
    data = bytearray(journal.read_bytes())
    data[len(data) // 2] ^= 1
    journal.write_bytes(data)
    assert 0 < workshop.build().resumed < 2560
    for ours, expected in zip(arrays(workshop.index), at_once(workshop, tmp_path / "at-once"), strict=True):
        np.testing.assert_array_equal(ours, expected)


def test_killed_for_real(tmp_path: Path) -> None:
    """SIGKILL in the middle of the real model's work on the notes that ship; then the same command once more."""
    index = tmp_path / "index"
    command = [*TRELLIS, "index", str(NOTES), "--index", str(index), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    journal = index / ".unfinished"
    while process.poll() is None and not (journal.exists() and journal.stat().st_size > 1 << 20):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    with pytest.raises(IndexMissing):
        open_generation(index, TINY_MODEL)
    again = run_trellis("index", str(NOTES), "--index", str(index), "--json")
    assert again.returncode == 0, again.stderr
    report = json.loads(again.stdout)
    assert 0 < report["resumed"] < report["embedded"] == report["nodes"]
    assert run_trellis("check", "--index", str(index)).returncode == 0
    assert not journal.exists()
