"""An outage never looks like an absence: eight ways to fail, while typing and when asking."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Page, Route, expect

ABSENT = re.compile("not in (this part of )?your notes|nothing you wrote down", re.IGNORECASE)
QUESTION = "how often should I water the tomatoes?"


def status(code: int) -> Callable[[Route], None]:
    return lambda route: route.fulfill(status=code, json={"title": "x", "status": code, "detail": f"Reason {code}."})


OUTAGES: dict[str, tuple[Callable[[Route], None], str]] = {
    "refused": (lambda route: route.abort("connectionrefused"), "Trellis cannot be reached"),
    "403": (status(403), "Trellis does not answer this page"),
    "429": (status(429), "Too many questions at once"),
    "500": (status(500), "Trellis has a problem"),
    "silence": (lambda _route: None, "Trellis is taking too long"),
    "bad JSON": (lambda route: route.fulfill(body='{"results": [', content_type="application/json"), "cannot be read"),
}


@pytest.fixture
def impatient(page: Page, service, watch) -> Page:
    """The page, on which ten seconds pass in one."""
    page.add_init_script(
        "const wait = AbortSignal.timeout; AbortSignal.timeout = (time) => wait.call(AbortSignal, time / 10)"
    )
    page.goto(service.url)
    return page


@pytest.mark.parametrize("outage", OUTAGES)
@pytest.mark.parametrize("typing", [True, False], ids=["typing", "asking"])
def test_an_outage_has_its_own_words_and_nothing_is_lost(impatient, outage, typing):
    act, words = OUTAGES[outage]
    sent: list[str] = []
    path = "**/api/search?*" if typing else "**/api/ask"

    def record(route: Route) -> None:
        sent.append(route.request.url)
        act(route)

    impatient.route(path, record)
    box = impatient.get_by_role("combobox", name="Ask your notes")
    box.fill(QUESTION)
    if not typing:
        impatient.keyboard.press("Enter")
    alert = impatient.get_by_role("alert")
    expect(alert).to_contain_text(words)
    expect(alert).to_contain_text("What you typed is kept")
    expect(box).to_have_value(QUESTION)
    expect(impatient.locator("body")).not_to_contain_text(ABSENT)
    assert len(sent) == 1  # no question is sent twice by itself
    impatient.unroute(path)
    alert.get_by_role("button", name="Try again").click()
    expect(impatient.get_by_role("article").first).to_contain_text("Water them")
    expect(alert).to_be_empty()
    expect(box).to_be_focused()


@pytest.fixture
def breaking(service) -> Iterator[tuple[str, threading.Event]]:
    """The service behind a server that breaks off its answers in the middle as long as the event is set."""
    broken = threading.Event()

    class Front(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.pass_on(None)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.pass_on(body)

        def pass_on(self, body: bytes | None) -> None:
            request = Request(service.url.rstrip("/") + self.path, body, {"Content-Type": "application/json"})
            with urlopen(request) as response:
                data, headers = response.read(), response.headers
            self.send_response(200)
            for name in ("Content-Type", "Content-Security-Policy"):
                self.send_header(name, headers[name])
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2] if broken.is_set() and self.path == "/api/ask" else data)

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Front)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/", broken
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_reply_that_is_cut_off_is_an_outage_too(page, breaking):
    url, broken = breaking
    broken.set()
    page.goto(url)
    page.get_by_role("combobox", name="Ask your notes").fill(QUESTION)
    page.keyboard.press("Enter")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("The reply was cut off")
    expect(page.get_by_role("combobox", name="Ask your notes")).to_have_value(QUESTION)
    expect(page.locator("body")).not_to_contain_text(ABSENT)
    broken.clear()
    alert.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("region", name="Answer")).to_contain_text("Water them")


def test_a_question_in_the_address_that_fails_is_an_outage_and_is_not_asked_twice(page, service):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/api/" in request.url else None)
    page.goto(service.url + "?q=" + "x" * 4001)
    expect(page.get_by_role("alert")).to_contain_text("at most 4,000 can be asked at once")
    expect(page.locator("body")).not_to_contain_text(ABSENT)
    assert asked == []


def test_a_question_in_the_address_is_asked_once(page, service):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/api/" in request.url else None)
    page.goto(service.url + "?q=how+often+is+the+boiler+serviced")
    expect(page.locator(".answer blockquote")).to_contain_text("every October")
    expect(page.locator("#health")).not_to_be_empty()
    assert asked == []
    page.go_forward()
    page.reload()
    expect(page.locator(".answer blockquote")).to_contain_text("every October")
    assert asked == []


def test_a_query_speaks_to_a_screen_reader_at_most_twice(page, service):
    page.goto(service.url)
    page.evaluate("""() => {
        window.spoken = [];
        for (const live of document.querySelectorAll("[role=status], [role=alert], [aria-live]"))
            new MutationObserver(() => live.textContent && spoken.push(live.textContent))
                .observe(live, {childList: true, characterData: true, subtree: true});
    }""")
    page.get_by_role("combobox", name="Ask your notes").press_sequentially("boiler", delay=60)
    expect(page.get_by_role("status")).to_contain_text("Enter asks")
    assert len(page.evaluate("spoken")) <= 2
    page.evaluate("spoken.length = 0")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text(re.compile("Answered|Not in"))
    page.wait_for_timeout(800)
    assert len(page.evaluate("spoken")) <= 2
    assert page.locator("[aria-live] article, [role=status] article, [role=alert] article").count() == 0
