"""The notes that one answer may cite, each with its number and a link that survives edits."""

from __future__ import annotations

from collections.abc import Sequence

from indexer.store import Store, StoredNode
from service.chat.citations import citation_url, content_hash, quote_of, shown
from service.chat.types import ChatSource
from service.search.excerpt import LINE_LIMIT
from service.types import Source


class SourceList:
    """Numbers nodes in the order in which they come, from 1, each node once. `page` is the path that opens a citation."""

    def __init__(self, store: Store, page: str = "/") -> None:
        self.sources: list[ChatSource] = []
        self._store = store
        self._page = page
        self._numbers: dict[int, int] = {}

    def number(self, node: StoredNode) -> int:
        """The number of the node, a new one when it has none."""
        if node.row not in self._numbers:
            self._numbers[node.row] = len(self.sources) + 1
            self.sources.append(self._source(node))
        return self._numbers[node.row]

    def _source(self, node: StoredNode) -> ChatSource:
        quote = quote_of(node)
        return ChatSource(
            n=self._numbers[node.row],
            id=node.id,
            hash=content_hash(shown(node)),
            quote=quote,
            path=trail_of(self._store, node),
            text=node.text[:LINE_LIMIT],
            source=Source(node.file, node.line, node.line, node.end_line),
            url=citation_url(self._store, node, quote, self._page),
        )


def trail_of(store: Store, node: StoredNode) -> list[str]:
    return [text[:LINE_LIMIT] for text in store.path(node.row)]


def trail_text(path: Sequence[str]) -> str:
    return " › ".join(path)
