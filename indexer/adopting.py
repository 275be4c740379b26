"""A segment of one index folder in another."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np

from indexer.durable import NotAsWritten, copy_verified, folder_mode, make_folder, sync_folder
from indexer.errors import IndexDamaged
from indexer.generation import SEGMENTS, open_segment
from indexer.late import Projection, TokenVectors, recoded
from indexer.store.segment import TEXTS, Segment
from indexer.store.segment_writing import Fresh, Survivors, is_whole, write_segment


def adopt(source: Path, segment: Segment, target: Path, own: Projection, projection: Projection) -> Segment:
    """The segment of the index folder `source` in `target`, with its codes in this projection where its own is another. Call
    it under `write_lock`. Raises OSError or IndexDamaged.
    """
    if own.to_bytes() != projection.to_bytes():
        place = source / SEGMENTS / segment.record.name / TEXTS
        codes = recoded(segment.codes, own, projection)
        there = Segment(segment.record, place, segment.words, segment.vectors, codes, segment.contents)
        all_of_it = Survivors(there, np.arange(segment.record.nodes), np.arange(segment.record.chunks))
        return open_segment(target, write_segment(target / SEGMENTS, _nothing(segment, projection), [all_of_it]))
    if not is_whole(target / SEGMENTS / segment.record.name, segment.record):
        _copy(source, segment, target)
    return open_segment(target, segment.record)


def _nothing(segment: Segment, projection: Projection) -> Fresh:
    none = TokenVectors(np.empty((0, projection.matrix.shape[1]), np.int8), np.zeros(1, np.int64), projection)
    return Fresh([], [], [], [], np.empty((0, segment.vectors.d), np.float32), none)


def _copy(source: Path, segment: Segment, target: Path) -> None:
    """Aside first, then renamed; every byte is verified on its way."""
    folder = target / SEGMENTS
    make_folder(folder)
    aside = Path(tempfile.mkdtemp(prefix=".new-", dir=folder))
    try:
        for name, record in segment.record.files.items():
            try:
                copy_verified(source / SEGMENTS / segment.record.name / name, aside / name, record)
            except NotAsWritten as error:
                raise IndexDamaged(source, f"{SEGMENTS}/{segment.record.name}/{name} {error}") from error
        aside.chmod(folder_mode())
        sync_folder(aside)
        shutil.rmtree(folder / segment.record.name, ignore_errors=True)
        aside.rename(folder / segment.record.name)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    sync_folder(folder)
