"""The nodes of a published state, as the rest of Trellis reads those of a generation: what is asked for is fetched by key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from math import log
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from indexer.attributes import Attribute
from indexer.errors import NotWithEngine
from indexer.milvus.columns import Column, FileColumn, Files, moved, plain
from indexer.milvus.facts import child_of, formerly, inside, worded
from indexer.milvus.records import file_key, record_key, signed, unpacked_node, word_place
from indexer.milvus.scope import Scope, without
from indexer.milvus.source import Entry, Hit, Source
from indexer.milvus.wire import Acronym, Layout, bucket
from indexer.numbering import RowMask, Rows, SparseMask
from indexer.quoting import shown
from indexer.store import Store, StoredNode
from indexer.store.stored import KnownHeading, best_first
from indexer.words import stems_asked

_FILES_AT_ONCE = 100
_ALL_AT_ONCE = 32
"""Pages of stems that are fetched together, if there are no more."""
_MOST_EQUAL = 1000
_FURTHER = 4
"""Times as many chunks are looked for by words as are wanted, so that of equal ones the same stay as with the other engine."""


class _HeadingThere(NamedTuple):
    """As a page has it. at: its place in the file."""

    at: int
    text: str
    below: int
    top: bool


class PublishedStore(Store):
    """See `Store`; nothing is held for all nodes, and what reads all of them fetches all of them. Raises EngineError
    anywhere.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._root = source.root
        self._layouts = files = Files(source)
        self.segments = ()
        self.entries = []
        self.files = [state.name for state in source.files]
        columns = {name: Column(files, plain(name)) for name in ("depth", "line", "end_line")}
        columns |= {name: Column(files, moved(name)) for name in ("parent", "last")}
        self.parent, self.last, self.depth, self.line, self.end_line = (
            cast(Rows, columns[name]) for name in ("parent", "last", "depth", "line", "end_line")
        )
        self.file = cast(Rows, FileColumn(files))
        self.chunk_node = cast(Rows, Column(files, moved("piece_nodes"), of_chunks=True))
        self._known: dict[int, StoredNode] = {}
        self._problems = []

    def close(self) -> None:
        """Nothing is open."""

    # ---- Files ----

    @cached_property
    def file_sizes(self) -> list[int]:
        return [state.nodes for state in self._source.files]

    @cached_property
    def _file_numbers(self) -> dict[int, int]:
        """By the key that records have."""
        return {file_key(name): number for number, name in enumerate(self.files)}

    def rows_of(self, number: int) -> tuple[int, int]:
        return int(self._layouts.first[number]), int(self._layouts.first[number + 1]) - 1

    # ---- Records ----

    def entries_of(self, chunks: Rows) -> list[Entry]:
        """The records of these chunks, in their order."""
        return self._source.entries(self._names(np.asarray(chunks, np.int64)))

    def _names(self, chunks: Rows) -> list[tuple[str, int]]:
        """The state of its file and the key, of each chunk."""
        numbers = self._layouts.chunk_numbers(chunks).tolist()
        layouts = self._layouts.layouts(numbers)
        names = []
        for chunk, number in zip(chunks.tolist(), numbers, strict=True):
            layout, at = layouts[number], chunk - int(self._layouts.first_chunk[number])
            node = int(layout.piece_nodes[at])
            key = record_key(int(layout.ids[node]), at - int(layout.first_pieces[node]))
            names.append((self._source.files[number].state, key))
        return names

    def keys_of(self, rows: Rows) -> list[int]:
        """The keys of all chunks of these nodes."""
        first, last = self.chunks_of(rows)
        chunks = [
            chunk for one, other in zip(first.tolist(), last.tolist(), strict=True) for chunk in range(one, other + 1)
        ]
        return [key for _, key in self._names(np.array(chunks, np.int64))]

    def facts_of(self, rows: Rows) -> list[frozenset[int]]:
        return [entry.facts for entry in self.entries_of(self.chunks_of(rows)[0])]

    def _read(self, rows: Rows) -> Iterator[StoredNode]:
        entries = self.entries_of(self.chunks_of(rows)[0])
        numbers = self._layouts.numbers(rows).tolist()
        layouts = self._layouts.layouts(numbers)
        for row, number, entry in zip(rows.tolist(), numbers, entries, strict=True):
            yield self._node(row, number, layouts[number], entry)

    def _node(self, row: int, number: int, layout: Layout, entry: Entry) -> StoredNode:
        first = int(self._layouts.first[number])
        at = row - first
        parent, line = int(layout.parent[at]), int(layout.line[at])
        lines, marker, text, below, _ = unpacked_node(entry.said)
        return StoredNode(
            row,
            f"{int(layout.ids[at]):016x}",
            self.files[number],
            -1 if parent < 0 else parent + first,
            int(layout.last[at]) + first,
            int(layout.depth[at]),
            line,
            int(layout.end_line[at]),
            lines,
            marker,
            text,
            tuple(line + each for each in below),
        )

    def attributes_of(self, rows: Rows) -> dict[int, list[Attribute]]:
        entries = self.entries_of(self.chunks_of(np.asarray(rows))[0])
        found = {int(row): unpacked_node(entry.said)[4] for row, entry in zip(rows, entries, strict=True)}
        return {row: said for row, said in found.items() if said}

    # ---- Places ----

    def row_of(self, node_id: str) -> int | None:
        try:
            number = int(node_id, 16)
        except ValueError:
            return None
        if f"{number:016x}" != node_id or len(node_id) != 16:
            return None
        found = self._source.call("get", ids=[signed(number)], output_fields=["node", "part", "file"])
        if not found:
            found = self._source.query(f"array_contains(facts, {formerly(node_id)})", ["node", "part", "file"], 1)
        return next((row for each in found if (row := self._row(each["file"], each["node"])) is not None), None)

    def _row(self, file: int, node: int) -> int | None:
        """The row of a record; None for one that this state does not know, as there are some during an update."""
        number = self._file_numbers.get(file)
        at = None if number is None else self._layouts.layout(number).places.get(node % (1 << 64))
        return None if number is None or at is None else int(self._layouts.first[number]) + at

    def chunk_rows_of(self, hits: Sequence[Hit]) -> tuple[Rows, NDArray[np.float32]]:
        """The chunks that were found, with their scores; those of another state are passed over."""
        numbers = [self._file_numbers.get(hit.file) for hit in hits]
        layouts = self._layouts.layouts(number for number in numbers if number is not None)
        chunks, scores = [], []
        for hit, number in zip(hits, numbers, strict=True):
            layout = None if number is None else layouts[number]
            at = None if layout is None else layout.places.get(hit.node % (1 << 64))
            if number is None or layout is None or at is None or hit.part >= int(layout.pieces[at]):
                continue
            chunks.append(int(self._layouts.first_chunk[number]) + int(layout.first_pieces[at]) + hit.part)
            scores.append(hit.score)
        return np.array(chunks, np.int64), np.array(scores, np.float32)

    def id_of(self, row: int) -> str:
        number = self._layouts.number(row)
        return f"{int(self._layouts.layout(number).ids[row - int(self._layouts.first[number])]):016x}"

    def chunks_of(self, rows: Rows) -> tuple[Rows, Rows]:
        files = self._layouts
        rows = np.asarray(rows, np.int64)
        numbers = files.numbers(rows)
        first, end = np.empty(rows.shape, np.int64), np.empty(rows.shape, np.int64)
        distinct = np.unique(numbers).tolist()
        layouts = files.layouts(distinct)
        for number in distinct:
            here = numbers == number
            at = rows[here] - files.first[number]
            first[here] = files.first_chunk[number] + layouts[number].first_pieces[at]
            end[here] = files.first_chunk[number] + layouts[number].first_pieces[at + 1]
        return first, end - 1

    def tops(self, most: int | None = None) -> list[int]:
        rows: list[int] = []
        for begin in range(0, len(self.files), _FILES_AT_ONCE):
            numbers = range(begin, min(begin + _FILES_AT_ONCE, len(self.files)))
            layouts = self._layouts.layouts(numbers)
            for number in numbers:
                rows += (np.flatnonzero(layouts[number].parent < 0) + self._layouts.first[number]).tolist()
            if most is not None and len(rows) >= most:
                break
        return rows[:most]

    # ---- Scopes ----

    def scope(self) -> Scope:
        """All nodes, to be narrowed."""
        return Scope(len(self), self.facts_of, self._layouts.numbers)

    def files_scope(self, numbers: Sequence[int]) -> tuple[frozenset[int], tuple[int, ...]]:
        """What `Scope.files` takes."""
        return frozenset(numbers), tuple(file_key(self.files[number]) for number in numbers)

    def holds(self, scope: Scope) -> bool:
        """Whether anything is in scope."""
        if scope.files is not None and not scope.files[0]:
            return False
        found = self._source.query(scope.expression(), ["node", "part", "file"], 20)
        return any(self._row(each["file"], each["node"]) is not None for each in found)

    def marked(self, rows: Sequence[Rows]) -> SparseMask:
        return SparseMask(np.unique(np.concatenate([np.empty(0, np.int64), *rows])), len(self))

    def left_out(self, scope: Scope, gone: SparseMask) -> Scope:
        """The scope without these nodes."""
        return without(scope, gone, self.keys_of(gone.rows))

    def elsewhere(self, row: int, gone: RowMask | None, *, beside: bool) -> RowMask:
        above = self.ancestors(row)
        none_of = {inside(self.id_of(row))}
        if not beside and above:
            none_of.add(child_of(self.id_of(above[-1])))
        away = [np.array(above, np.int64), *([gone.rows] if isinstance(gone, SparseMask) else [])]
        return self.left_out(self.scope().narrowed(none_of=frozenset(none_of)), self.marked(away))

    # ---- Words ----

    def _page(self, pages: Sequence[str], word: str, kind: Any) -> Any:
        """The table that a word would be in."""
        key = pages[bucket(word, len(pages))]
        wanted = pages if len(pages) <= _ALL_AT_ONCE else [key]
        return self._source.decoded(wanted, kind)[key]

    def _holders(self, stem: str) -> int:
        found: int = self._page(self._root.stems, stem, dict[str, int]).get(stem, 0)
        return found

    @cached_property
    def vocabulary(self) -> dict[str, int]:
        tables = self._source.decoded(self._root.words, dict[str, int])
        return {word: count for key in self._root.words for word, count in tables[key].items()}

    def _meaning(self, short: str) -> tuple[bool, str]:
        found: Acronym | None = self._page(self._root.acronyms, short, dict[str, Acronym]).get(short)
        return (False, "") if found is None else (found.used, found.meaning)

    def match(
        self, words: Sequence[str], top: int | None = None, mask: RowMask | None = None
    ) -> tuple[Rows, NDArray[np.float32]]:
        rarities: dict[int, float] = {}
        for stem in dict.fromkeys(stem for word in words for stem in stems_asked(word)):
            if holders := self._holders(stem):
                rarity = max(log((len(self.chunk_node) - holders + 0.5) / (holders + 0.5)), 1e-6)
                rarities[word_place(stem)] = rarities.get(word_place(stem), 0.0) + rarity
        if not rarities:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        every = len(self.chunk_node)
        rows, scores = self.found("words", rarities, every if top is None else _FURTHER * top, mask)
        order = np.argsort(rows)
        kept = best_first(rows[order], scores[order], top)
        return kept, scores[order][np.searchsorted(rows[order], kept)]

    def found(self, field: str, query: Any, top: int, mask: RowMask | None) -> tuple[Rows, NDArray[np.float32]]:
        """The best chunks in scope by inner product with one vector, best first."""
        filter = mask.expression() if isinstance(mask, Scope) else ""
        rows, scores = self.chunk_rows_of(self._source.search(field, query, max(top, 1), filter))
        if mask is not None and len(rows):
            there = mask[self.chunk_node[rows]] if isinstance(mask, Scope) and mask.gone is not None else slice(None)
            rows, scores = rows[there], scores[there]
        order = np.lexsort((rows, -scores))[:top]
        return rows[order], scores[order]

    # ---- All of them ----

    @cached_property
    def headings(self) -> list[KnownHeading]:
        kept = {state.headings for state in self._source.files if state.headings}
        pages = self._source.decoded(kept, list[_HeadingThere])
        return [
            KnownHeading(first + each.at, each.text, each.below, each.top)
            for state, first in zip(self._source.files, self._layouts.first.tolist(), strict=False)
            if state.headings
            for each in pages[state.headings]
        ]

    def attribute_values(self) -> list[tuple[str, str, int]]:
        found: list[tuple[str, str, int]] = self._source.decoded([self._root.said], list[tuple[str, str, int]])[
            self._root.said
        ]
        return found

    def rows_quoted(self, quote: str, digest: str) -> list[int]:
        found = self._source.query(f"array_contains(facts, {worded(digest)})", ["node", "part", "file"], _MOST_EQUAL)
        rows = {row for each in found if (row := self._row(each["file"], each["node"])) is not None}
        return [node.row for node in self.nodes(sorted(rows)) if quote in shown(node.lines)]

    def statements(self, names: Sequence[str]) -> list[tuple[int, int, int, str]]:
        raise NotWithEngine("a list of all that notes say of themselves")
