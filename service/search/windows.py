"""Which lines to show around a node: what stands below it and its neighbours inside its parent, at most twelve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from indexer.store import Rows, Store
from indexer.vectors import Mask

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


def window_around(store: Store, row: int, mask: Mask | None = None, taken: Sequence[Window] = ()) -> Window:
    """The window of one node, without the rows of the windows `taken`."""
    low, high = _inside_parent(store, np.array([row]))
    for window in taken:
        if window.last < row:
            low = np.maximum(low, window.last + 1)
        else:
            high = np.minimum(high, window.first - 1)
    first, last = _grown(store, np.array([row]), low, high, mask)
    return Window(int(first[0]), int(last[0]), row)


def windows_around(store: Store, rows: Rows, mask: Mask | None = None) -> tuple[Rows, Rows]:
    """The first and the last row of the window of each node."""
    return _grown(store, rows, *_inside_parent(store, rows), mask)


def _inside_parent(store: Store, rows: Rows) -> tuple[Rows, Rows]:
    """The rows that a window may reach: the node's parent with all below it, or itself when it has none."""
    parents = store.parent[rows]
    around = np.where(parents >= 0, parents, rows)
    return around, store.last[around]


def _grown(store: Store, rows: Rows, low: Rows, high: Rows, mask: Mask | None) -> tuple[Rows, Rows]:
    """Grows windows from their nodes: first down through the subtree, then up and down in turn, as far as twelve nodes reach
    between rows `low` and `high`. Rows that are out of scope are never entered.

    Counted in nodes, so that the same outline is ranked the same in a format that spreads it over more lines.
    """
    first, last, subtree = rows.copy(), rows.copy(), np.minimum(store.last[rows], high)

    def grow(step: int, least: Rows, most: Rows) -> bool:
        a, b = (first, np.minimum(last + step, most)) if step > 0 else (np.maximum(first + step, least), last)
        fits = (b - a < MAX_LINES) & ((a < first) | (b > last))
        if mask is not None:
            fits &= mask[b if step > 0 else a]
        np.copyto(first, a, where=fits)
        np.copyto(last, b, where=fits)
        return bool(fits.any())

    while grow(1, low, subtree):
        pass
    while grow(-1, low, high) | grow(1, low, high):
        pass
    return first, last


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
    shares = np.exp(_SHARPNESS * (scores - scores.max()))
    shares /= shares.sum()
    spare = _DROPPED
    first, last = window.first, window.last
    while True:
        ends = [row for row, inside in ((first, first < min(window.hits)), (last, last > max(window.hits))) if inside]
        row = min(ends, key=lambda end: shares[end - window.first], default=-1)
        if row < 0 or (spare := spare - shares[row - window.first]) < 0:
            break
        first, last = (first + 1, last) if row == first else (first, last - 1)
    trail = {*store.ancestors(window.hits[0])}
    lost = [int(parent) for parent in store.parent[first : last + 1] if window.first <= parent < first]
    window.first, window.last = min((parent for parent in lost if parent not in trail), default=first), last
    return window
