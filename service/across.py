"""One ranking over several collections.

Collections of one model are ranked on one scale already: the views are the same, and a word counts as much in each (see
`service.search.query`). The scales of two models are laid over each other by what far-off questions and known items reach
with each (see `service.judge.background`). docs/ranking.md has what was measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from indexer.numbering import RowMask
from service.errors import ScopeNotFound
from service.judge.background import background_of
from service.judge.evidence import LEVELS
from service.search.intent import sides
from service.search.query import Query, read_across
from service.search.query_syntax import Filters
from service.search.ranking import Ranking, rank, rank_sides
from service.search.scope import scope_of
from service.search.windows import Window
from service.snapshot import GoneMask, Snapshot

Gone = Mapping[Snapshot, GoneMask]
"""For some collections the nodes that are to be passed over, True for each."""
_LEAST_DISTANCE = 0.05
"""Between the anchors of one scale."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """What one collection has for a question."""

    snapshot: Snapshot
    query: Query
    ranking: Ranking
    mask: RowMask | None


def rank_across(
    snapshots: Sequence[Snapshot], question: str, depth: int, filters: Filters, gone: Gone | None = None
) -> list[Part]:
    """The best windows of each collection that has something in scope. Raises ScopeNotFound when none has."""
    masks = _masks(snapshots, filters, gone or {})
    queries = read_across(list(masks), [question, *(sides(question) or ())])
    parts = []
    for (snapshot, mask), (query, *halves) in zip(masks.items(), queries, strict=True):
        found = rank_sides(snapshot, query, halves, depth, mask) if halves else rank(snapshot, query, depth, mask)
        parts.append(Part(snapshot, query, found, mask))
    return parts


def _masks(snapshots: Sequence[Snapshot], filters: Filters, gone: Gone) -> dict[Snapshot, RowMask | None]:
    masks: dict[Snapshot, RowMask | None] = {}
    nowhere: ScopeNotFound | None = None
    for snapshot in snapshots:
        try:
            masks[snapshot] = scope_of(snapshot, filters, gone.get(snapshot))
        except ScopeNotFound as error:
            nowhere = nowhere or error
    if nowhere and not masks:
        raise nowhere
    return masks


def merged(parts: Sequence[Part], top: int) -> list[tuple[Part, Window]]:
    """The `top` best windows of all, their scores on one scale."""
    if len(parts) == 1:
        return [(parts[0], window) for window in parts[0].ranking.windows[:top]]
    scale = _Scale([part.snapshot for part in parts])
    found = [  # copies: a collection is judged on its own scale
        (part, replace(window, score=scale.common(part.snapshot, window.score)))
        for part in parts
        for window in part.ranking.windows[:top]
    ]
    return sorted(found, key=lambda one: -one[1].score)[:top]


class _Scale:
    """The middle of the scales of several models."""

    def __init__(self, snapshots: Sequence[Snapshot]) -> None:
        anchors: dict[str, list[tuple[float, float]]] = {}
        for snapshot in snapshots:
            background, at = background_of(snapshot), LEVELS.index("score")
            low = background.far_off[at]
            pair = (low, max(background.known[at], low + _LEAST_DISTANCE))
            anchors.setdefault(snapshot.generation.manifest.model_digest, []).append(pair)
        self._of_models = {model: _middle(pairs) for model, pairs in anchors.items()}
        self._low, self._high = _middle(list(self._of_models.values()))

    def common(self, snapshot: Snapshot, score: float) -> float:
        """0 to 1; the score itself as long as there is one model."""
        if len(self._of_models) == 1:
            return score
        low, high = self._of_models[snapshot.generation.manifest.model_digest]
        height = (score - low) / (high - low)
        return min(max(self._low + height * (self._high - self._low), 0.0), 1.0)


def _middle(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    low, high = np.mean(pairs, axis=0)
    return float(low), float(high)
