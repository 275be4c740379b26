"""What pages hold, and how: the order of the nodes of a file, the files, the counts of words, and the root that names them
all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from zlib import crc32

import msgspec
import numpy as np
from numpy.typing import NDArray

from indexer.numbering import Rows

SCHEMA = 1
"""Version of all that is published. Raised whenever an older Trellis could misread it: it goes into the names of
collections.
"""
IN_A_TABLE = 200
"""Files in one page."""
_WORDS_IN_A_TABLE = 2000


class PackedLayout(msgspec.Struct, frozen=True, array_like=True):
    """The arrays of a `Layout` as bytes, little-endian, rows counted from the first of the file."""

    ids: bytes
    parent: bytes
    last: bytes
    depth: bytes
    line: bytes
    end_line: bytes
    pieces: bytes


@dataclass(frozen=True)
class Layout:
    """How the nodes of one file stand to each other. Arrays of shape (nodes,): ids; parent, -1 at the top, and last,
    counted from the file's first row; depth, line, end_line; pieces, how many chunks each has.
    """

    ids: NDArray[np.uint64]
    parent: Rows
    last: Rows
    depth: Rows
    line: Rows
    end_line: Rows
    pieces: Rows

    def pack(self) -> bytes:
        numbers = (self.parent, self.last, self.depth, self.line, self.end_line, self.pieces)
        return msgspec.msgpack.encode(
            PackedLayout(self.ids.astype("<u8").tobytes(), *(each.astype("<i4").tobytes() for each in numbers))
        )

    @classmethod
    def unpack(cls, data: bytes) -> Layout:
        packed = msgspec.msgpack.decode(data, type=PackedLayout)
        numbers = (packed.parent, packed.last, packed.depth, packed.line, packed.end_line, packed.pieces)
        return cls(
            np.frombuffer(packed.ids, "<u8").astype(np.uint64),
            *(np.frombuffer(each, "<i4").astype(np.int64) for each in numbers),
        )

    @cached_property
    def first_pieces(self) -> Rows:
        """Shape (nodes + 1,): the number of each node's first chunk in the file."""
        return np.concatenate([[0], np.cumsum(self.pieces)]).astype(np.int64)

    @cached_property
    def piece_nodes(self) -> Rows:
        """Shape (chunks,): whose each chunk is."""
        return np.repeat(np.arange(len(self.pieces)), self.pieces)

    @cached_property
    def places(self) -> dict[int, int]:
        """By id, where the node stands in the file."""
        return {node_id: at for at, node_id in enumerate(self.ids.tolist())}


class FileState(msgspec.Struct, frozen=True, array_like=True):
    """One file. state: hash of all that is published of it. layout, headings: the names of their pages. digest: SHA-256 of the
    notes file. attributes: what holds for all of it.
    """

    name: str
    state: str
    nodes: int
    chunks: int
    layout: str
    headings: str
    digest: str
    notebook: str
    attributes: tuple[tuple[str, str], ...]


class Acronym(msgspec.Struct, frozen=True, array_like=True):
    used: bool
    meaning: str


class Root(msgspec.Struct, frozen=True):
    """What one published state is. The lists name pages: of files in their order; of words by `bucket`. manifest: that of the
    generation without what grows with the notes. mean_length: words of a chunk, as the weights of words were made with.
    """

    name: str
    manifest: bytes
    chunks: int
    nodes: int
    tokens: int
    mean_length: float
    projection: bytes
    extras: dict[str, bytes]
    said: str
    files: list[str]
    stems: list[str]
    words: list[str]
    acronyms: list[str]

    @property
    def pages(self) -> set[str]:
        return {self.said, *self.files, *self.stems, *self.words, *self.acronyms}


class Head(msgspec.Struct, frozen=True):
    """What is current: the name of the generation and the page with its root."""

    name: str
    root: str


@dataclass(slots=True)
class Drafted:
    """A root with the pages that it names, before they are written."""

    root: Root
    files: list[FileState]
    pages: dict[str, bytes] = field(default_factory=dict)


def bucket(word: str, count: int) -> int:
    """Which of the pages a word is on."""
    return crc32(word.encode("utf-8", "surrogatepass")) % count


def buckets(count: int, before: int = 0) -> int:
    """How many pages so many words need; as many as before as long as that does: a changed word then changes one page."""
    needed: int = 1 << max(0, (count - 1) // _WORDS_IN_A_TABLE).bit_length()
    return before if needed <= before <= 4 * needed else needed


def in_buckets(table: Mapping[str, object], count: int) -> list[bytes]:
    """The table in pages, always the same for the same words."""
    parts: list[dict[str, object]] = [{} for _ in range(count)]
    for word in sorted(table):
        parts[bucket(word, count)][word] = table[word]
    return [msgspec.msgpack.encode(part) for part in parts]


def digest_of(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()[:32]


def in_tables(files: Sequence[FileState]) -> list[bytes]:
    return [msgspec.msgpack.encode(files[at : at + IN_A_TABLE]) for at in range(0, len(files), IN_A_TABLE)]
