"""Several indexes as one: their segments side by side, and of each file the nodes that one of them has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import msgspec
import numpy as np
from numpy.typing import NDArray

from indexer.generation import Generation
from indexer.late import Projection
from indexer.numbering import Rows
from indexer.store import Store
from indexer.store.segment import Segment
from indexer.store.structure import FileEntry, FileList, Structure


@dataclass(frozen=True, slots=True)
class Part:
    """An index to join, and its segments as they will lie in the index to be."""

    generation: Generation
    segments: Sequence[Segment]


def choose(parts: Sequence[Mapping[str, str]], now: Mapping[str, str]) -> list[list[str]]:
    """Which files to take from each part, each file once: from the first part that has it as it is now, else from the first
    that has it at all. parts, now: SHA-256 by file.
    """
    owner: dict[str, int] = {}
    for file in {file for part in parts for file in part}:
        holders = [at for at, part in enumerate(parts) if file in part]
        owner[file] = next((at for at in holders if parts[at][file] == now.get(file)), holders[0])
    return [[file for file in part if owner[file] == at] for at, part in enumerate(parts)]


def joined(parts: Sequence[Part], chosen: Sequence[Sequence[str]], projection: Projection) -> Generation:
    """An index in memory of the chosen files of each part, as if it had been written and opened. All segments have codes of
    this projection.
    """
    nodes = list(accumulate((sum(s.record.nodes for s in part.segments) for part in parts), initial=0))
    chunks = list(accumulate((sum(s.record.chunks for s in part.segments) for part in parts), initial=0))
    drawn = _Joining()
    for at, part in enumerate(parts):
        drawn.add(part.generation, set(chosen[at]), nodes[at], chunks[at])
    segments = [segment for part in parts for segment in part.segments]
    manifests = [part.generation.manifest for part in parts]
    files = {entry.name for entry in drawn.entries}
    structure = drawn.structure()
    manifest = msgspec.structs.replace(
        manifests[0],
        nodes=len(structure.ids),
        chunks=len(structure.chunk_slots),
        borrowed=int(structure.borrowed.sum()),
        sources={file: manifests[at].sources[file] for at, some in enumerate(chosen) for file in some},
        notebooks={f: kind for manifest in manifests for f, kind in manifest.notebooks.items() if f in files},
        former={},
        segments=[segment.record for segment in segments],
    )
    problems = [each for part in parts for each in part.generation.store.problems() if each.file in files]
    listed = FileList(drawn.entries, list(dict.fromkeys(problems)))
    return Generation("", manifest, structure, listed, projection, segments)


class _Joining:
    """Structures are added one after the other."""

    def __init__(self) -> None:
        self.entries: list[FileEntry] = []
        self._parts: list[dict[str, NDArray[np.generic]]] = []
        self._rows = 0

    def add(self, generation: Generation, files: set[str], first_node: int, first_chunk: int) -> None:
        """first_node, first_chunk: how many slots the segments before have."""
        store, structure = generation.store, generation.store.structure
        numbers = [number for number, name in enumerate(store.files) if name in files]
        new_numbers = np.full(len(store.files), -1, np.int64)
        new_numbers[numbers] = len(self.entries) + np.arange(len(numbers))
        self.entries += [store.entries[number] for number in numbers]
        mine = new_numbers[store.file] >= 0
        moved = np.where(mine, self._rows + np.cumsum(mine) - 1, -1)
        chunks = mine[store.chunk_node]
        former = mine[structure.former_nodes]
        self._parts.append(
            {
                "ids": structure.ids[mine],
                "file_numbers": new_numbers[store.file[mine]],
                "parent": _parents(store, mine, moved),
                "last": moved[store.last[mine]],
                "depth": store.depth[mine],
                "line": store.line[mine],
                "end_line": store.end_line[mine],
                "chunk_nodes": moved[store.chunk_node[chunks]],
                "former_ids": structure.former_ids[former],
                "former_nodes": moved[structure.former_nodes[former]],
                "node_slots": first_node + structure.node_slots[mine],
                "chunk_slots": first_chunk + structure.chunk_slots[chunks],
                "borrowed": structure.borrowed[chunks],
            }
        )
        self._rows += int(mine.sum())

    def structure(self) -> Structure:
        return Structure(**{name: np.concatenate([part[name] for part in self._parts]) for name in self._parts[0]})


def _parents(store: Store, mine: NDArray[np.bool_], moved: Rows) -> Rows:
    parents = store.parent[mine]
    return np.where(parents < 0, -1, moved[parents])
