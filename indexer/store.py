"""The nodes of a generation in SQLite: text, place and structure. Written once, then only read.

Nodes are numbered over all files in reading order, so a subtree is the run of rows from a node to its `last`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from indexer.account import Account
from indexer.attributes import Attribute
from indexer.node import Problem
from indexer.picture import Places
from indexer.words import stem

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class StoredNode:
    """A node as the index has it. row, parent, last: see the module; parent is -1 at the top."""

    row: int
    id: str
    file: str
    parent: int
    last: int
    depth: int
    line: int
    end_line: int
    lines: tuple[str, ...]
    marker: str
    plain: str | None = None
    numbers: tuple[int, ...] = ()

    @property
    def line_numbers(self) -> Sequence[int]:
        """The source line of each of `lines`."""
        return self.numbers or range(self.line, self.line + len(self.lines))

    @property
    def text(self) -> str:
        return " ".join(self.lines) if self.plain is None else self.plain


class Store:
    """The nodes of one generation, for any number of threads. Structure is held in memory, texts stay on disk.

    Arrays, each of length len(store), by row: file (number in `files`), parent (-1 at the top), last, depth, line, end_line.
    chunk_node: the node's row for every chunk.
    """

    def __init__(self, path: Path) -> None:
        """`path` must have been verified: SQLite does not notice a flipped bit."""
        uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
        self._db = sqlite3.connect(uri, uri=True, check_same_thread=False)
        self.files: list[str] = [name for (name,) in self._db.execute("SELECT name FROM file ORDER BY number")]
        structure = np.array(
            self._db.execute("SELECT file, parent, last, depth, line, end_line FROM node ORDER BY row").fetchall(),
            np.int64,
        ).reshape(-1, 6)
        columns = (np.ascontiguousarray(column) for column in structure.T)
        self.file, self.parent, self.last, self.depth, self.line, self.end_line = columns
        self.chunk_node: Rows = np.array(
            self._db.execute("SELECT node FROM chunk ORDER BY row").fetchall(), np.int64
        ).ravel()

    def __len__(self) -> int:
        return len(self.parent)

    def close(self) -> None:
        self._db.close()

    def node(self, row: int) -> StoredNode:
        return self.nodes([row])[0]

    def nodes(self, rows: Sequence[int]) -> list[StoredNode]:
        """The nodes at these rows, in their order."""
        found: dict[int, StoredNode] = {}
        for start in range(0, len(rows), 500):
            some = [int(row) for row in rows[start : start + 500]]
            query = f"SELECT * FROM node WHERE row IN ({','.join('?' * len(some))})"
            found.update((record[0], self._stored(record)) for record in self._db.execute(query, some))
        return [found[int(row)] for row in rows]

    def run(self, first: int, last: int) -> list[StoredNode]:
        """The nodes from row `first` to row `last`, both included."""
        query = "SELECT * FROM node WHERE row BETWEEN ? AND ? ORDER BY row"
        return [self._stored(record) for record in self._db.execute(query, (int(first), int(last)))]

    def row_of(self, node_id: str) -> int | None:
        """The node of this id, also of an id that it had before its file was renamed."""
        for query in ("SELECT row FROM node WHERE id = ?", "SELECT row FROM former WHERE id = ?"):
            found = self._db.execute(query, (node_id,)).fetchone()
            if found is not None:
                return int(found[0])
        return None

    def row_at(self, file: str, line: int) -> int | None:
        """The node whose text stands at this line of the file: the last one that begins at or before it."""
        if line >= 2**63:  # more than SQLite can compare with
            return None
        query = """SELECT node.row, node.end_line FROM node JOIN file ON node.file = file.number
                   WHERE file.name = ? AND node.line <= ? ORDER BY node.line DESC, node.row LIMIT 1"""
        found = self._db.execute(query, (file, line)).fetchone()
        return None if found is None or line > found[1] else int(found[0])

    def rows_with(self, text: str) -> list[int]:
        """The nodes whose text, with line breaks as spaces, holds this text exactly. Reads every node: for rare use."""
        query = "SELECT row FROM node WHERE instr(replace(lines, char(10), ' '), ?) ORDER BY row"
        return [row for (row,) in self._db.execute(query, (text,))]

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
        return dict(self._db.execute("SELECT word, count FROM term"))

    def uses(self, short: str) -> bool:
        """Whether the notes use this acronym."""
        return self._db.execute("SELECT 1 FROM acronym WHERE short = ? AND long = ''", (short,)).fetchone() is not None

    def spelled_out(self, short: str) -> str:
        """The phrase of the notes that this acronym most often stands for, or ""."""
        query = (
            "SELECT long FROM acronym WHERE short = ? AND long != '' ORDER BY count DESC, length(long), long LIMIT 1"
        )
        found = self._db.execute(query, (short,)).fetchone()
        return "" if found is None else str(found[0])

    def chunks_with(self, word: str) -> int:
        """How many chunks hold the word in any inflection, in their own text or in their trail."""
        found = self._db.execute("SELECT chunks FROM stem WHERE stem = ?", (stem(word),)).fetchone()
        return 0 if found is None else int(found[0])

    def match(self, words: Sequence[str], top: int | None = None) -> tuple[Rows, NDArray[np.float32]]:
        """The chunks that hold at least one of the words, in any inflection, with their BM25 scores, best first; all of them
        or the `top` best.

        A word in the chunk's own text counts twice as much as one in its trail (Robertson & Zaragoza 2009, BM25F).
        """
        query = " OR ".join('"' + word.replace('"', '""') + '"' for word in words)
        if not query:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        found = self._db.execute(
            "SELECT rowid, -bm25(word, 0.5, 1.0) AS score FROM word WHERE word MATCH ? ORDER BY score DESC LIMIT ?",
            (query, -1 if top is None else top),
        ).fetchall()
        rows = np.array([row for row, _ in found], np.int64)
        return rows, np.array([score for _, score in found], np.float32)

    def chunk_rows(self) -> dict[bytes, int]:
        """The row of a chunk by its hash; of equal chunks any one, their vectors are equal too."""
        return dict(self._db.execute("SELECT hash, row FROM chunk"))

    def chunk_hash(self, row: int) -> bytes:
        """The hash of what was embedded for a chunk."""
        return bytes(self._db.execute("SELECT hash FROM chunk WHERE row = ?", (row,)).fetchone()[0])

    def own_hashes(self) -> Iterator[tuple[int, bytes]]:
        """The row of each chunk and the hash of its own words, in row order."""
        yield from self._db.execute("SELECT row, own_hash FROM chunk ORDER BY row")

    @cached_property
    def headings(self) -> list[tuple[int, str]]:
        """Row and text, without case, of every node that has others below it."""
        found = self._db.execute("SELECT row, lines FROM node WHERE last > row ORDER BY row")
        return [(row, lines.replace("\n", " ").casefold()) for row, lines in found]

    def places(self) -> Places:
        """Where each chunk stands in the picture of the vectors: shape (chunks, 2), or (0, 2) for an index without a map."""
        found = self._db.execute("SELECT x, y FROM place ORDER BY chunk").fetchall()
        return np.array(found, np.int16).reshape(-1, 2)

    def ids_in_order(self) -> list[str]:
        return [node_id for (node_id,) in self._db.execute("SELECT id FROM node ORDER BY row")]

    def ids(self) -> set[str]:
        return {node_id for (node_id,) in self._db.execute("SELECT id FROM node")}

    def problems(self) -> list[Problem]:
        return [Problem(*record) for record in self._db.execute("SELECT * FROM problem")]

    def accounts(self) -> list[Account]:
        """Where the lines of each file went, in the order of `files`."""
        told = self._db.execute("SELECT account FROM file WHERE account != '' ORDER BY number")
        return [msgspec.json.decode(account, type=Account) for (account,) in told]

    def attributes(self, row: int) -> list[Attribute]:
        """What a node says of itself; what it inherits is not among it."""
        return [
            Attribute(*pair) for pair in self._db.execute("SELECT name, value FROM attribute WHERE node = ?", (row,))
        ]

    def statements(self, names: Sequence[str]) -> list[tuple[int, int, int, str]]:
        """(row, first row, last row, value) of every attribute of these names: the row that says it, -1 for a file, and the run
        of rows it holds for. Of two that hold for a node the later one in this order is the nearer one.
        """
        marks = ", ".join("?" * len(names))
        query = f"SELECT node, first, last, value FROM attribute WHERE name IN ({marks}) ORDER BY first, node"
        return self._db.execute(query, list(names)).fetchall()

    def attribute_values(self) -> list[tuple[str, str, int]]:
        """(name, value, how often) of all attributes, the commonest first."""
        query = (
            "SELECT name, value, count(*) AS uses FROM attribute GROUP BY name, value ORDER BY uses DESC, name, value"
        )
        return self._db.execute(query).fetchall()

    def _stored(self, record: tuple[Any, ...]) -> StoredNode:
        row, node_id, file, parent, last, depth, line, end_line, lines, marker, plain, numbers = record
        shown = tuple(lines.split("\n"))
        places = tuple(map(int, numbers.split(","))) if numbers else ()
        return StoredNode(
            row, node_id, self.files[file], parent, last, depth, line, end_line, shown, marker, plain, places
        )
