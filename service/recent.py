"""Answers that were given lately, kept as long as the notes are the same: people and pages ask the same again and again.

They are kept encoded, under a digest of what was asked: a fraction of the memory that the objects would take, a bound that
counts what it holds, and nothing for the garbage collector to walk through.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from cachetools import LRUCache
from msgspec import msgpack, structs

from service import answering, stages
from service.across import Gone
from service.search.query_syntax import EVERYTHING, Filters
from service.snapshot import OneOrMore, Snapshot, several
from service.types import Answer, SearchResults

_KEPT = 8_000_000
"""Bytes of encoded answers that are kept for one generation."""

Found = TypeVar("Found", Answer, SearchResults)

_lock = threading.Lock()
_recent: WeakKeyDictionary[Snapshot, LRUCache[bytes, bytes]] = WeakKeyDictionary()


def ask(
    asked: OneOrMore,
    question: str,
    top: int = 8,
    *,
    filters: Filters = EVERYTHING,
    explained: bool = False,
    gone: Gone | None = None,
) -> Answer:
    """As `answering.ask`."""
    return _recall(
        Answer,
        asked,
        gone or {},
        ("ask", question, top, filters, explained),
        lambda: answering.ask(asked, question, top, filters=filters, explained=explained, gone=gone),
    )


def search(
    asked: OneOrMore,
    query: str,
    top: int = 8,
    *,
    filters: Filters = EVERYTHING,
    explained: bool = False,
    gone: Gone | None = None,
) -> SearchResults:
    """As `answering.search`."""
    return _recall(
        SearchResults,
        asked,
        gone or {},
        ("search", query, top, filters, explained),
        lambda: answering.search(asked, query, top, filters=filters, explained=explained, gone=gone),
    )


def _recall(kind: type[Found], asked: OneOrMore, gone: Gone, said: tuple[Any, ...], find: Callable[[], Found]) -> Found:
    """Kept with the first collection that is asked; the key names the others as they are now."""
    started = time.perf_counter()
    first, *others = several(asked)
    key = _digest(said, [(other.collection, other.name) for other in others], gone)
    with _lock:
        kept = _recent.setdefault(first, LRUCache(_KEPT, len))
        encoded = kept.get(key)
    stages.recall(encoded is not None)
    if encoded is not None:
        found = msgpack.decode(encoded, type=kind)
        return structs.replace(found, took_ms=round((time.perf_counter() - started) * 1000, 2))
    found = find()
    encoded = msgpack.encode(found)
    with _lock:
        if len(encoded) <= _KEPT:
            kept[key] = encoded
    return found


def _digest(said: tuple[Any, ...], others: list[tuple[str, str]], gone: Gone) -> bytes:
    """Of all that shapes an answer. What is gone from changed files can be a byte for each node of the notes."""
    masks = [(snapshot.collection, blake2b(mask.tobytes()).digest()) for snapshot, mask in gone.items()]
    return blake2b(repr((said, others, masks)).encode(), digest_size=32).digest()
