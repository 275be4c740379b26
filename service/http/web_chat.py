"""HTTP for conversations: requests to calls of `service.chat`, its events to server-sent events."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import msgspec
from flask import Blueprint, Flask, Response, request, url_for

from service import asking
from service.chat.conversation import converse
from service.chat.types import ChatRequest, Event, Token
from service.chat.writer import Writer
from service.collections import Notes
from service.errors import TooManyStreams
from service.http.wire import body_of, to_json
from service.search.query_syntax import Filters

STREAMS = 8
"""Answers that a language model may be writing at once. Each holds a thread; the server has as many more,
which go on answering questions and health checks.
"""


class Streams(threading.BoundedSemaphore):
    """Places for answers on their way, one for all routes."""

    def __init__(self) -> None:
        super().__init__(STREAMS)

    def taken(self) -> int:
        return STREAMS - self._value

    def enter(self) -> Callable[[], None]:
        """Takes a place, and answers what gives it back. Raises TooManyStreams."""
        if not self.acquire(blocking=False):
            raise TooManyStreams(STREAMS)
        return self.release


def add_chat(app: Flask | Blueprint, notes: Notes, writer: Writer | None, streams: Streams, page: str) -> None:
    """`page` opens citations; "" is the page of the publication that is asked."""

    @app.post("/api/chat")
    def chat() -> Response:
        body = body_of(ChatRequest)
        leave = streams.enter() if writer else _nothing  # quotations are there at once
        try:
            gone = request.environ.get("waitress.client_disconnected", lambda: False)
            link = page or url_for("published.note", publication=notes.name)  # type: ignore[attr-defined]
            messages, asked = asking.choose_for_talk(notes, body.messages, body.collection)
            events = converse(
                asked, messages, Filters(tuple(body.under), body.file), writer=writer, page=link, gone=gone
            )
            response = Response(_frames(events), mimetype="text/event-stream")
        except BaseException:
            leave()
            raise
        response.call_on_close(leave)
        response.headers["X-Accel-Buffering"] = "no"  # a proxy in front must not wait for the end
        return response

    @app.get("/api/citations")
    def citations() -> Response:
        note, digest, quote, parent = (request.args.get(name, "") for name in ("note", "hash", "quote", "in"))
        return to_json(asking.find_citation(notes, note, digest, quote, parent))


def _nothing() -> None:
    pass


def _frames(events: Iterator[Event]) -> Iterator[bytes]:
    """Events as the browser's EventSource reads them (WHATWG HTML, section 9.2). JSON has no line breaks of its own."""
    for event in events:
        if isinstance(event, Token) and not event.text:
            yield b": still here\n\n"
            continue
        yield b"event: %s\ndata: %s\n\n" % (str(event.__struct_config__.tag).encode(), msgspec.json.encode(event))
