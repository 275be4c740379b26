"""A stand-in for an OpenAI-compatible server: real HTTP, replies made to measure."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Request(BaseHTTPRequestHandler):
    """One request to the stand-in, with what a reply is made of."""

    protocol_version = "HTTP/1.1"
    body: dict[str, Any]

    def do_POST(self) -> None:
        stand_in: StandIn = self.server.stand_in  # type: ignore[attr-defined]
        self.body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        headers = {name.title(): value for name, value in self.headers.items()}
        stand_in.requests.append((self.path, headers, self.body))
        self.close_connection = True
        try:
            stand_in.reply(self)
        except (BrokenPipeError, ConnectionResetError):
            stand_in.left.set()

    def begin(self, content_type: str = "text/event-stream", status: int = 200, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Connection", "close")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def say(self, text: str) -> None:
        self._chunk({"delta": {"role": "assistant", "content": text}, "finish_reason": None})

    def end(self, reason: str = "stop") -> None:
        self._chunk({"delta": {}, "finish_reason": reason})
        self.wfile.write(b"data: [DONE]\n\n")

    def _chunk(self, choice: dict[str, Any]) -> None:
        chunk = {
            "id": "c",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": "m",
            "choices": [{"index": 0} | choice],
        }
        self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.flush()

    @property
    def excerpts(self) -> list[dict[str, Any]]:
        """What it was given to answer from."""
        return json.loads(self.body["messages"][1]["content"].removeprefix("Excerpts: "))

    def excerpt_with(self, words: str) -> int:
        """The number of the first excerpt that holds these words."""
        return next(each["excerpt"] for each in self.excerpts if words in json.dumps(each, ensure_ascii=False))

    def log_message(self, *_arguments: object) -> None:
        pass


class StandIn:
    """`reply` is called for each request; `left` is set when the client has gone away while it replied."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/v1"
        self.requests: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.left = threading.Event()
        self.reply: Callable[[Request], None] = lambda request: request.begin(status=500)


@contextmanager
def stand_in() -> Iterator[StandIn]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Request)
    server.daemon_threads = True
    server.stand_in = made = StandIn(server.server_address[1])  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def saying(*pieces: str, pause: float = 0.0) -> Callable[[Request], None]:
    """A reply of these pieces of text."""

    def reply(request: Request) -> None:
        request.begin()
        for piece in pieces:
            request.say(piece)
            time.sleep(pause)
        request.end()

    return reply
