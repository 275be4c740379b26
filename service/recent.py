"""Answers that were given lately, kept as long as the notes are the same: people and pages ask the same again and again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from cachetools import LRUCache
from msgspec import structs

from service import answering
from service.search.query_syntax import EVERYTHING, Filters
from service.snapshot import Snapshot
from service.types import Answer, SearchResults

_KEPT = 8_000_000
"""Characters of excerpts that are kept for one generation."""

Found = TypeVar("Found", Answer, SearchResults)

_lock = threading.Lock()
_recent: WeakKeyDictionary[Snapshot, LRUCache[tuple[object, ...], Any]] = WeakKeyDictionary()


def ask(
    snapshot: Snapshot,
    question: str,
    top: int = 8,
    under: Sequence[str] = (),
    file: str = "",
    *,
    filters: Filters = EVERYTHING,
    explained: bool = False,
) -> Answer:
    """As `answering.ask`."""
    key = ("ask", question, top, tuple(under), file, filters, explained)
    return _recall(
        snapshot,
        key,
        lambda: answering.ask(snapshot, question, top, under, file, filters=filters, explained=explained),
    )


def search(
    snapshot: Snapshot,
    query: str,
    top: int = 8,
    under: Sequence[str] = (),
    file: str = "",
    *,
    filters: Filters = EVERYTHING,
    explained: bool = False,
) -> SearchResults:
    """As `answering.search`."""
    key = ("search", query, top, tuple(under), file, filters, explained)
    return _recall(
        snapshot,
        key,
        lambda: answering.search(snapshot, query, top, under, file, filters=filters, explained=explained),
    )


def _recall(snapshot: Snapshot, key: tuple[object, ...], find: Callable[[], Found]) -> Found:
    started = time.perf_counter()
    with _lock:
        kept = _recent.setdefault(snapshot, LRUCache(_KEPT, _size))
        found: Found | None = kept.get(key)
    if found is not None:
        return structs.replace(found, took_ms=round((time.perf_counter() - started) * 1000, 2))
    found = find()
    with _lock:
        if _size(found) <= _KEPT:
            kept[key] = found
    return found


def _size(found: Answer | SearchResults) -> int:
    return 100 + sum(len(line.text) for result in found.results for line in result.excerpt)
