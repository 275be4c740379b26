"""A window of the outline as the result that people and programs get."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from indexer.store import Store, StoredNode
from service.search.windows import MAX_LINES, Window
from service.search.words import marks
from service.types import ExcerptLine, Result, Source

LINE_LIMIT = 4000
"""Characters of a line that an answer carries. A line of megabytes is found, but not sent whole with every result."""


def to_results(store: Store, windows: Sequence[Window], stems: frozenset[str]) -> list[Result]:
    """The results for people and programs; `stems` are the words of the question."""
    trails = [store.ancestors(window.hits[0]) for window in windows]
    rows = [row for window in windows for row in range(window.first, window.last + 1)]
    nodes = {node.row: node for node in store.nodes(sorted({*rows, *chain.from_iterable(trails)}))}
    return [
        _to_result(
            window,
            [nodes[row] for row in range(window.first, window.last + 1)],
            [nodes[row] for row in trail],
            stems,
        )
        for window, trail in zip(windows, trails, strict=True)
    ]


def _to_result(
    window: Window, nodes: Sequence[StoredNode], trail: Sequence[StoredNode], stems: frozenset[str]
) -> Result:
    best = nodes[window.hits[0] - window.first]
    lines = _excerpt_lines(nodes, frozenset(window.hits), stems)
    lines = [line for line in lines[:MAX_LINES] if line.line < lines[0].line + MAX_LINES]
    return Result(
        id=best.id,
        score=round(window.score, 4),
        path=[node.text[:LINE_LIMIT] for node in trail],
        path_ids=[node.id for node in trail],
        text=best.text[:LINE_LIMIT],
        excerpt=lines,
        source=Source(best.file, best.line, lines[0].line, lines[-1].line),
    )


def _excerpt_lines(nodes: Sequence[StoredNode], hits: frozenset[int], stems: frozenset[str]) -> list[ExcerptLine]:
    outermost = min(node.depth for node in nodes)
    return [
        ExcerptLine(
            line=number,
            depth=node.depth - outermost,
            text=text[:LINE_LIMIT],
            hit=node.row in hits,
            marks=marks(text[:LINE_LIMIT], stems),
            marker=node.marker if number == node.line else "",
        )
        for node in nodes
        for number, text in zip(node.line_numbers, node.lines, strict=True)
    ]
