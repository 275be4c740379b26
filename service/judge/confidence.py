"""The probability that the results answer the question.

Two things can be wrong: the notes are about something else, or they are about it and still do not say it. Each has a
logistic model over a few measures; the answer holds when neither is the case. Fitted by `bench/fit_confidence.py`, which
describes its data and prints these numbers.
"""

from __future__ import annotations

import math

from service.judge.background import background_of
from service.judge.evidence import LEVELS, Evidence, evidence, words_found
from service.search.query import Query
from service.search.ranking import Ranking
from service.snapshot import Snapshot

ANSWERED_FROM = 0.5
_MOST_BY_WORDS, _HALF_FOUND, _STEEPNESS = 0.8, 0.3, 12.0

Weights = dict[str, float]

NOT_FAR_OFF: Weights = {"": -2.826, "score": 3.733, "matched": 1.888, "reach": 5.624, "keywords": -1.871}
SAYS_IT: Weights = {
    "": 1.698,
    "lead": 5.512,
    "dense_lead": -0.518,
    "lexical_lead": 4.05,
    "keywords": -1.327,
    "amount_asked": -0.934,
    "amount_missing": -0.248,
}


def confidence(snapshot: Snapshot, query: Query, ranking: Ranking) -> float:
    """0 to 1; 0 when nothing was found."""
    if not ranking.windows:
        return 0.0
    by_words = _by_words(words_found(snapshot, query, ranking.windows[0])) if query.read < 1 else 0.0
    if query.read == 0:
        return by_words
    found = measures(snapshot, query, ranking)
    by_meaning = _probability(NOT_FAR_OFF, found) * _probability(SAYS_IT, found)
    return query.read * by_meaning + (1 - query.read) * by_words


def _by_words(found: float) -> float:
    """What is left to say of a question that the model cannot read: how many of its words stand there. Never nearly sure, since
    nobody has understood them.
    """
    return _MOST_BY_WORDS / (1.0 + math.exp(-_STEEPNESS * (found - _HALF_FOUND)))


def measures(snapshot: Snapshot, query: Query, ranking: Ranking) -> dict[str, float]:
    """The evidence by name, with the levels between those of far-off questions (0) and of known items (1)."""
    background = background_of(snapshot)
    found: Evidence = evidence(snapshot, query, ranking, absent=float(background.far_off[LEVELS.index("score")]))
    height = background.height(found.vector(LEVELS))
    rest = {name: getattr(found, name) for name in found.__struct_fields__ if name not in LEVELS}
    return dict(zip(LEVELS, height.tolist(), strict=True)) | rest


def _probability(weights: Weights, found: dict[str, float]) -> float:
    total = weights[""] + sum(weight * found[name] for name, weight in weights.items() if name)
    return 1.0 / (1.0 + math.exp(-min(max(total, -30.0), 30.0)))
