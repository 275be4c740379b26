"""The outline around a node, row by row: what the side panel loads part by part."""

from __future__ import annotations

import numpy as np

from indexer.store import Rows, Store
from service.chat.citations import citation_url, quote_of
from service.errors import InvalidRequest
from service.nodes import refer, require_row
from service.search.excerpt import LINE_LIMIT, shown_path
from service.snapshot import Snapshot
from service.types import OutlineRow, OutlineView, Source

ROWS_AT_ONCE = 200
_BLOCK = 100
"""Where the caller does not say where to start, this is a multiple of so many rows: the page asks for whole blocks."""
_ABOVE = 40
"""At least so many rows above the node come with it then, where there are so many."""


def view_outline(
    snapshot: Snapshot, node_id: str, zoom: str = "", start: int | None = None, top: int = ROWS_AT_ONCE
) -> OutlineView:
    """Rows of the file that the node stands in, or of the subtree of `zoom`: at most `top` from row `start`, or around the
    node. Raises NodeNotFound or InvalidRequest.
    """
    if not 1 <= top <= ROWS_AT_ONCE:
        raise InvalidRequest(f"'top' is {top}; it must be between 1 and {ROWS_AT_ONCE}.")
    store = snapshot.store
    row = require_row(store, node_id)
    first, last = store.rows_of(int(store.file[row]))
    outermost = None
    if zoom:
        first = require_row(store, zoom)
        last = int(store.last[first])
        if not first <= row <= last:
            raise InvalidRequest("The node does not stand below the one to zoom into.")
        outermost = refer(store, [first])[0]
    total = last - first + 1
    if start is None:
        start = max(row - first - _ABOVE, 0) // _BLOCK * _BLOCK
    if start < 0:
        raise InvalidRequest(f"'start' is {start}; rows are counted from 0.")
    node = store.node(row)
    return OutlineView(
        node=node_id,
        text=node.text[:LINE_LIMIT],
        at=row - first,
        source=Source(node.file, node.line, node.line, node.end_line),
        path=shown_path(store, row),
        zoom=outermost,
        start=start,
        total=total,
        rows=_rows(store, first, first + start, min(first + start + top - 1, last)),
        cite=citation_url(snapshot, node, quote_of(node)),
        generation=snapshot.name,
        collection=snapshot.collection,
    )


def _rows(store: Store, base: int, first: int, last: int) -> list[OutlineRow]:
    """The rows first..last of the outline whose outermost row is `base`."""
    if first > last:
        return []
    families: dict[int, Rows] = {}
    rows = []
    for node in store.run(first, last):
        if node.parent not in families:
            families[node.parent] = _children(store, node.row)
        family = families[node.parent]
        rows.append(
            OutlineRow(
                id=node.id,
                line=node.line,
                depth=node.depth - int(store.depth[base]),
                text=node.text[:LINE_LIMIT],
                place=int(np.searchsorted(family, node.row)) + 1,
                siblings=len(family),
                below=node.last - node.row,
                marker=node.marker,
            )
        )
    return rows


def _children(store: Store, row: int) -> Rows:
    """The row and its siblings; at the top level those of the same file."""
    parent = int(store.parent[row])
    first, last = (parent + 1, int(store.last[parent])) if parent >= 0 else store.rows_of(int(store.file[row]))
    return np.flatnonzero(store.parent[first : last + 1] == parent) + first
