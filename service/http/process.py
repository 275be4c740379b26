"""A process that answers: alone, or one of several on the same port."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from service import logs
from service.cli.support import BAD_INPUT, fail
from service.config import Config
from service.presence import Presence
from service.serving import Flags

GO, LEAVE, READY = "go", "leave", "ready"


@dataclass(frozen=True, slots=True)
class Place:
    """What a child is given. number: from 1 on; the first one indexes. orders: by which it is told what to do, and tells
    that it is ready. counts: to whom counts for the limits. figures: the folder that all keep their figures in. behind:
    where the first one tells for each collection whether its notes are ahead. presence: how the service is found from
    this machine.
    """

    number: int
    config: Config
    bound: socket.socket
    orders: Connection
    counts: Connection
    figures: Path
    behind: Flags
    presence: Presence | None = None


def answer_alone(
    config: Config, bound: socket.socket, ready: Callable[[], None], presence: Presence | None = None
) -> int:
    """Answers until SIGTERM or Ctrl-C. Raises TrellisError when it cannot begin; SystemExit when answers were cut short."""
    from indexer.machine import keep_loaded, share_memory
    from service.http.server import serve
    from service.serving import open_indexes

    share_memory()
    served, keeping = open_indexes(config, follows=not config.read_only)
    for thread in keeping:
        thread.start()

    from service.http.web import create_app

    log = logs.start(config)
    app = create_app(served, config, presence=presence)
    keep_loaded()
    try:
        serve(app, bound, ready=lambda _: ready())
    finally:
        log.close()
    return 0


def answer(place: Place) -> None:
    """The life of a child. Raises SystemExit when it cannot begin, or when answers were cut short."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM, signal.SIGINT))
    orders = _Orders(place.orders)
    orders.start()
    from indexer.errors import TrellisError

    log = logs.start(place.config, place.number)
    try:
        _answer(place, orders)
    except TrellisError as error:
        fail(str(error))
    finally:
        log.close()


def _answer(place: Place, orders: _Orders) -> None:
    from indexer.machine import keep_loaded, share_memory
    from service.serving import open_indexes

    share_memory()
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(place.figures)  # the library looks once, when it is loaded
    follows = place.number == 1 and not place.config.read_only
    served, keeping = open_indexes(place.config, follows=follows, behind=place.behind)

    from service.http.beside import Beside, SharedLimiter
    from service.http.server import serve
    from service.http.web import create_app

    app = create_app(served, place.config, Beside(place.figures, SharedLimiter(place.counts)), place.presence)
    keep_loaded()
    orders.say_ready()
    for thread in keeping:
        thread.start()
    serve(app, place.bound, orders.obeyed_by, alone=False)


class _Orders(threading.Thread):
    """Hears what the parent says from the first moment on. That it is gone is an order to leave, too."""

    def __init__(self, line: Connection) -> None:
        super().__init__(name="orders", daemon=True)
        self._line = line
        self._leave: Callable[[], None] | None = None
        self._go = threading.Event()

    def run(self) -> None:
        while True:
            try:
                order = self._line.recv()
            except (EOFError, OSError):
                order = ""
            if order == GO:
                self._go.set()
            elif self._leave is None:
                os._exit(0)  # it has taken in nobody yet, and an index that is being made goes on from where it was
            else:
                self._leave()
            if not order:
                return

    def say_ready(self) -> None:
        """Returns when all others are ready too."""
        try:
            self._line.send(READY)
        except OSError:
            os._exit(BAD_INPUT)  # nobody is there to be answered for
        self._go.wait()

    def obeyed_by(self, leave: Callable[[], None]) -> None:
        self._leave = leave
