"""/mcp: the Model Context Protocol over streamable HTTP, without sessions.

The SDK's server is asynchronous and this one is not. Each request is handed whole to the SDK's own handler of HTTP requests,
on an event loop in a thread of its own that starts with the first of them, and the answer is handed back whole: the SDK decides
on everything that is of the protocol, and the guards around all routes on everything else. Answers are single JSON documents;
no stream from the server is offered, so GET and DELETE are not allowed, as the protocol has it for servers without sessions.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Collection, MutableMapping
from typing import Any

from flask import Flask, Response, g, request
from werkzeug.exceptions import UnsupportedMediaType

from service.collections import Collections
from service.errors import McpMissing
from service.keys import Scope

_SCOPES = "trellis.scopes"
_KEPT = ("content-type", "allow")
"""Headers of the SDK's answers that are of use; the others are set for all routes."""
_PATIENCE = 120.0
"""Seconds; nothing that a tool does takes so long."""


def add_mcp(app: Flask, notes: Collections) -> None:
    exchanges: list[Exchange] = []
    lock = threading.Lock()

    def exchange() -> Exchange:
        """Made by the first request: loading the SDK takes half a second that most services can do without."""
        with lock:
            if not exchanges:
                exchanges.append(Exchange(notes))
            return exchanges[0]

    @app.post("/mcp")
    def mcp() -> Response:
        if request.mimetype != "application/json":
            raise UnsupportedMediaType("Send one message as JSON, with 'Content-Type: application/json'.")
        headers = [(name.lower(), value) for name, value in request.headers.items()]
        status, given, body = exchange().send(headers, request.get_data(), g.scopes)
        response = Response(body, status)
        for name in _KEPT:
            if name in given:
                response.headers[name] = given[name]
        if not body:
            del response.headers["Content-Type"]
        return response


class Exchange:
    """The SDK's handler, and the loop that it runs on. Raises McpMissing where there is no SDK."""

    def __init__(self, notes: Collections) -> None:
        try:
            from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

            from service.mcp.reader import LocalReader
            from service.mcp.server import make_server
        except ImportError as error:
            raise McpMissing from error
        reader = LocalReader(notes)
        server = make_server(lambda: reader, _scopes_of, private=False)
        # Hosts and origins are the guards' business, which know the settings.
        self._manager = StreamableHTTPSessionManager(server, json_response=True, stateless=True)
        self._loop, ready = asyncio.new_event_loop(), threading.Event()
        threading.Thread(target=self._loop.run_until_complete, args=(self._run(ready),), daemon=True).start()
        ready.wait(_PATIENCE)

    def send(
        self, headers: list[tuple[str, str]], body: bytes, scopes: Collection[Scope]
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the answer to one request."""
        answer = asyncio.run_coroutine_threadsafe(self._handle(headers, body, scopes), self._loop)
        return answer.result(_PATIENCE)

    async def _run(self, ready: threading.Event) -> None:
        async with self._manager.run():
            ready.set()
            await asyncio.Event().wait()

    async def _handle(
        self, headers: list[tuple[str, str]], body: bytes, scopes: Collection[Scope]
    ) -> tuple[int, dict[str, str], bytes]:
        """One exchange as the SDK sees it (ASGI 3.0, HTTP)."""
        status = 500
        given: dict[str, str] = {}
        parts: list[bytes] = []
        waiting = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> MutableMapping[str, Any]:
            if waiting:
                return waiting.pop()
            await asyncio.Event().wait()  # the caller has no more to say, and is not known to have left
            raise AssertionError

        async def send(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                given.update(
                    {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in message["headers"]}
                )
            else:
                parts.append(message.get("body", b""))

        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
            "path": "/mcp", "raw_path": b"/mcp", "root_path": "", "query_string": b"", "headers": raw,
            "client": None, "server": None, _SCOPES: frozenset(scopes),
        }  # fmt: skip
        await self._manager.handle_request(scope, receive, send)
        return status, given, b"".join(parts)


def _scopes_of(context: Any) -> Collection[Scope]:
    """What the key of a request may, as the guards found it. Without a request nobody may anything."""
    scope = getattr(context.request, "scope", {})
    found: Collection[Scope] = scope.get(_SCOPES, frozenset())
    return found
