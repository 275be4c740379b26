"""Token vectors for late interaction, small enough to store: projected, then rounded to one byte a number.

MaxSim (Khattab & Zaharia 2020, "ColBERT: Efficient and Effective Passage Search via Contextualized Late Interaction over
BERT") compares each token of a question with its closest token of a passage. The vectors are the model's own last layer,
encoded with the whole chunk around them; only the tokens of a node's own text are kept, because those of its ancestors are
kept with the ancestors.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.encoder import Vectors
from indexer.numbering import Numbering

DIMENSION = 64
"""Principal dimensions that are kept: on three collections as good as all 384 (see docs/ranking.md)."""
_FIT_FROM = 2000
"""A projection learned from fewer tokens would be one to their noise: small indexes keep the vectors whole."""
_FIT_ENOUGH = 20_000
_BLOCK = 256
_COMPARED = 2048
"""Tokens that are compared at once: widened to float32 they then stay in the processor's cache. A quarter less time."""
_HELD = 2**22
"""Similarities in memory at once: 16 MB."""
_MOST = 2**33
"""Multiplications for one question: half a second of one core. Notes whose lines are lines take a thousandth of it."""

Codes = NDArray[np.int8]
Offsets = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Projection:
    """matrix: shape (model's dimension, d), orthonormal columns. scale: one unit of a code in the projected vectors."""

    matrix: NDArray[np.float32]
    scale: float

    def apply(self, vectors: Vectors) -> Vectors:
        """Shape (n, d), unit length."""
        projected = vectors @ self.matrix
        return np.asarray(projected / np.maximum(np.linalg.norm(projected, axis=1, keepdims=True), 1e-9), np.float32)

    def to_bytes(self) -> bytes:
        buffer = io.BytesIO()
        np.savez(buffer, matrix=self.matrix, scale=np.array(self.scale, np.float64))
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Projection:
        """`data` must have been verified."""
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return cls(arrays["matrix"], float(arrays["scale"]))

    def encode(self, vectors: Vectors) -> Codes:
        """Shape (n, d). Always so many rows at once, so that a code does not depend on what is encoded beside it."""
        codes = np.empty((len(vectors), self.matrix.shape[1]), np.int8)
        block = np.zeros((_BLOCK, vectors.shape[1]), np.float32)
        for at in range(0, len(vectors), _BLOCK):
            some = vectors[at : at + _BLOCK]
            block[: len(some)] = some
            codes[at : at + len(some)] = np.clip(np.rint(self.apply(block)[: len(some)] / self.scale), -127, 127)
        return codes


def fit(vectors: Vectors) -> Projection:
    """The projection to the principal dimensions of these token vectors, or to all of them when they are few."""
    dimension = vectors.shape[1]
    matrix = np.eye(dimension, dtype=np.float32)
    if len(vectors) >= _FIT_FROM and dimension > DIMENSION:
        sample = vectors[np.linspace(0, len(vectors) - 1, min(len(vectors), _FIT_ENOUGH)).astype(np.int64)]
        matrix = np.linalg.eigh(sample.T @ sample)[1][:, ::-1][:, :DIMENSION].astype(np.float32)
    projection = Projection(np.ascontiguousarray(matrix), 1.0)
    largest = float(np.abs(projection.apply(vectors[:_FIT_ENOUGH])).max()) if len(vectors) else 1.0
    return Projection(projection.matrix, largest / 127)


_OUTGROWN_FROM = 5 * _FIT_FROM


@dataclass(frozen=True, slots=True)
class TokenVectors:
    """The token vectors of all chunks. codes: shape (tokens, d). offsets: shape (chunks + 1,), where each chunk's begin."""

    codes: Codes
    offsets: Offsets
    projection: Projection

    def of_chunk(self, row: int) -> Codes:
        return self.codes[self.offsets[row] : self.offsets[row + 1]]

    def of_chunks(self, rows: NDArray[np.int64]) -> TokenVectors:
        """Those of some chunks, in the order of `rows`; long runs of rows are copied at once."""
        return laid_out([(self.codes, self.offsets)], np.asarray(rows, np.int64), self.projection)

    def best_matches(self, query: Vectors, first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.float32]:
        """For every run of chunks first[i]..last[i] and every query token, the similarity of the closest token in the run.

        query: shape (q, d), projected, unit length. Answers shape (len(first), q); 0 for a run without tokens. Where
        there is far more text than a question can be compared with in half a second, some tokens of long runs stand for all.
        """
        starts, ends = self.offsets[first], self.offsets[last + 1]
        best = np.zeros((len(first), len(query)), np.float32)
        filled = np.flatnonzero(ends > starts)
        if not len(filled) or not len(query):
            return best
        runs = _Runs.within(starts[filled], (ends - starts)[filled], _MOST // query.size)
        self._closest(query, runs, best, filled)
        return best

    def _closest(self, query: Vectors, runs: _Runs, best: NDArray[np.float32], at_rows: NDArray[np.int64]) -> None:
        """Fills in these rows of `best`, one for each run. The similarities of one block of tokens are in memory at a time,
        however many tokens there are.
        """
        scaled = np.ascontiguousarray(query.T * np.float32(self.projection.scale))
        size = max(_HELD // len(query), _COMPARED)
        similarity = np.empty((min(size, runs.total), len(query)), np.float32)
        for start in range(0, runs.total, size):
            tokens, where, begins = runs.block(start, min(start + size, runs.total))
            for at in range(0, len(tokens), _COMPARED):
                some = slice(at, min(at + _COMPARED, len(tokens)))
                np.matmul(self.codes[tokens[some]].astype(np.float32), scaled, out=similarity[some])
            closest = np.maximum.reduceat(similarity[: len(tokens)], begins, axis=0)
            if runs.begins[where.start] < start:  # a run that began in the block before
                closest[0] = np.maximum(closest[0], best[at_rows[where.start]])
            best[at_rows[where]] = closest


@dataclass(frozen=True, slots=True)
class _Runs:
    """Runs of tokens, none empty, one after the other. Arrays by run: starts, where each lies in the codes; counts, how many
    tokens it has; taken, how many of them are compared, evenly spread; begins, how many were taken of those before it.
    """

    starts: NDArray[np.int64]
    counts: NDArray[np.int64]
    taken: NDArray[np.int64]
    begins: NDArray[np.int64]
    total: int

    @classmethod
    def within(cls, starts: NDArray[np.int64], counts: NDArray[np.int64], most: int) -> _Runs:
        """All tokens where there are at most so many, else as many of each long run as there is room for."""
        taken = counts if counts.sum() <= most else np.minimum(counts, max(most // len(counts), 1))
        ends = np.cumsum(taken)
        return cls(starts, counts, taken, ends - taken, int(ends[-1]))

    def block(self, at: int, end: int) -> tuple[NDArray[np.int64], slice, NDArray[np.int64]]:
        """Of the tokens numbered at..end: where each lies in the codes, the runs they are of, and where each run begins."""
        low = int(np.searchsorted(self.begins, at, "right")) - 1
        high = int(np.searchsorted(self.begins, end))
        where, begins = slice(low, high), np.maximum(self.begins[low:high] - at, 0)
        lengths = np.append(begins[1:], end - at) - begins
        if self.taken is self.counts:
            return np.repeat((self.starts - self.begins)[where] + at, lengths) + np.arange(end - at), where, begins
        runs = np.repeat(np.arange(low, high), lengths)
        tokens = (np.arange(at, end) - self.begins[runs]) * self.counts[runs] // self.taken[runs]
        return self.starts[runs] + tokens, where, begins


def laid_out(parts: Sequence[tuple[Codes, Offsets]], slots: NDArray[np.int64], projection: Projection) -> TokenVectors:
    """The token vectors of the chunks at `slots`, in that order. parts: (codes, offsets) by slot; slots are counted over all of
    them. What already lies in order is not copied.
    """
    if not len(slots):
        return TokenVectors(np.empty((0, projection.matrix.shape[1]), np.int8), np.zeros(1, np.int64), projection)
    if len(parts) == 1 and np.array_equal(slots, np.arange(len(parts[0][1]) - 1)):
        return TokenVectors(*parts[0], projection)
    numbers, own, counts = (np.empty(len(slots), np.int64) for _ in range(3))
    for number, here, at in Numbering(slots, [len(bounds) - 1 for _, bounds in parts]).parted(np.arange(len(slots))):
        bounds = parts[number][1]
        numbers[at], own[at], counts[at] = number, here, bounds[here + 1] - bounds[here]
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    codes = np.empty((int(offsets[-1]), projection.matrix.shape[1]), np.int8)
    begins = np.flatnonzero((np.diff(own, prepend=-2) != 1) | (np.diff(numbers, prepend=-1) != 0))
    for begin, end in zip(begins.tolist(), np.append(begins[1:], len(slots)).tolist(), strict=True):
        first = int(own[begin])
        theirs, bounds = parts[int(numbers[begin])]
        codes[offsets[begin] : offsets[end]] = theirs[bounds[first] : bounds[first + end - begin]]
    return TokenVectors(codes, offsets, projection)


def spread(begins: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Positions of several runs, one after the other: counts[i] of them from begins[i] on."""
    return np.repeat(begins - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())


def join(parts: Sequence[Codes], projection: Projection) -> TokenVectors:
    """The token vectors of all chunks from those of each, in row order."""
    offsets = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)
    codes = np.concatenate(parts) if parts else np.empty((0, projection.matrix.shape[1]), np.int8)
    return TokenVectors(codes, offsets, projection)


def recoded(codes: Codes, own: Projection, other: Projection) -> Codes:
    """The codes of token vectors in another projection, by way of what the first one has left of them."""
    vectors = codes.astype(np.float32) * np.float32(own.scale) @ own.matrix.T
    return other.encode(np.ascontiguousarray(vectors))


def outgrown(tokens: TokenVectors) -> bool:
    """Whether notes that were once few, so that their token vectors are kept whole, have become many."""
    whole = tokens.projection.matrix.shape[1]
    return whole > DIMENSION and len(tokens.codes) >= _OUTGROWN_FROM
