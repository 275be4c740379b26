"""Stores made of outlines alone: their vectors all point the same way, since nothing here is about meaning."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from indexer.draft import ReadFile, draft
from indexer.generation import open_segment
from indexer.late import Projection, join
from indexer.node import Outline, Problem
from indexer.store import Store
from indexer.store.segment import SegmentRecord
from indexer.store.segment_writing import Fresh, write_segment
from indexer.store.structure import FileList, Structure


def written(folder: Path, files: Sequence[ReadFile]) -> SegmentRecord:
    """A segment of all that these files say, below `folder`/segments."""
    made = draft(files)
    chunks = list(made.chunks.values())
    projection = Projection(np.eye(4, dtype=np.float32), 1 / 127)
    vectors = np.tile(np.eye(1, 4, dtype=np.float32), (len(chunks), 1))
    tokens = join([np.zeros((0, 4), np.int8)] * len(chunks), projection)
    hashes = [chunk.hash for chunk in chunks]
    fresh = Fresh(list(made.nodes.values()), chunks, list(made.tags.values()), hashes, vectors, tokens)
    folder.mkdir(exist_ok=True)
    return write_segment(folder / "segments", fresh)


def stored(folder: Path, files: Sequence[ReadFile | Outline], problems: Sequence[Problem] = ()) -> Store:
    """The store of these files, written and opened again. Each chunk has a place of its own."""
    read = [file if isinstance(file, ReadFile) else ReadFile(file) for file in files]
    made = draft(read)
    segment = open_segment(folder, written(folder, read))
    rows = np.arange(len(made.chunk_nodes))
    structure = Structure.of(made, np.arange(len(made.ids)), rows, np.zeros(len(rows), np.bool_))
    entries = FileList(made.entries, problems).to_bytes()
    return Store(Structure.from_bytes(structure.to_bytes()), FileList.from_bytes(entries), [segment])
