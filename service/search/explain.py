"""Why a result stands where it stands, in terms that a person can check against the excerpt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from indexer.encoder import Vectors
from indexer.store import StoredNode
from service.search.query import Query
from service.search.ranking import INHERITED, view_weights
from service.search.windows import Window
from service.search.words import word_span
from service.snapshot import Snapshot
from service.types import Explanation, View, WordMatch

_WORTH_SHOWING = 0.03
_LONGEST_READ = 10_000
"""Characters of a note in which a word is looked for: what the model reads of it at once is shorter."""
_MEANINGS = {
    "late": "how closely each word of the question is matched by some word of the excerpt or of the headings above it",
    "dense, node": "how close the whole question is to this node with its path",
    "dense, excerpt": "how close the whole question is to the closest line of the excerpt",
    "lexical": "how much of the most that the words themselves could match (BM25) this node matches",
}


def explain(snapshot: Snapshot, query: Query, window: Window) -> Explanation:
    """The views with their weights, the closest word of the notes for each word of the question, and what was merged."""
    weights = view_weights(snapshot, query.read)
    views = [
        View(name, round(value, 4), round(weights[name], 4), _MEANINGS[name]) for name, value in window.views.items()
    ]
    return Explanation(query.text, views, _word_matches(snapshot, query, window), _merged(snapshot, window))


@dataclass(frozen=True, slots=True)
class _Place:
    similarity: float
    node: StoredNode
    token: int
    inherited: bool


def _word_matches(snapshot: Snapshot, query: Query, window: Window) -> list[WordMatch]:
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
    cut: dict[int, list[tuple[int, int]]] = {}
    matches = [
        WordMatch(
            word=query.text[slice(*span)],
            weight=shown[span],
            match=_word_at(snapshot, place, cut),
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
    above = [row for row in store.ancestors(window.row) if row < window.first]
    places: list[tuple[int, int, bool]] = []
    stored: list[Vectors] = []
    for row in [*range(window.first, window.last + 1), *above]:
        first, last = (int(chunk[0]) for chunk in store.chunks_of(np.array([row])))
        codes = tokens.of_chunks(np.arange(first, last + 1)).codes
        inherited = row in above
        stored.append(codes.astype(np.float32) * (tokens.projection.scale * (INHERITED if inherited else 1)))
        places += [(row, token, inherited) for token in range(len(codes))]
    if not places:
        return []
    similarity = np.concatenate(stored) @ asked.T
    found = zip(similarity.argmax(axis=0).tolist(), similarity.max(axis=0).tolist(), strict=True)
    return [_Place(nearness, store.node(places[at][0]), *places[at][1:]) for at, nearness in found]


def _word_at(snapshot: Snapshot, place: _Place, cut: dict[int, list[tuple[int, int]]]) -> str:
    """The word that a stored token is of: the node's text is cut into tokens once more, which takes a run of the model; `cut`
    keeps them by row. "" where that cannot be told.
    """
    text = place.node.text[:_LONGEST_READ]
    if place.node.row not in cut:
        spans = snapshot.encoder.encode([text]).spans.tolist()
        cut[place.node.row] = [(start, end) for start, end in spans if any(map(str.isalnum, text[start:end]))]
    words = cut[place.node.row]
    if place.token >= len(words):
        return ""
    start, end = word_span(text, *words[place.token])
    return text[start:end]


def _merged(snapshot: Snapshot, window: Window) -> list[str]:
    best, *others = snapshot.store.nodes(window.hits)
    return [
        f"line {node.line} matches nearly as well as line {best.line} and stands in the same excerpt, so both are marked in "
        "one result"
        for node in others
    ]
