"""Rows and slots: where in the segments each node or chunk of a generation lies, and which of them are still there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]


class RowMask(Protocol):
    """True for some rows: an array with one place for each, or what tells of the few rows that are looked at."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Any, /) -> Any:
        """Of one row, of a run of rows (a slice), or of an array of rows in any shape."""
        ...


class SparseMask:
    """A `RowMask` that is true for a few rows of very many. rows: sorted, each once."""

    def __init__(self, rows: Rows, length: int) -> None:
        self.rows = rows
        self._length = length

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, rows: Any, /) -> Any:
        if isinstance(rows, slice):
            rows = np.arange(*rows.indices(self._length))
        if isinstance(rows, np.ndarray):
            return np.isin(rows, self.rows)
        if rows >= self._length:
            raise IndexError(rows)  # where whoever goes through all of them ends
        return bool(np.isin(rows, self.rows))

    def tobytes(self) -> bytes:
        return self.rows.tobytes()


class Numbering:
    """From rows to slots of several segments, and back. slots: by row, counted over all segments."""

    def __init__(self, slots: Rows, sizes: Sequence[int]) -> None:
        self._slots = slots
        self._starts = np.concatenate([[0], np.cumsum(np.array(sizes, np.int64))]).astype(np.int64)

    def parted(self, rows: Rows) -> Iterator[tuple[int, Rows, Rows]]:
        """For each segment that has any of these rows: its number, the slots in it, and where in `rows` they stand."""
        slots = self._slots[rows]
        if len(self._starts) == 2:
            yield 0, slots, np.arange(len(rows))
            return
        numbers = np.searchsorted(self._starts, slots, "right") - 1
        for number in np.unique(numbers).tolist():
            here = np.flatnonzero(numbers == number)
            yield number, slots[here] - self._starts[number], here

    @cached_property
    def _rows(self) -> Rows:
        """By slot, counted over all segments, the row; -1 where what it held is gone."""
        rows = np.full(int(self._starts[-1]), -1, np.int64)
        rows[self._slots] = np.arange(len(self._slots))
        return rows

    def row_of(self, number: int) -> Rows:
        """By slot of one segment, the row; -1 where what it held is gone."""
        return self._rows[self._starts[number] : self._starts[number + 1]]

    def rows(self, number: int, slots: Sequence[int]) -> list[int]:
        """The rows of these slots that are there."""
        rows = self.row_of(number)[np.array(slots, np.int64)]
        return [int(row) for row in rows if row >= 0]

    def live(self, number: int) -> Mask | None:
        """By slot of one segment, whether what it holds is still there; None when all of it is."""
        return None if len(self._slots) == self._starts[-1] else self._alive[number]

    @cached_property
    def _alive(self) -> list[Mask | None]:
        masks = [self.row_of(number) >= 0 for number in range(len(self._starts) - 1)]
        return [None if mask.all() else mask for mask in masks]

    def gathered(self, parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
        """By row, what the segments have by slot."""
        return (parts[0] if len(parts) == 1 else np.concatenate(parts))[self._slots]
