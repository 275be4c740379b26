"""Arrays by row that are not there: what is looked at is fetched, file by file, and looks as a NumPy array would."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from indexer.milvus.source import Source
from indexer.milvus.wire import Layout
from indexer.numbering import Rows


class Files:
    """Which rows and chunks each file has, and their layouts."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.states = source.files
        self.first = _starts([state.nodes for state in self.states])
        self.first_chunk = _starts([state.chunks for state in self.states])
        self._firsts, self._first_chunks = self.first.tolist(), self.first_chunk.tolist()

    def layouts(self, numbers: Iterable[int]) -> dict[int, Layout]:
        wanted = list(dict.fromkeys(numbers))
        found = self._source.layouts([self.states[number] for number in wanted])
        return {number: found[self.states[number].layout] for number in wanted}

    def layout(self, number: int) -> Layout:
        return self.layouts([number])[number]

    def numbers(self, rows: Rows) -> Rows:
        """The file of each row."""
        return np.asarray(np.searchsorted(self.first, rows, "right") - 1, np.int64)

    def chunk_numbers(self, chunks: Rows) -> Rows:
        """The file of each chunk."""
        return np.asarray(np.searchsorted(self.first_chunk, chunks, "right") - 1, np.int64)

    def number(self, row: int) -> int:
        return bisect_right(self._firsts, row) - 1

    def chunk_number(self, chunk: int) -> int:
        return bisect_right(self._first_chunks, chunk) - 1


def _starts(sizes: Sequence[int]) -> Rows:
    return np.concatenate([[0], np.cumsum(np.array(sizes, np.int64))]).astype(np.int64)


class Column:
    """One array over all rows, or over all chunks. take: from a layout, places in it and the file's first row to values."""

    def __init__(self, files: Files, take: Callable[[Layout, Any, int], Any], *, of_chunks: bool = False) -> None:
        self._files = files
        self._take = take
        self._of_chunks = of_chunks
        self._starts = files.first_chunk if of_chunks else files.first

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, rows: Any) -> Any:
        if isinstance(rows, slice):
            rows = np.arange(*rows.indices(len(self)))
        files = self._files
        if not isinstance(rows, (np.ndarray, list)):
            number = files.chunk_number(int(rows)) if self._of_chunks else files.number(int(rows))
            at = int(rows) - int(self._starts[number])
            return self._take(files.layout(number), at, int(files.first[number]))
        rows = np.asarray(rows, np.int64)
        numbers = files.chunk_numbers(rows) if self._of_chunks else files.numbers(rows)
        values = np.empty(rows.shape, np.int64)
        distinct = np.unique(numbers).tolist()
        layouts = files.layouts(distinct)
        for number in distinct:
            here = numbers == number
            values[here] = self._take(layouts[number], rows[here] - self._starts[number], int(files.first[number]))
        return values


class FileColumn:
    """The number of the file of each row."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def __len__(self) -> int:
        return int(self._files.first[-1])

    def __getitem__(self, rows: Any) -> Any:
        if isinstance(rows, slice):
            rows = np.arange(*rows.indices(len(self)))
        return (
            self._files.numbers(np.asarray(rows))
            if isinstance(rows, (np.ndarray, list))
            else self._files.number(int(rows))
        )


def plain(name: str) -> Callable[[Layout, Any, int], Any]:
    """The values of an array of layouts as they are."""
    return lambda layout, at, first: getattr(layout, name)[at]


def moved(name: str) -> Callable[[Layout, Any, int], Any]:
    """Those that are rows, counted over all files; -1 stays."""

    def take(layout: Layout, at: Any, first: int) -> Any:
        values = getattr(layout, name)[at]
        return (
            np.where(values < 0, -1, values + first)
            if isinstance(values, np.ndarray)
            else values + first * (values >= 0)
        )

    return take
