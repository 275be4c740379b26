"""From a question to nodes in the order of their relevance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from indexer.store import Store
from indexer.vectors import Mask, nearest, stored_vectors
from service.snapshot import Snapshot
from service.words import content_words, is_keywords

_LEXICAL_WEIGHT = 0.15
"""How much a full match of words adds to a cosine similarity, for queries made of keywords. BM25 is weak on paraphrase, so
a sentence is ranked by meaning alone."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """row: the node. score: 0 to 1, higher is better. similarity: cosine similarity of the question and the node."""

    row: int
    score: float
    similarity: float


def rank(snapshot: Snapshot, question: str, depth: int, mask: Mask | None = None) -> list[Candidate]:
    """The `depth` best nodes among those where `mask` is true, best first. A node counts as its best chunk."""
    store = snapshot.store
    query = snapshot.encoder.encode([question])[0]
    chunk_mask = None if mask is None else mask[store.chunk_node]
    scores, chunks = nearest(snapshot.generation.vectors, query, depth, chunk_mask)
    similarity = dict(zip(chunks.tolist(), scores.tolist(), strict=True))
    if not is_keywords(question):
        return _best_by_node(store, similarity, similarity, depth)
    matched, lexical = store.match(content_words(question))
    if chunk_mask is not None:
        matched, lexical = matched[chunk_mask[matched]], lexical[chunk_mask[matched]]
    matched, lexical = matched[:depth], lexical[:depth]
    new = np.array([row for row in matched.tolist() if row not in similarity], np.int64)
    if len(new):
        similarity.update(
            zip(new.tolist(), (stored_vectors(snapshot.generation.vectors, new) @ query).tolist(), strict=True)
        )
    share = dict(zip(matched.tolist(), (lexical / lexical[:1]).tolist(), strict=True))
    mixed = {
        row: (cosine + _LEXICAL_WEIGHT * share.get(row, 0.0)) / (1 + _LEXICAL_WEIGHT)
        for row, cosine in similarity.items()
    }
    return _best_by_node(store, mixed, similarity, depth)


def _best_by_node(
    store: Store, scores: Mapping[int, float], similarity: Mapping[int, float], depth: int
) -> list[Candidate]:
    best: dict[int, Candidate] = {}
    for chunk, score in sorted(scores.items(), key=lambda item: (-item[1], item[0])):
        row = int(store.chunk_node[chunk])
        best.setdefault(row, Candidate(row, _unit(score), _unit(similarity[chunk])))
    return list(best.values())[:depth]


def _unit(score: float) -> float:
    return min(max(score, 0.0), 1.0)


def neighbours(snapshot: Snapshot, row: int, depth: int, exclude: Mask) -> list[Candidate]:
    """The `depth` nodes nearest in meaning to the node at `row`, without those where `exclude` is true."""
    generation, store = snapshot.generation, snapshot.store
    own = np.flatnonzero(store.chunk_node == row)
    query = generation.vectors.reconstruct_batch(own).mean(axis=0)
    query = (query / max(float(np.linalg.norm(query)), 1e-9)).astype(np.float32)
    scores, chunks = nearest(generation.vectors, query, depth, ~exclude[store.chunk_node])
    similarity = dict(zip(chunks.tolist(), scores.tolist(), strict=True))
    return _best_by_node(store, similarity, similarity, depth)
