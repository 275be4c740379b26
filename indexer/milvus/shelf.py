"""What was fetched and may be needed again, within a limit of memory; it outlives the state that it was fetched for, since what
has not changed is found under the same name in the next one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, TypeVar

from cachetools import LRUCache

Key = TypeVar("Key", bound=Hashable)


class Shelf:
    """For any number of threads. Keys of two kinds of things must not be equal."""

    def __init__(self, megabytes: int) -> None:
        self._kept: LRUCache[Hashable, tuple[int, Any]] = LRUCache(megabytes * 1_000_000, lambda kept: kept[0])
        self._lock = threading.Lock()

    def get(self, keys: Iterable[Key], fetch: Callable[[list[Key]], Mapping[Key, tuple[int, Any]]]) -> dict[Key, Any]:
        """What is under these keys. `fetch` is asked once for all that are missing: for each its bytes and the thing itself."""
        wanted = list(dict.fromkeys(keys))
        with self._lock:
            found = {key: kept[1] for key in wanted if (kept := self._kept.get(key)) is not None}
        missing = [key for key in wanted if key not in found]
        if missing:
            fetched = fetch(missing)
            found |= {key: thing for key, (_, thing) in fetched.items()}
            with self._lock:
                for key, (size, thing) in fetched.items():
                    if size <= self._kept.maxsize:
                        self._kept[key] = size, thing
        return found
