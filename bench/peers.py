"""What Trellis is compared with: plain search, lexical search, the same model without Trellis, and another product.

Every peer gets the same passages and answers the same: for each question the positions of the best passages, best first.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bm25s
import faiss
import numpy as np
import Stemmer
from numpy.typing import NDArray

DEPTH = 200
"""Passages asked of a peer for each question: ten excerpts of twelve lines can swallow 120 of them."""
_RRF = 60

Rankings = list[list[int]]
Vectors = NDArray[np.float32]


def grep(passages: Sequence[str], questions: Sequence[str]) -> Rankings:
    """By the share of the question's words that stand in the passage, whole and in any case; ties in reading order."""
    holders: dict[str, list[int]] = defaultdict(list)
    for at, passage in enumerate(passages):
        for word in _words(passage):
            holders[word].append(at)
    rankings = []
    for question in questions:
        found = np.zeros(len(passages), np.int64)
        for word in _words(question):
            found[holders.get(word, [])] += 1
        rankings.append(_best(found))
    return rankings


def bm25(passages: Sequence[str], questions: Sequence[str]) -> Rankings:
    """bm25s with its own defaults (Lucene's variant), English stop words and English stems."""
    stem = Stemmer.Stemmer("english").stemWords

    def cut(texts: Sequence[str]) -> Any:
        return bm25s.tokenize(list(texts), stopwords="en", stemmer=stem, return_ids=False, show_progress=False)

    index = bm25s.BM25()
    index.index(cut(passages), show_progress=False)
    return [
        _best(index.get_scores(words)) if words else []
        for words in ([word for word in question if word in index.vocab_dict] for question in cut(questions))
    ]


def fuse(one: Rankings, other: Rankings) -> Rankings:
    """Reciprocal rank fusion (Cormack, Clarke & Büttcher 2009) with k = 60 and equal weights."""
    fused = []
    for pair in zip(one, other, strict=True):
        scores: dict[int, float] = defaultdict(float)
        for ranking in pair:
            for rank, at in enumerate(ranking, start=1):
                scores[at] += 1 / (_RRF + rank)
        fused.append(sorted(scores, key=lambda at: -scores[at])[:DEPTH])
    return fused


class Txtai:
    """txtai over the passages, with the weights in `folder`: dense and lexical, of which a search takes either or both.

    FAISS searches exactly here, which txtai itself gives up from 5,001 passages on. `saved` is where to keep the index.
    """

    def __init__(self, folder: Path, passages: Sequence[str], saved: Path | None = None) -> None:
        os.environ["HF_HUB_OFFLINE"] = "1"
        from txtai import Embeddings

        exact = {"components": "IDMap,Flat"}
        self._index = Embeddings(path=str(folder), maxlength=True, backend="faiss", faiss=exact, hybrid=True, gpu=False)
        if saved and saved.exists():
            self._index.load(str(saved))
        else:
            self._index.index(list(enumerate(passages)))
            if saved:
                self._index.save(str(saved))
        self._count = len(passages)

    def vectors(self) -> Vectors:
        """Shape (passages, dimension), unit length, as txtai encoded them."""
        return np.asarray(faiss.downcast_index(self._index.ann.backend.index).reconstruct_n(0, self._count))

    def encode(self, questions: Sequence[str]) -> Vectors:
        """Shape (questions, dimension), unit length."""
        return np.asarray(self._index.batchtransform(list(questions), "query"))

    def rank(self, questions: Sequence[str], dense: float) -> Rankings:
        """`dense`: weight of the dense scores beside the lexical ones; 0.5 is what txtai takes, 1 is dense alone."""
        found = self._index.batchsearch(list(questions), DEPTH, weights=dense)
        return [[int(at) for at, _ in results] for results in found]


def all_peers(
    folder: Path, passages: Sequence[str], questions: Sequence[str], saved: Path | None
) -> tuple[dict[str, Rankings], Vectors]:
    """The rankings of every peer by its name, and the vectors of the passages: the model reads each passage once for all."""
    txtai = Txtai(folder, passages, saved)
    vectors = txtai.vectors()
    dense = [_best(scores) for scores in txtai.encode(questions) @ vectors.T]
    lexical = bm25(passages, questions)
    rankings = {
        "grep": grep(passages, questions),
        "BM25": lexical,
        "dense": dense,
        "dense + BM25 (RRF)": fuse(dense, lexical),
        "txtai dense": txtai.rank(questions, 1.0),
        "txtai hybrid": txtai.rank(questions, 0.5),
    }
    return rankings, vectors


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold()))


def _best(scores: NDArray[Any]) -> list[int]:
    """Positions of the highest scores above zero, best first, ties in reading order."""
    order = np.argsort(-scores, kind="stable")[:DEPTH]
    return [int(at) for at in order if scores[at] > 0]
