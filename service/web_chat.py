"""HTTP for conversations: requests to calls of `service.chat`, its events to server-sent events."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import msgspec
from flask import Flask, Response, request

from service.chat.citations import check_citation
from service.chat.conversation import converse
from service.chat.types import ChatRequest, Event
from service.chat.writer import Writer
from service.config import Config
from service.errors import TooManyStreams
from service.server import THREADS
from service.snapshot import Current
from service.wire import body_of, to_json

STREAMS = THREADS // 2
"""Answers that may be on their way at once. Each holds a thread while a language model writes; the other half goes on
answering questions and health checks.
"""


def add_chat(app: Flask, current: Current, config: Config) -> None:
    streams = threading.BoundedSemaphore(STREAMS)
    writer = Writer.of(config)

    @app.post("/api/chat")
    def chat() -> Response:
        body = body_of(ChatRequest)
        if not streams.acquire(blocking=False):
            raise TooManyStreams(STREAMS)
        try:
            gone = request.environ.get("waitress.client_disconnected", lambda: False)
            events = converse(current.get(), body.messages, body.under, body.file, writer=writer, gone=gone)
            response = Response(_frames(events), mimetype="text/event-stream")
        except BaseException:
            streams.release()
            raise
        response.call_on_close(streams.release)
        response.headers["X-Accel-Buffering"] = "no"  # a proxy in front must not wait for the end
        return response

    @app.get("/api/citations")
    def citations() -> Response:
        note, digest, quote, parent = (request.args.get(name, "") for name in ("note", "hash", "quote", "in"))
        return to_json(check_citation(current.get(), note, digest, quote, parent))


def _frames(events: Iterator[Event]) -> Iterator[bytes]:
    """Events as the browser's EventSource reads them (WHATWG HTML, section 9.2). JSON has no line breaks of its own."""
    for event in events:
        yield b"event: %s\ndata: %s\n\n" % (str(event.__struct_config__.tag).encode(), msgspec.json.encode(event))
