"""What speaks for and against the first result being an answer."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from service.query import Query
from service.ranking import Ranking
from service.snapshot import Snapshot
from service.words import FUNCTION_WORDS

_AMOUNT_ASKED = re.compile(
    r"\b(how (many|much|long|often|large|big|fast|far|old|small|high|soon)|what (size|length|percentage|number|port|age)|"
    r"max(imum)?|min(imum)?|limits?|cap|ceiling|quota|costs?|price|pricing|size|duration|timeout|seconds|minutes|hours|days|"
    r"per (second|minute|hour|day|month)|number of)\b",
    re.IGNORECASE,
)
_AMOUNT_GIVEN = re.compile(
    r"(?<![A-Za-z\d])\d|[$€£]|\b(one|two|three|four|five|six|seven|eight|nine|ten|twelve|once|twice|hundred|thousand|million|"
    r"unlimited|no limit|zero|single|free|daily|hourly|weekly|monthly)\b",
    re.IGNORECASE,
)


class Evidence(msgspec.Struct, frozen=True):
    """Measures of one question and its ranking.

    score: of the first result. matched: how well the question's content words are matched there, on average. reach: the
    same over everything found together. weakest: the content word that is matched worst. lead: how far the first result
    is ahead of the fifth. keywords: 1 for a query made of keywords. amount_asked: 1 when the question asks for a number.
    amount_missing: 1 when, besides, no line that matched gives one.
    """

    score: float
    matched: float
    reach: float
    weakest: float
    lead: float
    keywords: float
    amount_asked: float
    amount_missing: float

    def vector(self, names: Sequence[str]) -> NDArray[np.float64]:
        return np.array([getattr(self, name) for name in names], np.float64)


LEVELS = ("score", "matched", "reach")
"""The measures that depend on the model and on the notes as a whole."""


def evidence(snapshot: Snapshot, query: Query, ranking: Ranking, absent: float = 0.0) -> Evidence:
    """`ranking` must hold at least one window, and its first five if there are as many; in notes that are too small for
    five, `absent` is the score of the missing ones.
    """
    words = _word_means(query, ranking)
    windows = ranking.windows
    asked = bool(_AMOUNT_ASKED.search(query.text))
    given = any(_AMOUNT_GIVEN.search(node.text) for node in snapshot.store.nodes(windows[0].hits))
    return Evidence(
        score=windows[0].score,
        matched=float(np.average(words[:, 1], weights=words[:, 0])),
        reach=float(np.average(words[:, 2], weights=words[:, 0])),
        weakest=float(words[:, 1].min()),
        lead=windows[0].score - (windows[4].score if len(windows) > 4 else absent),
        keywords=float(query.keywords),
        amount_asked=float(asked),
        amount_missing=float(asked and not given),
    )


def _word_means(query: Query, ranking: Ranking) -> NDArray[np.float64]:
    """A row for each content word: its weight, its match in the first window, its match anywhere. Shape (words, 3)."""
    tokens: dict[tuple[int, int], list[int]] = {}
    for at, (start, end) in enumerate(query.spans):
        word = query.text[start:end].casefold()
        if word not in FUNCTION_WORDS and word[:1].isalnum():
            tokens.setdefault((start, end), []).append(at)
    rows = [
        (query.weights[some].sum(), ranking.matches[some].mean(), ranking.reach[some].mean())
        for some in tokens.values()
    ]
    return np.array([row for row in rows if row[0] > 0] or [(1.0, 0.0, 0.0)], np.float64)
