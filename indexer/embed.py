"""Chunks to vectors, new ones by the model and the others from the old index."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer import late
from indexer.chunks import Chunk
from indexer.encoder import Encoder, Vectors
from indexer.generation import Generation
from indexer.late import Codes, Projection, TokenVectors
from indexer.plan import Plan
from indexer.vectors import stored_vectors

_SLICE = 256
_SAMPLE_TOKENS = 20_000
"""So many token vectors are held whole before the projection is fitted to them."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """vectors: shape (chunks, dimension), unit length. tokens: the token vectors of the same chunks."""

    vectors: Vectors
    tokens: TokenVectors


def take_over(plan: Plan, old: Generation) -> Embedded:
    """The vectors of the kept chunks when nothing is new."""
    rows = [row for _, row in plan.kept]
    parts = [old.tokens.of_chunk(row) for row in rows]
    return Embedded(stored_vectors(old.vectors, np.array(rows, np.int64)), late.join(parts, old.tokens.projection))


def embed(
    plan: Plan, chunks: Sequence[Chunk], old: Generation | None, encoder: Encoder, progress: Callable[[int, int], None]
) -> Embedded:
    """Runs the model over what the plan says, and takes the rest from `old`. `progress` hears (done, of how many)."""
    vectors = np.empty((len(chunks), encoder.dimension), np.float32)
    parts: list[Codes] = [np.empty((0, 0), np.int8)] * len(chunks)
    codes = _Codes(old.tokens.projection if old and plan.kept else None)
    done = 0
    for some in _slices([chunks[rows[0]].text for rows in plan.embed]):
        one_of_each = [chunks[plan.embed[i][0]] for i in some]
        encoded = encoder.encode([chunk.text for chunk in one_of_each])
        tokens = np.split(encoded.tokens, np.cumsum(encoded.counts)[:-1])
        spans = np.split(encoded.spans, np.cumsum(encoded.counts)[:-1])
        for i, vector, chunk, token, span in zip(some, encoded.vectors, one_of_each, tokens, spans, strict=True):
            vectors[list(plan.embed[i])] = vector
            codes.add(int(i), token[_own_words(chunk, span)])
        done += len(some)
        progress(done, len(plan.embed))
    projection = codes.finish()
    for i, rows in enumerate(plan.embed):
        for row in rows:
            parts[row] = codes.done[i]
    if old and plan.kept:
        new_rows, old_rows = np.array(plan.kept, np.int64).T
        vectors[new_rows] = stored_vectors(old.vectors, old_rows)
        for row, old_row in plan.kept:
            parts[row] = old.tokens.of_chunk(old_row)
    return Embedded(vectors, late.join(parts, projection))


def _slices(texts: Sequence[str]) -> Iterator[NDArray[np.intp]]:
    """Positions in slices of texts of like length, since a batch costs as much as its longest text; the slices in random
    order, so that the first of them stand for all and the remaining time can be told.
    """
    order = np.argsort([len(text) for text in texts], kind="stable")
    starts = np.random.default_rng(0).permutation(np.arange(0, len(order), _SLICE))
    yield from (order[start : start + _SLICE] for start in starts)


def _own_words(chunk: Chunk, spans: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which tokens to keep: those of the node's own words. A comma or a hyphen has a vector near everything."""
    start = len(chunk.text) - len(chunk.piece)
    return np.array([a >= start and any(map(str.isalnum, chunk.text[a:b])) for a, b in spans.tolist()], np.bool_)


class _Codes:
    """Projects token vectors as they come; the first ones wait until there are enough to fit the projection to."""

    def __init__(self, projection: Projection | None) -> None:
        self.done: dict[int, Codes] = {}
        self._projection = projection
        self._waiting: dict[int, Vectors] = {}
        self._tokens = 0

    def add(self, key: int, vectors: Vectors) -> None:
        if self._projection:
            self.done[key] = self._projection.encode(vectors)
            return
        self._waiting[key] = vectors
        self._tokens += len(vectors)
        if self._tokens >= _SAMPLE_TOKENS:
            self._fit()

    def finish(self) -> Projection:
        return self._projection or self._fit()

    def _fit(self) -> Projection:
        self._projection = projection = late.fit(np.concatenate(list(self._waiting.values())))
        self.done |= {key: projection.encode(vectors) for key, vectors in self._waiting.items()}
        self._waiting = {}
        return projection
