"""Rows by their text, where no index of words tells: texts go by in bulk, and only the few that may be meant are looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from indexer.numbering import Numbering, Rows
from indexer.quoting import plain
from indexer.store.segment import Segment

AT_ONCE = 500
MOST_QUOTED = 1000
_TEXT = "coalesce(plain, replace(lines, char(10), ' '))"
_WRITTEN = "coalesce(plain, lines)"
_MAY_BE = f"(length({_WRITTEN}) < length(CAST({_WRITTEN} AS BLOB)) OR instr(lower({_WRITTEN}), ?))"
"""SQLite knows the case of ASCII only: texts that have other letters are left to Python."""


def rows_named(segments: Sequence[Segment], nodes: Numbering, rows: Rows, name: str) -> Iterator[int]:
    """Those of these rows whose text is `name`, in no order. name: as `indexer.quoting.plain` gives it."""
    word = max(name.split(), key=len, default="")
    held = word if word.isascii() else None  # which no text of ASCII alone holds
    for number, slots, _ in nodes.parted(rows):
        row_of, wanted = nodes.row_of(number), np.zeros(segments[number].record.nodes, np.bool_)
        wanted[slots] = True
        for condition, values in _conditions(slots):
            query = f"SELECT slot, {_TEXT} FROM node WHERE {condition} AND {_MAY_BE}"
            for slot, text in segments[number].texts.execute(query, (*values, held)):
                if wanted[slot] and plain(text) == name:
                    yield int(row_of[slot])


def _conditions(slots: Rows) -> Iterator[tuple[str, list[int]]]:
    """Conditions that let at least these slots through: all between two where they lie close together, else some at a time."""
    first, last = int(slots.min()), int(slots.max())
    if last - first < 2 * len(slots):
        yield "slot BETWEEN ? AND ?", [first, last]
        return
    for start in range(0, len(slots), AT_ONCE):
        some = slots[start : start + AT_ONCE].tolist()
        yield f"slot IN ({','.join('?' * len(some))})", some


def rows_holding(segments: Sequence[Segment], nodes: Numbering, quote: str) -> Rows:
    """The rows whose text, with line breaks as spaces, holds this exactly, sorted: all, or of very many the shortest texts of
    each segment, since a quote is most of a text more often than a little of it.
    """
    query = "SELECT slot FROM node WHERE instr(replace(lines, char(10), ' '), ?) ORDER BY length(lines), slot LIMIT ?"
    found: list[int] = []
    for number, segment in enumerate(segments):
        live = nodes.live(number)
        gone = 0 if live is None else int((~live).sum())
        slots = [slot for (slot,) in segment.texts.execute(query, (quote, MOST_QUOTED + gone))]
        found += nodes.rows(number, slots)[:MOST_QUOTED]
    return np.array(sorted(found), np.int64)
