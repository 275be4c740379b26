"""How long the steps of one answer took, for whoever wants to know: the log and the figures of the service."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(slots=True)
class Record:
    """Of one request. seconds: by the name of the step. recalled: whether the answer was one given before; None when the
    request was no question.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    recalled: bool | None = None


_record: ContextVar[Record | None] = ContextVar("record", default=None)


def begin() -> Record:
    """What this thread does from now on goes into the record that comes back."""
    record = Record()
    _record.set(record)
    return record


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Times a step. Costs nothing to speak of where nobody began a record."""
    record = _record.get()
    if record is None:
        yield
        return
    started = time.perf_counter()
    try:
        yield
    finally:
        record.seconds[name] = record.seconds.get(name, 0.0) + time.perf_counter() - started


def recall(found: bool) -> None:
    """Notes whether an answer was there already."""
    record = _record.get()
    if record is not None:
        record.recalled = found
