"""Follows the notes while serving: when a file changes, the index is brought up to date and swapped in."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from indexer.errors import IndexBusy, TrellisError
from indexer.sources import find_sources

_log = logging.getLogger("trellis.follow")
_INTERVAL = 1.0

Signature = frozenset[tuple[str, int, int, int]]


def signature(notes: Sequence[Path]) -> Signature:
    """Changes whenever a notes file is written, added, renamed or removed: name, time, size and inode of each."""
    marks = set()
    for source in find_sources(notes).sources:
        try:
            status = source.path.stat()
        except OSError:
            continue  # it went away meanwhile: the next look sees that
        marks.add((source.file, status.st_mtime_ns, status.st_size, status.st_ino))
    return frozenset(marks)


class Follower(threading.Thread):
    """Looks at the notes once a second; a change is acted on at the first look at which nothing moves any more."""

    def __init__(self, notes: Sequence[Path], update: Callable[[], None]) -> None:
        """What is in the notes now counts as dealt with, so make it before they are indexed for the first time."""
        super().__init__(name="follower", daemon=True)
        self._notes = notes
        self._update = update
        self._stopped = threading.Event()
        self._done = _safe_signature(notes)

    def stop(self) -> None:
        self._stopped.set()

    def run(self) -> None:
        before = self._done
        while not self._stopped.wait(_INTERVAL):
            now = _safe_signature(self._notes)
            if now is not None and now == before and now != self._done and self._try_update():
                self._done = now
            before = now

    def _try_update(self) -> bool:
        """Whether the change is dealt with; an index that somebody else is writing to is tried again."""
        try:
            self._update()
        except IndexBusy:
            return False
        except TrellisError as error:
            _log.warning("the index stays as it was: %s", error)
        except Exception:
            _log.exception("the index could not be updated and stays as it was")
        return True


def _safe_signature(notes: Sequence[Path]) -> Signature | None:
    """None when the notes are not there at all, which is more likely an unmounted disk than a wish to forget them."""
    try:
        return signature(notes)
    except (TrellisError, OSError) as error:
        _log.warning("the notes cannot be followed: %s", error)
        return None
