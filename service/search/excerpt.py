"""A window of the outline as the result that people and programs get."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, islice
from typing import TypeVar

from indexer.store import Store, StoredNode
from service.search.windows import MAX_LINES, Window
from service.search.words import marks
from service.types import PATH_ENDS, ExcerptLine, NodeRef, Result, Source

T = TypeVar("T")

LINE_LIMIT = 4000
"""Characters of a line that an answer carries. A line of megabytes is found, but not sent whole with every result."""
_EXCERPT_ROOM, _PATH_ROOM = 10_000, 6000
"""Characters of an excerpt, and of a path, in all. A hundred results then stay far below what a client takes in one answer."""
_MARKS_SHOWN = 100
"""Of a line: a line of one letter again and again would have more marks than text."""


def to_results(store: Store, windows: Sequence[Window], stems: frozenset[str]) -> list[Result]:
    """The results for people and programs; `stems` are the words of the question."""
    trails = [_both_ends(store.ancestors(window.hits[0])) for window in windows]
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


def shown_path(store: Store, row: int) -> list[NodeRef]:
    """The ancestors of a node as answers show them, outermost first: a path may be thousands of nodes long, and each of them
    thousands of characters. See `types.Path`.
    """
    return _steps(store.nodes(_both_ends(store.ancestors(row))))


def path_texts(store: Store, row: int) -> list[str]:
    """The texts of `shown_path`."""
    return [step.text for step in shown_path(store, row)]


def shown_texts(steps: Sequence[str]) -> list[str]:
    """The texts of a path, with "…" for those in the middle where there are very many."""
    texts = list(steps) if len(steps) <= 2 * PATH_ENDS else [*steps[:PATH_ENDS], "…", *steps[-PATH_ENDS:]]
    most = fair_share(list(map(len, texts)), _PATH_ROOM)
    return [cut_to(text, most) for text in texts]


def cut_to(text: str, most: int) -> str:
    """The text in at most so many characters; where it was longer, "…" ends it."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def fair_share(sizes: Sequence[int], room: int) -> int:
    """How large each may be so that all together fit in the room: only the largest are cut, and all to the same size."""
    left = len(sizes)
    for size in sorted(sizes):
        if size * left > room:
            return room // left
        room, left = room - size, left - 1
    return max(sizes, default=0)


def _both_ends(rows: Sequence[T]) -> Sequence[T]:
    """The rows of a path that are read: one of those in the middle stands for them all, so that "…" leads somewhere."""
    return rows if len(rows) <= 2 * PATH_ENDS else [*rows[: PATH_ENDS + 1], *rows[-PATH_ENDS:]]


def _steps(trail: Sequence[StoredNode]) -> list[NodeRef]:
    texts = shown_texts([node.text for node in trail])
    return [NodeRef(node.id, text, node.line) for node, text in zip(trail, texts, strict=True)]


def _to_result(
    window: Window, nodes: Sequence[StoredNode], trail: Sequence[StoredNode], stems: frozenset[str]
) -> Result:
    best = nodes[window.hits[0] - window.first]
    lines = _excerpt_lines(nodes, frozenset(window.hits), stems)
    lines = [line for line in lines if line.line < lines[0].line + MAX_LINES]
    path = _steps(trail)
    return Result(
        id=best.id,
        score=round(window.score, 4),
        path=[step.text for step in path],
        path_ids=[step.id for step in path],
        text=best.text[:LINE_LIMIT],
        excerpt=lines,
        source=Source(best.file, best.line, lines[0].line, lines[-1].line),
    )


def _excerpt_lines(nodes: Sequence[StoredNode], hits: frozenset[int], stems: frozenset[str]) -> list[ExcerptLine]:
    """The first twelve lines. No more are looked at: a block of code may have hundreds of thousands."""
    outermost = min(node.depth for node in nodes)
    every = ((node, *line) for node in nodes for line in zip(node.line_numbers, node.lines, strict=True))
    shown = list(islice(every, MAX_LINES))
    most = min(fair_share([min(len(text), LINE_LIMIT) for _, _, text in shown], _EXCERPT_ROOM), LINE_LIMIT)
    return [
        ExcerptLine(
            line=number,
            depth=node.depth - outermost,
            text=text[:most],
            hit=node.row in hits,
            marks=marks(text[:most], stems)[:_MARKS_SHOWN],
            marker=node.marker if number == node.line else "",
        )
        for node, number, text in shown
    ]
