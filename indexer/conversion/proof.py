"""A converted model held against the original: the same vectors, and the same notes found for the same questions.

The notes are an outline that comes with Trellis; the questions are made out of it, each about one node that should then be
found: every other word of the node, from the first or from the second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from indexer.chunks import cut_chunks
from indexer.converted import Precision, Proof
from indexer.encoder import Encoded, Encoder
from indexer.readers import read_outline

LOST = 0.005
"""Of a mean reciprocal rank, how much a conversion may cost: half a point."""
_LEAST_COSINE = {"int8": 0.985, "mixed": 0.985, "fp32": 0.9999}
_QUESTION_WORDS = (3, 8)
_DEPTH = 10

_SENTENCES = (
    "",
    "?",
    "S3",
    "VPC",
    "  spaces around  ",
    "UPPER CASE AND lower case",
    "3.5 GB/s, 15 min",
    "naïve café, Zürich",
    "日本語の文章",
    "🌥 weather",
    "https://example.org/a/b?c=d#e",
    "line one\nline two\ttabbed",
    "How long can a function run?",
)
_STORY = "notes about storage and networks grow over the years until nobody remembers where anything in them stands "
_LENGTHS = (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 600)
"""Words, from one to more than most models read."""


@dataclass(frozen=True, slots=True)
class Material:
    """texts: of all lengths, from nothing to more than a model reads. notes: passages. questions: each with the passage that it
    is about.
    """

    texts: Sequence[str]
    notes: Sequence[str]
    questions: Sequence[tuple[str, int]]


def material() -> Material:
    data = resources.files("indexer.conversion").joinpath("outline.txt").read_bytes()
    chunks = list(cut_chunks(read_outline("outline.txt", data)))
    story = (_STORY * max(_LENGTHS)).split()
    long = [" ".join(story[:count]) for count in _LENGTHS]
    questions = []
    for at, chunk in enumerate(chunks):
        words = chunk.piece.split()
        for start in (0, 1):
            asked = words[start::2][: _QUESTION_WORDS[1]]
            if len(asked) >= _QUESTION_WORDS[0]:
                questions.append((" ".join(asked), at))
    return Material([*_SENTENCES, *long], [chunk.text for chunk in chunks], questions)


class Prover:
    """Holds encoders against the original, which reads everything once."""

    def __init__(self, original: Encoder, given: Material) -> None:
        self._given = given
        self._original = original

    @cached_property
    def _expected(self) -> _Reading:
        return _Reading(self._original, self._given)

    def prove(self, precision: Precision, candidate: Encoder) -> Proof:
        """Whether the candidate may take the original's place."""
        old, new = self._expected, _Reading(candidate, self._given)
        cosines = np.concatenate([_cosines(a.vectors, b.vectors) for a, b in zip(old.all, new.all, strict=True)])
        same_tokens = all(np.array_equal(a.spans, b.spans) for a, b in zip(old.all, new.all, strict=True))
        pairs = zip(old.all, new.all, strict=True)
        tokens = np.concatenate([_cosines(a.tokens, b.tokens) for a, b in pairs]) if same_tokens else np.array([])
        scores = [reading.reciprocal_ranks() for reading in (old, new)]
        (dense, late), (new_dense, new_late) = scores
        close = same_tokens and cosines.min() >= _LEAST_COSINE[precision]
        return Proof(
            precision=precision,
            passed=bool(close and new_dense >= dense - LOST and new_late >= late - LOST),
            least_cosine=round(float(cosines.min()), 5),
            mean_cosine=round(float(cosines.mean()), 5),
            least_token_cosine=round(float(tokens.min()), 5) if len(tokens) else 0.0,
            dense=round(new_dense, 4),
            late=round(new_late, 4),
            original_dense=round(dense, 4),
            original_late=round(late, 4),
        )


class _Reading:
    """What one encoder makes of the material."""

    def __init__(self, encoder: Encoder, given: Material) -> None:
        self._right = np.array([at for _, at in given.questions])
        self._notes = encoder.encode(given.notes)
        self._questions = encoder.encode([question for question, _ in given.questions], query=True)
        sides = (encoder.encode(given.texts), encoder.encode(given.texts, query=True))
        self.all: Sequence[Encoded] = (*sides, self._notes, self._questions)

    def reciprocal_ranks(self) -> tuple[float, float]:
        """The mean over all questions, by whole vectors and by token vectors; 0 where a model has none of these."""
        late = self._late() if len(self._notes.tokens) and len(self._questions.tokens) else None
        return self._mean(self._questions.vectors @ self._notes.vectors.T), 0.0 if late is None else self._mean(late)

    def _late(self) -> NDArray[np.float32]:
        """For each question and note, the mean over the question's tokens of the closest token of the note (MaxSim)."""
        starts = np.concatenate([[0], np.cumsum(self._notes.counts)[:-1]])
        filled = np.flatnonzero(self._notes.counts)
        scores = np.zeros((len(self._right), len(self._notes.counts)), np.float32)
        ends = np.cumsum(self._questions.counts)
        for row, (end, count) in enumerate(zip(ends, self._questions.counts, strict=True)):
            if count:
                similarity = self._notes.tokens @ self._questions.tokens[end - count : end].T
                scores[row, filled] = np.maximum.reduceat(similarity, starts[filled], axis=0).mean(axis=1)
        return scores

    def _mean(self, scores: NDArray[np.float32]) -> float:
        of_right = scores[np.arange(len(scores)), self._right]
        ranks = 1 + (scores > of_right[:, None]).sum(axis=1)
        return float(np.where(ranks <= _DEPTH, 1 / ranks, 0).mean())


def _cosines(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    if one.shape != other.shape:
        return np.array([-1.0], np.float32)
    return np.asarray((one * other).sum(axis=1), np.float32)
