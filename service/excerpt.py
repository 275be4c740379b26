"""The lines to show for a hit: the node itself, what stands below it, and its neighbours inside its parent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from indexer.store import Store, StoredNode
from service.ranking import Candidate
from service.types import ExcerptLine, Result, Source
from service.words import marks

MAX_LINES = 12
_JOIN = 0.04
"""A node inside another's excerpt is marked as a hit too when its similarity is at most this much lower."""


@dataclass(slots=True)
class Window:
    """A run of nodes, rows first..last, shown as one result. hits: the rows that matched, best first."""

    first: int
    last: int
    score: float
    hits: list[int] = field(default_factory=list)


def choose_windows(store: Store, candidates: Sequence[Candidate], top: int) -> list[Window]:
    """At most `top` windows, best first, of at most 12 lines each; no two share a line."""
    windows: list[Window] = []
    for candidate in candidates:
        holder = next((w for w in windows if w.first <= candidate.row <= w.last), None)
        if holder:
            if candidate.score >= holder.score - _JOIN:
                holder.hits.append(candidate.row)
        elif len(windows) < top:
            windows.append(_window(store, candidate, windows))
    return windows


def _window(store: Store, candidate: Candidate, taken: Sequence[Window]) -> Window:
    """Grows from the hit: first down through its subtree, then up and down in turn inside its parent."""
    row = candidate.row
    low, high = _bounds(store, row, taken)
    nodes = {node.row: node for node in store.run(max(low, row - MAX_LINES), min(high, row + MAX_LINES))}
    first = last = row

    def fits(a: int, b: int) -> bool:
        return a in nodes and b in nodes and nodes[b].end_line - nodes[a].line < MAX_LINES

    while last < min(int(store.last[row]), high) and fits(first, last + 1):
        last += 1
    up = down = True
    while up or down:
        if up := first > low and fits(first - 1, last):
            first -= 1
        if down := last < high and fits(first, last + 1):
            last += 1
    return Window(first, last, candidate.score, [row])


def _bounds(store: Store, row: int, taken: Sequence[Window]) -> tuple[int, int]:
    """The rows that a window around `row` may reach: its parent and all below it, up to windows that are there already."""
    parent = int(store.parent[row])
    if parent >= 0:
        low, high = parent, int(store.last[parent])
    elif store.last[row] > row:
        low, high = row, int(store.last[row])
    else:
        same_file = (store.file == store.file[row]).nonzero()[0]
        low, high = int(same_file[0]), int(same_file[-1])
    for window in taken:
        if window.last < row:
            low = max(low, window.last + 1)
        else:
            high = min(high, window.first - 1)
    return low, high


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
        path=store.path(best.row),
        text=best.text,
        excerpt=lines,
        source=Source(best.file, best.line, lines[0].line, lines[-1].line),
    )


def _excerpt_lines(nodes: Sequence[StoredNode], hits: frozenset[int], stems: frozenset[str]) -> list[ExcerptLine]:
    outermost = min(node.depth for node in nodes)
    return [
        ExcerptLine(
            line=node.line + offset,
            depth=node.depth - outermost,
            text=text,
            hit=node.row in hits,
            marks=marks(text, stems),
            marker=node.marker if offset == 0 else "",
        )
        for node in nodes
        for offset, text in enumerate(node.lines)
    ]
