"""A window of the outline as the result that people and programs get."""

from __future__ import annotations

from collections.abc import Sequence

from indexer.store import Store, StoredNode
from service.types import ExcerptLine, Result, Source
from service.windows import MAX_LINES, Window
from service.words import marks

LINE_LIMIT = 4000
"""Characters of a line that an answer carries. A line of megabytes is found, but not sent whole with every result."""


def to_result(store: Store, window: Window, stems: frozenset[str]) -> Result:
    """The result for people and programs; `stems` are the words of the question."""
    best = store.node(window.hits[0])
    nodes = [best] if window.first == window.last else store.run(window.first, window.last)
    lines = _excerpt_lines(nodes, frozenset(window.hits), stems)
    if best.end_line - best.line >= MAX_LINES:
        lines = lines[:MAX_LINES]
    return Result(
        id=best.id,
        score=round(window.score, 4),
        path=[text[:LINE_LIMIT] for text in store.path(best.row)],
        text=best.text[:LINE_LIMIT],
        excerpt=lines,
        source=Source(best.file, best.line, lines[0].line, lines[-1].line),
    )


def _excerpt_lines(nodes: Sequence[StoredNode], hits: frozenset[int], stems: frozenset[str]) -> list[ExcerptLine]:
    outermost = min(node.depth for node in nodes)
    return [
        ExcerptLine(
            line=node.line + offset,
            depth=node.depth - outermost,
            text=text[:LINE_LIMIT],
            hit=node.row in hits,
            marks=marks(text[:LINE_LIMIT], stems),
            marker=node.marker if offset == 0 else "",
        )
        for node in nodes
        for offset, text in enumerate(node.lines)
    ]
