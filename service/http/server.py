"""Serving: the WSGI server, and its end."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from contextlib import suppress

from flask import Flask
from waitress.adjustments import Adjustments
from waitress.task import ThreadedTaskDispatcher

from service.http.channels import Server
from service.http.door import CUT_SHORT
from service.http.web import BODY_LIMIT, OPERATIONS, WAITING
from service.http.web_chat import STREAMS

_THREADS = 2 * STREAMS
"""Requests that are worked on at once; half of them may be answers that a language model takes its time for."""
_FILES = 1 << 16
"""Open files that are asked for: each connection is one."""


def serve(app: Flask, bound: socket.socket, ready: Callable[[Callable[[], None]], None], *, alone: bool = True) -> None:
    """Answers requests until SIGTERM or Ctrl-C, then finishes those in flight. A second signal ends it at once. `ready` is
    given what does the same as a signal, which is all that ends it when it is not alone on its socket.

    Raises SystemExit when answers were cut short. waitress reads whole requests before a thread sees them, so slow callers
    hold none; `service.http.channels` adds for how long they may take.
    """
    _allow_many_files()
    server = _server(app, bound, alone)
    app.config[WAITING] = lambda: len(server.task_dispatcher.queue)
    app.config[OPERATIONS].leaving = lambda: server.leaving
    obeyed = (signal.SIGTERM, signal.SIGINT) if alone else ()
    before = [(number, signal.signal(number, lambda *_: server.leave())) for number in obeyed]
    ready(server.leave)
    try:
        done = server.run()
    finally:
        for number, handler in before:
            signal.signal(number, handler)
    if not done:
        raise SystemExit(CUT_SHORT)


def _server(app: Flask, bound: socket.socket, alone: bool) -> Server:
    settings = Adjustments(
        sockets=[bound],
        threads=_THREADS,
        connection_limit=1000,
        asyncore_use_poll=True,
        ident=None,
        max_request_header_size=16384,
        max_request_body_size=BODY_LIMIT + 1,
        inbuf_overflow=BODY_LIMIT + 1,
        channel_request_lookahead=1,  # or `waitress.client_disconnected` would not notice
    )
    dispatcher = ThreadedTaskDispatcher()
    dispatcher.set_thread_count(settings.threads)
    place = (bound.family, bound.type, bound.proto, bound.getsockname())
    return Server(
        app,
        {},
        True,
        bound,
        dispatcher=dispatcher,
        adj=settings,
        sockinfo=place,
        bind_socket=False,
        refused=app.config[OPERATIONS].refused,
        alone=alone,
    )


def _allow_many_files() -> None:
    """Raises the soft limit on open files, which is often 1,024, as far as the system lets us."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
