"""Serving: the socket, the WSGI server, and the thread that follows the notes."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from typing import Any

from flask import Flask
from waitress.server import create_server

from service.errors import PortInUse
from service.http.web import WAITING
from service.http.web_chat import STREAMS

_THREADS = 2 * STREAMS
"""Requests that are worked on at once; half of them may be answers that a language model takes its time for."""


def bind(host: str, port: int) -> socket.socket:
    """A socket that is bound but not listening yet, so that a taken port is known before any long work. Raises PortInUse."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)
    except OSError as error:
        raise PortInUse(host, port, error.strerror or str(error)) from error
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(0)  # a second bind to the same port fails only once somebody listens
    except OSError as error:
        bound.close()
        raise PortInUse(host, port, error.strerror or str(error)) from error
    return bound


def url_of(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def serve(app: Flask, bound: socket.socket, ready: Callable[[], None]) -> None:
    """Answers requests until SIGTERM or Ctrl-C. waitress reads whole requests before a thread sees them, so slow callers
    hold none.
    """
    server: Any = create_server(
        app,
        sockets=[bound],
        threads=_THREADS,
        connection_limit=1000,
        asyncore_use_poll=True,
        channel_timeout=30,
        cleanup_interval=1,
        ident=None,
        max_request_header_size=16384,
        max_request_body_size=1 << 20,
        channel_request_lookahead=1,
    )

    app.config[WAITING] = lambda: len(server.task_dispatcher.queue)

    def stop(_number: int, _frame: object) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    ready()
    try:
        server.run()
    finally:
        server.close()
