"""Why a result stands where it stands, in terms that a person can check against the excerpt."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from indexer.encoder import Vectors
from indexer.late import spread
from indexer.store import StoredNode
from service.search.excerpt import cut_to, fair_share
from service.search.query import Query
from service.search.ranking import INHERITED, view_weights
from service.search.windows import Window
from service.search.words import word_span
from service.snapshot import Snapshot
from service.types import Explanation, View, WordMatch

_WORTH_SHOWING = 0.03
_LONGEST_READ = 1020
"""Characters of a note in which a word is looked for: what its first chunk holds at most (see `indexer.chunks`)."""
_TOKENS_READ, _LONGEST_RUN, _RUN = 5000, 256, 16
"""Tokens that the model reads anew to explain an answer, about as many as fifty results of short lines have; the most that it
reads of one note; and as how many each of its runs counts beside them.
"""
_CHUNKS_COMPARED = 64
"""Chunks that the question's words are compared with in a result: of nodes with more each gives its first ones."""
_ANCESTORS_COMPARED = 32
"""The nearest: what stands thousands of levels above tells no reader why a note was found."""
_WORD_LIMIT = 100
_MEANINGS = {
    "late": "how closely each word of the question is matched by some word of the excerpt or of the headings above it",
    "dense, node": "how close the whole question is to this node with its path",
    "dense, excerpt": "how close the whole question is to the closest line of the excerpt",
    "lexical": "how much of the most that the words themselves could match (BM25) this node matches",
}


@dataclass(slots=True)
class WordReader:
    """Where the words of notes stand, for all results of one answer: each note takes a run of the model, so each is read once,
    and no more of them than a person can wait for. left: how many tokens may still be read.
    """

    left: int = _TOKENS_READ
    known: dict[tuple[Snapshot, int], list[tuple[int, int]]] = field(default_factory=dict)

    def words(self, snapshot: Snapshot, place: _Place) -> list[tuple[int, int]]:
        """Spans of the tokens of the node's first chunk, in their order; none when enough was read."""
        key = snapshot, place.node.row
        if key not in self.known:
            cost = min(place.tokens, _LONGEST_RUN) + _RUN
            if cost > self.left:
                return []
            self.left -= cost
            text = _read(place.node)
            spans = snapshot.encoder.encode([text]).spans.tolist()
            self.known[key] = [(start, end) for start, end in spans if any(map(str.isalnum, text[start:end]))]
        return self.known[key]


def explain(snapshot: Snapshot, query: Query, window: Window, reader: WordReader) -> Explanation:
    """The views with their weights, the closest word of the notes for each word of the question, and what was merged."""
    weights = view_weights(snapshot, query.read)
    views = [
        View(name, round(value, 4), round(weights[name], 4), _MEANINGS[name]) for name, value in window.views.items()
    ]
    return Explanation(query.text, views, _word_matches(snapshot, query, window, reader), _merged(snapshot, window))


@dataclass(frozen=True, slots=True)
class _Place:
    """A token of the notes. tokens: how many the first chunk of its node has; token: which of the node's it is."""

    similarity: float
    node: StoredNode
    token: int
    tokens: int
    inherited: bool


def _word_matches(snapshot: Snapshot, query: Query, window: Window, reader: WordReader) -> list[WordMatch]:
    """One match a word, the heaviest words first. A word of several tokens is matched by its best one."""
    weights: dict[tuple[int, int], float] = {}
    for at, span in enumerate(query.spans):
        weights[span] = weights.get(span, 0.0) + float(query.weights[at])
    # A long question has hundreds of words, of which few weigh enough to be shown; each costs a look at the whole excerpt.
    shown = {span: round(weight, 4) for span, weight in weights.items() if round(weight, 4) >= _WORTH_SHOWING}
    asked = [at for at, span in enumerate(query.spans) if span in shown]
    best: dict[tuple[int, int], _Place] = {}
    for at, place in zip(asked, _closest(snapshot, query.tokens[asked], window), strict=False):
        span = query.spans[at]
        if span not in best or place.similarity > best[span].similarity:
            best[span] = place
    matches = [
        WordMatch(
            word=query.text[slice(*span)],
            weight=shown[span],
            match=_word_at(snapshot, place, reader),
            similarity=round(place.similarity, 4),
            line=place.node.line,
            inherited=place.inherited,
        )
        for span, place in best.items()
    ]
    return sorted(matches, key=lambda match: -match.weight)


def _closest(snapshot: Snapshot, asked: Vectors, window: Window) -> list[_Place]:
    """For each token that is asked for, shape (q, d), the stored one that is closest, in the window or in the ancestors of its
    node; none where these have no tokens.
    """
    store, tokens = snapshot.store, snapshot.generation.tokens
    above = [row for row in store.ancestors(window.row) if row < window.first][-_ANCESTORS_COMPARED:]
    rows = np.array([*range(window.first, window.last + 1), *above])
    first, last = store.chunks_of(rows)
    counts = np.minimum(last - first + 1, fair_share((last - first + 1).tolist(), _CHUNKS_COMPARED))
    stored = tokens.of_chunks(spread(first, counts))
    if not len(stored.codes):
        return []
    begins = stored.offsets[np.cumsum(counts) - counts]  # of each row in what is stored
    own = stored.offsets[np.cumsum(counts) - counts + 1] - begins
    inherited = np.arange(len(rows)) > window.last - window.first
    of_row = np.repeat(inherited, np.diff(stored.offsets[np.append(0, np.cumsum(counts))]))
    scales = np.where(of_row, tokens.projection.scale * INHERITED, tokens.projection.scale).astype(np.float32)
    similarity = (stored.codes.astype(np.float32) * scales[:, None]) @ asked.T
    places = []
    for token, nearness in zip(similarity.argmax(axis=0).tolist(), similarity.max(axis=0).tolist(), strict=True):
        at = int(np.searchsorted(begins, token, "right")) - 1
        node = store.node(int(rows[at]))
        places.append(_Place(nearness, node, token - int(begins[at]), int(own[at]), bool(inherited[at])))
    return places


def _word_at(snapshot: Snapshot, place: _Place, reader: WordReader) -> str:
    """The word that a stored token is of: the node's text is cut into tokens once more. "" where that cannot be told."""
    if place.token >= place.tokens:
        return ""
    words = reader.words(snapshot, place)
    if place.token >= len(words):
        return ""
    text = _read(place.node)
    start, end = word_span(text, *words[place.token])
    return cut_to(text[start:end], _WORD_LIMIT)


def _read(node: StoredNode) -> str:
    return node.text[:_LONGEST_READ]


def _merged(snapshot: Snapshot, window: Window) -> list[str]:
    best, *others = snapshot.store.nodes(window.hits)
    return [
        f"line {node.line} matches nearly as well as line {best.line} and stands in the same excerpt, so both are marked in "
        "one result"
        for node in others
    ]
