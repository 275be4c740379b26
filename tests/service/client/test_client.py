"""The typed client against the real service, and against servers that misbehave."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from service import client as api
from service.chat.types import ChatMessage, Done, Sources, Token
from service.client import AsyncTrellis, Retrying, Trellis
from service.errors import InvalidRequest
from service.types import Problem
from tests.aside import run_aside

QUESTION = "How long can a Lambda function run?"
SOON = Retrying(first=0.01, longest=0.02)


@pytest.fixture(scope="module")
def trellis(served: str) -> Iterator[Trellis]:
    with Trellis(served) as made:
        yield made


def test_every_endpoint_answers_with_its_type(trellis: Trellis) -> None:
    answer = trellis.ask(QUESTION, top=3, file="*.txt")
    assert answer.answered
    assert 1 <= len(answer.results) <= 3
    best = answer.results[0]
    assert trellis.search(QUESTION, top=1).results[0].source.file == best.source.file
    node = trellis.node(best.id)
    assert node.text == best.text
    assert trellis.node_at(best.source.file, best.source.line) == node
    assert best.id not in [each.id for each in trellis.related(best.id, top=3).results]
    outline = trellis.outline(best.id, top=5)
    assert len(outline.rows) == 5
    assert outline.cite
    assert "dns.txt" in [choice.value for choice in trellis.filters().file]
    assert trellis.scopes("dns").files[0].file == "dns.txt"
    assert len(trellis.map().x) == trellis.health().nodes
    assert [state.state for state in trellis.collections()] == ["ready"]
    assert trellis.alive().status == "alive"
    assert "trellis_requests_total" in trellis.metrics()
    assert trellis.description()["openapi"] == "3.1.0"


def test_a_citation_is_told_where_it_stands(trellis: Trellis) -> None:
    (sources, *_) = list(trellis.chat(QUESTION))
    assert isinstance(sources, Sources)
    cited = sources.sources[0]
    assert trellis.citation(cited.id, cited.hash, cited.quote).state == "same"


def test_what_narrows_a_search_does_so_over_http(trellis: Trellis) -> None:
    heading = trellis.search("VPC peering", top=1).results[0]
    narrowed = trellis.search("limits", under=heading.path[:1], top=5)
    assert {each.source.file for each in narrowed.results} <= {heading.source.file}
    assert all(each.path[:1] == heading.path[:1] or each.text == heading.path[0] for each in narrowed.results)
    assert trellis.ask("limits", under=heading.path[:1], explain=True).results[0].why


def test_a_conversation_comes_event_by_event(trellis: Trellis) -> None:
    turns = [ChatMessage("user", QUESTION), ChatMessage("assistant", "15 minutes"), ChatMessage("user", "and memory?")]
    first, *tokens, last = trellis.chat(turns)
    assert isinstance(first, Sources)
    assert isinstance(last, Done)
    assert "".join(each.text for each in tokens if isinstance(each, Token)) == last.text


def test_asyncio_has_the_same(served: str) -> None:
    async def talk() -> None:
        async with AsyncTrellis(served) as trellis:
            answers = await asyncio.gather(*(trellis.ask(QUESTION, top=top) for top in range(1, 9)))
            assert [len(answer.results) <= top for top, answer in enumerate(answers, 1)] == [True] * 8
            assert (await trellis.node(answers[0].results[0].id)).text == answers[0].results[0].text
            assert [state.state for state in await trellis.collections()] == ["ready"]
            events = [event async for event in trellis.chat(QUESTION)]
            assert isinstance(events[-1], Done)
            with pytest.raises(api.NotFound):
                await trellis.node("0" * 16)

    run_aside(talk())


@pytest.mark.parametrize(
    ("wrong", "kind", "says"),
    [
        (lambda trellis: trellis.ask(" "), api.BadRequest, "question is empty"),
        (lambda trellis: trellis.ask("x", top=1000), api.BadRequest, "'top' is 1000"),
        (lambda trellis: trellis.search("x", after="soon"), api.BadRequest, "'after' must be a date"),
        (lambda trellis: trellis.node("../../healthz"), api.NotFound, "not found"),
        (lambda trellis: trellis.node_at("limits.txt", 10**9), api.NotFound, "limits.txt"),
        (lambda trellis: trellis.ask("x", collection="nowhere"), api.NotFound, "no collection 'nowhere'"),
        (lambda trellis: list(trellis.chat([])), api.BadRequest, "message"),
    ],
)
def test_refusals_come_as_errors_with_the_reason(
    trellis: Trellis, wrong: Callable[[Trellis], object], kind: type[api.Refused], says: str
) -> None:
    with pytest.raises(kind, match=says.replace("(", r"\(")) as caught:
        wrong(trellis)
    assert caught.value.request_id


@pytest.mark.parametrize("url", ["", "localhost:8000", "ftp://localhost", "http://", "http://localhost/?q=1"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidRequest, match="is not the address of a service"):
        Trellis(url)


# Servers that misbehave

Reply = tuple[int, dict[str, str], bytes]
ALIVE: Reply = (200, {"Content-Type": "application/json"}, b'{"status":"alive"}')


def problem(status: int, **headers: str) -> Reply:
    body = json.dumps({"title": "No", "status": status, "detail": f"because {status}", "type": "about:blank"}).encode()
    return status, {"Content-Type": "application/problem+json"} | headers, body


class Scripted:
    """A server that gives these replies, one after the other, the last one again and again. None hangs up."""

    def __init__(self, *replies: Reply | None) -> None:
        script, self.asked = list(replies), 0
        self.times: list[float] = []
        self.headers: dict[str, str] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                reply = script[min(outer.asked, len(script) - 1)]
                outer.asked += 1
                outer.times.append(time.monotonic())
                outer.headers = dict(self.headers)
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if reply is None:
                    self.close_connection = True
                    return
                status, headers, body = reply
                self.send_response(status)
                for name, value in ({"Content-Length": str(len(body))} | headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def scripted() -> Iterator[Callable[..., Scripted]]:
    made: list[Scripted] = []
    yield lambda *replies: made.append(Scripted(*replies)) or made[-1]  # type: ignore[func-returns-value]
    for each in made:
        each.close()


def both(url: str, do: Callable[[Any], Any], **options: Any) -> Any:
    """What both clients make of it; they have to agree."""

    async def later() -> object:
        async with AsyncTrellis(url, **options) as trellis:
            found: Awaitable[object] = do(trellis)
            return await found

    outcomes: list[Any] = []
    for run in (lambda: do(Trellis(url, **options)), lambda: run_aside(later())):
        try:
            outcomes.append(run())
        except api.ClientError as error:
            outcomes.append((type(error), str(error)))
    assert outcomes[0][0] == outcomes[1][0]  # the reasons of the system are worded in two ways
    return outcomes[0]


@pytest.mark.parametrize(
    ("reply", "kind", "says"),
    [
        ((200, {"Content-Type": "text/html"}, b"<h1>Router</h1>"), api.NotTrellis, "sends text/html"),
        ((200, {"Content-Type": "application/json"}, b"{oops"), api.NotTrellis, "is no JSON"),
        ((200, {"Content-Type": "application/json"}, b'{"hello": 1}'), api.NotUnderstood, "missing required field"),
        ((404, {"Content-Type": "text/html"}, b"Not here"), api.NotTrellis, "answers 404 with text/html"),
        ((302, {"Location": "https://login.example.org/x"}, b""), api.NotTrellis, "sends one on to login.example.org"),
        (problem(401), api.KeyNeeded, "because 401"),
        (problem(403), api.NotAllowed, "because 403"),
        (problem(409), api.Ambiguous, "because 409"),
        (problem(413), api.BadRequest, "because 413"),
        (problem(500), api.Refused, "because 500"),
        (problem(429, **{"Retry-After": "3600"}), api.TooMany, "because 429"),
    ],
)
def test_what_answers_is_told_apart(
    scripted: Callable[..., Scripted], reply: Reply, kind: type[Exception], says: str
) -> None:
    server = scripted(reply)
    found, message = both(server.url, lambda trellis: trellis.health(), retrying=SOON)
    assert found is kind
    assert says in message
    assert server.asked == 2  # once for each client: none of these is worth another try


@pytest.mark.parametrize("first", [problem(503), problem(429), None, (502, {"Content-Type": "text/html"}, b"proxy")])
def test_what_passes_is_tried_again(scripted: Callable[..., Scripted], first: Reply | None) -> None:
    for make in (lambda url: Trellis(url, retrying=SOON).alive(), lambda url: run_aside(_alive(url))):
        server = scripted(first, first, ALIVE)
        assert make(server.url).status == "alive"
        assert server.asked == 3


async def _alive(url: str) -> Any:
    async with AsyncTrellis(url, retrying=SOON) as trellis:
        return await trellis.alive()


def test_it_waits_as_long_as_it_is_asked_to(scripted: Callable[..., Scripted]) -> None:
    server = scripted(problem(503, **{"Retry-After": "1"}), ALIVE)
    Trellis(server.url, retrying=SOON).alive()
    assert server.times[1] - server.times[0] >= 1


def test_it_gives_up(scripted: Callable[..., Scripted]) -> None:
    server = scripted(problem(503))
    with pytest.raises(api.Unavailable):
        Trellis(server.url, retrying=Retrying(times=2, first=0.01)).ask("x")
    assert server.asked == 3


def test_pauses_grow_are_spread_and_bounded() -> None:
    refused = api.Unavailable(Problem("No", 503, "not now"))
    pauses = [[Retrying(times=9).pause(tries, refused) or 0 for _ in range(300)] for tries in (1, 2, 9)]
    assert [max(each) <= most for each, most in zip(pauses, (0.25, 0.5, 8.0), strict=True)] == [True] * 3
    assert max(pauses[2]) > 4
    assert min(pauses[2]) < 4
    assert Retrying(times=2).pause(3, refused) is None
    assert Retrying(patience=5).pause(1, api.Unavailable(Problem("No", 503, "later"), 6)) is None


def test_nobody_there_is_said_so() -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        found, message = both(url, lambda trellis: trellis.alive(), retrying=SOON)
    assert found is api.Unreachable
    assert url in message
    assert "trellis serve" in message


def test_silence_ends() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        found, message = both(url, lambda trellis: trellis.alive(), timeout=0.2)
    assert found is api.TimedOut
    assert "within 0.2 seconds" in message


SOURCES = (
    b'event: sources\ndata: {"event":"sources","question":"q","answered":true,"confidence":1,"sources":[],'
    b'"generation":"g"}\n\n'
)
STREAM = {"Content-Type": "text/event-stream"}


def test_a_stream_that_is_cut_is_no_answer(scripted: Callable[..., Scripted]) -> None:
    line = 'event: token\ndata: {"event":"token","text":"one\u2028two\x85"}\n\n'.encode()
    server = scripted((200, STREAM, SOURCES + b": still here\n\n" + line))
    seen = []
    with pytest.raises(api.StreamBroken):
        seen.extend(event for event in Trellis(server.url).chat("x") if seen.append(event))
    assert isinstance(seen[0], Sources)
    assert isinstance(seen[1], Token)
    assert seen[1].text == "one\u2028two\x85"
    assert server.asked == 1


def test_a_conversation_is_not_asked_twice_once_it_may_have_begun(scripted: Callable[..., Scripted]) -> None:
    server = scripted(None)
    with pytest.raises(api.Unreachable):
        list(Trellis(server.url, retrying=SOON).chat("x"))
    assert server.asked == 1
    busy = scripted(problem(503), problem(503), (200, {"Content-Type": "application/json"}, b"{}"))
    with pytest.raises(api.NotTrellis):
        list(Trellis(busy.url, retrying=SOON).chat("x"))
    assert busy.asked == 3


def test_an_error_inside_a_stream_is_raised(scripted: Callable[..., Scripted]) -> None:
    failed = b'event: error\ndata: {"event":"error","title":"No","status":503,"detail":"the model is away"}\n\n'
    server = scripted((200, STREAM, SOURCES + failed))
    with pytest.raises(api.Unavailable, match="the model is away"):
        list(Trellis(server.url).chat("x"))


def test_the_key_goes_along_and_no_proxy_hears_of_it(
    scripted: Callable[..., Scripted], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, proxy = scripted(ALIVE), scripted(ALIVE)
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("ALL_PROXY", proxy.url)
    Trellis(server.url, key="trellis_a_b").alive()
    assert server.headers["Authorization"] == "Bearer trellis_a_b"
    assert proxy.asked == 0


def test_a_publication_is_a_service_too(scripted: Callable[..., Scripted]) -> None:
    server = scripted(problem(404))
    with pytest.raises(api.NotFound):
        Trellis(f"{server.url}/p/sts/").ask("x")


def test_importing_it_is_light() -> None:
    heavy = ("numpy", "faiss", "flask", "werkzeug", "httpx2", "torch", "sqlite3")
    code = f"import sys, service.client; print([name for name in {heavy} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout == "[]\n"
