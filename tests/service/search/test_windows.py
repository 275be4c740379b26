"""A window grows as its definition says, row by row, whatever computes it."""

from dataclasses import dataclass

import numpy as np
import pytest

from indexer.numbering import Mask
from indexer.store import Rows
from service.search.ranking import _covered, _with_ancestors
from service.search.windows import MAX_LINES, Window, window_around, windows_around


@dataclass
class Tree:
    """What windows and ranking ask of a store."""

    parent: Rows
    last: Rows

    def __len__(self) -> int:
        return len(self.parent)


def random_tree(random: np.random.Generator, size: int) -> Tree:
    depths = [0]
    for _ in range(size - 1):
        depths.append(int(random.integers(0, depths[-1] + 2)))
    parent = np.full(size, -1)
    for row, depth in enumerate(depths):
        if depth:
            parent[row] = max(above for above in range(row) if depths[above] == depth - 1)
    last = np.arange(size)
    for row in range(size - 1, -1, -1):
        if parent[row] >= 0:
            last[parent[row]] = max(last[parent[row]], last[row])
    return Tree(parent, last)


def grown_by_rows(tree: Tree, row: int, low: int, high: int, mask: Mask) -> tuple[int, int]:
    """The definition: down through the subtree, then a row up and a row down in turn, while twelve rows hold it."""
    first = last = row

    def may(other: int, least: int, most: int) -> bool:
        return least <= other <= most and bool(mask[other]) and last - first + 1 < MAX_LINES

    while may(last + 1, row, min(int(tree.last[row]), high)):
        last += 1
    while may(first - 1, low, high) or may(last + 1, low, high):
        if may(first - 1, low, high):
            first -= 1
        if may(last + 1, low, high):
            last += 1
    return first, last


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("share", [1.0, 0.9, 0.4])
def test_windows_grow_row_by_row(seed: int, share: float) -> None:
    random = np.random.default_rng(seed)
    tree = random_tree(random, int(random.integers(1, 120)))
    mask = random.random(len(tree)) < share
    mask[0] = True
    rows = np.flatnonzero(mask)
    around = np.where(tree.parent[rows] >= 0, tree.parent[rows], rows)
    expected = [
        grown_by_rows(tree, row, low, high, mask)
        for row, low, high in zip(rows.tolist(), around.tolist(), tree.last[around].tolist(), strict=True)
    ]
    first, last = windows_around(tree, rows, None if mask.all() else mask)  # type: ignore[arg-type]
    assert list(zip(first.tolist(), last.tolist(), strict=True)) == expected


@pytest.mark.parametrize("seed", range(20))
def test_a_window_keeps_out_of_others(seed: int) -> None:
    random = np.random.default_rng(seed)
    tree = random_tree(random, 80)
    everything = np.ones(len(tree), np.bool_)
    row = int(random.integers(5, 75))
    taken = [Window(row - 4, row - 2, row - 3), Window(row + 3, row + 4, row + 3)]
    around = int(tree.parent[row]) if tree.parent[row] >= 0 else row
    low, high = max(around, row - 1), min(int(tree.last[around]), row + 2)
    window = window_around(tree, row, taken=taken)  # type: ignore[arg-type]
    assert (window.first, window.last) == grown_by_rows(tree, row, low, high, everything)


@pytest.mark.parametrize("seed", range(20))
def test_rows_that_matter_are_those_of_all_windows_with_all_above_them(seed: int) -> None:
    random = np.random.default_rng(seed)
    tree = random_tree(random, 200)
    first = random.integers(0, 190, 30)
    last = first + random.integers(0, 10, 30)
    covered = sorted({row for a, b in zip(first.tolist(), last.tolist(), strict=True) for row in range(a, b + 1)})
    assert _covered(first, last).tolist() == covered
    above = set(covered)
    for row in covered:
        while (row := int(tree.parent[row])) >= 0:
            above.add(row)
    assert _with_ancestors(tree, np.array(covered)).tolist() == sorted(above)  # type: ignore[arg-type]
