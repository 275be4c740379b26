"""Which part of the notes a question is about: a subtree, files, tags, dates. Applied before the ranking, never after."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from indexer.attributes import DATES, STATE, TAG, TODO
from indexer.numbering import Mask, RowMask, SparseMask
from indexer.store import Store
from service.errors import GlobNotUnderstood, ScopeNotFound
from service.search.query_syntax import Filters
from service.snapshot import GoneMask, Snapshot

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
    masks = [(name, value, mask) for name, value, mask in _masks(store, filters)]
    if not masks:
        return None
    scope = np.ones(len(store), np.bool_)
    for name, value, mask in masks:
        scope &= mask
        if not scope.any():
            raise ScopeNotFound(name, value)
    return scope


def _masks(store: Store, filters: Filters) -> Iterator[tuple[str, str, Mask]]:
    """Each filter that is given, as people name it, with its own mask."""
    segments = [_plain(segment) for segment in filters.under if segment.strip()]
    if segments:
        yield "under", " > ".join(filters.under), _below(store, segments)
    if filters.file.strip():
        yield "file", filters.file, np.isin(store.file, matching_files(store, filters.file))
    for tag in filter(None, (tag.strip().lstrip("#@") for tag in filters.tag)):
        yield "tag", tag, _tagged(store, tag.casefold())
    if wanted := filters.todo.strip().casefold():
        name = STATE if wanted in {"open", "done"} else TODO
        yield "todo", filters.todo, _nearest(store, [name], lambda value: value.casefold() == wanted)
    if filters.after or filters.before:
        first, end = first_day(filters.after or "0000"), first_day(filters.before or "9999")
        told = " ".join(
            filter(None, (filters.after and f"from {filters.after}", filters.before and f"before {filters.before}"))
        )
        yield "date", told, _nearest(store, sorted(DATES), lambda day: first <= day[:10] < end)
    for name, value in filters.where:
        yield "where", f"{name}={value}", _nearest(store, [name], partial(_is_said, value.casefold()))


def _is_said(wanted: str, value: str) -> bool:
    return wanted in {"*", value.casefold()}


def first_day(date: str) -> str:
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
        from pathspec import GitIgnoreSpec  # only a glob needs it, and `trellis ask` should start quickly

        spec = GitIgnoreSpec.from_lines([glob.strip()])
        return [number for number, name in enumerate(store.files) if spec.match_file(name)]
    except (ValueError, re.error):
        raise GlobNotUnderstood(glob) from None


def _below(store: Store, segments: Sequence[str]) -> Mask:
    """A path begins with a topmost node, or with the title of a file, such as the name of a page."""
    tops = store.tops()
    mask = _descend(store, tops, segments)
    for node, first, last, title in store.statements(["title"]):
        if node < 0 and _plain(title) == segments[0]:
            if len(segments) == 1:
                mask[first : last + 1] = True
            else:
                mask |= _descend(store, [top for top in tops if first <= top <= last], segments[1:])
    return mask


def _descend(store: Store, level: list[int], segments: Sequence[str]) -> Mask:
    mask = np.zeros(len(store), np.bool_)
    for at, segment in enumerate(segments):
        named = [node.row for node in store.nodes(level) if _plain(node.text) == segment]
        if at == len(segments) - 1:
            for row in named:
                mask[row : store.last[row] + 1] = True
        level = [child for row in named for child in store.children(row)]
    return mask


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
