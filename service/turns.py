"""How many questions one process works on at once.

Python runs one thread at a time. Sixteen threads that take the interpreter from each other at every array operation need
half as much processor time again as two do, and answer 100 questions a second instead of 160 (2 cores, 1,875 nodes). Two,
because the model and FAISS work outside of the interpreter: so there is something for a second core to do.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from service.snapshot import Snapshot
from service.stages import stage

AT_ONCE = 2
_turns = threading.Semaphore(AT_ONCE)


@contextmanager
def turn(asked: Sequence[Snapshot]) -> Iterator[None]:
    """Waits until it is this thread's turn. Who asks Milvus waits for that most of the time, and not here. Never inside
    another one.
    """
    if any(snapshot.published for snapshot in asked):
        yield
        return
    with stage("wait"):
        _turns.acquire()
    try:
        yield
    finally:
        _turns.release()
