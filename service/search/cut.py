"""Where in the outline excerpts were cut out, and what they leave out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from indexer.numbering import RowMask
from indexer.store import Store, StoredNode
from service.search.windows import Window
from service.types import Cut, Elided


def cut_out(store: Store, windows: Sequence[Window], mask: RowMask | None) -> list[Cut]:
    """Where windows were cut out, and what stands before and after each there. Nothing out of scope is counted."""
    parents = [int(store.parent[window.row]) for window in windows]
    around = [
        parent if parent >= 0 and (mask is None or mask[parent]) else window.row
        for window, parent in zip(windows, parents, strict=True)
    ]
    nodes = store.nodes(around)
    return [_cut(store, window, node) for window, node in zip(windows, nodes, strict=True)]


def _cut(store: Store, window: Window, part: StoredNode) -> Cut:
    children = np.flatnonzero(store.parent[part.row + 1 : part.last + 1] == part.row) + part.row + 1
    shallowest = int(store.depth[window.first : window.last + 1].min())
    return Cut(
        node=part.id,
        depth=shallowest - part.depth,
        rows=part.last - part.row + 1,
        before=Elided(int((children < window.first).sum()), max(window.first - part.row - 1, 0)),
        after=Elided(int((children > window.last).sum()), max(part.last - window.last, 0)),
    )
