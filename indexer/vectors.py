"""The vectors of a generation in FAISS: exact inner-product search over unit vectors, filtered before the cut."""

from __future__ import annotations

import faiss
import numpy as np
from numpy.typing import NDArray

from indexer.durable import HashingWriter
from indexer.encoder import Vectors

Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]


def build_index(vectors: Vectors) -> faiss.Index:
    """An exact index. `vectors` has shape (n, dimension) and unit length, so that inner product is cosine similarity."""
    if vectors.ndim != 2 or vectors.dtype != np.float32:
        raise ValueError(
            f"vectors of shape (n, dimension) and type float32 are needed, not {vectors.shape} {vectors.dtype}"
        )
    lengths = np.linalg.norm(vectors, axis=1)
    if len(vectors) and not np.allclose(lengths, 1.0, atol=1e-3):
        raise ValueError(f"vectors must have unit length, but one has {lengths[np.argmax(np.abs(lengths - 1))]:.4f}")
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(np.ascontiguousarray(vectors))
    return index


def write_index(index: faiss.Index, writer: HashingWriter) -> None:
    """Through Python's file, because FAISS's own writer returns normally when the disk is full."""
    faiss.write_index(index, faiss.PyCallbackIOWriter(writer.write))  # type: ignore[attr-defined]


def read_index(data: bytes) -> faiss.Index:
    """`data` must have been verified: FAISS does not notice a flipped bit."""
    return faiss.deserialize_index(np.frombuffer(data, np.uint8))


def stored_vectors(index: faiss.Index, rows: Ids) -> Vectors:
    """Shape (len(rows), dimension)."""
    return np.asarray(index.reconstruct_batch(rows), np.float32)


def nearest(index: faiss.Index, query: Vectors, top: int, mask: Mask | None = None) -> tuple[NDArray[np.float32], Ids]:
    """The `top` nearest chunks of one query vector of shape (dimension,), nearest first, among those where `mask` is true.

    Answers (similarities, rows), fewer than `top` where there are fewer. Higher is nearer; 1 is identical.
    """
    parameters = None
    if mask is not None:
        selector = faiss.IDSelectorBitmap(np.packbits(mask, bitorder="little"))  # type: ignore[call-arg, arg-type]
        parameters = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
    top = min(top, int(index.ntotal))
    if top < 1:
        return np.empty(0, np.float32), np.empty(0, np.int64)
    scores, rows = index.search(query.reshape(1, -1), top, params=parameters)
    found = rows[0] >= 0
    return scores[0][found], rows[0][found]
