"""Whether the notes answer at all: a probability, from how far the best match stands above the background."""

from __future__ import annotations

import math
from collections.abc import Sequence

from indexer.generation import Calibration
from service.query import Query
from service.ranking import Ranking
from service.types import Result
from service.words import content_stems

ANSWERED_FROM = 0.5
_MIDDLE, _SLOPE, _COVERAGE = 3.1, 1.6, 1.5
"""A question whose best match stands `_MIDDLE` deviations above that of far-off questions is as likely answered as not;
`_SLOPE` is how fast that turns. All words of the question in one excerpt count as `_COVERAGE` deviations more. Fitted on
development questions; `trellis eval` prints what they give."""
_LOOKED_AT = 3


def confidence(query: Query, ranking: Ranking, results: Sequence[Result], background: Calibration) -> float:
    """The probability, 0 to 1, that these results answer the question."""
    if not results:
        return 0.0
    above = (ranking.best_similarity - background.mean) / background.deviation
    evidence = above + _COVERAGE * _covered(query.text, results) - _MIDDLE
    return 1.0 / (1.0 + math.exp(-max(min(_SLOPE * evidence, 30.0), -30.0)))


def _covered(question: str, results: Sequence[Result]) -> float:
    """The largest share of the question's content words that one excerpt with its path holds."""
    asked = content_stems(question)
    if not asked:
        return 0.0
    shown = (" ".join([*result.path, *(line.text for line in result.excerpt)]) for result in results[:_LOOKED_AT])
    return max((len(asked & content_stems(text)) / len(asked) for text in shown), default=0.0)
