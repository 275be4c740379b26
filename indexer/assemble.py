"""From a draft and the vectors of what is new in it to a generation: slots are given out, a segment is written if there is
anything to write, small and worn segments are merged with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from indexer.chunks import CHUNKING
from indexer.draft import Draft
from indexer.embed import Embedded
from indexer.encoder import Model
from indexer.generation import FORMAT, SEGMENTS, Extras, Generation, Manifest, open_segment
from indexer.generation_writing import write_generation
from indexer.node import Problem
from indexer.plan import segments_to_keep
from indexer.store import Rows
from indexer.store.segment_writing import Fresh, Survivors, write_segment
from indexer.store.structure import FileList, Structure


def assemble(
    folder: Path,
    manifest: Manifest,
    draft: Draft,
    embedded: Embedded,
    borrowed: Mapping[int, bytes],
    problems: Sequence[Problem],
    old: Generation | None,
    extras: Extras | None = None,
) -> Generation:
    """Makes the new generation current. Call it under `write_lock`; raises OSError, the old one is then still current.

    embedded: of the chunks that are new in the draft, in row order. borrowed: by row, the hash of what the vector was made
    of, for those chunks whose vector is that of other text.
    """
    slots = _give_slots(draft, old)
    segments = list(old.store.segments[: slots.kept]) if old else []
    if len(slots.new_nodes) or len(slots.new_chunks) or slots.merged:
        record = write_segment(folder / SEGMENTS, _fresh(draft, slots, embedded, borrowed), slots.merged)
        segments.append(open_segment(folder, record))
    marks = np.zeros(len(slots.chunks), np.bool_)
    marks[list(borrowed)] = True
    structure = Structure.of(draft, slots.nodes, slots.chunks, marks)
    files = FileList(draft.entries, problems)
    return write_generation(folder, manifest, structure, files, embedded.tokens.projection, segments, extras)


def manifest_of(
    model: Model,
    converted: str,
    draft: Draft,
    embedded: Embedded,
    borrowed: Mapping[int, bytes],
    *,
    notes: list[str],
    sources: dict[str, str],
    notebooks: dict[str, str],
    former: dict[str, list[str]] | None = None,
) -> Manifest:
    """What is told of a generation before it is written; its files are filled in then."""
    return Manifest(
        format=FORMAT,
        chunking=CHUNKING,
        model=model.name,
        model_digest=model.digest,
        converted=converted,
        dimension=embedded.vectors.shape[1],
        nodes=len(draft.ids),
        chunks=len(draft.chunk_nodes),
        borrowed=len(borrowed),
        created=datetime.now(UTC).isoformat(timespec="microseconds"),
        notes=notes,
        sources=sources,
        notebooks=notebooks,
        former=former or {},
        files={},
        segments=[],
    )


@dataclass(frozen=True, slots=True)
class _Slots:
    """nodes, chunks: by row, the slot counted over the segments to be. new_nodes, new_chunks: the rows of what is new. kept: so
    many segments stay as they are. merged: what survives of the others.
    """

    nodes: Rows
    chunks: Rows
    new_nodes: Rows
    new_chunks: Rows
    kept: int
    merged: list[Survivors]


def _give_slots(draft: Draft, old: Generation | None) -> _Slots:
    new_nodes, new_chunks = np.flatnonzero(draft.nodes_from < 0), np.flatnonzero(draft.chunks_from < 0)
    if old is None:
        return _Slots(np.arange(len(draft.ids)), np.arange(len(draft.chunks_from)), new_nodes, new_chunks, 0, [])
    segments = old.store.segments
    nodes = _Moved([s.record.nodes for s in segments], old.store.structure.node_slots, draft.nodes_from)
    chunks = _Moved([s.record.chunks for s in segments], old.store.structure.chunk_slots, draft.chunks_from)
    kept = segments_to_keep(chunks.sizes, [len(live) for live in chunks.live], len(new_chunks))
    left = [Survivors(segment, nodes.live[at], chunks.live[at]) for at, segment in enumerate(segments) if at >= kept]
    merged = [each for each in left if len(each.nodes) or len(each.chunks)]
    return _Slots(nodes.renumbered(kept), chunks.renumbered(kept), new_nodes, new_chunks, kept, merged)


class _Moved:
    """Where the slots of a kind are, and where they will be."""

    def __init__(self, sizes: list[int], old_slots: Rows, rows_from: Rows) -> None:
        self.sizes = sizes
        self._starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        self._rows_from = rows_from
        self._slots = np.where(rows_from < 0, -1, old_slots[rows_from]) if len(old_slots) else rows_from
        self._used = np.sort(self._slots[self._slots >= 0])
        bounds = np.searchsorted(self._used, self._starts)
        self.live = [self._used[a:b] - start for a, b, start in zip(bounds, bounds[1:], self._starts, strict=False)]

    def renumbered(self, kept: int) -> Rows:
        """By row, the slot when the segments from `kept` on are one, in which the survivors come first."""
        first = int(self._starts[kept])
        used = self._used[self._used >= first]
        slots = self._slots.copy()
        moved = slots >= first
        slots[moved] = first + np.searchsorted(used, slots[moved])
        new = self._rows_from < 0
        slots[new] = first + len(used) + np.arange(np.count_nonzero(new))
        return slots


def _fresh(draft: Draft, slots: _Slots, embedded: Embedded, borrowed: Mapping[int, bytes]) -> Fresh:
    rows = slots.new_chunks.tolist()
    chunks = [draft.chunks[row] for row in rows]
    made_of = [borrowed.get(row, chunk.hash) for row, chunk in zip(rows, chunks, strict=True)]
    nodes = [draft.nodes[row] for row in slots.new_nodes.tolist()]
    return Fresh(nodes, chunks, [draft.tags[row] for row in rows], made_of, embedded.vectors, embedded.tokens)
