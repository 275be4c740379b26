"""What a store hands out: nodes, headings, and rows in the order of their scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.numbering import Rows

_LEVELS = 10_000
"""Scores that are equal to four digits are equal."""


@dataclass(frozen=True, slots=True)
class StoredNode:
    """A node as the index has it. row, parent, last: see the module; parent is -1 at the top."""

    row: int
    id: str
    file: str
    parent: int
    last: int
    depth: int
    line: int
    end_line: int
    lines: tuple[str, ...]
    marker: str
    plain: str | None = None
    numbers: tuple[int, ...] = ()

    @property
    def line_numbers(self) -> Sequence[int]:
        """The source line of each of `lines`."""
        return self.numbers or range(self.line, self.line + len(self.lines))

    @property
    def text(self) -> str:
        return " ".join(self.lines) if self.plain is None else self.plain


class KnownHeading(NamedTuple):
    """A node that has others below it. text: without case. below: how many. top: whether nothing stands above it."""

    row: int
    text: str
    below: int
    top: bool


def best_first(rows: Rows, scores: NDArray[np.float32], top: int | None) -> Rows:
    """The `top` best of these rows, which are sorted. Of equal scores the first rows come first and stay, and what differs in
    the last digits is equal, so that it does not matter who added the scores up, or in which order.
    """
    levels = -np.round(scores.astype(np.float64) * _LEVELS)
    if top is not None and len(rows) > top:
        enough = np.flatnonzero(levels <= np.partition(levels, top - 1)[top - 1])
        rows, levels = rows[enough], levels[enough]
    return rows[np.argsort(levels, kind="stable")[:top]]
