"""Which part of the notes a question is about: a subtree, files, tags, dates. Applied before the ranking, never after."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Protocol, TypeVar

import numpy as np

from indexer.attributes import DATES, STATE, TAG, TODO
from indexer.numbering import Mask, RowMask, Rows, SparseMask
from indexer.quoting import plain
from indexer.store import Store
from service.errors import GlobNotUnderstood, ScopeNotFound
from service.search.query_syntax import Filters
from service.snapshot import GoneMask, Snapshot

Narrowed_co = TypeVar("Narrowed_co", covariant=True)

_Run = tuple[int, int]
"""The first and the last row."""
_Said = tuple[int, int, int, list[str]]
"""The row that says it, -1 for a file; the first and the last row that it holds for; all that is said, without case."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def scope_of(snapshot: Snapshot, filters: Filters, gone: GoneMask | None) -> RowMask | None:
    """The nodes in scope that are not gone, None for all there are. Raises ScopeNotFound when nothing is in scope."""
    if snapshot.published:
        from service.search.scope_published import published_scope  # only those who have Milvus need it

        return published_scope(snapshot.published.store, filters, gone if isinstance(gone, SparseMask) else None)
    mask = node_mask(snapshot.store, filters)
    if gone is None:
        return mask
    still_there = ~np.asarray(gone)
    return still_there if mask is None else mask & still_there


def node_mask(store: Store, filters: Filters) -> Mask | None:
    """True for each node in scope, None for all of them. Case does not matter anywhere. Raises ScopeNotFound when nothing is in
    scope; it names the filter that left nothing.
    """
    masks = list(narrowings(filters, _ByRows(store)))
    if not masks:
        return None
    scope = np.ones(len(store), np.bool_)
    for name, value, mask in masks:
        scope &= mask
        if not scope.any():
            raise ScopeNotFound(name, value)
    return scope


class Narrowing(Protocol[Narrowed_co]):
    """How an engine narrows by one filter. Values come as they are compared: without case, spaces joined. todo: `name` is the
    attribute that says it. dated: from the day `first` on and before the day `end`.
    """

    def under(self, segments: Sequence[str]) -> Narrowed_co: ...

    def file(self, glob: str) -> Narrowed_co: ...

    def tag(self, tag: str) -> Narrowed_co: ...

    def todo(self, name: str, wanted: str) -> Narrowed_co: ...

    def dated(self, first: str, end: str) -> Narrowed_co: ...

    def said(self, name: str, value: str) -> Narrowed_co: ...


def narrowings(filters: Filters, by: Narrowing[Narrowed_co]) -> Iterator[tuple[str, str, Narrowed_co]]:
    """Each filter that is given, as people name it, with what it narrows to."""
    segments = [plain(segment) for segment in filters.under if segment.strip()]
    if segments:
        yield "under", " > ".join(filters.under), by.under(segments)
    if filters.file.strip():
        yield "file", filters.file, by.file(filters.file)
    for tag in dict.fromkeys(filter(None, (tag.strip().lstrip("#@") for tag in filters.tag))):
        yield "tag", tag, by.tag(tag.casefold())
    if wanted := filters.todo.strip().casefold():
        yield "todo", filters.todo, by.todo(STATE if wanted in {"open", "done"} else TODO, wanted)
    if filters.after or filters.before:
        told = " ".join(
            filter(None, (filters.after and f"from {filters.after}", filters.before and f"before {filters.before}"))
        )
        yield "date", told, by.dated(_first_day(filters.after or "0000"), _first_day(filters.before or "9999"))
    for name, value in dict.fromkeys(filters.where):
        yield "where", f"{name}={value}", by.said(name, value.casefold())


class _ByRows:
    """Masks over all nodes, for one question: what nodes say of themselves is read once, however many filters ask for it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tags: dict[str, list[_Run]] | None = None
        self._said: dict[tuple[str, ...], list[_Said]] = {}

    def under(self, segments: Sequence[str]) -> Mask:
        return _below(self._store, segments)

    def file(self, glob: str) -> Mask:
        return np.isin(self._store.file, matching_files(self._store, glob))

    def tag(self, tag: str) -> Mask:
        if self._tags is None:
            self._tags = _runs_of_tags(self._store)
        return _tagged(len(self._store), self._tags, tag)

    def todo(self, name: str, wanted: str) -> Mask:
        return self._nearest((name,), partial(_is_said, wanted))

    def dated(self, first: str, end: str) -> Mask:
        return self._nearest(tuple(sorted(DATES)), lambda days: any(first <= day[:10] < end for day in days))

    def said(self, name: str, value: str) -> Mask:
        return self._nearest((name,), partial(_is_said, value))

    def _nearest(self, names: tuple[str, ...], wanted: Callable[[Sequence[str]], bool]) -> Mask:
        if names not in self._said:
            self._said[names] = _said(self._store, names)
        return _nearest(len(self._store), self._said[names], wanted)


def _is_said(wanted: str, values: Sequence[str]) -> bool:
    return wanted == "*" or wanted in values


def _first_day(date: str) -> str:
    """Of a year, a month or a day."""
    return f"{date}-01-01"[:10]


def _runs_of_tags(store: Store) -> dict[str, list[_Run]]:
    """For each tag, without case, the runs of rows that have it."""
    runs: dict[str, list[_Run]] = {}
    for _, first, last, value in store.statements([TAG]):
        runs.setdefault(value.casefold(), []).append((first, last))
    return runs


def _tagged(length: int, runs: Mapping[str, Sequence[_Run]], tag: str) -> Mask:
    """Tags add up down the tree."""
    return _inside(
        length, [run for said, some in runs.items() if said == tag or said.startswith(f"{tag}/") for run in some]
    )


def _inside(length: int, runs: Sequence[_Run]) -> Mask:
    """True for each row in any of these runs. Long runs that lie over each other cost no more than one."""
    first, last = np.array(runs, np.int64).reshape(-1, 2).T
    opened = np.bincount(first, minlength=length + 1) - np.bincount(last + 1, minlength=length + 1)
    return np.asarray(np.cumsum(opened)[:length] > 0)


def _said(store: Store, names: Sequence[str]) -> list[_Said]:
    """The attributes of these names in the order of `Store.statements`, those together that one node says of one run."""
    found = store.statements(names)
    if set(names) <= DATES:
        found = [each for each in found if _DAY.match(each[3])]  # Logseq also notes milliseconds
    together = groupby(found, key=lambda each: each[:3])
    return [(*where, [value.casefold() for *_, value in some]) for where, some in together]


def _nearest(length: int, said: Sequence[_Said], wanted: Callable[[Sequence[str]], bool]) -> Mask:
    """Of everything but tags the nearest says what holds: a node's own values, else those of the first ancestor that has any,
    else those of its file. Of several that are equally near one is enough.
    """
    mask = np.zeros(length, np.bool_)
    nearest = None
    for node, first, last, values in said:
        mask[first : last + 1] = wanted(values) or (node == nearest and bool(mask[first]))
        nearest = node
    return mask


def matching_files(store: Store, glob: str) -> list[int]:
    try:
        from indexer.globs import read_globs  # only a glob needs it, and `trellis ask` should start quickly

        spec = read_globs([glob.strip()])
        return [number for number, name in enumerate(store.files) if spec.match_file(name)]
    except ValueError:
        raise GlobNotUnderstood(glob) from None


def _below(store: Store, segments: Sequence[str]) -> Mask:
    """A path begins with a topmost node, or with the title of a file, such as the name of a page."""
    tops = np.array(store.tops(), np.int64)
    mask = _descend(store, tops, segments)
    titled = [
        (first, last)
        for node, first, last, title in store.statements(["title"])
        if node < 0 and plain(title) == segments[0]
    ]
    if titled:
        inside = _inside(len(store), titled)
        mask |= inside if len(segments) == 1 else _descend(store, tops[inside[tops]], segments[1:])
    return mask


def _descend(store: Store, level: Rows, segments: Sequence[str]) -> Mask:
    """The rows below those that such a path leads to from one of the rows `level`, and these themselves."""
    named: list[int] = []
    for segment in segments:
        named = store.rows_named(level, segment)
        below = np.zeros(len(store) + 1, np.bool_)  # with a place for the parent of those that have none
        below[named] = True
        level = np.flatnonzero(below[store.parent])
    return _inside(len(store), [(row, int(store.last[row])) for row in named])
