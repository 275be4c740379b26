"""Lines that a parser left out, because they are nested deeper than it goes, put back as indented text."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace

from indexer.node import Node
from indexer.readers import text
from indexer.readers.page import Tree


def graft(tree: Tree, lines: Sequence[str]) -> None:
    """Adds every non-blank line that is in no node and has no name, under the node above it. Linear."""
    known = {number for node in tree.nodes for number in node.line_numbers} | tree.syntax.keys()
    left = [number for number, line in enumerate(lines, 1) if number not in known and line.strip()]
    if not left:
        return
    runs = deque(_runs(left))
    old = tree.nodes
    merged: list[Node] = []
    moved: list[int] = []
    for at, node in enumerate(old):
        while runs and runs[0][0] < node.line:
            _append(merged, lines, runs.popleft(), under=at - 1, moved=moved)
        moved.append(len(merged))
        merged.append(replace(node, parent=None if node.parent is None else moved[node.parent]))
    for run in runs:
        _append(merged, lines, run, under=len(old) - 1, moved=moved)
    tree.nodes[:] = merged


def _append(nodes: list[Node], lines: Sequence[str], run: tuple[int, int], under: int, moved: Sequence[int]) -> None:
    first, last = run
    above = moved[under] if under >= 0 else None
    depth = 0 if above is None else nodes[above].depth + 1
    start = len(nodes)
    for node in text.read(lines[first - 1 : last]):
        parent = above if node.parent is None else start + node.parent
        nodes.append(replace(node, line=node.line + first - 1, depth=node.depth + depth, parent=parent))


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Numbers in order to their unbroken runs."""
    start = before = numbers[0]
    for number in numbers[1:]:
        if number != before + 1:
            yield start, before
            start = number
        before = number
    yield start, before
