"""What the WSGI server lacks against those who are slow, and for a stop that loses nothing.

waitress reads whole requests and buffers whole answers, so a slow peer holds no thread. It does not say for how long: a byte
now and then keeps a connection for ever, and so does an answer that nobody reads. Here a request has to be whole within
`AGE`, an answer has to move within `STALL`, and a connection without a request goes after `IDLE`. All by the monotonic clock.
"""

from __future__ import annotations

import ctypes
import selectors
import socket
import struct
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask, ThreadedTaskDispatcher, WSGITask

from service.http.framing import StrictParser
from service.http.guards import CLOSED
from service.types import Problem

AGE = IDLE = 30.0
STALL = 20.0
"""Seconds."""
DRAIN = 30.0
"""Seconds that answers in flight get after the signal to stop."""
_GRACE, _GRACE_NEW = 1.0, 3.0
"""Seconds that an open connection gets then to send what is on its way, and one that has not sent anything yet."""
_LINGER = 2.0
"""Seconds that a refused sender may go on, so that it can read why."""
_AHEAD = 32
"""Requests that a connection may send before it has read the answer to the first. Each is kept in memory."""
_PROBES = ("/healthz", "/livez")
"""Answered by a thread of their own: whoever looks after the service has to hear from it when all others are at work."""
_UNREAD = 1 << 17
"""Bytes of an answer that the system holds for its reader; it would go up to megabytes for each connection."""
_RESET = struct.pack("ii", 1, 0)
"""Of SO_LINGER: closing throws away what was not sent."""
_SO_ATTACH_FILTER = 26
_BPF_RETURN_0 = struct.pack("HBBI", 6, 0, 0, 0)
_LOOK = 0.5
_CLOSING = ("400", "408", "413", "421", "431", "501")
"""Statuses after which the connection is closed: what comes next on it is anyone's guess."""

_TITLES = {400: "Bad request", 413: "Too large", 431: "Header too large", 501: "Not implemented"}
_DETAILS = {
    413: "At most 64 kB can be sent.",
    431: "The request's header is too large.",
    501: "The body comes in a coding that is not known here; send it as it is, or chunked.",
}


def problem_headers(body: bytes) -> list[tuple[str, str]]:
    """For an answer that the application has no part in."""
    return [*CLOSED.items(), ("Content-Type", "application/problem+json"), ("Content-Length", str(len(body)))]


class _Refusal(ErrorTask):  # type: ignore[misc]
    """Answers a request that could not be read, as all errors are answered."""

    def execute(self) -> None:
        error = self.request.error
        detail = _DETAILS.get(error.code) or f"The request is malformed: {error.body}"
        body = msgspec.json.encode(Problem(_TITLES.get(error.code, error.reason), error.code, detail))
        self.status = f"{error.code} {error.reason}"
        self.response_headers.extend(problem_headers(body))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.channel.refused = True
        self.channel.server.refused("malformed")
        self.write(body)


class _Answer(WSGITask):  # type: ignore[misc]
    def build_response_header(self) -> bytes:
        if self.channel.server.leaving or self.status.startswith(_CLOSING):
            self.set_close_on_finish()
        header: bytes = super().build_response_header()
        return header


class Channel(HTTPChannel):  # type: ignore[misc]
    """One connection. moved: when bytes last went either way. refused: its request could not be read. new: it has not sent
    anything yet.
    """

    parser_class = StrictParser
    task_class = _Answer
    error_task_class = _Refusal

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.moved = self.began = time.monotonic()
        self.refused = False
        self.new = True
        self.lingers_until = 0.0
        super().__init__(*arguments, **options)

    def received(self, data: bytes) -> bool:
        self.moved = time.monotonic()
        self.new = False
        if self.request is None:
            self.began = self.moved
        before = self.request
        taken: bool = super().received(data)
        if len(self.requests) > _AHEAD:
            self.server.refused("ahead")
            self.handle_close()
        if self.request is not None and self.request is not before:
            self.began = self.moved  # the last of several requests that came at once
        return taken

    def send(self, data: bytes, do_close: bool = True) -> int:
        sent: int = super().send(data, do_close)
        if sent:
            self.moved = time.monotonic()
        return sent

    def service(self) -> None:
        super().service()
        self.moved = time.monotonic()

    def readable(self) -> bool:
        return bool(self.lingers_until or super().readable())

    def writable(self) -> bool:
        return bool(not self.lingers_until and super().writable())

    def handle_read(self) -> None:
        if not self.lingers_until:
            super().handle_read()
            return
        with suppress(OSError):
            self.recv(1 << 16)  # closes at its end

    def handle_write(self) -> None:
        """A refused sender may still be sending. Closed now, it would see the connection reset instead of the reason."""
        if self.refused and self.close_when_flushed and not self.will_close:
            self._flush_exception(self._flush_some)
            if self.connected and not self.total_outbufs_len and not self.will_close:
                self.lingers_until = time.monotonic() + _LINGER
                with suppress(OSError):
                    self.socket.shutdown(socket.SHUT_WR)
                return
        super().handle_write()

    def overdue(self, now: float) -> str:
        """Why this connection has to go, or ""."""
        if self.lingers_until:
            return "lingers" if now > self.lingers_until else ""
        if self.total_outbufs_len:
            return "unread" if now - self.moved > STALL else ""
        if self.request is not None:
            return "slow" if now - self.began > AGE else ""
        if not self.requests and now - self.moved > STALL and _unsent(self.socket):
            return "unread"
        return "idle" if not self.requests and now - self.moved > IDLE else ""

    def rests(self, now: float, since: float) -> bool:
        """Whether nothing is under way here, after the grace that began at `since`."""
        busy = self.requests or self.total_outbufs_len or self.request is not None or self.lingers_until
        return not busy and now - max(since, self.moved) > (_GRACE_NEW if self.new else _GRACE)


def _unsent(connection: socket.socket) -> int:
    """Bytes that the system holds for a reader who has not taken them, where it tells (Linux)."""
    if sys.platform != "linux":
        return 0
    import fcntl
    import termios

    with suppress(OSError):
        return int(struct.unpack("i", fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4)))[0])
    return 0


_TOO_SLOW = msgspec.json.encode(Problem("Too slow", 408, f"The request was not whole after {AGE:.0f} seconds."))


def _say_too_slow(channel: Channel) -> None:
    lines = ["HTTP/1.1 408 Request Timeout", "Connection: close", *map(": ".join, problem_headers(_TOO_SLOW))]
    with suppress(OSError):
        channel.socket.send("\r\n".join([*lines, "", ""]).encode() + _TOO_SLOW)


def hear_nobody(listener: socket.socket) -> None:
    """No connection is made any more, those that wait to be taken in stay: a filter that keeps no byte of any packet (socket
    filters, of Linux). Callers try again by themselves, and are refused once the listener is closed.
    """
    if sys.platform != "linux":
        return
    keeps_nothing = ctypes.create_string_buffer(_BPF_RETURN_0)
    with suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", 1, ctypes.addressof(keeps_nothing)))


class Server(TcpWSGIServer):  # type: ignore[misc]
    """waitress with these connections. `refused` is told of what the application does not see. alone: whether no other process
    listens on the same socket.
    """

    channel_class = Channel

    def __init__(self, *arguments: Any, refused: Callable[[str], None], alone: bool = True, **options: Any) -> None:
        self.refused = refused
        self._alone = alone
        self.leaving = False
        self._cut = False
        self._held: set[Channel] = set()
        self._probes = ThreadedTaskDispatcher()
        self._probes.set_thread_count(1)
        super().__init__(*arguments, **options)

    def add_task(self, channel: Channel) -> None:
        """The next request of a connection is worked on when the answer before has been taken: nobody who does not read can
        heap up answers here.
        """
        if channel.total_outbufs_len:
            self._held.add(channel)
        elif getattr(channel.requests[0], "path", "") in _PROBES:
            self._probes.add_task(channel)
        else:
            super().add_task(channel)

    def _go_on(self) -> None:
        for channel in list(self._held):
            if not channel.connected or not channel.total_outbufs_len:
                self._held.discard(channel)
                if channel.connected and channel.requests:
                    self.add_task(channel)

    def set_socket_options(self, conn: socket.socket) -> None:
        super().set_socket_options(conn)
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _UNREAD)

    def maintenance(self, now: float) -> None:
        """Nothing: `run` looks after the connections itself, by a clock that nobody sets."""

    def leave(self) -> None:
        """Ends `run` when the answers in flight are out; called again, at once. May be called by a signal."""
        self._cut = self.leaving
        self.leaving = True
        self.pull_trigger()

    def run(self) -> bool:
        """Answers requests until `leave` is called. Answers whether all that were in flight are out."""
        looked = 0.0
        while not self.leaving:
            self._turn(_LOOK)
            now = time.monotonic()
            if now - looked > _LOOK:
                looked = now
                self._close_overdue(now)
        return self._drain()

    def _turn(self, timeout: float) -> None:
        wasyncore.loop(timeout, use_poll=self.adj.asyncore_use_poll, map=self._map, count=1)
        self._go_on()

    def _close_overdue(self, now: float) -> None:
        for channel in list(self.active_channels.values()):
            reason = channel.overdue(now)
            if reason == "slow":
                _say_too_slow(channel)
            if reason in ("slow", "unread"):
                self.refused(reason)
            if reason == "unread":  # or the system would go on offering what it holds
                channel.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            if reason:
                channel.handle_close()

    def _drain(self) -> bool:
        self._stop_listening()
        since = time.monotonic()
        while not self._cut and (channels := list(self.active_channels.values())):
            now = time.monotonic()
            if now - since > DRAIN:
                break
            self._close_overdue(now)
            for channel in channels:
                if channel.connected and channel.rests(now, since):
                    channel.handle_close()
            self._turn(0.05)
        done = not any(channel.requests or channel.total_outbufs_len for channel in self.active_channels.values())
        for channel in list(self.active_channels.values()):
            channel.handle_close()
        for threads in (self._probes, self.task_dispatcher):
            threads.shutdown(timeout=0 if self._cut else 1)
        return done

    def _stop_listening(self) -> None:
        """Takes in who is connected already, then closes the door. Nobody may come in between: the system would reset them.
        Where others listen at the same door, they take in who comes; whoever ends them all has seen to it before.
        """
        if self._alone:
            hear_nobody(self.socket)
        with selectors.DefaultSelector() as waiting:
            waiting.register(self.socket, selectors.EVENT_READ)
            for _ in range(self.adj.backlog):
                if not waiting.select(0):
                    break
                self.handle_accept()
        wasyncore.dispatcher.close(self)
