"""Writes a segment: new nodes and chunks, and those of older segments that go on living in it."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from indexer.acronyms import short_forms, spelled_out
from indexer.attributes import TAG
from indexer.chunks import Chunk
from indexer.durable import (
    FileRecord,
    NotAsWritten,
    folder_mode,
    make_folder,
    sync_folder,
    verify,
    write_array,
    write_bytes,
    write_file,
)
from indexer.encoder import Vectors
from indexer.late import TokenVectors, laid_out
from indexer.node import Node
from indexer.store.postings import count_words, merge
from indexer.store.segment import (
    CONTENTS,
    TEXTS,
    TOKENS,
    VECTORS,
    WORDS,
    Contents,
    Segment,
    SegmentRecord,
    Slots,
    hashes,
)
from indexer.vectors import build_index, stored_in, write_index

_TAGS_READ = 2000
"""Characters of a node's tags by which it is found: they count for each of its chunks."""
_SCHEMA = """
    CREATE TABLE node (
        slot INTEGER PRIMARY KEY,
        lines TEXT NOT NULL,                -- as shown, one source line a line
        marker TEXT NOT NULL,
        plain TEXT,                         -- the words alone, where they differ from the lines
        numbers TEXT                        -- how far below the first each line stands, where they do not follow one another
    ) STRICT;
    CREATE TABLE attribute (node INTEGER NOT NULL REFERENCES node, name TEXT NOT NULL, value TEXT NOT NULL) STRICT;
    CREATE TABLE acronym (
        short TEXT NOT NULL,
        long TEXT NOT NULL,                 -- what it may stand for, '' for the acronym itself
        node INTEGER NOT NULL REFERENCES node,
        count INTEGER NOT NULL,
        PRIMARY KEY (short, long, node)
    ) STRICT, WITHOUT ROWID;
"""
_INDEXES = """
    CREATE INDEX attribute_by_name ON attribute (name);
    CREATE INDEX attribute_by_node ON attribute (node);
"""


@dataclass(frozen=True, slots=True)
class Fresh:
    """What is new. nodes, chunks: in the order of their rows; the node of a chunk is not told here. tags: of each chunk,
    what its node is found by besides its text. made_of: the hash of the text that each vector was made of. vectors: shape
    (chunks, dimension). tokens: of the same chunks.
    """

    nodes: Sequence[Node]
    chunks: Sequence[Chunk]
    tags: Sequence[str]
    made_of: Sequence[bytes]
    vectors: Vectors
    tokens: TokenVectors


@dataclass(frozen=True, slots=True)
class Survivors:
    """The slots of an older segment that are still in use, in ascending order."""

    segment: Segment
    nodes: Slots
    chunks: Slots


def write_segment(folder: Path, fresh: Fresh, merged: Sequence[Survivors] = ()) -> SegmentRecord:
    """A new segment in `folder`: what survives of the merged ones, in their order, then what is fresh. Raises OSError."""
    make_folder(folder)
    aside = Path(tempfile.mkdtemp(prefix=".new-", dir=folder))
    try:
        record = SegmentRecord(
            sum(len(each.nodes) for each in merged) + len(fresh.nodes),
            sum(len(each.chunks) for each in merged) + len(fresh.chunks),
            _write_files(aside, fresh, merged),
        )
        aside.chmod(folder_mode())
        sync_folder(aside)
        if is_whole(folder / record.name, record):  # of an earlier generation that held the same
            shutil.rmtree(aside)
        else:
            shutil.rmtree(folder / record.name, ignore_errors=True)
            aside.rename(folder / record.name)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    sync_folder(folder)
    return record


def is_whole(place: Path, record: SegmentRecord) -> bool:
    """Whether a folder holds this segment, every byte of it."""
    try:
        for name, file in record.files.items():
            verify(place / name, file)
    except NotAsWritten:
        return False
    return True


def _write_files(place: Path, fresh: Fresh, merged: Sequence[Survivors]) -> dict[str, FileRecord]:
    survived = [(each.segment, each.chunks) for each in merged]
    words = count_words([c.trail for c in fresh.chunks], [c.piece for c in fresh.chunks], fresh.tags)
    if merged:
        new = (words, np.arange(len(fresh.chunks)))
        words = merge([*((segment.words, chunks) for segment, chunks in survived), new])
    projection = fresh.tokens.projection
    older = [laid_out([(s.codes, s.contents.offsets)], chunks, projection) for s, chunks in survived]
    tokens = [*older, fresh.tokens]
    index = build_index(
        np.concatenate([*(stored_in(segment.vectors, chunks) for segment, chunks in survived), fresh.vectors]),
        _largest([segment for segment, _ in survived]),
    )
    counts = np.concatenate([np.diff(each.offsets) for each in tokens])
    return {
        TEXTS: write_bytes(place / TEXTS, _texts(fresh, merged)),
        WORDS: write_bytes(place / WORDS, words.to_bytes()),
        VECTORS: write_file(place / VECTORS, lambda writer: write_index(index, writer)),
        TOKENS: write_array(place / TOKENS, [each.codes for each in tokens]),
        CONTENTS: write_bytes(place / CONTENTS, _contents(fresh, merged, counts).to_bytes()),
    }


def _largest(segments: Sequence[Segment]) -> Any:
    """The vectors whose centroids may be used again."""
    return max((segment.vectors for segment in segments), key=lambda vectors: vectors.ntotal, default=None)


def _contents(fresh: Fresh, merged: Sequence[Survivors], counts: Slots) -> Contents:
    new = Contents(
        hashes([node_hash(node) for node in fresh.nodes]),
        hashes([chunk_hash(chunk, tags) for chunk, tags in zip(fresh.chunks, fresh.tags, strict=True)]),
        hashes(fresh.made_of),
        hashes([chunk.own_hash for chunk in fresh.chunks]),
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
    )
    older = [(each.segment.contents, each.nodes, each.chunks) for each in merged]
    return Contents(
        np.concatenate([*(contents.node_hashes[nodes] for contents, nodes, _ in older), new.node_hashes]),
        np.concatenate([*(contents.chunk_hashes[chunks] for contents, _, chunks in older), new.chunk_hashes]),
        np.concatenate([*(contents.made_of[chunks] for contents, _, chunks in older), new.made_of]),
        np.concatenate([*(contents.own_hashes[chunks] for contents, _, chunks in older), new.own_hashes]),
        new.offsets,
    )


def node_hash(node: Node) -> bytes:
    """32 bytes that change when anything does that a segment keeps of a node: all but its place."""
    said = (node.lines, node.marker, node.plain, [number - node.line for number in node.numbers], node.attributes)
    return hashlib.sha256(repr(said).encode("utf-8", "surrogatepass")).digest()


def chunk_hash(chunk: Chunk, tags: str) -> bytes:
    """32 bytes that change when the words do by which a chunk is found."""
    said = f"{chunk.trail}\0{chunk.piece}\0{tags}"
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).digest()


def tags_of(node: Node) -> str:
    """What a node is found by besides its text: its tags, wherever they stood, as many as a heading could name."""
    said = " ".join(value for name, value in node.attributes if name == TAG)[:_TAGS_READ]
    return said if said.casefold() not in node.text.casefold() else ""


def _texts(fresh: Fresh, merged: Sequence[Survivors]) -> bytes:
    """A whole database as bytes, so that one module writes (and hashes) everything that goes to disk."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.executescript(_SCHEMA)
        first = 0
        for each in merged:
            _copy(connection, each, first)
            first += len(each.nodes)
        numbered = list(enumerate(fresh.nodes, start=first))
        connection.executemany("INSERT INTO node VALUES (?, ?, ?, ?, ?)", (_row(slot, node) for slot, node in numbered))
        connection.executemany(
            "INSERT INTO attribute VALUES (?, ?, ?)",
            ((slot, name, storable(value)) for slot, node in numbered for name, value in node.attributes),
        )
        connection.executemany(
            "INSERT INTO acronym VALUES (?, ?, ?, 1) ON CONFLICT DO UPDATE SET count = count + 1",
            ((short, long, slot) for slot, node in numbered for short, long in _acronyms(node)),
        )
        connection.executescript(_INDEXES)
        connection.commit()
        return connection.serialize()
    finally:
        connection.close()


def _copy(connection: sqlite3.Connection, survivors: Survivors, first: int) -> None:
    """What an older segment has on its nodes that are still there, under their new slots from `first` on."""
    new = dict(zip(survivors.nodes.tolist(), range(first, first + len(survivors.nodes)), strict=True))
    texts = survivors.segment.texts
    nodes = texts.execute("SELECT * FROM node ORDER BY slot")
    connection.executemany(
        "INSERT INTO node VALUES (?, ?, ?, ?, ?)", ((new[slot], *rest) for slot, *rest in nodes if slot in new)
    )
    said = texts.execute("SELECT * FROM attribute ORDER BY rowid")
    connection.executemany(
        "INSERT INTO attribute VALUES (?, ?, ?)", ((new[slot], *rest) for slot, *rest in said if slot in new)
    )
    found = texts.execute("SELECT short, long, node, count FROM acronym")
    connection.executemany(
        "INSERT INTO acronym VALUES (?, ?, ?, ?)", ((a, b, new[slot], n) for a, b, slot, n in found if slot in new)
    )


def _row(slot: int, node: Node) -> tuple[Any, ...]:
    return (
        slot,
        storable("\n".join(node.lines)),
        node.marker,
        None if node.plain is None else storable(node.plain),
        ",".join(str(number - node.line) for number in node.numbers) or None,
    )


def _acronyms(node: Node) -> Iterator[tuple[str, str]]:
    yield from ((short, "") for short in short_forms(node.text))
    yield from spelled_out(node.text)


def storable(text: str) -> str:
    """SQLite takes no lone surrogates."""
    return text.encode("utf-8", "replace").decode()
