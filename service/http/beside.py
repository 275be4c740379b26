"""What the processes of one service share: who has asked how often, and the figures."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from service.errors import Leaving, TooOften
from service.limits import Counting, Limiter


@dataclass(frozen=True, slots=True)
class Beside:
    """figures: the folder in which each process keeps its own, so that any can tell the sum. limiter: counts for all."""

    figures: Path
    limiter: Counting


class SharedLimiter:
    """Has each request counted at the other end of a line. For any number of threads."""

    def __init__(self, line: Connection) -> None:
        self._line = line
        self._lock = threading.Lock()

    def count(self, caller: str, limits: str) -> None:
        """Raises TooOften, or Leaving when nobody counts any more."""
        try:
            with self._lock:
                self._line.send((caller, limits))
                refused = self._line.recv()
        except (EOFError, OSError):
            raise Leaving from None
        if refused:
            raise TooOften(*refused)


def count_for(line: Connection, limiter: Limiter) -> None:
    """The other end: counts the one request that waits on the line. Raises EOFError or OSError when nobody asks any more."""
    caller, limits = line.recv()
    try:
        limiter.count(caller, limits)
    except TooOften as error:
        line.send((error.limit, error.retry_after))
    else:
        line.send(None)
