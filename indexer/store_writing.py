"""The SQLite database of a generation, made from outlines and chunks; `indexer.store` reads it."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from indexer.account import Account
from indexer.acronyms import short_forms, spelled_out
from indexer.attributes import OWN, TAG, Attribute
from indexer.chunks import Chunk
from indexer.node import Node, Outline, Problem
from indexer.picture import Places
from indexer.words import stems_of

_SCHEMA = """
    CREATE TABLE file (
        number INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        account TEXT NOT NULL               -- where its lines went, as JSON, or ''
    ) STRICT;
    CREATE TABLE node (
        row INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        file INTEGER NOT NULL REFERENCES file,
        parent INTEGER NOT NULL,            -- row, -1 for a top-level node
        last INTEGER NOT NULL,              -- last row of its subtree
        depth INTEGER NOT NULL,
        line INTEGER NOT NULL,
        end_line INTEGER NOT NULL,
        lines TEXT NOT NULL,                -- as shown, one source line a line
        marker TEXT NOT NULL,
        plain TEXT,                         -- the words alone, where they differ from the lines
        numbers TEXT                        -- the numbers of the lines, where they do not follow one another
    ) STRICT;
    CREATE TABLE former (id TEXT PRIMARY KEY, row INTEGER NOT NULL) STRICT, WITHOUT ROWID;  -- ids under earlier file names
    CREATE TABLE attribute (
        node INTEGER NOT NULL,              -- row, -1 for what holds for a whole file
        first INTEGER NOT NULL,             -- it holds for the rows first..last: the node and what inherits it
        last INTEGER NOT NULL,
        name TEXT NOT NULL,
        value TEXT NOT NULL
    ) STRICT;
    CREATE INDEX attribute_by_name ON attribute (name, first);
    CREATE INDEX attribute_by_node ON attribute (node);
    CREATE TABLE chunk (
        row INTEGER PRIMARY KEY,
        node INTEGER NOT NULL REFERENCES node,
        hash BLOB NOT NULL,                 -- of what was embedded
        own_hash BLOB NOT NULL              -- of its own words
    ) STRICT;
    CREATE VIRTUAL TABLE word USING fts5 (trail, piece, content='', tokenize='porter unicode61 remove_diacritics 2');
    CREATE TABLE term (word TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE stem (stem TEXT PRIMARY KEY, chunks INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE acronym (short TEXT NOT NULL, long TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (short, long))
        STRICT, WITHOUT ROWID;              -- long is '' for the acronym itself
    CREATE TABLE place (chunk INTEGER PRIMARY KEY REFERENCES chunk, x INTEGER NOT NULL, y INTEGER NOT NULL) STRICT;
    CREATE TABLE problem (file TEXT NOT NULL, line INTEGER NOT NULL, message TEXT NOT NULL) STRICT;
"""

_WORD = re.compile(r"[^\W\d_]{3,}")


def store_bytes(
    outlines: Sequence[Outline],
    chunks: Sequence[Chunk],
    problems: Iterable[Problem],
    borrowed: Mapping[int, bytes] = MappingProxyType({}),
    accounts: Sequence[Account] = (),
    former: Mapping[str, Sequence[str]] = MappingProxyType({}),
    picture: Places | None = None,
) -> bytes:
    """A whole database as bytes, so that one module writes (and hashes) everything that goes to disk.

    chunks: in the order of the vectors, their nodes numbered over all outlines. borrowed: the hash of what was embedded for
    those chunks whose vector is that of another. accounts: of the outlines, in their order. former: the names that a file had
    before. picture: the places of the chunks, None for an index without a map.
    """
    connection = sqlite3.connect(":memory:")
    try:
        connection.executescript(_SCHEMA)
        first = 0
        for number, outline in enumerate(outlines):
            account = msgspec.json.encode(accounts[number]).decode() if accounts else ""
            connection.execute("INSERT INTO file VALUES (?, ?, ?)", (number, outline.file, account))
            last = _last_rows(outline, first)
            connection.executemany(
                f"INSERT INTO node VALUES ({', '.join('?' * 12)})", _rows(number, outline, first, last)
            )
            connection.executemany("INSERT INTO attribute VALUES (?, ?, ?, ?, ?)", _attributes(outline, first, last))
            for name in former.get(outline.file, ()):
                ids = ((node_id, first + at) for at, node_id in enumerate(outline.ids(name)))
                connection.executemany("INSERT OR IGNORE INTO former VALUES (?, ?)", ids)
            first += len(outline.nodes)
        tags = [_tags(node) for outline in outlines for node in outline.nodes]
        numbered = list(enumerate(chunks))
        connection.executemany(
            "INSERT INTO chunk VALUES (?, ?, ?, ?)",
            ((row, c.node, borrowed.get(row, c.hash), c.own_hash) for row, c in numbered),
        )
        if picture is not None:
            places = ((row, x, y) for row, (x, y) in enumerate(picture.tolist()))
            connection.executemany("INSERT INTO place VALUES (?, ?, ?)", places)
        connection.executemany(
            "INSERT INTO word (rowid, trail, piece) VALUES (?, ?, ?)",
            ((row, c.trail, f"{c.piece} {tags[c.node]}".rstrip()) for row, c in numbered),
        )
        connection.execute("INSERT INTO word (word) VALUES ('optimize')")
        stems = Counter(each for c in chunks for each in stems_of(f"{c.trail} {c.piece} {tags[c.node]}"))
        connection.executemany("INSERT INTO stem VALUES (?, ?)", stems.items())
        terms = Counter(word for chunk in chunks for word in _WORD.findall(chunk.piece.casefold()))
        connection.executemany("INSERT INTO term VALUES (?, ?)", terms.items())
        connection.executemany("INSERT INTO acronym VALUES (?, ?, ?)", _acronyms(outlines))
        connection.executemany("INSERT INTO problem VALUES (?, ?, ?)", ((p.file, p.line, p.message) for p in problems))
        connection.commit()
        return connection.serialize()
    finally:
        connection.close()


def _last_rows(outline: Outline, first: int) -> list[int]:
    """The last row of the subtree of each node."""
    last = list(range(first, first + len(outline.nodes)))
    for at in range(len(outline.nodes) - 1, -1, -1):
        parent = outline.nodes[at].parent
        if parent is not None:
            last[parent] = max(last[parent], last[at])
    return last


def _rows(number: int, outline: Outline, first: int, last: Sequence[int]) -> Iterator[tuple[Any, ...]]:
    for at, (node, node_id) in enumerate(zip(outline.nodes, outline.ids(), strict=True)):
        yield (
            first + at,
            node_id,
            number,
            -1 if node.parent is None else first + node.parent,
            last[at],
            node.depth,
            node.line,
            node.end_line,
            _storable("\n".join(node.lines)),
            node.marker,
            None if node.plain is None else _storable(node.plain),
            ",".join(map(str, node.numbers)) or None,
        )


def _attributes(outline: Outline, first: int, last: Sequence[int]) -> Iterator[tuple[int, int, int, str, str]]:
    if outline.nodes:
        end = first + len(outline.nodes) - 1
        titled = [Attribute("title", outline.title)] if outline.title else []
        yield from ((-1, first, end, name, _storable(value)) for name, value in [*titled, *outline.attributes])
    for at, node in enumerate(outline.nodes):
        for name, value in node.attributes:
            yield first + at, first + at, first + at if name in OWN else last[at], name, _storable(value)


def _tags(node: Node) -> str:
    """A node is found by its tags too, wherever they stood."""
    said = " ".join(value for name, value in node.attributes if name == TAG)
    return said if said.casefold() not in node.text.casefold() else ""


def _storable(text: str) -> str:
    """SQLite takes no lone surrogates."""
    return text.encode("utf-8", "replace").decode()


def _acronyms(outlines: Sequence[Outline]) -> Iterator[tuple[str, str, int]]:
    found: Counter[tuple[str, str]] = Counter()
    for outline in outlines:
        for node in outline.nodes:
            found.update((short, "") for short in short_forms(node.text))
            found.update(spelled_out(node.text))
    yield from ((short, long, count) for (short, long), count in found.items())
