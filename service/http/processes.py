"""Several processes that answer on one port, and the one that looks after them.

    trellis serve --processes 4         a parent, which holds the port, counts for the limits and answers nobody,
                                        and four children, which take callers from the port by turns

All of them inherit one listening socket, so callers wait in one queue: whoever is free takes the next, and when one dies those
that wait are taken by the others. With a socket for each (SO_REUSEPORT) the system would deal callers out by their address,
and those of a dead process would be reset. Children are started anew instead of forked, because the model's threads do not live
through a fork. The first child indexes and follows the notes; the others take up what it has made. Children hear of nothing but
the parent, by a pipe: a signal that reaches the whole group (Ctrl-C, systemd) must not close the door twice.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from indexer.machine import usable_cores
from service import logs
from service.config import Config
from service.http.beside import count_for
from service.http.channels import DRAIN, hear_nobody
from service.http.door import CUT_SHORT
from service.http.process import GO, LEAVE, Place, answer, answer_alone
from service.limits import Limiter
from service.metrics import forget_process, tell_processes
from service.presence import Presence
from service.serving import Flags

serve_alone = answer_alone
_log = logging.getLogger("trellis.processes")
_FIRST_PAUSE, _LAST_PAUSE = 1.0, 60.0
"""Seconds before a child that ended is started again: first, and in the end, with doubling between."""
_STEADY = 60.0
"""Seconds after which a child counts as well."""
_BEYOND_DRAIN = 5.0


def count_of(config: Config) -> int:
    """How many processes the settings ask for."""
    return usable_cores() if config.processes == "auto" else config.processes


def supervise(
    config: Config, bound: socket.socket, ready: Callable[[], None], count: int, presence: Presence | None = None
) -> int:
    """Runs `count` children until SIGTERM or Ctrl-C; calls `ready` when all of them can answer. The exit status: that of a
    child that could not start, 0, or CUT_SHORT.
    """
    log = logs.start(config)
    figures = Path(tempfile.mkdtemp(prefix="trellis-"))
    try:
        with _signals() as told:
            behind: Any = multiprocessing.RawArray("b", len(config.all_collections()))
            supervisor = _Supervisor(config, bound, figures, count, told, presence, behind)
            try:
                return supervisor.run(ready)
            finally:
                supervisor.kill()
    finally:
        log.close()
        shutil.rmtree(figures, ignore_errors=True)


@contextmanager
def _signals() -> Iterator[Connection]:
    """Something to wait for, on which each signal to stop can be read."""
    read, write = multiprocessing.Pipe(duplex=False)
    os.set_blocking(write.fileno(), False)

    def tell(*_: object) -> None:
        with contextlib.suppress(OSError):
            write.send_bytes(b"")

    before = [(number, signal.signal(number, tell)) for number in (signal.SIGTERM, signal.SIGINT)]
    try:
        yield read
    finally:
        for number, handler in before:
            signal.signal(number, handler)


@dataclass(slots=True, eq=False)
class _Child:
    """One process. orders: what it is told, and that it is ready. counts: what it wants to have counted."""

    number: int
    process: SpawnProcess
    orders: Connection
    counts: Connection
    started: float = field(default_factory=time.monotonic)
    ready: bool = False

    def tell(self, order: str) -> None:
        with contextlib.suppress(OSError):  # it has just ended
            self.orders.send(order)


@dataclass(slots=True)
class _Supervisor:
    config: Config
    bound: socket.socket
    figures: Path
    count: int
    signals: Connection
    presence: Presence | None
    behind: Flags
    children: dict[int, _Child] = field(default_factory=dict)
    pauses: dict[int, float] = field(default_factory=dict)
    due: dict[int, float] = field(default_factory=dict)
    limiter: Limiter = field(default_factory=Limiter)
    stops: int = 0
    status: int = 0
    serving: bool = False

    def run(self, ready: Callable[[], None]) -> int:
        for numbers in ([1], range(2, self.count + 1)):  # the others need the index that the first one makes
            for number in numbers:
                self._start(number)
            while not self.stops and not self.status and not all(child.ready for child in self.children.values()):
                self._turn()
        if not self.stops and not self.status:
            self.serving = True
            for child in self.children.values():
                child.tell(GO)
            ready()
        while not self.stops and not self.status:
            self._turn()
        self._stop()
        return self.status

    def _start(self, number: int) -> None:
        context = multiprocessing.get_context("spawn")
        orders, their_orders = context.Pipe()
        counts, their_counts = context.Pipe()
        place = Place(
            number, self.config, self.bound, their_orders, their_counts, self.figures, self.behind, self.presence
        )
        process = context.Process(target=answer, args=(place,), name=f"trellis {number}")
        with _held_back():
            process.start()
        for theirs in (their_orders, their_counts):
            theirs.close()
        self.children[number] = _Child(number, process, orders, counts)
        _log.info("process %d was started", number, extra={"fields": {"pid": process.pid}})
        self._tell_who()

    def _tell_who(self) -> None:
        tell_processes(self.figures, {child.number: child.process.pid or 0 for child in self.children.values()})

    def _turn(self, until: float | None = None) -> None:
        """Waits for whatever happens next, and sees to it."""
        now = time.monotonic()
        moments = [*self.due.values(), *([] if until is None else [until])]
        heard = {each.process.sentinel: each for each in self.children.values()}
        lines = {line: each for each in self.children.values() for line in (each.orders, each.counts)}
        happened = wait([self.signals, *heard, *lines], max(0.0, min(moments) - now) if moments else None)
        for one in happened:
            if one is self.signals:
                self.signals.recv_bytes()
                self.stops += 1
            elif isinstance(one, Connection) and one in lines:
                self._hear(lines[one], one)
        for one in happened:
            if isinstance(one, int) and one in heard:
                self._bury(heard[one])
        for number in [number for number, moment in self.due.items() if moment <= time.monotonic()]:
            del self.due[number]
            self._start(number)

    def _hear(self, child: _Child, line: Connection) -> None:
        try:
            if line is child.counts:
                count_for(line, self.limiter)
                return
            line.recv()  # there is but one thing it says
        except (EOFError, OSError):
            child.process.join(1)  # it has closed its ends, so it has ended or is about to
            return
        child.ready = True
        if self.serving:
            _log.info("process %d answers again", child.number)
            child.tell(GO)

    def _bury(self, child: _Child) -> None:
        """Starts a child again that has ended, later each time. One that cannot even start at first ends the service."""
        child.process.join()
        status = child.process.exitcode or 0
        del self.children[child.number]
        for line in (child.orders, child.counts):
            line.close()
        forget_process(self.figures, child.process.pid or 0)
        self._tell_who()
        if self.stops:
            self.status = self.status or (CUT_SHORT if status else 0)
            return
        if not self.serving:
            self.status = status if status > 0 else CUT_SHORT
            return
        lived = time.monotonic() - child.started
        pause = _FIRST_PAUSE if lived > _STEADY else self.pauses.get(child.number, _FIRST_PAUSE)
        self.pauses[child.number] = min(2 * pause, _LAST_PAUSE)
        self.due[child.number] = time.monotonic() + pause
        _log.error("process %d ended (%s); it is started again in %.0f s", child.number, _how(status), pause)

    def _stop(self) -> None:
        """Closes the door, then has those in it finish. A second signal ends them at once."""
        hear_nobody(self.bound)
        self.bound.close()
        self.due.clear()
        self.stops = max(self.stops, 1)
        told, end = 0, time.monotonic() + DRAIN + _BEYOND_DRAIN
        while self.children and time.monotonic() < end:
            while told < self.stops:
                told += 1
                for child in self.children.values():
                    child.tell(LEAVE)
            self._turn(until=end)
        if self.children:
            self.status = CUT_SHORT

    def kill(self) -> None:
        """Ends at once whoever is still there."""
        for child in self.children.values():
            child.process.kill()


@contextmanager
def _held_back() -> Iterator[None]:
    """No signal reaches a child before it says that it obeys none: what is blocked here is blocked there from its start."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _how(status: int) -> str:
    try:
        return signal.Signals(-status).name if status < 0 else f"status {status}"
    except ValueError:
        return f"signal {-status}"
