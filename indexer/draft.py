"""A new generation before anything is embedded: every node and chunk in its place, and what of it the old generation has
already.

Deciding stands apart from doing: this only compares. Files that have not changed are taken over as they are, unread.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from indexer.account import Account
from indexer.chunks import Chunk, cut_chunks
from indexer.node import Node, Outline
from indexer.references import is_linked
from indexer.store import Rows, Store
from indexer.store.segment import short
from indexer.store.segment_writing import chunk_hash, node_hash, storable, tags_of
from indexer.store.structure import Arrangement, FileEntry

NEW = -1


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file that was read just now. former: the names it had before."""

    outline: Outline
    account: Account | None = None
    former: Sequence[str] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Draft(Arrangement):
    """The arrangement to be, and where what stands in it comes from.

    nodes_from, chunks_from: the row of the old generation that has the same, or NEW. nodes, chunks: those that were read
    just now, by row. tags: what each of these chunks is found by besides its text.
    """

    entries: list[FileEntry]
    nodes_from: Rows
    chunks_from: Rows
    nodes: dict[int, Node]
    chunks: dict[int, Chunk]
    tags: dict[int, str]


def draft(files: Iterable[ReadFile | int], old: Store | None = None) -> Draft:
    """files: in their new order; a number is that of a file in `old` that has not changed, all vectors of which are its own."""
    files = list(files)
    drawn = _Drawing(_Gone(old, [each for each in files if isinstance(each, int)]) if old else None)
    for each in files:
        if isinstance(each, ReadFile):
            drawn.add(each)
        elif old:
            drawn.take_over(old, each)
    return drawn.finish()


@dataclass(slots=True)
class _Gone:
    """The nodes and chunks of the old files that are not taken over as they are: whoever says the same may have their slots.
    By their hashes, each row once.
    """

    nodes: defaultdict[bytes, deque[int]] = field(init=False)
    chunks: defaultdict[tuple[bytes, bytes], deque[int]] = field(init=False)

    def __init__(self, old: Store, kept: Sequence[int]) -> None:
        gone = np.flatnonzero(~np.isin(old.file, kept))
        chunks = np.flatnonzero(~np.isin(old.file[old.chunk_node], kept))
        self.nodes, self.chunks = defaultdict(deque), defaultdict(deque)
        for row, digest in zip(gone.tolist(), old.node_hashes()[gone].tolist(), strict=True):
            self.nodes[digest].append(row)
        said, made_of = old.chunk_hashes()[chunks].tolist(), old.made_of()[chunks].tolist()
        for row, *digests in zip(chunks.tolist(), said, made_of, strict=True):
            self.chunks[digests[0], digests[1]].append(row)


@dataclass(slots=True)
class _Drawing:
    """Files are added one after the other; `finish` joins them."""

    gone: _Gone | None
    entries: list[FileEntry] = field(default_factory=list)
    parts: list[dict[str, NDArray[np.generic]]] = field(default_factory=list)
    nodes: dict[int, Node] = field(default_factory=dict)
    chunks: dict[int, Chunk] = field(default_factory=dict)
    tags: dict[int, str] = field(default_factory=dict)
    rows: int = 0
    chunk_rows: int = 0

    def take_over(self, old: Store, number: int) -> None:
        first, last = old.rows_of(number)
        here = slice(first, last + 1)
        chunks = slice(*np.searchsorted(old.chunk_node, [first, last + 1]))
        moved = self.rows - first
        structure = old.structure
        former = (structure.former_nodes >= first) & (structure.former_nodes <= last)
        self._append(
            old.entries[number],
            ids=structure.ids[here],
            parent=np.where(old.parent[here] < 0, -1, old.parent[here] + moved),
            last=old.last[here] + moved,
            depth=old.depth[here],
            line=old.line[here],
            end_line=old.end_line[here],
            nodes_from=np.arange(first, last + 1),
            chunk_nodes=old.chunk_node[chunks] + moved,
            chunks_from=np.arange(chunks.start, chunks.stop),
            former_ids=structure.former_ids[former],
            former_nodes=structure.former_nodes[former] + moved,
        )

    def add(self, file: ReadFile) -> None:
        outline = file.outline
        first, chunks = self.rows, list(cut_chunks(outline))
        tags = [tags_of(node) for node in outline.nodes]
        self.nodes.update(enumerate(outline.nodes, start=first))
        self.chunks.update(enumerate(chunks, start=self.chunk_rows))
        self.tags.update((self.chunk_rows + at, tags[chunk.node]) for at, chunk in enumerate(chunks))
        former = [number for name in file.former for number in enumerate(outline.ids(name), start=first)]
        self._append(
            _entry(file),
            ids=_numbers(outline.ids()),
            parent=_array(-1 if node.parent is None else first + node.parent for node in outline.nodes),
            last=_last_rows(outline, first),
            depth=_array(node.depth for node in outline.nodes),
            line=_array(node.line for node in outline.nodes),
            end_line=_array(node.end_line for node in outline.nodes),
            nodes_from=_array(self._same_nodes(outline.nodes)),
            chunk_nodes=_array(first + chunk.node for chunk in chunks),
            chunks_from=_array(self._same_chunks(chunks, tags)),
            former_ids=_numbers([node_id for _, node_id in former]),
            former_nodes=_array(row for row, _ in former),
        )

    def _same_nodes(self, nodes: Iterable[Node]) -> Iterator[int]:
        for node in nodes:
            rows = self.gone.nodes.get(short(node_hash(node))) if self.gone else None
            yield rows.popleft() if rows else NEW

    def _same_chunks(self, chunks: Iterable[Chunk], tags: Sequence[str]) -> Iterator[int]:
        for chunk in chunks:
            key = short(chunk_hash(chunk, tags[chunk.node])), short(chunk.hash)
            rows = self.gone.chunks.get(key) if self.gone else None
            yield rows.popleft() if rows else NEW

    def _append(self, entry: FileEntry, **arrays: NDArray[np.generic]) -> None:
        rows = len(arrays["ids"])
        self.entries.append(entry)
        self.parts.append({"file_numbers": np.full(rows, len(self.entries) - 1), **arrays})
        self.rows += rows
        self.chunk_rows += len(arrays["chunk_nodes"])

    def finish(self) -> Draft:
        joined = {name: np.concatenate([part[name] for part in self.parts]) for name in self.parts[0]}
        return Draft(entries=self.entries, nodes=self.nodes, chunks=self.chunks, tags=self.tags, **joined)


def _entry(file: ReadFile) -> FileEntry:
    outline = file.outline
    said = [("title", storable(outline.title))] if outline.title else []
    said += [(name, storable(value)) for name, value in outline.attributes]
    return FileEntry(outline.file, file.account, tuple(said), is_linked(outline))


def _last_rows(outline: Outline, first: int) -> Rows:
    """The last row of the subtree of each node."""
    last = list(range(first, first + len(outline.nodes)))
    for at in range(len(outline.nodes) - 1, -1, -1):
        parent = outline.nodes[at].parent
        if parent is not None:
            last[parent] = max(last[parent], last[at])
    return np.array(last, np.int64)


def _array(numbers: Iterable[int]) -> Rows:
    return np.fromiter(numbers, np.int64)


def _numbers(ids: Sequence[str]) -> NDArray[np.uint64]:
    return np.array([int(node_id, 16) for node_id in ids], np.uint64)
