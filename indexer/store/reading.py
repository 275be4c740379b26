"""The nodes of a generation as the rest of Trellis reads them: text, place and structure by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.account import Account
from indexer.attributes import OWN, Attribute
from indexer.node import Problem
from indexer.numbering import Mask, Numbering, RowMask, Rows, SparseMask
from indexer.quoting import content_hash, plain
from indexer.store.finding import rows_holding, rows_named
from indexer.store.segment import Hashes, Segment
from indexer.store.stored import KnownHeading, StoredNode, best_first
from indexer.store.structure import FileList, Structure
from indexer.words import stems_asked, stems_of

_AT_ONCE = 500
_REMEMBERED = 4096
_KNOWN = 10_000
"""Nodes that are kept in memory once they were read: a question looks at a hundred of them, and often at the same ones."""


class Store:
    """The nodes of one generation, for any number of threads. Structure is held in memory, texts stay on disk.

    Arrays, each of length len(store), by row: file (number in `files`), parent (-1 at the top), last, depth, line, end_line.
    chunk_node: the node's row for every chunk.
    """

    def __init__(self, structure: Structure, files: FileList, segments: Sequence[Segment]) -> None:
        self.structure = structure
        self.entries = files.files
        self.segments = segments
        self.files: list[str] = [entry.name for entry in files.files]
        self.file, self.parent, self.last = structure.file_numbers, structure.parent, structure.last
        self.depth, self.line, self.end_line = structure.depth, structure.line, structure.end_line
        self.chunk_node: Rows = structure.chunk_nodes
        self._problems = list(files.problems)
        self._nodes = Numbering(structure.node_slots, [segment.record.nodes for segment in segments])
        self._chunks = Numbering(structure.chunk_slots, [segment.record.chunks for segment in segments])
        self._meanings: dict[str, tuple[bool, str]] = {}
        self._known: dict[int, StoredNode] = {}

    def __len__(self) -> int:
        return len(self.parent)

    def close(self) -> None:
        """Lets go of the segments; the last to do so closes them."""
        self.segments = ()

    def node(self, row: int) -> StoredNode:
        return self.nodes([row])[0]

    def nodes(self, rows: Sequence[int]) -> list[StoredNode]:
        """The nodes at these rows, in their order."""
        known = self._known
        found = {row: node for row in map(int, rows) if (node := known.get(row))}
        missing = {int(row) for row in rows} - found.keys()
        if missing:
            read = {node.row: node for node in self._read(np.array(sorted(missing), np.int64))}
            found |= read
            if len(known) + len(read) > _KNOWN:
                self._known = {}
            if len(read) <= _AT_ONCE:
                self._known |= read
        return [found[int(row)] for row in rows]

    def _read(self, rows: Rows) -> Iterator[StoredNode]:
        """The nodes at these rows from disk, in any order."""
        for number, slots, at in self._nodes.parted(rows):
            texts = self.segments[number].texts
            row_of = dict(zip(slots.tolist(), rows[at].tolist(), strict=True))
            if len(slots) > _AT_ONCE and int(slots.max() - slots.min()) < 2 * len(slots):
                between = (int(slots.min()), int(slots.max()))
                records = texts.execute("SELECT * FROM node WHERE slot BETWEEN ? AND ?", between)
                yield from (self._stored(row_of[each[0]], each) for each in records if each[0] in row_of)
                continue
            for start in range(0, len(slots), _AT_ONCE):
                some = slots[start : start + _AT_ONCE].tolist()
                records = texts.execute(f"SELECT * FROM node WHERE slot IN ({','.join('?' * len(some))})", some)
                yield from (self._stored(row_of[each[0]], each) for each in records)

    def run(self, first: int, last: int) -> list[StoredNode]:
        """The nodes from row `first` to row `last`, both included."""
        return self.nodes(range(int(first), min(int(last) + 1, len(self))))

    def row_of(self, node_id: str) -> int | None:
        """The node of this id, also of an id that it had before its file was renamed."""
        try:
            number = np.uint64(int(node_id, 16))
        except (ValueError, OverflowError):
            return None
        if f"{number:016x}" != node_id:
            return None
        found = np.flatnonzero(self.structure.ids == number)
        if len(found):
            return int(found[0])
        former = np.flatnonzero(self.structure.former_ids == number)
        return int(self.structure.former_nodes[former[0]]) if len(former) else None

    def id_of(self, row: int) -> str:
        return f"{int(self.structure.ids[row]):016x}"

    def row_at(self, file: str, line: int) -> int | None:
        """The node whose text stands at this line of the file: the last one that begins at or before it."""
        if file not in self.file_order:
            return None
        first, last = self.rows_of(self.file_order[file])
        before = np.flatnonzero(self.line[first : last + 1] <= line)
        if not len(before):
            return None
        begins = self.line[first : last + 1]
        row = first + int(before[np.argmax(begins[before])])
        return row if line <= self.end_line[row] else None

    @cached_property
    def file_order(self) -> dict[str, int]:
        """The number of each file."""
        return {name: number for number, name in enumerate(self.files)}

    @cached_property
    def file_sizes(self) -> list[int]:
        """How many nodes each file has."""
        sizes: list[int] = np.bincount(self.file, minlength=len(self.files)).tolist()
        return sizes

    def rows_of(self, number: int) -> tuple[int, int]:
        """The first and the last row of a file; the last is before the first for a file without nodes."""
        return int(np.searchsorted(self.file, number)), int(np.searchsorted(self.file, number, "right")) - 1

    def rows_quoted(self, quote: str, digest: str) -> list[int]:
        """The nodes whose text has this hash (see `indexer.quoting`) and holds this part; of very many some. For rare use."""
        found = self._read(rows_holding(self.segments, self._nodes, quote))
        return sorted(node.row for node in found if content_hash(" ".join(node.lines)) == digest)

    def rows_named(self, rows: Rows, name: str) -> list[int]:
        """Those of these rows whose text is `name`, sorted. name: as `indexer.quoting.plain` gives it."""
        if len(rows) > _AT_ONCE:
            return sorted(rows_named(self.segments, self._nodes, rows, name))
        return sorted(node.row for node in self.nodes(rows.tolist()) if plain(node.text) == name)

    def tops(self, most: int | None = None) -> list[int]:
        """The rows that nothing stands above, in order; the first `most` of them."""
        rows: list[int] = np.flatnonzero(self.parent < 0)[:most].tolist()
        return rows

    def marked(self, rows: Sequence[Rows]) -> Mask | SparseMask:
        """A mask that is true for these runs of rows."""
        mask = np.zeros(len(self), np.bool_)
        for some in rows:
            mask[some] = True
        return mask

    def elsewhere(self, row: int, gone: RowMask | None, *, beside: bool) -> RowMask:
        """True for all but the node at `row`, what stands above and below it, and what is gone; without its siblings too,
        unless `beside`.
        """
        mask = np.ones(len(self), np.bool_)
        mask[row : self.last[row] + 1] = False
        mask[self.ancestors(row)] = False
        if not beside and self.parent[row] >= 0:
            mask &= self.parent != self.parent[row]
        return mask if gone is None else mask & ~np.asarray(gone)

    def ancestors(self, row: int) -> list[int]:
        """Rows from the outermost ancestor to the parent."""
        above: list[int] = []
        row = int(self.parent[row])
        while row >= 0:
            above.append(row)
            row = int(self.parent[row])
        return above[::-1]

    def children(self, row: int) -> list[int]:
        """Rows of the children of a node, in order."""
        children: list[int] = []
        child = row + 1
        while child <= self.last[row]:
            children.append(child)
            child = int(self.last[child]) + 1
        return children

    def path(self, row: int) -> list[str]:
        """The texts of the ancestors, outermost first, without the node itself."""
        return [node.text for node in self.nodes(self.ancestors(row))]

    def chunks_of(self, rows: Rows) -> tuple[Rows, Rows]:
        """The first and the last chunk of each node."""
        return np.searchsorted(self.chunk_node, rows, "left"), np.searchsorted(self.chunk_node, rows, "right") - 1

    @cached_property
    def vocabulary(self) -> dict[str, int]:
        """The words of the notes, without case, and how often each stands there."""
        words: Counter[str] = Counter()
        for number, segment in enumerate(self.segments):
            words.update(segment.words.vocabulary(self._chunks.live(number)))
        return dict(words)

    def uses(self, short: str) -> bool:
        """Whether the notes use this acronym."""
        return self._meaning(short)[0]

    def spelled_out(self, short: str) -> str:
        """The phrase of the notes that this acronym most often stands for, or ""."""
        return self._meaning(short)[1]

    def _meaning(self, short: str) -> tuple[bool, str]:
        """Whether the notes use an acronym, and what it most often stands for."""
        known = self._meanings.get(short)
        if known is None:
            counts: Counter[str] = Counter()
            for number, segment in enumerate(self.segments):
                live = self._nodes.live(number)
                for long, slot, count in segment.texts.execute(
                    "SELECT long, node, count FROM acronym WHERE short = ?", (short,)
                ):
                    if live is None or live[slot]:
                        counts[long] += count
            used = counts.pop("", 0) > 0
            known = used, min(counts, key=lambda long: (-counts[long], len(long), long), default="")
            if len(self._meanings) < _REMEMBERED:
                self._meanings[short] = known
        return known

    def chunks_with(self, word: str) -> int:
        """How many chunks hold the word in any inflection, in their own text or in their trail."""
        return min((self._holders(stem) for stem in stems_of(word)), default=0)

    def _holders(self, stem: str) -> int:
        return sum(
            segment.words.holders(stem, self._chunks.live(number)) for number, segment in enumerate(self.segments)
        )

    def match(
        self, words: Sequence[str], top: int | None = None, mask: RowMask | None = None
    ) -> tuple[Rows, NDArray[np.float32]]:
        """The chunks that hold at least one of the words, in any inflection, with their BM25 scores, best first; all of them
        or the `top` best, of the nodes where `mask` is true.

        A word in the chunk's own text counts twice as much as one in its trail (Robertson & Zaragoza 2009, BM25F).
        """
        asked = list(dict.fromkeys(stem for word in words for stem in stems_asked(word)))
        scores = np.zeros(len(self.chunk_node), np.float32)
        found = np.zeros(len(self.chunk_node), np.bool_)
        for stem in asked:
            holders = self._holders(stem)
            rarity = max(np.log((len(scores) - holders + 0.5) / (holders + 0.5)), 1e-6)
            for number, segment in enumerate(self.segments):
                where = segment.words.stems.of(stem)
                rows = self._chunks.row_of(number)[segment.words.stems.chunks[where]]
                there = rows >= 0
                scores[rows[there]] += (rarity * segment.words.weights(where, self.mean_length))[there]
                found[rows[there]] = True
        rows = np.flatnonzero(found)
        if mask is not None:
            rows = rows[mask[self.chunk_node[rows]]]
        rows = best_first(rows, scores[rows], top)
        return rows, scores[rows]

    @cached_property
    def mean_length(self) -> float:
        """Words of a chunk, on average."""
        total = sum(int(self._lengths(number).sum()) for number in range(len(self.segments)))
        return max(total / max(len(self.chunk_node), 1), 1e-9)

    def _lengths(self, number: int) -> NDArray[np.int32]:
        lengths, live = self.segments[number].words.lengths, self._chunks.live(number)
        return lengths if live is None else lengths[live]

    def chunk_rows(self) -> dict[bytes, int]:
        """The row of a chunk by the hash of the text that its vector was made of; of equal chunks any one."""
        return {digest: row for row, digest in enumerate(self.made_of().tolist())}

    def made_of(self) -> Hashes:
        """By row, the hash of the text that a chunk's vector was made of."""
        return self._chunks.gathered([segment.contents.made_of for segment in self.segments])

    def own_hashes(self) -> Hashes:
        """By row, the hash of a chunk's own text."""
        return self._chunks.gathered([segment.contents.own_hashes for segment in self.segments])

    def chunk_hashes(self) -> Hashes:
        """By row, the hash of the words by which a chunk is found."""
        return self._chunks.gathered([segment.contents.chunk_hashes for segment in self.segments])

    def node_hashes(self) -> Hashes:
        """By row, the hash of all that a node says."""
        return self._nodes.gathered([segment.contents.node_hashes for segment in self.segments])

    @cached_property
    def headings(self) -> list[KnownHeading]:
        """Every node that has others below it."""
        rows = np.flatnonzero(self.last > np.arange(len(self))).tolist()
        return [
            KnownHeading(node.row, " ".join(node.lines).casefold(), node.last - node.row, node.parent < 0)
            for node in self.nodes(rows)
        ]

    def ids_in_order(self) -> list[str]:
        digits = self.structure.ids.astype(">u8").tobytes().hex()
        return [digits[at : at + 16] for at in range(0, len(digits), 16)]

    def ids(self) -> set[str]:
        return set(self.ids_in_order())

    def problems(self) -> list[Problem]:
        return list(self._problems)

    def accounts(self) -> list[Account]:
        """Where the lines of each file went, in the order of `files`."""
        return [entry.account for entry in self.entries if entry.account]

    def attributes(self, row: int) -> list[Attribute]:
        """What a node says of itself; what it inherits is not among it."""
        return self.attributes_of(np.array([row])).get(row, [])

    def attributes_of(self, rows: Rows) -> dict[int, list[Attribute]]:
        """The same for several nodes, of which those are left out that say nothing."""
        found: dict[int, list[Attribute]] = {}
        for number, slots, at in self._nodes.parted(rows):
            row_of = dict(zip(slots.tolist(), rows[at].tolist(), strict=True))
            for start in range(0, len(slots), _AT_ONCE):
                some = slots[start : start + _AT_ONCE].tolist()
                query = f"SELECT node, name, value FROM attribute WHERE node IN ({','.join('?' * len(some))}) ORDER BY rowid"
                for slot, name, value in self.segments[number].texts.execute(query, some):
                    found.setdefault(row_of[slot], []).append(Attribute(name, value))
        return found

    def chunk_slots_of(self, chunks: Rows) -> Iterator[tuple[int, Rows, Rows]]:
        """In which segments these chunks lie: see `Numbering.parted`."""
        return self._chunks.parted(chunks)

    def stem_counts(self) -> dict[str, int]:
        """Of every stem, how many chunks hold it."""
        counts: Counter[str] = Counter()
        for number, segment in enumerate(self.segments):
            counts.update(segment.words.all_holders(self._chunks.live(number)))
        return dict(counts)

    def acronyms(self) -> list[str]:
        """All that the notes use or could mean."""
        query = "SELECT DISTINCT short FROM acronym"
        found = {short for segment in self.segments for (short,) in segment.texts.execute(query)}
        return sorted(short for short in found if self.uses(short) or self.spelled_out(short))

    def statements(self, names: Sequence[str]) -> list[tuple[int, int, int, str]]:
        """(row, first row, last row, value) of every attribute of these names: the row that says it, -1 for a file, and the run
        of rows it holds for. Of two that hold for a node the later one in this order is the nearer one.
        """
        wanted = set(names)
        found: list[tuple[int, int, int, str]] = []
        for number, entry in enumerate(self.entries):
            first, last = self.rows_of(number) if entry.attributes else (0, -1)
            if first <= last:
                found += [(-1, first, last, value) for name, value in entry.attributes if name in wanted]
        for row, name, value in self._said(f"WHERE name IN ({', '.join('?' * len(names))})", list(names)):
            found.append((row, row, row if name in OWN else int(self.last[row]), value))
        return sorted(found, key=lambda each: (each[1], each[0]))

    def attribute_values(self) -> list[tuple[str, str, int]]:
        """(name, value, how often) of all attributes, the commonest first."""
        counts = Counter((name, value) for _, name, value in self._said("", []))
        counts.update(pair for entry in self.entries for pair in entry.attributes)
        return sorted(((*pair, count) for pair, count in counts.items()), key=lambda each: (-each[2], each[:2]))

    def _said(self, condition: str, values: Sequence[str]) -> Iterator[tuple[int, str, str]]:
        """(row, name, value) of attributes of nodes that are there."""
        for number, segment in enumerate(self.segments):
            rows = self._nodes.row_of(number)
            query = f"SELECT node, name, value FROM attribute {condition} ORDER BY rowid"
            for slot, name, value in segment.texts.execute(query, values):
                if rows[slot] >= 0:
                    yield int(rows[slot]), name, value

    def _stored(self, row: int, record: tuple[Any, ...]) -> StoredNode:
        _, lines, marker, plain, numbers = record
        line = int(self.line[row])
        return StoredNode(
            row,
            self.id_of(row),
            self.files[self.file[row]],
            int(self.parent[row]),
            int(self.last[row]),
            int(self.depth[row]),
            line,
            int(self.end_line[row]),
            tuple(lines.split("\n")),
            marker,
            plain,
            tuple(line + int(below) for below in numbers.split(",")) if numbers else (),
        )
