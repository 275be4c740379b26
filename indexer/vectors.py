"""The vectors of a generation in FAISS: inner-product search over unit vectors, filtered before the cut.

Each segment has an index of its own. Up to `EXACT_UP_TO` chunks every vector is compared, in float32. Beyond, vectors are
grouped around centroids, only the nearest groups are searched (Sivic & Zisserman 2003, "Video Google", inverted file), and
each number takes one byte: a quarter of the memory, a fiftieth of the time, and 97% of the ten nearest (`bench/scale.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from indexer.durable import HashingWriter
from indexer.encoder import Vectors, unit
from indexer.numbering import Mask, Numbering

Ids = NDArray[np.int64]
Scores = NDArray[np.float32]

EXACT_UP_TO = 200_000
_CENTROIDS = 4.0
"""Times the square root of the number of vectors."""
_TRAINING = 64
"""Vectors for each centroid that the centroids are fitted to."""
_PROBES = 24
_NARROW = 20_000
"""A filter that leaves at most so many is not searched but compared whole: their groups might lie anywhere."""


def build_index(vectors: Vectors, old: faiss.Index | None = None) -> faiss.Index:
    """`vectors` has shape (n, dimension) and unit length, so that inner product is cosine similarity. The centroids of an old
    index of like size are used again.
    """
    if vectors.ndim != 2 or vectors.dtype != np.float32:
        raise ValueError(
            f"vectors of shape (n, dimension) and type float32 are needed, not {vectors.shape} {vectors.dtype}"
        )
    lengths = np.linalg.norm(vectors, axis=1)
    if len(vectors) and not np.allclose(lengths, 1.0, atol=1e-3):
        raise ValueError(f"vectors must have unit length, but one has {lengths[np.argmax(np.abs(lengths - 1))]:.4f}")
    vectors = np.ascontiguousarray(vectors)
    index = _grouped(vectors, old) if len(vectors) > EXACT_UP_TO else faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return index


def _grouped(vectors: Vectors, old: faiss.Index | None) -> Any:
    """An inverted file with scalar quantisation, trained and empty."""
    count, dimension = vectors.shape
    if isinstance(old, faiss.IndexIVF) and old.d == dimension and count < 4 * old.ntotal and old.ntotal < 4 * count:
        trained = faiss.clone_index(old)
        trained.reset()
        return trained
    centroids = 2 ** round(np.log2(_CENTROIDS * count**0.5))
    index: Any = faiss.index_factory(dimension, f"IVF{centroids},SQ8", faiss.METRIC_INNER_PRODUCT)
    index.cp.max_points_per_centroid = _TRAINING
    index.cp.niter = 8
    sample = np.random.default_rng(0).choice(count, min(count, _TRAINING * centroids), replace=False)
    index.train(vectors[np.sort(sample)])
    return index


def write_index(index: faiss.Index, writer: HashingWriter) -> None:
    """Through Python's file, because FAISS's own writer returns normally when the disk is full."""
    faiss.write_index(index, faiss.PyCallbackIOWriter(writer.write))  # type: ignore[attr-defined]


def read_index(data: bytes | memoryview) -> faiss.Index:
    """`data` must have been verified: FAISS does not notice a flipped bit."""
    index = faiss.deserialize_index(np.frombuffer(data, np.uint8))
    if isinstance(index, faiss.IndexIVF):
        index.make_direct_map()
        index.nprobe = _PROBES
    return index


def stored_in(index: faiss.Index, slots: Ids) -> Vectors:
    """Shape (len(slots), dimension); beyond `EXACT_UP_TO` chunks with the rounding of their bytes."""
    vectors = np.asarray(index.reconstruct_batch(slots), np.float32)
    return unit(vectors) if isinstance(index, faiss.IndexIVF) else vectors


class VectorIndex:
    """The vectors of all chunks of a generation, by row.

    parts: the index of each segment, by slot. slots: shape (chunks,), the slot of each row, counted over all parts; slots
    that no row has hold what was deleted.
    """

    def __init__(self, parts: Sequence[faiss.Index], slots: Ids) -> None:
        self.parts = parts
        self.slots = slots
        self.d = int(parts[0].d)
        self._numbering = Numbering(slots, [part.ntotal for part in parts])
        self._in_order = len(parts) == 1 and bool(np.array_equal(slots, np.arange(parts[0].ntotal)))

    @property
    def ntotal(self) -> int:
        return len(self.slots)

    def nearest(self, query: Vectors, top: int, mask: Mask | None = None) -> tuple[NDArray[np.float32], Ids]:
        """See `nearest`."""
        if self._in_order:
            return _nearest_in(self.parts[0], query, top, mask)
        found = [self._nearest_of(number, query, top, mask) for number in range(len(self.parts))]
        scores, rows = (np.concatenate(column) for column in zip(*found, strict=True))
        order = np.argsort(-scores, kind="stable")[:top]
        return scores[order], rows[order]

    def _nearest_of(self, number: int, query: Vectors, top: int, mask: Mask | None) -> tuple[NDArray[np.float32], Ids]:
        rows = self._numbering.row_of(number)
        live = self._numbering.live(number)
        if mask is not None:
            live = rows >= 0
            live[live] = mask[rows[live]]
            live = None if live.all() else live
        scores, slots = _nearest_in(self.parts[number], query, top, live)
        return scores, rows[slots]

    def vectors(self, rows: Ids) -> Vectors:
        """See `stored_vectors`."""
        if self._in_order:
            return stored_in(self.parts[0], rows)
        vectors = np.empty((len(rows), self.d), np.float32)
        for number, slots, at in self._numbering.parted(rows):
            vectors[at] = stored_in(self.parts[number], slots)
        return vectors


def stored_vectors(index: VectorIndex, rows: Ids) -> Vectors:
    """Shape (len(rows), dimension), unit length; of chunks in large segments with the rounding of their bytes."""
    return index.vectors(np.asarray(rows, np.int64))


def nearest(index: VectorIndex, query: Vectors, top: int, mask: Mask | None = None) -> tuple[NDArray[np.float32], Ids]:
    """The `top` nearest chunks of one query vector of shape (dimension,), nearest first, among those where `mask` is true.

    Answers (similarities, rows), fewer than `top` where there are fewer. Higher is nearer; 1 is identical.
    """
    return index.nearest(query, top, mask)


def _nearest_in(index: faiss.Index, query: Vectors, top: int, mask: Mask | None) -> tuple[NDArray[np.float32], Ids]:
    grouped = isinstance(index, faiss.IndexIVF)
    parameters = None
    if mask is not None:
        if grouped and np.count_nonzero(mask) <= _NARROW:
            return _compared(index, query, top, np.flatnonzero(mask))
        selector = faiss.IDSelectorBitmap(np.packbits(mask, bitorder="little"))  # type: ignore[call-arg, arg-type]
        kind = faiss.SearchParametersIVF if grouped else faiss.SearchParameters
        parameters = kind(sel=selector, **({"nprobe": _PROBES} if grouped else {}))  # type: ignore[call-arg]
    top = min(top, int(index.ntotal))
    if top < 1:
        return np.empty(0, np.float32), np.empty(0, np.int64)
    scores, rows = index.search(query.reshape(1, -1), top, params=parameters)
    found = rows[0] >= 0
    return scores[0][found], rows[0][found]


def _compared(index: faiss.Index, query: Vectors, top: int, slots: Ids) -> tuple[NDArray[np.float32], Ids]:
    scores = stored_in(index, slots) @ query
    order = np.argsort(-scores, kind="stable")[:top]
    return scores[order], slots[order]
