"""The places of the chunks, kept from one state of the notes to the next: an edit moves nothing that it does not touch."""

from __future__ import annotations

import io
import logging
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_128

from indexer.durable import replace_file
from indexer.encoder import Vectors
from indexer.generation import Generation
from indexer.numbering import Rows
from indexer.store.segment import Hashes
from service.map.chosen import drawn_chunks
from service.map.layout import Places, draw, place_all

_log = logging.getLogger("trellis.map")
FILE = ".map"
_MAGIC = b"trellis-map-1 "
_KEEP_FROM = 0.5
"""A picture of which less than this share is left is drawn anew."""
_BESIDE = 5_000
"""What is new is placed beside the nearest of so many."""

Keys = NDArray[np.uint64]


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """By chunk that is drawn: places, shape (n, 2). chunks, own: by what it is recognised in a later state, the beginnings of
    the hashes of the words that it is found by and of its own text.
    """

    chunks: Keys
    own: Keys
    places: Places

    def to_bytes(self) -> bytes:
        buffer = io.BytesIO()
        np.savez(buffer, chunks=self.chunks, own=self.own, places=self.places)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Picture:
        """`data` must have been verified."""
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return cls(arrays["chunks"], arrays["own"], arrays["places"])


def picture_of(generation: Generation, before: Picture | None = None) -> Picture:
    """What has a place keeps it, and what came under other headings keeps that of its words; what is new stands beside its
    nearest neighbours. `before` itself where nothing has changed. Raises MapNotDrawn.
    """
    vectors, store = generation.vectors.vectors, generation.store
    drawn = drawn_chunks(store)
    chunks, own = _keys(store.chunk_hashes()[drawn]), _keys(store.own_hashes()[drawn])

    def take(rows: Rows) -> Vectors:
        return vectors(drawn[rows])

    if before is not None:
        if np.array_equal(before.chunks, chunks) and np.array_equal(before.own, own):
            return before
        at = _find(before.chunks, chunks)
        at = np.where(at < 0, _find(before.own, own), at)
        placed = np.flatnonzero(at >= 0)
        if len(placed) >= max(_KEEP_FROM * len(at), 1):
            places = np.zeros((len(at), 2), np.int16)
            places[placed] = before.places[at[placed]]
            near = placed[np.linspace(0, len(placed) - 1, min(len(placed), _BESIDE)).astype(np.int64)]
            place_all(places, np.flatnonzero(at < 0), take, take(near), places[near])
            return Picture(chunks, own, places)
    return Picture(chunks, own, draw(len(chunks), take))


def load_picture(folder: Path) -> Picture | None:
    """The picture that is kept beside an index, if there is one, as it was written."""
    try:
        head, _, data = (folder / FILE).read_bytes().partition(b"\n")
    except OSError:
        return None
    if head == _head(data):
        return Picture.from_bytes(data)
    _log.warning("%s beside the index is damaged: the map is drawn anew", FILE)
    return None


def keep_picture(folder: Path, picture: Picture) -> None:
    """An index that cannot be written goes without: then each start draws the same once more."""
    data = picture.to_bytes()
    with suppress(OSError):
        replace_file(folder / FILE, _head(data) + b"\n" + data)


def _head(data: bytes) -> bytes:
    return _MAGIC + xxh3_128(data).hexdigest().encode()


def _keys(hashes: Hashes) -> Keys:
    digests = np.frombuffer(hashes.tobytes(), np.uint8).reshape(len(hashes), -1)
    return np.ascontiguousarray(digests[:, :8]).view(np.uint64).ravel()


def _find(known: Keys, wanted: Keys) -> Rows:
    """Where each of these stands in `known`, -1 for nowhere."""
    if not len(known):
        return np.full(len(wanted), -1, np.int64)
    order = np.argsort(known, kind="stable")
    at = order[np.minimum(np.searchsorted(known[order], wanted), len(known) - 1)]
    return np.where(known[at] == wanted, at, -1)
