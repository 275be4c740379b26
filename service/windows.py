"""Which lines to show around a node: what stands below it and its neighbours inside its parent, at most twelve lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from indexer.store import Store
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
    """Grows from the node: first down through its subtree, then up and down in turn inside its parent, as far as twelve
    lines reach. Rows that are out of scope or in one of the windows `taken` are never entered.
    """
    low, high = _bounds(store, row, taken)
    first = last = row

    def fits(a: int, b: int) -> bool:
        new = a if a < first else b
        if a < low or b > high or (mask is not None and not mask[new]):
            return False
        return bool(store.end_line[b] - store.line[a] < MAX_LINES)

    subtree = int(store.last[row])
    while last < subtree and fits(first, last + 1):
        last += 1
    up = down = True
    while up or down:
        if up := fits(first - 1, last):
            first -= 1
        if down := fits(first, last + 1):
            last += 1
    return Window(first, last, row)


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


def _bounds(store: Store, row: int, taken: Sequence[Window]) -> tuple[int, int]:
    """The rows that a window around `row` may reach: its parent with all below it, or itself when it has none; up to
    the windows that are there already.
    """
    around = int(store.parent[row]) if store.parent[row] >= 0 else row
    low, high = around, int(store.last[around])
    for window in taken:
        if window.last < row:
            low = max(low, window.last + 1)
        else:
            high = min(high, window.first - 1)
    return low, high
