"""The notes that one answer may cite, each with its number and a link that survives edits."""

from __future__ import annotations

from collections.abc import Sequence

from indexer.quoting import content_hash
from indexer.store import StoredNode
from service.chat.citations import citation_url, quote_of, shown
from service.chat.types import ChatSource
from service.search.excerpt import LINE_LIMIT, path_texts
from service.snapshot import Snapshot
from service.standing import placed_source
from service.types import Source


class SourceList:
    """Numbers nodes in the order in which they come, from 1, each node once. `page` is the path that opens a citation."""

    def __init__(self, page: str = "/") -> None:
        self.sources: list[ChatSource] = []
        self._page = page
        self._numbers: dict[tuple[str, int], int] = {}

    def number(self, snapshot: Snapshot, node: StoredNode) -> int:
        """The number of the node, a new one when it has none."""
        key = snapshot.collection, node.row
        if key not in self._numbers:
            self._numbers[key] = len(self.sources) + 1
            self.sources.append(self._source(snapshot, node))
        return self._numbers[key]

    def _source(self, snapshot: Snapshot, node: StoredNode) -> ChatSource:
        quote = quote_of(node)
        return ChatSource(
            n=len(self.sources) + 1,
            id=node.id,
            hash=content_hash(shown(node)),
            quote=quote,
            path=path_texts(snapshot.store, node.row),
            text=node.text[:LINE_LIMIT],
            source=placed_source(snapshot, Source(node.file, node.line, node.line, node.end_line)),
            url=citation_url(snapshot, node, quote, self._page),
            collection=snapshot.collection,
        )


def trail_text(path: Sequence[str]) -> str:
    return " › ".join(path)
