"""Nodes by their ids, and as answers name them."""

from __future__ import annotations

from collections.abc import Sequence

from indexer.store import Store
from service.errors import NodeNotFound
from service.search.excerpt import LINE_LIMIT, fair_share
from service.types import NodeRef

_ROOM = 400_000
"""Characters of all nodes that an answer names in one list, such as a thousand children."""


def require_row(store: Store, node_id: str) -> int:
    """Raises NodeNotFound."""
    row = store.row_of(node_id)
    if row is None:
        raise NodeNotFound(node_id)
    return row


def refer(store: Store, rows: Sequence[int]) -> list[NodeRef]:
    """Long texts are cut, and where there are many nodes with long texts, each of these to less."""
    named = [(node, node.text[:LINE_LIMIT]) for node in store.nodes(rows)]
    most = fair_share([len(text) for _, text in named], _ROOM)
    return [NodeRef(node.id, text[:most], node.line) for node, text in named]
