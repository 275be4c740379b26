"""Which part of the notes a question is about: a subtree, files, tags, dates. Applied before the ranking, never after."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

import numpy as np

from indexer.attributes import DATES, STATE, TAG, TODO
from indexer.numbering import Mask, RowMask, SparseMask
from indexer.quoting import plain
from indexer.store import Store
from service.errors import GlobNotUnderstood, ScopeNotFound
from service.search.query_syntax import Filters
from service.snapshot import GoneMask, Snapshot

Narrowed_co = TypeVar("Narrowed_co", covariant=True)

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


@dataclass(frozen=True, slots=True)
class _ByRows:
    """Masks over all nodes."""

    store: Store

    def under(self, segments: Sequence[str]) -> Mask:
        return _below(self.store, segments)

    def file(self, glob: str) -> Mask:
        return np.isin(self.store.file, matching_files(self.store, glob))

    def tag(self, tag: str) -> Mask:
        return _tagged(self.store, tag)

    def todo(self, name: str, wanted: str) -> Mask:
        return _nearest(self.store, [name], partial(_is_said, wanted))

    def dated(self, first: str, end: str) -> Mask:
        return _nearest(self.store, sorted(DATES), lambda day: first <= day[:10] < end)

    def said(self, name: str, value: str) -> Mask:
        return _nearest(self.store, [name], partial(_is_said, value))


def _is_said(wanted: str, value: str) -> bool:
    return wanted in {"*", value.casefold()}


def _first_day(date: str) -> str:
    """Of a year, a month or a day."""
    return f"{date}-01-01"[:10]


def _tagged(store: Store, tag: str) -> Mask:
    """Tags add up down the tree."""
    mask = np.zeros(len(store), np.bool_)
    for _, first, last, value in store.statements([TAG]):
        said = value.casefold()
        if said == tag or said.startswith(f"{tag}/"):
            mask[first : last + 1] = True
    return mask


def _nearest(store: Store, names: Sequence[str], wanted: Callable[[str], bool]) -> Mask:
    """Of everything but tags the nearest says what holds: a node's own values, else those of the first ancestor that has any,
    else those of its file. Of several that are equally near one is enough.
    """
    mask = np.zeros(len(store), np.bool_)
    dates = set(names) <= DATES
    nearest = None
    for node, first, last, value in store.statements(names):
        if dates and not _DAY.match(value):
            continue  # what Logseq notes in milliseconds
        mask[first : last + 1] = wanted(value) or (node == nearest and bool(mask[first]))
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
    tops = store.tops()
    mask = _descend(store, tops, segments)
    for node, first, last, title in store.statements(["title"]):
        if node < 0 and plain(title) == segments[0]:
            if len(segments) == 1:
                mask[first : last + 1] = True
            else:
                mask |= _descend(store, [top for top in tops if first <= top <= last], segments[1:])
    return mask


def _descend(store: Store, level: list[int], segments: Sequence[str]) -> Mask:
    mask = np.zeros(len(store), np.bool_)
    for at, segment in enumerate(segments):
        named = [node.row for node in store.nodes(level) if plain(node.text) == segment]
        if at == len(segments) - 1:
            for row in named:
                mask[row : store.last[row] + 1] = True
        level = [child for row in named for child in store.children(row)]
    return mask
