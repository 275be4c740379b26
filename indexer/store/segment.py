"""A segment: what some nodes say and what was made of it, in the order in which it came, never changed once written.

    index/segments/<first 16 digits>/  texts.sqlite  words.npz  vectors.faiss  tokens.npy  contents.npz

An edit adds a small segment and leaves the others as they are; what was deleted stays in its segment, unused, until that is
merged with others (O'Neil et al. 1996, "The Log-Structured Merge-Tree"; Lucene's segments are the nearest kin). Nodes and
chunks have slots in a segment; where they stand in the notes is told by `indexer.store.structure`.
"""

from __future__ import annotations

import hashlib
import io
import sqlite3
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from indexer.durable import FileRecord
from indexer.late import Codes, Offsets
from indexer.store.postings import Postings

TEXTS = "texts.sqlite"
WORDS = "words.npz"
VECTORS = "vectors.faiss"
TOKENS = "tokens.npy"
CONTENTS = "contents.npz"
FILES = (TEXTS, WORDS, VECTORS, TOKENS, CONTENTS)

HASH_BYTES = 16
"""Of SHA-256: enough to tell any two texts apart."""

Slots = NDArray[np.int64]
Hashes = NDArray[np.void]


class SegmentRecord(msgspec.Struct, frozen=True):
    """A segment as a manifest lists it. nodes, chunks: how many slots it has of each."""

    nodes: int
    chunks: int
    files: dict[str, FileRecord]

    @property
    def name(self) -> str:
        """Made of all its bytes, so that equal segments have one name."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()[:16]


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """Arrays by slot. node_hashes: of all that a node says. chunk_hashes: of its trail, own text and tags. made_of: of the text
    that its vector was made of. own_hashes: of its own text. offsets: shape (chunks + 1,), where its token vectors begin.
    """

    node_hashes: Hashes
    chunk_hashes: Hashes
    made_of: Hashes
    own_hashes: Hashes
    offsets: Offsets

    def to_bytes(self) -> bytes:
        buffer = io.BytesIO()
        np.savez(buffer, **{field.name: getattr(self, field.name) for field in fields(self)})
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Contents:
        """`data` must have been verified."""
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return cls(*(arrays[field.name] for field in fields(cls)))


class Segment:
    """An opened segment, for any number of threads and generations. `texts` is read-only."""

    def __init__(
        self, record: SegmentRecord, path: Path, words: Postings, vectors: Any, codes: Codes, contents: Contents
    ) -> None:
        """`path` is that of the texts; all must have been verified: SQLite does not notice a flipped bit."""
        uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
        self.record = record
        self.texts = sqlite3.connect(uri, uri=True, check_same_thread=False)
        self.words = words
        self.vectors = vectors
        self.codes = codes
        self.contents = contents
        weakref.finalize(self, self.texts.close)  # with the last generation that has it


def short(digest: bytes) -> bytes:
    """A SHA-256 as segments keep it."""
    return digest[:HASH_BYTES]


def hashes(digests: Sequence[bytes]) -> Hashes:
    """Shape (n,): each as segments keep it."""
    return np.frombuffer(b"".join(map(short, digests)), np.dtype((np.void, HASH_BYTES)))
