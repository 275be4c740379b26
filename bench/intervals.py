"""Measures over rankings, and how sure their differences are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

RESAMPLES = 10_000
SEED = 20_260_101

Values = list[float]
"""One value a question, always in the same order."""


def gain(ranking: Sequence[str], grades: Mapping[str, float], top: int) -> float:
    """nDCG (Järvelin & Kekäläinen 2002) with linear gain and the discount log2(rank + 1); the ideal knows all grades."""
    found = sum(grades.get(name, 0.0) / math.log2(rank + 1) for rank, name in enumerate(ranking[:top], start=1))
    best = sorted(grades.values(), reverse=True)[:top]
    return found / sum(grade / math.log2(rank + 1) for rank, grade in enumerate(best, start=1))


class Bootstrap:
    """A paired bootstrap (Efron & Tibshirani 1993, chapter 13). Questions with the same `need` are paraphrases of each other
    and are drawn together: as if they were independent, the intervals would be too narrow.
    """

    def __init__(self, needs: Sequence[str]) -> None:
        self._names, self._group = np.unique(np.array(needs), return_inverse=True)
        count = len(self._names)
        self._draws = np.random.default_rng(SEED).multinomial(count, np.full(count, 1 / count), RESAMPLES)
        self._sizes = self._draws @ np.bincount(self._group)

    def __len__(self) -> int:
        """How many different needs there are."""
        return len(self._names)

    def interval(self, ours: Values, theirs: Values) -> tuple[float, float, float]:
        """The difference of the means, ours above theirs, and the ends of its 95% percentile interval."""
        differences = np.array(ours) - np.array(theirs)
        means = self._draws @ np.bincount(self._group, differences) / self._sizes
        low, high = np.percentile(means, [2.5, 97.5])
        return round(float(differences.mean()), 4), round(float(low), 4), round(float(high), 4)
