"""How often a caller may ask. The library counts in memory, for each caller two numbers a limit, and forgets them in time."""

from __future__ import annotations

import math
import threading
import time
from functools import lru_cache
from typing import Protocol

from limits import RateLimitItem, parse_many
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from service.errors import TooOften


class Counting(Protocol):
    def count(self, caller: str, limits: str) -> None:
        """See `Limiter.count`."""
        ...


class Limiter:
    """Shared by all threads."""

    def __init__(self) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._lock = threading.Lock()

    def count(self, caller: str, limits: str) -> None:
        """Counts one request of a caller under limits such as "60/minute; 2000/day". Raises TooOften when it is one too many;
        that one does not count.
        """
        with self._lock:  # the library lets two through at once where a counter begins
            for item in _parsed(limits):
                if not self._limiter.test(item, caller):
                    raise TooOften(str(item), self._wait(item, caller))
            for item in _parsed(limits):
                self._limiter.hit(item, caller)

    def _wait(self, item: RateLimitItem, caller: str) -> int:
        reset = self._limiter.get_window_stats(item, caller).reset_time
        return max(1, min(math.ceil(reset - time.time()), item.get_expiry()))


@lru_cache(1000)
def _parsed(limits: str) -> tuple[RateLimitItem, ...]:
    return tuple(parse_many(limits))
