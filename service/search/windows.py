"""Which lines to show around a node: what stands below it and its neighbours inside its parent, at most twelve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from indexer.numbering import RowMask
from indexer.store import Rows, Store

MAX_LINES = 12
_SHARPNESS, _DROPPED = 12.0, 0.05
"""Line scores, times the first, are the logits of which line answers; the lines left out together hold at most the second
of that probability. Measured: no answer is lost for a fifth fewer lines.
"""


@dataclass(slots=True)
class Window:
    """A run of nodes, rows first..last, shown as one result. row: the candidate it was grown from. hits: the rows that
    matched, best first. views: what each view of relevance gave it, by name.
    """

    first: int
    last: int
    row: int
    score: float = 0.0
    hits: list[int] = field(default_factory=list)
    views: dict[str, float] = field(default_factory=dict)


def window_around(store: Store, row: int, mask: RowMask | None = None, taken: Sequence[Window] = ()) -> Window:
    """The window of one node, without the rows of the windows `taken`."""
    low, high = _inside_parent(store, np.array([row]))
    for window in taken:
        if window.last < row:
            low = np.maximum(low, window.last + 1)
        else:
            high = np.minimum(high, window.first - 1)
    first, last = _grown(store, np.array([row]), low, high, mask)
    return Window(int(first[0]), int(last[0]), row)


def windows_around(store: Store, rows: Rows, mask: RowMask | None = None) -> tuple[Rows, Rows]:
    """The first and the last row of the window of each node."""
    return _grown(store, rows, *_inside_parent(store, rows), mask)


def _inside_parent(store: Store, rows: Rows) -> tuple[Rows, Rows]:
    """The rows that a window may reach: the node's parent with all below it, or itself when it has none."""
    parents = store.parent[rows]
    around = np.where(parents >= 0, parents, rows)
    return around, store.last[around]


def _grown(store: Store, rows: Rows, low: Rows, high: Rows, mask: RowMask | None) -> tuple[Rows, Rows]:
    """Windows around their nodes: first down through the subtree, then a row up and a row down in turn, as far as twelve nodes
    reach between rows `low` and `high`; where one side ends, the other goes on. Rows that are out of scope are never entered.

    Counted in nodes, so that the same outline is ranked the same in a format that spreads it over more lines.
    """
    above, below = rows - low, high - rows
    if mask is not None:
        above, below = np.minimum(above, _in_scope(mask, rows, -1)), np.minimum(below, _in_scope(mask, rows, 1))
    inside = np.minimum(np.minimum(store.last[rows] - rows, below), MAX_LINES - 1)
    left, below = MAX_LINES - 1 - inside, below - inside
    up = np.minimum(above, np.maximum((left + 1) // 2, left - below))
    return rows - up, rows + inside + np.minimum(below, left - up)


def _in_scope(mask: RowMask, rows: Rows, step: int) -> Rows:
    """How many rows in a row beyond each are in scope, in one direction, up to as many as a window can take in."""
    beyond = rows[:, None] + step * np.arange(1, MAX_LINES)
    inside = (beyond >= 0) & (beyond < len(mask))
    reached = np.logical_and.accumulate(inside & mask[np.where(inside, beyond, 0)], axis=1)
    return np.asarray(reached.sum(axis=1), np.int64)


def narrowed(store: Store, window: Window, scores: NDArray[np.float32]) -> Window:
    """The window cut to the twelve lines of its file around what matched best, from the end that matched less.
    `scores` has one for each row of the window.
    """
    best, start = window.hits[0], window.first
    while window.first < window.last and store.end_line[window.last] - store.line[window.first] >= MAX_LINES:
        above_less = scores[window.first - start] <= scores[window.last - start]
        if window.first < best and (above_less or window.last == best):
            window.first += 1
        else:
            window.last -= 1
    window.hits = [row for row in window.hits if window.first <= row <= window.last]
    return window


def shortened(store: Store, window: Window, scores: NDArray[np.float32]) -> Window:
    """The window without the lines at its ends that hardly can be the answer: the fewest lines that very likely hold it.
    `scores` has one for each row. What matched stays, and no line stays without the heading it stands under.
    """
    weights = np.exp(_SHARPNESS * (scores - scores.max()))
    shares = (weights / weights.sum()).tolist()
    spare = _DROPPED
    first, last, start = window.first, window.last, window.first
    top, bottom = min(window.hits), max(window.hits)
    while first < top or last > bottom:
        upper = first < top and (last == bottom or shares[first - start] <= shares[last - start])
        spare -= shares[(first if upper else last) - start]
        if spare < 0:
            break
        first, last = (first + 1, last) if upper else (first, last - 1)
    trail = {*store.ancestors(window.hits[0])}
    lost = [parent for parent in store.parent[first : last + 1].tolist() if start <= parent < first]
    window.first, window.last = min((parent for parent in lost if parent not in trail), default=first), last
    return window
