"""Nodes by their ids, and as answers name them."""

from __future__ import annotations

from collections.abc import Sequence

from indexer.store import Store
from service.errors import NodeNotFound
from service.search.excerpt import LINE_LIMIT
from service.types import NodeRef


def require_row(store: Store, node_id: str) -> int:
    """Raises NodeNotFound."""
    row = store.row_of(node_id)
    if row is None:
        raise NodeNotFound(node_id)
    return row


def refer(store: Store, rows: Sequence[int]) -> list[NodeRef]:
    return [NodeRef(node.id, node.text[:LINE_LIMIT], node.line) for node in store.nodes(rows)]
