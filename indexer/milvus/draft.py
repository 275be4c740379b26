"""From a generation to what is to be published of it: the root, and the pages that it names. Records are made apart, file by
file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from indexer.generation import Generation, Manifest
from indexer.milvus import wire
from indexer.milvus.pages import key_of
from indexer.milvus.wire import Acronym, Drafted, FileState, Layout, Root


def draft(generation: Generation, mean_length: float, before: Root | None) -> Drafted:
    """mean_length: what the weights of words are made with. before: the root that is current: what it has in as many pages is
    put in as many again, so that the pages of words no count of which changed stay as they are.
    """
    return _Drafting(generation).draft(mean_length, before)


def slim(manifest: Manifest) -> Manifest:
    """Without what grows with the notes: that stands with the files."""
    return msgspec.structs.replace(manifest, sources={}, notebooks={}, former={}, files={}, segments=[])


class _Drafting:
    def __init__(self, generation: Generation) -> None:
        self._generation = generation
        self._store = store = generation.store
        self._pages: dict[str, bytes] = {}
        self._headings: list[list[tuple[int, str, int, bool]]] = [[] for _ in store.files]
        self._first = np.searchsorted(store.file, np.arange(len(store.files) + 1))
        self._first_chunk = np.searchsorted(store.chunk_node, self._first)
        self._nodes_say = store.node_hashes()
        self._chunks_say = [store.chunk_hashes(), store.made_of()]
        for heading in store.headings:
            number = int(store.file[heading.row])
            told = heading.row - int(self._first[number]), heading.text, heading.below, heading.top
            self._headings[number].append(told)

    def draft(self, mean_length: float, before: Root | None) -> Drafted:
        generation, store = self._generation, self._store
        files = [self._file(number) for number in range(len(store.files))]
        acronyms = {short: Acronym(store.uses(short), store.spelled_out(short)) for short in store.acronyms()}
        root = Root(
            name=generation.name,
            manifest=msgspec.json.encode(slim(generation.manifest)),
            chunks=len(store.chunk_node),
            nodes=len(store),
            tokens=generation.token_count,
            mean_length=mean_length,
            projection=generation.tokens.projection.to_bytes(),
            extras=dict(generation.extras),
            said=self._kept(msgspec.msgpack.encode(store.attribute_values())),
            files=[self._kept(page) for page in wire.in_tables(files)],
            stems=self._table(store.stem_counts(), before.stems if before else []),
            words=self._table(store.vocabulary, before.words if before else []),
            acronyms=self._table(acronyms, before.acronyms if before else []),
        )
        return Drafted(root, files, self._pages)

    def _kept(self, data: bytes) -> str:
        key = key_of(data)
        self._pages[key] = data
        return key

    def _table(self, table: Mapping[str, Any], before: list[str]) -> list[str]:
        count = wire.buckets(len(table), len(before))
        return [self._kept(page) for page in wire.in_buckets(table, count)]

    def _file(self, number: int) -> FileState:
        store, manifest = self._store, self._generation.manifest
        entry, headings = store.entries[number], self._headings[number]
        layout = self._layout(number).pack()
        told = msgspec.msgpack.encode(headings) if headings else b""
        return FileState(
            name=entry.name,
            state=wire.digest_of(layout, told, msgspec.json.encode(entry.attributes), *self._contents(number)),
            nodes=int(self._first[number + 1] - self._first[number]),
            chunks=int(self._first_chunk[number + 1] - self._first_chunk[number]),
            layout=self._kept(layout),
            headings=self._kept(told) if headings else "",
            digest=manifest.sources.get(entry.name, ""),
            notebook=manifest.notebooks.get(entry.name, ""),
            attributes=tuple(entry.attributes),
        )

    def _layout(self, number: int) -> Layout:
        store, first = self._store, int(self._first[number])
        here = slice(first, int(self._first[number + 1]))
        chunks = slice(int(self._first_chunk[number]), int(self._first_chunk[number + 1]))
        return Layout(
            store.structure.ids[here],
            np.where(store.parent[here] < 0, -1, store.parent[here] - first),
            store.last[here] - first,
            store.depth[here],
            store.line[here],
            store.end_line[here],
            np.bincount(store.chunk_node[chunks] - first, minlength=here.stop - first),
        )

    def _contents(self, number: int) -> list[bytes]:
        """The hashes of all that the nodes and chunks of a file say, and what they were called before."""
        structure = self._store.structure
        first, end = int(self._first[number]), int(self._first[number + 1])
        chunks = slice(int(self._first_chunk[number]), int(self._first_chunk[number + 1]))
        former = (structure.former_nodes >= first) & (structure.former_nodes < end)
        return [
            self._nodes_say[first:end].tobytes(),
            *(each[chunks].tobytes() for each in self._chunks_say),
            structure.former_ids[former].tobytes(),
            (structure.former_nodes[former] - first).tobytes(),
        ]
