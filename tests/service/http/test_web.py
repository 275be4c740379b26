"""The HTTP face: every route, every refusal as a problem document, and who may call at all."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from flask.testing import FlaskClient
from msgspec import structs
from werkzeug.test import TestResponse

from indexer.errors import IndexDamaged
from service import answering
from service.collections import Collections, OpenCollection
from service.config import Config, Publication
from service.http import openapi
from service.http.web import create_app
from service.snapshot import Current
from service.types import QUESTION_LIMIT, Answer, Quotation
from tests.conftest import TINY_MODEL, Workshop

NOTES = """
    Kitchen
      Bread
        bake it at 220 degrees
        the dough rests overnight
      Soup
        lentils, onions and cumin
    Garden
      Beans
        sow them in May
"""
LISTED = "https://notes.example.org"


def client_of(workshop: Workshop, **settings: Any) -> FlaskClient:
    app = create_app(Current(workshop.index, TINY_MODEL, workshop.encoder), Config(**settings))
    return app.test_client()


@pytest.fixture
def kitchen(workshop: Workshop) -> Workshop:
    workshop.write(NOTES)
    workshop.build()
    return workshop


@pytest.fixture
def client(kitchen: Workshop) -> Iterator[FlaskClient]:
    with client_of(kitchen, allowed_origins=[LISTED]) as client:
        yield client


def problem(response: TestResponse, status: int) -> str:
    """Checks that this is a problem document after RFC 9457 and answers its detail."""
    assert response.status_code == status, response.get_data(as_text=True)
    assert response.mimetype == "application/problem+json"
    body = json.loads(response.get_data())
    assert body["status"] == status
    assert body["title"]
    assert body["type"] == "about:blank"
    assert body["detail"].strip()
    assert "Traceback" not in body["detail"]
    return str(body["detail"])


def check_closed(response: TestResponse) -> None:
    """Checks the headers that keep a page closed to others."""
    headers = response.headers
    policy = headers["Content-Security-Policy"]
    for rule in ("default-src 'none'", "script-src 'self'", "base-uri 'none'", "frame-ancestors 'none'"):
        assert rule in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Resource-Policy"] in ("same-origin", "cross-origin")


def ask(client: FlaskClient, body: Any, **options: Any) -> TestResponse:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post("/api/ask", data=data, content_type=options.pop("content_type", "application/json"), **options)


def first_id(client: FlaskClient) -> str:
    return str(ask(client, {"question": "the dough rests overnight"}).get_json()["results"][0]["id"])


# What is answered


def test_ask(client: FlaskClient) -> None:
    response = ask(client, {"question": "the dough rests overnight", "top": 2})
    assert (response.status_code, response.mimetype) == (200, "application/json")
    body = response.get_json()
    assert body["question"] == "the dough rests overnight"
    assert body["answered"] is True
    assert body["results"][0]["text"] == "the dough rests overnight"
    assert body["results"][0]["path"] == ["Kitchen", "Bread"]
    assert body["answer"]["node"] == body["results"][0]["id"]
    assert len(body["results"]) <= 2


def test_ask_within_a_scope(client: FlaskClient) -> None:
    body = ask(client, {"question": "bread", "under": ["Garden", "Beans"], "file": "*.txt"}).get_json()
    assert {result["text"] for result in body["results"]} <= {"Beans", "sow them in May"}


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_json_is_json_however_it_is_declared(client: FlaskClient, content_type: str) -> None:
    assert ask(client, {"question": "bread"}, content_type=content_type).status_code == 200


def test_search(client: FlaskClient) -> None:
    body = client.get("/api/search?q=beans+in+May&top=1").get_json()
    assert body["query"] == "beans in May"
    assert [result["path"][0] for result in body["results"] if result["path"]] in ([], ["Garden"])
    assert "answered" not in body


@pytest.mark.parametrize("under", ["under=Kitchen+%3E+Bread", "under=Kitchen&under=Bread", "under=kitchen%3Ebread"])
def test_search_within_a_scope(client: FlaskClient, under: str) -> None:
    body = client.get(f"/api/search?q=lentils&{under}&file=notes.txt").get_json()
    inside = {"Bread", "bake it at 220 degrees", "the dough rests overnight"}
    assert {result["text"] for result in body["results"]} <= inside


def test_node_and_related(client: FlaskClient) -> None:
    node_id = first_id(client)
    node = client.get(f"/api/nodes/{node_id}").get_json()
    assert (node["id"], node["text"], node["parent"]["text"]) == (node_id, "the dough rests overnight", "Bread")
    related = client.get(f"/api/nodes/{node_id}/related?top=2").get_json()
    assert related["node"] == node_id
    assert 1 <= len(related["results"]) <= 2
    assert node_id not in [found["id"] for found in related["results"]]


def test_healthz(client: FlaskClient) -> None:
    body = client.get("/healthz").get_json()
    assert body == {"status": "ok", "nodes": 9, "generation": body["generation"], "model": "tiny", "pending": 0}
    assert body["generation"] == ask(client, {"question": "bread"}).get_json()["generation"]


PAGES = [
    ("/", "text/html"),
    ("/demo", "text/html"),
    ("/widget.js", "text/javascript"),
    ("/static/app.js", "text/javascript"),
]


@pytest.mark.parametrize(("path", "kind"), PAGES)
def test_pages(client: FlaskClient, path: str, kind: str) -> None:
    response = client.get(path, buffered=True)
    assert (response.status_code, response.mimetype) == (200, kind)
    assert response.get_data().strip()
    check_closed(response)


def test_the_modules_of_the_page_import_each_other_by_relative_addresses(client: FlaskClient) -> None:
    todo, seen = ["./app.js"], set()
    while todo:
        name = todo.pop()
        assert name.startswith("./"), name
        if name in seen:
            continue
        seen.add(name)
        response = client.get("/static/" + name.removeprefix("./"), buffered=True)
        assert (response.status_code, response.mimetype) == (200, "text/javascript")
        todo += re.findall(r"""^import [^;]*?["']([^"']+)["'];""", response.get_data(as_text=True), re.MULTILINE)
    assert seen > {"./app.js", "./api.js"}


def test_the_page_loads_nothing_from_elsewhere_and_holds_no_inline_code(client: FlaskClient) -> None:
    for path in ("/", "/demo"):
        page = client.get(path).get_data(as_text=True)
        assert re.findall(r"""<[^>]*\s(?:src|href)=["']?(?:https?:)?//""", page) == []
        assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>|<style|\sstyle=|\son\w+=", page) == []


HOSTILE = """
    Tricks & <i>traps</i>
      the </noscript><script>window.stolen = 1</script> parrot \u202egpj.exe
"""


def test_the_page_holds_the_answer_for_browsers_without_scripts(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop.write(HOSTILE)
    workshop.build()
    judge = answering.ask

    def ask_surely(*arguments: Any, **options: Any) -> Answer:  # the tiny encoder is sure of little
        answer = judge(*arguments, **options)
        best = answer.results[0]
        return structs.replace(answer, answered=True, answer=Quotation(best.text, best.id))

    monkeypatch.setattr(answering, "ask", ask_surely)
    response = client_of(workshop).get("/", query_string={"q": "window stolen parrot"})
    page = response.get_data(as_text=True)
    assert (response.status_code, response.mimetype) == (200, "text/html")
    assert response.headers["Cache-Control"] == "no-store"
    check_closed(response)
    text = "the &lt;/noscript&gt;&lt;script&gt;window.stolen = 1&lt;/script&gt; parrot \ufffdgpj.exe"
    assert f"<blockquote><p><bdi>{text}</bdi></p></blockquote>" in page
    assert "<bdi>Tricks &amp; &lt;i&gt;traps&lt;/i&gt;</bdi>" in page
    assert '<code class="place"><bdi>notes.txt</bdi>:2</code>' in page
    noscript = page.rpartition("<noscript>")[2].partition("</noscript>")[0]
    assert text in noscript
    assert "<mark>parrot</mark>" in noscript
    assert "\u202e" not in page
    assert page.count("<script") == page.count("</script") == page.count("</noscript") == 2  # the data and its own


def test_a_question_in_the_address_is_kept_escaped(client: FlaskClient) -> None:
    page = client.get("/", query_string={"q": '"><script>bread</script>'}).get_data(as_text=True)
    assert 'value="&#34;&gt;&lt;script&gt;bread&lt;/script&gt;"' in page
    assert page.count("<script") == 2
    assert "<script>" not in page


@pytest.mark.parametrize("address", ["/", "/?q=", "/?q=+%0A"])
def test_the_page_without_a_question_asks_nothing(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.delattr(answering, "ask")
    page = client.get(address).get_data(as_text=True)
    assert "JavaScript is turned off here" in page
    assert 'id="welcome" aria-labelledby="welcome-title">' in page


@pytest.mark.parametrize("query", ["%00", "%FF", "%ED%A0%80", "%1B%5B31m", "%E2%80%AE", "%3F", "x" * QUESTION_LIMIT])
def test_an_odd_question_in_the_address_is_no_error(client: FlaskClient, query: str) -> None:
    assert client.get(f"/?q={query}").status_code == 200


def sentence(response: TestResponse) -> str:
    """What the page says instead of results to browsers without scripts."""
    assert (response.status_code, response.mimetype) == (200, "text/html")
    check_closed(response)
    found = re.search(r"<noscript>\s*<p class=\"plain\">([^<]+)</p>\s*</noscript>", response.get_data(as_text=True))
    assert found
    return found[1]


def test_a_question_too_long_for_the_page_is_a_plain_sentence(client: FlaskClient) -> None:
    said = sentence(client.get("/?q=" + "x" * 100_000))
    assert said == "The question has 100,000 characters; at most 4,000 can be asked at once."


def test_the_page_comes_even_when_asking_fails(
    client: FlaskClient, kitchen: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With scripts it can then say so itself, and ask again."""
    errors = iter([IndexDamaged(kitchen.index, "nodes.sqlite is gone"), RuntimeError("secret inside")])

    def fail(*_: object, **__: object) -> None:
        raise next(errors)

    monkeypatch.setattr(answering, "ask", fail)
    assert "log says why" in sentence(client.get("/?q=bread"))
    said = sentence(client.get("/?q=bread"))
    assert "secret" not in said
    assert "inside Trellis" in said


def test_head_is_get_without_a_body(client: FlaskClient) -> None:
    response = client.head("/healthz")
    assert (response.status_code, response.get_data()) == (200, b"")


# What is refused

LONG = "x" * (QUESTION_LIMIT + 1)
DEEP = b'{"question": "x", "under": ' + b"[" * 20_000 + b"]" * 20_000 + b"}"

BAD_BODIES: list[tuple[str, Any, int, str]] = [
    ("empty question", {"question": ""}, 400, "empty"),
    ("question of spaces", {"question": " \n\t "}, 400, "empty"),
    ("question over the limit", {"question": LONG}, 400, "4,001"),
    ("question of 100 kB", {"question": "x" * 100_000}, 413, "64 kB"),
    ("top -1", {"question": "x", "top": -1}, 400, "between 1 and 50"),
    ("top 0", {"question": "x", "top": 0}, 400, "between 1 and 50"),
    ("top 51", {"question": "x", "top": 51}, 400, "between 1 and 50"),
    ("top huge", {"question": "x", "top": 10**40}, 400, "between 1 and 50"),
    ("top of 5,000 digits", b'{"question": "x", "top": 1' + b"0" * 5000 + b"}", 400, ""),
    ("top infinite", b'{"question": "x", "top": 1e999}', 400, "top"),
    ("top text", {"question": "x", "top": "x"}, 400, "top"),
    ("top number in text", {"question": "x", "top": "8"}, 400, "top"),
    ("top a fraction", {"question": "x", "top": 1.5}, 400, "top"),
    ("top true", {"question": "x", "top": True}, 400, "top"),
    ("top null", {"question": "x", "top": None}, 400, "top"),
    ("question missing", {}, 400, "question"),
    ("question null", {"question": None}, 400, "question"),
    ("question number", {"question": 5}, 400, "question"),
    ("question list", {"question": ["x"]}, 400, "question"),
    ("under text", {"question": "x", "under": "Kitchen"}, 400, "under"),
    ("under numbers", {"question": "x", "under": [1]}, 400, "under"),
    ("under null", {"question": "x", "under": None}, 400, "under"),
    ("under deep", DEEP, 400, "under"),
    ("under unknown", {"question": "x", "under": ["Nowhere"]}, 400, "Nowhere"),
    ("under with NUL", {"question": "x", "under": ["\0"]}, 400, "under"),
    ("file number", {"question": "x", "file": 5}, 400, "file"),
    ("file unknown", {"question": "x", "file": "*.org"}, 400, "*.org"),
    ("file with NUL", {"question": "x", "file": "\0"}, 400, "file"),
    ("file that is no glob", {"question": "x", "file": "!"}, 400, "file"),
    ("file with a lone backslash", {"question": "x", "file": "a\\"}, 400, "file"),
    ("file with a range that runs backwards", {"question": "x", "file": "[z-a]"}, 400, "file"),
    ("unknown field", {"question": "x", "colour": "blue"}, 400, "colour"),
    ("misspelt field", {"question": "x", "Top": 3}, 400, "Top"),
    ("a list", [], 400, "object"),
    ("a text", "bread", 400, "object"),
    ("null", None, 400, "object"),
    ("nothing", b"", 400, "JSON"),
    ("half", b'{"question": "x"', 400, "JSON"),
    ("two", b'{"question": "x"} {}', 400, "JSON"),
    ("single quotes", b"{'question': 'x'}", 400, "JSON"),
    ("NaN", b'{"question": "x", "top": NaN}', 400, "JSON"),
    ("a form", b"question=bread", 400, "JSON"),
    ("Latin-1", '{"question": "Äpfel"}'.encode("latin-1"), 400, "JSON"),
    ("UTF-16", '{"question": "x"}'.encode("utf-16"), 400, "JSON"),
    ("raw NUL", b'{"question": "a\0b"}', 400, "JSON"),
    ("lone surrogate, escaped", b'{"question": "\\ud800"}', 400, "JSON"),
    ("lone surrogate before text", b'{"question": "\\ud800bread and butter"}', 400, "JSON"),
    ("lone low surrogate", b'{"question": "bread \\udc00 butter"}', 400, "JSON"),
    ("lone surrogate, raw", b'{"question": "\xed\xa0\x80"}', 400, "JSON"),
    ("lone surrogate in under", b'{"question": "x", "under": ["\\udfff"]}', 400, "JSON"),
    ("body over the limit", b" " * 70_000 + b'{"question": "x"}', 413, "64 kB"),
]


@pytest.mark.parametrize(
    ("body", "status", "names"), [bad[1:] for bad in BAD_BODIES], ids=[bad[0] for bad in BAD_BODIES]
)
def test_a_bad_question_is_a_problem_that_says_what_to_change(
    client: FlaskClient, body: Any, status: int, names: str
) -> None:
    response = ask(client, body)
    assert names in problem(response, status)
    check_closed(response)


ODD_BUT_FINE = [
    b'{"question": "bread\\u0000dough"}',
    b'{"question": "\\ud83c\\udf5e bread"}',
    b'{"question": "\\u001b[31mbread"}',
    b'{"question": "\\u202ebread"}',
    b'{"question": "x", "question": "bread"}',
    b'\n\t {"question": "bread"}\n',
    b'{"question": "bread", "under": [], "file": ""}',
    b'{"question": "?"}',
    b'{"question": "' + b"x" * QUESTION_LIMIT + b'"}',
]


@pytest.mark.parametrize("body", ODD_BUT_FINE)
def test_an_odd_question_is_answered(client: FlaskClient, body: bytes) -> None:
    response = ask(client, body)
    assert response.status_code == 200
    assert response.get_json()["question"] == json.loads(body)["question"]


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp", None],
)
def test_a_wrong_content_type_is_refused(client: FlaskClient, content_type: str | None) -> None:
    """A page of another site can send these without a preflight, so they must not count as JSON."""
    response = client.post("/api/ask", data=b'{"question": "bread"}', content_type=content_type)
    assert "application/json" in problem(response, 415)
    check_closed(response)


BAD_ADDRESSES = [
    ("/api/search", 400, "empty"),
    ("/api/search?q=", 400, "empty"),
    ("/api/search?q=%20", 400, "empty"),
    (f"/api/search?q={LONG}", 400, "4,001"),
    ("/api/search?q=x&top=-1", 400, "between 1 and 100"),
    ("/api/search?q=x&top=0", 400, "between 1 and 100"),
    ("/api/search?q=x&top=101", 400, "between 1 and 100"),
    ("/api/search?q=x&top=x", 400, "'top' must be a whole number, not 'x'"),
    ("/api/search?q=x&top=", 400, "whole number"),
    ("/api/search?q=x&top=1.5", 400, "whole number"),
    ("/api/search?q=x&top=1e1", 400, "whole number"),
    ("/api/search?q=x&top=1%00", 400, "whole number"),
    ("/api/search?q=x&top=" + "9" * 5000, 400, "top"),
    ("/api/search?q=x&under=Nowhere", 400, "Nowhere"),
    ("/api/search?q=x&under=Kitchen+%3E+Garden", 400, "Kitchen > Garden"),
    ("/api/search?q=x&file=*.org", 400, "*.org"),
    ("/api/search?q=x&file=!", 400, "file"),
    ("/api/search?q=x&file=%00", 400, "file"),
    ("/api/nodes/0000000000000000", 404, "0000000000000000"),
    ("/api/nodes/x", 404, "no node"),
    ("/api/nodes/%00", 404, "no node"),
    ("/api/nodes/%ED%A0%80", 404, "no node"),
    ("/api/nodes/%FF", 404, "no node"),
    ("/api/nodes/..%2F..%2Fetc%2Fpasswd", 404, ""),
    ("/api/nodes/" + "f" * 5000, 404, "no node"),
    ("/api/nodes/0000000000000000/related", 404, "no node"),
    ("/api/nodes/x/related?top=0", 400, "between 1 and 50"),
    ("/api/nodes/x/related?top=51", 400, "between 1 and 50"),
    ("/api/nodes/x/related?top=x", 400, "whole number"),
    ("/api/nodes/", 404, ""),
    ("/api", 404, ""),
    ("/nowhere", 404, ""),
    ("/static/../web.py", 404, ""),
    ("/static/%2e%2e/web.py", 404, ""),
    ("/static/nothing.js", 404, ""),
    ("/static/", 404, ""),
    ("/%00", 404, ""),
]


@pytest.mark.parametrize(("address", "status", "names"), BAD_ADDRESSES, ids=[bad[0][:60] for bad in BAD_ADDRESSES])
def test_a_bad_address_is_a_problem(client: FlaskClient, address: str, status: int, names: str) -> None:
    response = client.get(address)
    assert names in problem(response, status)
    check_closed(response)


WRONG_METHODS = [
    ("GET", "/api/ask", {"POST", "OPTIONS"}),
    ("PUT", "/api/ask", {"POST", "OPTIONS"}),
    ("DELETE", "/api/nodes/x", {"GET", "HEAD", "OPTIONS"}),
    ("POST", "/api/search", {"GET", "HEAD", "OPTIONS"}),
    ("POST", "/api/nodes/x/related", {"GET", "HEAD", "OPTIONS"}),
    ("PATCH", "/healthz", {"GET", "HEAD", "OPTIONS"}),
    ("POST", "/", {"GET", "HEAD", "OPTIONS"}),
    ("POST", "/widget.js", {"GET", "HEAD", "OPTIONS"}),
]


@pytest.mark.parametrize(("method", "path", "allowed"), WRONG_METHODS)
def test_a_wrong_method_is_told_the_right_ones(client: FlaskClient, method: str, path: str, allowed: set[str]) -> None:
    response = client.open(path, method=method)
    problem(response, 405)
    assert set(response.headers["Allow"].split(", ")) == allowed
    check_closed(response)


def test_an_index_that_went_bad_is_unavailable_not_a_crash(
    client: FlaskClient, kitchen: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise IndexDamaged(kitchen.index, "nodes.sqlite is gone")

    monkeypatch.setattr(answering, "ask", fail)
    detail = problem(ask(client, {"question": "bread"}), 503)
    assert "log" in detail
    assert str(kitchen.index) not in detail


def test_an_unforeseen_error_tells_nothing_of_the_inside(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("secret inside")

    monkeypatch.setattr(answering, "ask", fail)
    response = ask(client, {"question": "bread"})
    assert "secret" not in problem(response, 500)
    check_closed(response)


# Who may call

HOSTS = [
    ("localhost", True),
    ("localhost:8000", True),
    ("LocalHost", True),
    ("127.0.0.1", True),
    ("127.0.0.1:9", True),
    ("[::1]", True),
    ("[::1]:8000", True),
    ("evil.example", False),
    ("evil.example:8000", False),
    ("localhost.evil.example", False),
    ("127.0.0.1.evil.example", False),
    ("evil-localhost", False),
    ("localhost.", True),
    ("localhost.:8000", True),
    ("[0:0:0:0:0:0:0:1]:8000", True),
    ("localhost..", False),
    (".localhost", False),
    ("127.0.0.1.", True),
    ("evil.example.", False),
    ("[127.0.0.1]", False),
    ("[::ffff:127.0.0.1]", False),
    ("[::1%25lo]", False),
    ("localhost,evil.example", False),
    ("evil.example,localhost", False),
    ("localhost, localhost", False),
    ("", False),
    (":8000", False),
    (" ", False),
    ("localhost ", False),
    ("localhost@evil.example", False),
    ("evil.example@localhost", False),
    ("user:pass@localhost", False),
    ("localhost:evil", False),
    ("localhost:99999", False),
    ("localhost/evil", False),
    ("localhost?evil", False),
    ("localhost#evil", False),
    ("localhost\\evil", False),
    ("http://localhost", False),
    ("[::1", False),
    ("[::1]evil.example", False),
    ("evil.example[::1]", False),
    ("::1", False),
    ("127.1", False),
    ("2130706433", False),
    ("0.0.0.0", False),
    ("192.168.0.5", False),
    ("*", False),
    ("localhost\0", False),
    ("ｌocalhost", False),
]


def with_host(client: FlaskClient, host: str) -> TestResponse:
    return client.get("/healthz", environ_overrides={"HTTP_HOST": host})


@pytest.mark.parametrize(("host", "ours"), HOSTS)
def test_only_our_own_host_names_are_answered(client: FlaskClient, host: str, ours: bool) -> None:
    response = with_host(client, host)
    if ours:
        assert response.status_code == 200
    else:
        assert "allowed_hosts" in problem(response, 421)


def test_the_answer_to_a_foreign_host_name_is_closed_too(client: FlaskClient) -> None:
    check_closed(with_host(client, "evil.example"))


def test_a_request_without_a_host_is_refused(client: FlaskClient) -> None:
    """As HTTP/1.0 allows: the variable is then missing altogether."""
    application = client.application.wsgi_app
    seen: list[str] = []
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/healthz", "SERVER_NAME": "localhost", "SERVER_PORT": "80"}
    list(application(environ, lambda status, _headers: seen.append(status)))  # type: ignore[arg-type,func-returns-value]
    assert seen[0].startswith("421")


def test_listed_hosts_are_answered_too(kitchen: Workshop) -> None:
    client = client_of(kitchen, allowed_hosts=["notes.example.org"])
    answered = [
        host
        for host in ("notes.example.org", "NOTES.example.org:80", "localhost")
        if with_host(client, host).status_code == 200
    ]
    assert answered == ["notes.example.org", "NOTES.example.org:80", "localhost"]
    problem(with_host(client, "other.example.org"), 421)


@pytest.mark.parametrize("listening", ["0.0.0.0", "::", ""])
def test_listening_everywhere_answers_to_any_address_but_to_no_other_name(kitchen: Workshop, listening: str) -> None:
    client = client_of(kitchen, host=listening)
    for host in ("192.168.0.5", "192.168.0.5:8000", "[fe80::1]:8000", "localhost"):
        assert with_host(client, host).status_code == 200, host
    for host in ("evil.example", "evil.example,localhost", "", "a@b", "localhost/evil"):
        problem(with_host(client, host), 421)


def test_the_host_is_judged_before_the_request(client: FlaskClient) -> None:
    """A foreign name learns nothing: not even which paths there are."""
    for path in ("/", "/nowhere", "/api/ask", "/widget.js", "/static/app.js"):
        problem(client.get(path, environ_overrides={"HTTP_HOST": "evil.example"}), 421)


REFUSED_ORIGINS = [
    "https://evil.example",
    "null",
    "https://notes.example.org.evil.example",
    "http://notes.example.org",
    "https://notes.example.org:8443",
    "https://notes.example.org/",
    "https://localhost",
    "http://localhost:9",
    "https://notes.example.org, https://evil.example",
    "",
    "*",
]


@pytest.mark.parametrize("origin", REFUSED_ORIGINS)
def test_pages_of_other_origins_are_refused(client: FlaskClient, origin: str) -> None:
    for response in (
        ask(client, {"question": "bread"}, headers={"Origin": origin}),
        client.get("/api/search?q=bread", headers={"Origin": origin}),
        client.options("/api/ask", headers={"Origin": origin, "Access-Control-Request-Method": "POST"}),
    ):
        assert "allowed_origins" in problem(response, 403)
        assert "Access-Control-Allow-Origin" not in response.headers
        check_closed(response)


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://localhost"}])
def test_without_an_origin_or_from_our_own_page_all_is_well(client: FlaskClient, headers: dict[str, str]) -> None:
    response = ask(client, {"question": "bread"}, headers=headers)
    assert response.status_code == 200
    assert "Access-Control-Allow-Origin" not in response.headers
    assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_a_listed_origin_may_ask_and_read_the_answer(client: FlaskClient) -> None:
    response = ask(client, {"question": "bread"}, headers={"Origin": LISTED})
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == LISTED
    assert "Access-Control-Allow-Credentials" not in response.headers
    assert "Origin" in response.headers["Vary"]


def test_a_listed_origin_can_read_why_it_was_refused(client: FlaskClient) -> None:
    response = ask(client, {"question": ""}, headers={"Origin": LISTED})
    problem(response, 400)
    assert response.headers["Access-Control-Allow-Origin"] == LISTED


def test_preflight_of_a_listed_origin(client: FlaskClient) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    response = client.options("/api/ask", headers={"Origin": LISTED, **asked})
    assert response.status_code == 204
    assert response.get_data() == b""
    assert response.headers["Access-Control-Allow-Origin"] == LISTED
    assert "POST" in response.headers["Access-Control-Allow-Methods"]
    assert "content-type" in response.headers["Access-Control-Allow-Headers"].lower()


def test_every_answer_differs_by_origin_for_caches(client: FlaskClient) -> None:
    for path in ("/", "/healthz", "/api/search?q=bread", "/widget.js", "/nowhere"):
        assert "Origin" in client.get(path, buffered=True).headers["Vary"]


def test_the_widget_can_be_loaded_by_any_page(client: FlaskClient) -> None:
    response = client.get("/widget.js", headers={"Origin": "https://evil.example"}, buffered=True)
    assert response.status_code == 200
    assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"


def test_answers_are_not_kept_by_caches(client: FlaskClient) -> None:
    for path in ("/api/search?q=bread", f"/api/nodes/{first_id(client)}", "/api/nodes/x"):
        assert client.get(path).headers["Cache-Control"] == "no-store"


# The description


def described(client: FlaskClient) -> dict[str, Any]:
    document = client.get("/openapi.json").get_json()
    assert isinstance(document, dict)
    return document


def test_the_description_and_the_routes_agree(client: FlaskClient) -> None:
    document = described(client)
    assert document["openapi"].startswith("3.1.")
    assert document["info"]["title"]
    assert document["info"]["version"]
    routes = {
        (re.sub(r"<\w+>", "{id}", rule.rule), method.lower())
        for rule in client.application.url_map.iter_rules()
        for method in rule.methods or ()
        if (rule.rule.startswith("/api/") or rule.rule == "/healthz") and method not in ("HEAD", "OPTIONS")
    }
    listed = {(path, method) for path, operations in document["paths"].items() for method in operations}
    assert routes <= listed
    assert {route for route in listed if route[0].startswith("/api/")} <= routes
    assert ("/healthz", "get") in listed


def walk(value: Any, at: str = "#") -> Iterator[tuple[str, Any]]:
    yield at, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from walk(inner, f"{at}/{key}")


def test_the_description_refers_only_to_what_it_holds(client: FlaskClient) -> None:
    document = described(client)
    schemas = document["components"]["schemas"]
    references = [value["$ref"] for _, value in walk(document) if isinstance(value, dict) and "$ref" in value]
    assert references
    for reference in references:
        assert reference.removeprefix("#/components/schemas/") in schemas
    used = {reference.rpartition("/")[2] for reference in references}
    assert used == set(schemas)


def test_every_operation_describes_its_parameters_answers_and_errors(client: FlaskClient) -> None:
    for path, operations in described(client)["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], path
            in_path = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
            assert in_path == set(re.findall(r"{(\w+)}", path))
            assert all(one["required"] for one in operation["parameters"] if one["in"] == "path")
            assert ("requestBody" in operation) is (method == "post")
            assert "200" in operation["responses"]
            assert "application/problem+json" in operation["responses"]["default"]["content"]


def fits(value: Any, schema: dict[str, Any], schemas: dict[str, Any], at: str = "answer") -> list[str]:
    """Where `value` does not fit the JSON schema, as far as the description uses JSON Schema."""
    if "$ref" in schema:
        return fits(value, schemas[schema["$ref"].rpartition("/")[2]], schemas, at)
    if "anyOf" in schema:
        return [] if any(not fits(value, one, schemas, at) for one in schema["anyOf"]) else [f"{at}: {value!r}"]
    if "enum" in schema or "const" in schema:
        return [] if value in schema.get("enum", [schema.get("const")]) else [f"{at}: {value!r} is none of {schema}"]
    kinds: dict[str, Callable[[Any], bool]] = {
        "object": lambda v: isinstance(v, dict),
        "array": lambda v: isinstance(v, list),
        "string": lambda v: isinstance(v, str),
        "boolean": lambda v: isinstance(v, bool),
        "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
        "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
        "null": lambda v: v is None,
    }
    if not kinds[schema["type"]](value):
        return [f"{at}: {value!r} is no {schema['type']}"]
    wrong = []
    if isinstance(value, dict):
        known = schema["properties"]
        wrong += [f"{at}: {name} is missing" for name in schema.get("required", ()) if name not in value]
        wrong += [f"{at}: {name} is not described" for name in value if name not in known]
        for name in value.keys() & known.keys():
            wrong += fits(value[name], known[name], schemas, f"{at}.{name}")
    if isinstance(value, list):
        each = schema.get("prefixItems") or [schema["items"]] * len(value)
        assert len(each) == len(value)
        for number, (item, one) in enumerate(zip(value, each, strict=True)):
            wrong += fits(item, one, schemas, f"{at}[{number}]")
    return wrong


def test_answers_are_as_described(client: FlaskClient) -> None:
    document = described(client)
    node_id = first_id(client)
    answers = [
        ("/api/ask", "post", ask(client, {"question": "the dough rests overnight"})),
        ("/api/ask", "post", ask(client, {"question": "zzyzx qwxv"})),
        ("/api/search", "get", client.get("/api/search?q=the+dough")),
        ("/api/nodes/{id}", "get", client.get(f"/api/nodes/{node_id}")),
        ("/api/nodes/{id}/related", "get", client.get(f"/api/nodes/{node_id}/related")),
        ("/healthz", "get", client.get("/healthz")),
    ]
    source = chat(client, "the dough rests overnight")[0][1]["sources"][0]
    answers.append(("/api/citations", "get", client.get(f"/api/citations{source['url'].removeprefix('/')}")))
    for path, method, response in answers:
        content = document["paths"][path][method]["responses"]["200"]["content"]
        assert fits(response.get_json(), content[response.mimetype]["schema"], document["components"]["schemas"]) == []
    refused = client.get("/api/nodes/x")
    error = document["paths"]["/api/nodes/{id}"]["get"]["responses"]["default"]["content"][refused.mimetype]["schema"]
    assert fits(json.loads(refused.get_data()), error, document["components"]["schemas"]) == []


def test_answers_say_that_the_index_is_behind_the_notes(kitchen: Workshop) -> None:
    notes = OpenCollection.around(Current(kitchen.index, TINY_MODEL, kitchen.encoder))
    config = Config(index=str(kitchen.index), publications={"all": Publication(file="*")})
    client = create_app(Collections([notes]), config).test_client()
    for behind in (True, False):
        notes.is_behind = partial(bool, behind)
        answers = [client.post("/api/ask", json={"question": "bread"})]
        answers += [client.get(path) for path in ("/api/search?q=bread", "/p/all/api/search?q=bread", "/healthz")]
        assert [answer.get_json().get("behind", False) for answer in answers] == [behind] * 4
        assert client.get("/api/collections").get_json()["collections"][0].get("behind", False) == behind


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_other_sites_load_as_scripts_or_pictures_is_refused(client: FlaskClient, site: str) -> None:
    """Such requests carry no Origin. A link to the page, which another site may well have, is no such request."""
    problem(client.get("/api/search?q=bread", headers={"Sec-Fetch-Site": site}), 403)
    assert client.get("/?note=x", headers={"Sec-Fetch-Site": site}).status_code == 200
    link = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert client.get("/?q=bread", headers=link).status_code == 200
    for kind in ("image", "script", "iframe", "object", "empty"):
        problem(client.get("/?q=bread", headers=link | {"Sec-Fetch-Dest": kind}), 403)
    assert (
        client.get("/?q=bread", headers={"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "empty"}).status_code == 200
    )
    assert client.get("/widget.js", headers={"Sec-Fetch-Site": site}).status_code == 200
    assert client.get("/api/search?q=bread", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200


def test_the_widget_is_not_sent_twice(client: FlaskClient) -> None:
    first = client.get("/widget.js")
    assert first.mimetype == "text/javascript"
    assert client.get("/widget.js", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304


def test_the_events_of_a_conversation_are_as_described(client: FlaskClient) -> None:
    document = described(client)
    event = document["paths"]["/api/chat"]["post"]["responses"]["200"]["content"]["text/event-stream"]["schema"]
    schema = event["properties"]["data"]["contentSchema"]
    for question in ("the dough rests overnight", "zzyzx qwxv"):
        events = chat(client, question)
        assert [name for name, _ in events][:: len(events) - 1] == ["sources", "done"]
        for name, data in events:
            assert data["event"] == name
            assert fits(data, schema, document["components"]["schemas"]) == []


@pytest.mark.parametrize(
    "body",
    [
        b'{"messages": [{"role": "user", "content": "x", "z": %s}]}',
        b'{"messages": [{"role": "user", "content": %s}]}',
        b'{"messages": %s}',
    ],
)
def test_a_conversation_that_is_nested_without_end_is_a_problem(client: FlaskClient, body: bytes) -> None:
    nested = b"[" * 20_000 + b"]" * 20_000
    response = client.post("/api/chat", data=body % nested, content_type="application/json")
    assert problem(response, 400)
    check_closed(response)


def test_a_message_may_have_fields_of_the_client_s_own(client: FlaskClient) -> None:
    schema = described(client)["components"]["schemas"]["ChatMessage"]
    assert schema.get("additionalProperties", True)
    message = {"role": "user", "content": "the dough rests overnight", "at": {"hour": [12]}}
    response = client.post("/api/chat", json={"messages": [message]})
    assert response.status_code == 200
    assert b"the dough rests overnight" in response.get_data()


def chat(client: FlaskClient, question: str) -> list[tuple[str, Any]]:
    response = client.post("/api/chat", json={"messages": [{"role": "user", "content": question}]})
    assert response.mimetype == "text/event-stream"
    check_closed(response)
    blocks = response.get_data(as_text=True).removesuffix("\n\n").split("\n\n")
    found = [re.fullmatch(r"event: (\w+)\ndata: (.*)", block) for block in blocks]
    return [(one[1], json.loads(one[2])) for one in found if one]


def test_the_description_needs_no_index() -> None:
    assert openapi.describe()["paths"]


def test_when_too_many_wait_questions_are_refused_at_once_and_the_rest_goes_on(client: FlaskClient) -> None:
    client.application.config["WAITING"] = lambda: 65
    refused = client.post("/api/ask", json={"question": "bread"})
    assert "Try again" in problem(refused, 503)
    assert refused.headers["Retry-After"] == "1"
    assert client.get("/healthz").status_code == 200
    assert client.get("/").status_code == 200
    client.application.config["WAITING"] = lambda: 64
    assert client.post("/api/ask", json={"question": "bread"}).status_code == 200
