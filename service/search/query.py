"""A question as ranking sees it: spelling mended, encoded, each token with its weight."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.encoder import Encoder, Vectors
from indexer.store import Store
from indexer.words import stem
from service.search.acronyms import with_acronyms
from service.search.words import FUNCTION_WORDS, content_words, is_keywords, word_span, words_of
from service.snapshot import Snapshot

_FUNCTION_WEIGHT = 0.3
_SIGN_WEIGHT = 0.05
_SHORTEST_MENDED = 5
_TWO_EDITS_FROM = 8
_MOST_MENDED = 12
"""Unknown words of a question that are compared with all words of the notes. Who has more of them writes another language."""


@dataclass(frozen=True, slots=True)
class Query:
    """A question as ranking sees it.

    text: the question as understood. mended: each misspelt word as written and as understood. words: its content words.
    keywords: whether it has no function words. vector: shape (dimension,). tokens: shape (q, d), projected as the index is.
    spans: the word in `text` that each token is of, as [start, end). weights: shape (q,), adding up to 1, or none.
    read: the share of its letters that the model can make something of.
    """

    text: str
    mended: dict[str, str]
    words: list[str]
    keywords: bool
    vector: NDArray[np.float32]
    tokens: Vectors
    spans: list[tuple[int, int]]
    weights: NDArray[np.float32]
    read: float = 1.0


def read_query(snapshot: Snapshot, question: str) -> Query:
    return read_queries(snapshot, [question])[0]


def read_queries(snapshot: Snapshot, questions: Sequence[str]) -> list[Query]:
    """The questions as one index is asked."""
    return read_across([snapshot], questions)[0]


def read_across(snapshots: Sequence[Snapshot], questions: Sequence[str]) -> list[list[Query]]:
    """The questions as each of these indexes is asked: its own acronyms spelled out, but only what no index knows is mended,
    and a word counts as much in each, by how rare it is in all of them together. Each model runs once; the one place that
    encodes questions.
    """
    stores = [snapshot.store for snapshot in snapshots]
    understood = [[_understand(snapshot, stores, question) for question in questions] for snapshot in snapshots]
    encoded: dict[int, dict[str, _Encoding]] = {}
    for snapshot in snapshots:
        if id(snapshot.encoder) not in encoded:
            texts = [
                text
                for other, some in zip(snapshots, understood, strict=True)
                if other.encoder is snapshot.encoder
                for text, _ in some
            ]
            encoded[id(snapshot.encoder)] = _encode(snapshot.encoder, list(dict.fromkeys(texts)))
    return [
        [_query(snapshot, stores, text, mended, *encoded[id(snapshot.encoder)][text]) for text, mended in some]
        for snapshot, some in zip(snapshots, understood, strict=True)
    ]


_Encoding = tuple[NDArray[np.float32], Vectors, NDArray[np.int64]]
"""The vector of a text, those of its tokens, and where each token stands."""


def _encode(encoder: Encoder, texts: Sequence[str]) -> dict[str, _Encoding]:
    encoded = encoder.encode(texts, query=True)
    ends = np.cumsum(encoded.counts)[:-1]
    parts = zip(encoded.vectors, np.split(encoded.tokens, ends), np.split(encoded.spans, ends), strict=True)
    return dict(zip(texts, parts, strict=True))


def _understand(snapshot: Snapshot, stores: Sequence[Store], question: str) -> tuple[str, dict[str, str]]:
    """The question with its spelling mended and its acronyms spelled out, and what was mended."""
    mended = dict(_misspelt(snapshot, stores, question))
    text = re.sub(r"\w+", lambda found: mended.get(found.group(), found.group()), question) if mended else question
    return with_acronyms(snapshot.store, text), mended


def _query(
    snapshot: Snapshot,
    stores: Sequence[Store],
    text: str,
    mended: dict[str, str],
    vector: NDArray[np.float32],
    tokens: Vectors,
    token_spans: NDArray[np.int64],
) -> Query:
    spans = [word_span(text, start, end) for start, end in token_spans.tolist()]
    weights = np.array([word_weight(stores, text[start:end].casefold()) for start, end in spans], np.float32)
    return Query(
        text=text,
        mended=mended,
        words=content_words(text),
        keywords=is_keywords(text),
        vector=vector,
        tokens=snapshot.generation.tokens.projection.apply(tokens),
        spans=spans,
        weights=weights / max(float(weights.sum()), 1e-9),
        read=snapshot.encoder.reads(text),
    )


def word_weight(stores: Sequence[Store], word: str) -> float:
    """How much a token counts: the rarer its word in the notes the more (inverse document frequency), function words and
    signs little.
    """
    if not any(character.isalnum() for character in word):
        return _SIGN_WEIGHT
    if word in FUNCTION_WORDS:
        return _FUNCTION_WEIGHT
    chunks = sum(len(store.chunk_node) for store in stores)
    return math.log1p(chunks / (1 + sum(store.chunks_with(word) for store in stores))) / math.log1p(chunks)


def _misspelt(snapshot: Snapshot, stores: Sequence[Store], question: str) -> Iterator[tuple[str, str]]:
    """Words that neither the notes nor the model know, with the word of the notes that is one or two typing errors away
    (optimal string alignment distance, which counts swapped letters once). What one of `stores` knows is no mistake.
    """
    store, encoder = snapshot.store, snapshot.encoder
    looked_up = 0
    for word in dict.fromkeys(words_of(question)):
        plain = word.casefold()
        if len(plain) < _SHORTEST_MENDED or plain in FUNCTION_WORDS or not plain.isalpha():
            continue
        if any(each.chunks_with(plain) for each in stores) or encoder.knows(plain) or encoder.knows(stem(plain)):
            continue
        looked_up += 1
        if looked_up > _MOST_MENDED:
            return
        edits = 2 if len(plain) >= _TWO_EDITS_FROM else 1
        from rapidfuzz import process  # only an unknown word needs it, and `trellis ask` should start quickly
        from rapidfuzz.distance import OSA

        found = process.extract(plain, store.vocabulary.keys(), scorer=OSA.distance, score_cutoff=edits, limit=20)
        near = [(edits, -store.vocabulary[other], other) for other, edits, _ in found if other[0] == plain[0]]
        if near:
            yield word, min(near)[2]
