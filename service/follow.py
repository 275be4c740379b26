"""Follows the notes while serving: when a file changes, the index is brought up to date and swapped in."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

from indexer.errors import EngineError, IndexBusy, IndexFolderError, TrellisError
from indexer.sources import find_sources

_log = logging.getLogger("trellis.follow")
_INTERVAL, _INTERVAL_WHEN_TOLD = 1.0, 5.0
"""Seconds between two looks at all notes."""
_REST, _PATIENCE = 0.1, 10.0
"""Seconds between the two looks that must see the same, and after which it is no longer waited for."""
_FIRST_RETRY, _LAST_RETRY = 1.0, 60.0
"""Seconds before an update that the disk did not take is tried again: first, and in the end, with doubling between."""
_CHANGES = [
    FileCreatedEvent,
    FileModifiedEvent,
    FileDeletedEvent,
    FileMovedEvent,
    FileClosedEvent,
    DirCreatedEvent,
    DirMovedEvent,
    DirDeletedEvent,
]

Signature = frozenset[tuple[str, int, int, int]]


def signature(notes: Sequence[Path], leave_out: Sequence[str] = ()) -> Signature:
    """Changes whenever a notes file is written, added, renamed or removed: name, time, size and inode of each."""
    marks = set()
    for source in find_sources(notes, leave_out).sources:
        try:
            status = source.path.stat()
        except OSError:
            continue  # it went away meanwhile: the next look sees that
        marks.add((source.file, status.st_mtime_ns, status.st_size, status.st_ino))
    return frozenset(marks)


class Follower(threading.Thread):
    """Acts on a change as soon as it rests. The system tells of changes where it can; besides, and on network drives and
    where it cannot, the notes are looked at regularly.
    """

    def __init__(
        self,
        notes: Sequence[Path],
        update: Callable[[], None],
        leave_out: Sequence[str] = (),
        tell: Callable[[bool], None] = lambda _: None,
    ) -> None:
        """What is in the notes now counts as dealt with, so make it before they are indexed for the first time. tell: hears of
        it when `behind` may have changed.
        """
        super().__init__(name="follower", daemon=True)
        self._notes = notes
        self._leave_out = leave_out
        self._update = update
        self._tell = tell
        self._ahead = False  # the notes were seen to be ahead of the index
        self._failed = False  # what they say could not be indexed, and is not tried again before the next change
        self._stopped = False
        self._woken = threading.Event()
        self._trouble = ""
        self._done = self._signature()
        self._retry = _FIRST_RETRY
        self._not_before = 0.0

    @property
    def behind(self) -> bool:
        """Whether a change was seen that the index does not have."""
        return self._ahead or self._failed

    def stop(self) -> None:
        self._stopped = True
        self._woken.set()

    def run(self) -> None:
        with _watched(self._notes, self._woken) as told:
            self._look()  # what changed before the system was asked to tell
            while not self._stopped:
                self._woken.wait(self._pause(_INTERVAL_WHEN_TOLD if told else _INTERVAL))
                self._woken.clear()
                if time.monotonic() >= self._not_before:
                    self._look()

    def _pause(self, interval: float) -> float:
        """Seconds until the next look, at most; less when a failed update is due earlier."""
        due = self._not_before - time.monotonic()
        return min(interval, due) if due > 0 else interval

    def _look(self) -> None:
        """A change is acted on once two looks see the same, or when it has not come to rest for long."""
        now = self._signature()
        patience = time.monotonic() + _PATIENCE
        while now is not None and now != self._done and not self._stopped:
            self._ahead = True
            self._tell(self.behind)
            time.sleep(_REST)
            before, now = now, self._signature()
            if now is not None and (now == before or time.monotonic() > patience):
                if self._try_update():
                    self._done, self._ahead = now, False
                self._tell(self.behind)
                return
        self._ahead = self._ahead and now != self._done
        self._tell(self.behind)

    def _signature(self) -> Signature | None:
        """None when the notes are not there at all, which is more likely an unmounted disk than a wish to forget them. That is
        said once.
        """
        try:
            found = signature(self._notes, self._leave_out)
        except (TrellisError, OSError) as error:
            if self._trouble != str(error):
                self._trouble = str(error)
                _log.warning("the notes cannot be followed: %s", error)
            return None
        self._trouble = ""
        return found

    def _try_update(self) -> bool:
        """Whether the change is dealt with. An index that somebody else is writing to is tried again, and so is one that cannot
        be written: the disk or the engine may be full, read-only or away for a while, and the notes may not change again for
        long.
        """
        try:
            self._update()
            self._failed = False
        except IndexBusy:
            return False
        except (IndexFolderError, EngineError, OSError) as error:
            _log.warning("the index stays as it was, and is tried again in %.0f s: %s", self._retry, error)
            self._not_before = time.monotonic() + self._retry
            self._retry = min(2 * self._retry, _LAST_RETRY)
            return False
        except TrellisError as error:
            self._failed = True
            _log.warning("the index stays as it was: %s", error)
        except Exception:
            self._failed = True
            _log.exception("the index could not be updated and stays as it was")
        self._retry = _FIRST_RETRY
        return True


class _Wake(FileSystemEventHandler):
    def __init__(self, woken: threading.Event) -> None:
        self._woken = woken

    def on_any_event(self, event: FileSystemEvent) -> None:
        self._woken.set()


@contextmanager
def _watched(notes: Sequence[Path], woken: threading.Event) -> Iterator[bool]:
    """Sets `woken` whenever the system tells of a change in the notes. Answers whether it does tell."""
    observer = Observer()
    try:
        for place in notes:
            folder = place if place.is_dir() else place.parent
            observer.schedule(_Wake(woken), str(folder), recursive=place.is_dir(), event_filter=_CHANGES)
        observer.start()
    except OSError as error:  # no such folder, or more folders than the system watches for one user
        _log.warning(
            "changes are looked for every %.0f s, since the system does not tell of them: %s", _INTERVAL, error
        )
        yield False
        return
    try:
        yield True
    finally:
        observer.stop()
        observer.join()
