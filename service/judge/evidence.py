"""What speaks for and against the first result being an answer."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from indexer.words import stem, stems_of
from service.search.intent import asks_amount, gives_amount
from service.search.query import Query, word_weight
from service.search.ranking import Ranking
from service.search.windows import Window
from service.search.words import FUNCTION_WORDS
from service.snapshot import Snapshot

JUDGED = 10
"""A first result is judged beside the results that follow it, up to the tenth."""


class Evidence(msgspec.Struct, frozen=True):
    """Measures of one question and its ranking.

    score: of the first result. matched: how well the question's content words are matched there, on average. reach: the
    same over everything found together. lead: how far the first result is ahead of the fifth. dense_lead, lexical_lead: how
    far it is ahead of the best of the others in that view alone, below 0 when the views disagree. keywords: 1 for a query
    made of keywords. amount_asked: 1 when the question asks for a number. amount_missing: 1 when, besides, no line that
    matched gives one.
    """

    score: float
    matched: float
    reach: float
    lead: float
    dense_lead: float
    lexical_lead: float
    keywords: float
    amount_asked: float
    amount_missing: float

    def vector(self, names: Sequence[str]) -> NDArray[np.float64]:
        return np.array([getattr(self, name) for name in names], np.float64)


LEVELS = ("score", "matched", "reach")
"""The measures that depend on the model and on the notes as a whole."""


def evidence(snapshot: Snapshot, query: Query, ranking: Ranking, absent: float = 0.0) -> Evidence:
    """`ranking` must hold at least one window, and its first `JUDGED` if there are as many; in notes that are too small for
    five, `absent` is the score of the missing ones.
    """
    matched, reach = _word_means(query, ranking)
    windows = ranking.windows[:JUDGED]
    asked = asks_amount(query.text)
    given = any(gives_amount(node.text) for node in snapshot.store.nodes(windows[0].hits))
    return Evidence(
        score=windows[0].score,
        matched=matched,
        reach=reach,
        lead=windows[0].score - (windows[4].score if len(windows) > 4 else absent),
        dense_lead=_lead(windows, "dense, node"),
        lexical_lead=_lead(windows, "lexical"),
        keywords=float(query.keywords),
        amount_asked=float(asked),
        amount_missing=float(asked and not given),
    )


def words_found(snapshot: Snapshot, query: Query, window: Window) -> float:
    """The share of the question's words, weighed by their rarity, that stand in the window or in the headings above it."""
    store = snapshot.store
    nodes = [*store.run(window.first, window.last), *store.nodes(store.ancestors(window.row))]
    there = frozenset(stems_of(" ".join(node.text for node in nodes)))
    asked = sorted({stem(word) for word in query.words})
    weights = np.array([word_weight([store], word) for word in asked], np.float64)
    found = np.array([word in there for word in asked], np.bool_)
    return float(weights[found].sum() / max(weights.sum(), 1e-9))


def _lead(windows: Sequence[Window], view: str) -> float:
    """How far the first result is ahead of all others in one view."""
    return windows[0].views[view] - max((window.views[view] for window in windows[1:]), default=0.0)


def _word_means(query: Query, ranking: Ranking) -> tuple[float, float]:
    """How well the content words are matched in the first window, and anywhere: means weighted by the words' weights, where the
    match of a word is the mean over its tokens.
    """
    tokens: dict[tuple[int, int], list[int]] = {}
    for at, (start, end) in enumerate(query.spans):
        word = query.text[start:end].casefold()
        if word not in FUNCTION_WORDS and word[:1].isalnum():
            tokens.setdefault((start, end), []).append(at)
    weights, first, anywhere = (each.tolist() for each in (query.weights, ranking.matches, ranking.reach))
    total = matched = reached = 0.0
    for some in tokens.values():
        weight = sum(weights[at] for at in some)
        total += weight
        matched += weight * sum(first[at] for at in some) / len(some)
        reached += weight * sum(anywhere[at] for at in some) / len(some)
    return (matched / total, reached / total) if total > 0 else (0.0, 0.0)
