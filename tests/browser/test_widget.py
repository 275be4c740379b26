"""The chat widget on pages of other origins, and the page that shows it."""

from __future__ import annotations

import base64
import gzip
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from service.http.widget import widget_script

QUESTION = "how often should I water the tomatoes?"
FACT = "Water them every second morning, never on the leaves"
ABSENT = re.compile("not in the notes", re.IGNORECASE)
LIMIT = 15_000
NAMES = count()


@pytest.fixture
def host(hosts, service):
    """A plain page with the script tag; gives its path."""

    def make(name: str, attributes: str = "", before: str = "", policy: str = "", url: str = service.url) -> str:
        html = (
            "<!doctype html><html lang=en><meta charset=utf-8><title>Host</title>"
            f"<meta name=viewport content='width=device-width, initial-scale=1'>{before}"
            '<main><h1>Host</h1><p><a href="#">A link</a><p><button>A button</button><p><input aria-label=Other></main>'
            f'<script src="{url}widget.js" {attributes}></script>'
        )
        return hosts.add(f"{name}-{next(NAMES)}", html, policy)

    return make


def open_and_ask(page: Page, question: str) -> None:
    page.locator("trellis-chat .opener").click()
    ask(page, question)


def ask(page: Page, question: str) -> None:
    page.keyboard.type(question)
    page.keyboard.press("Enter")


def log(page: Page) -> Locator:
    return page.get_by_role("log")


def box(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Your question")


def answered(page: Page, fact: str = FACT) -> None:
    expect(log(page).locator("blockquote").filter(has_text=fact)).to_be_visible()
    expect(log(page)).to_have_attribute("aria-busy", "false")


# What it shows


def test_an_allowed_page_gets_the_quoted_answer_with_its_trail(page, hosts, host, service, watch):
    page.goto(hosts.listed + host("plain"))
    open_and_ask(page, QUESTION)
    answered(page)
    expect(log(page).locator(".trail").first).to_have_text("Garden › Tomatoes")
    expect(log(page).locator(".cite").first).to_have_text("[1]")
    expect(box(page)).to_have_value("")
    assert watch.origins <= {hosts.listed, service.url.rstrip("/")}
    assert watch.errors == []


def test_what_is_not_in_the_notes_is_said_so_with_the_nearest(page, hosts, host):
    page.goto(hosts.listed + host("plain"))
    open_and_ask(page, "who won the chess world championship in 1972?")
    expect(log(page)).to_contain_text("That is not in the notes.")
    expect(log(page)).to_contain_text("though it is no answer")
    expect(log(page).locator(".cite")).to_have_count(3)


def test_a_follow_up_is_understood_and_says_as_what(page, hosts, host):
    page.goto(hosts.listed + host("plain"))
    open_and_ask(page, "what does the bicycle chain need after riding in the rain?")
    answered(page, "Oil the chain")
    ask(page, "and when must it be replaced?")
    answered(page, "every 3000 km")
    expect(log(page)).to_contain_text("Understood together with: ")


def test_numbers_have_no_gaps_and_each_opens_the_exact_line(page, hosts, host, focused):
    page.goto(hosts.listed + host("plain"))
    open_and_ask(page, QUESTION)
    answered(page)
    numbers = log(page).locator(".cite").all_inner_texts()
    assert numbers == [f"[{n}]" for n in range(1, len(numbers) + 1)]
    link = log(page).locator(".cite").first
    assert re.search(r"/\?note=[0-9a-f]{16}&hash=[0-9a-f]{16}&in=[0-9a-f]{16}&quote=Water", link.get_attribute("href"))
    expect(link).to_have_accessible_name(f"Source 1: Garden › Tomatoes › {FACT}")
    link.focus()
    page.keyboard.press("Enter")
    note = page.get_by_role("region", name="Cited note")
    expect(note).to_contain_text("This note stands as it was quoted.")
    expect(note.locator("mark")).to_have_text(f"Cited: {FACT}")
    expect(note.get_by_role("listitem").filter(has_text="Pinch out the side shoots")).to_be_visible()
    assert focused() == "note"
    page.keyboard.press("Escape")
    expect(note).to_be_hidden()
    assert focused() == "cite"
    expect(page.get_by_role("dialog")).to_be_visible()


def test_a_note_that_was_edited_shows_both_texts(page, hosts, host, service):
    page.goto(hosts.listed + host("plain"))
    open_and_ask(page, QUESTION)
    answered(page)
    state = {
        "state": "edited",
        "message": "This note was edited since it was quoted.",
        "quote": FACT,
        "note": {"id": "0" * 16, "path": ["Garden"], "text": "New", "source": {"file": "home.txt", "line": 3}},
        "excerpt": [{"line": 3, "depth": 0, "text": "Water them in the evening", "hit": True, "marks": []}],
    }
    page.route(
        "**/api/citations?*", lambda route: route.fulfill(json=state, headers={"Access-Control-Allow-Origin": "*"})
    )
    log(page).locator(".cite").first.click()
    note = page.get_by_role("region", name="Cited note")
    expect(note).to_contain_text("edited since it was quoted")
    expect(note.locator("blockquote")).to_have_text(FACT)
    expect(note.locator("mark")).to_contain_text("Water them in the evening")


def test_a_note_that_cannot_be_fetched_can_be_tried_again(page, hosts, host, focused):
    page.goto(hosts.listed + host("plain"))
    open_and_ask(page, QUESTION)
    answered(page)
    page.route("**/api/citations?*", lambda route: route.fulfill(status=500, body="{}"))
    log(page).locator(".cite").first.click()
    note = page.get_by_role("region", name="Cited note")
    page.unroute_all()
    note.get_by_role("button", name="Try again").click()
    expect(note).to_contain_text("stands as it was quoted")
    assert focused() == "note"


def test_a_widget_of_a_publication_reaches_that_and_nothing_else(page, hosts, host, service, watch):
    page.goto(hosts.unlisted + host("published", 'data-under="Garden"', url=f"{service.url}p/bicycle/"))
    open_and_ask(page, QUESTION)
    expect(page.get_by_role("alert")).to_contain_text("Nothing in the notes matches 'under' 'Garden'")
    page.goto(hosts.unlisted + host("published", url=f"{service.url}p/bicycle/"))
    open_and_ask(page, QUESTION)
    expect(log(page)).to_have_attribute("aria-busy", "false")
    expect(log(page).locator(".cite").first).to_be_visible()
    expect(log(page).locator(".answer")).not_to_contain_text(re.compile("second morning|Garden|Tomatoes"))
    ask(page, "when must the chain be replaced?")
    answered(page, "every 3000 km")
    link = log(page).locator(".turn").last.locator(".cite").first
    assert "/p/bicycle/note?note=" in link.get_attribute("href")
    link.click()
    expect(page.get_by_role("region", name="Cited note").locator("mark")).to_be_visible()
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Open it in the notes").click()
    expect(opened.value.get_by_role("status")).to_have_text("This note stands as it was quoted.")
    expect(opened.value.locator("mark")).to_contain_text("3000 km")
    assert watch.errors == []


def test_the_page_of_a_cited_note_has_no_fault(page, hosts, host, service):
    page.goto(hosts.unlisted + host("published", url=f"{service.url}p/bicycle/"))
    open_and_ask(page, "when must the chain be replaced?")
    href = log(page).locator(".cite").first.get_attribute("href")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.goto(href.replace("3000", "5000"))
        assert violations(page) == []


# Remembering


def test_the_conversation_lasts_for_the_tab_and_no_longer(page, hosts, host, browser: Browser):
    path = host("plain")
    page.goto(hosts.listed + path)
    open_and_ask(page, "what does the bicycle chain need after riding in the rain?")
    answered(page, "Oil the chain")
    page.reload()
    expect(page.get_by_role("dialog")).to_be_visible()
    answered(page, "Oil the chain")
    assert page.evaluate("document.activeElement === document.body"), "a page that loads keeps its own focus"
    box(page).focus()
    ask(page, "and when must it be replaced?")
    answered(page, "every 3000 km")
    page.get_by_role("button", name="New conversation").click()
    expect(log(page).locator(".question")).to_have_count(0)
    page.reload()
    expect(log(page).locator(".question")).to_have_count(0)
    other = browser.new_context()
    fresh = other.new_page()
    fresh.goto(hosts.listed + path)
    expect(fresh.get_by_role("dialog")).to_have_count(0)
    other.close()


@pytest.mark.parametrize(
    "kept", ["{", "[]", '{"turns": 3}', '{"turns": [{"question": "x", "pieces": [["token", null]]}]}']
)
def test_what_others_left_in_the_storage_does_no_harm(page, hosts, host, watch, kept):
    path = host("plain")
    page.goto(hosts.listed + path)
    page.evaluate("kept => { for (const key of Object.keys(sessionStorage)) sessionStorage[key] = kept }", kept)
    page.locator("trellis-chat .opener").click()
    page.evaluate("kept => { for (const key of Object.keys(sessionStorage)) sessionStorage[key] = kept }", kept)
    page.reload()
    page.locator("trellis-chat .opener").click()
    ask(page, QUESTION)
    answered(page)
    assert watch.errors == []


def test_nothing_secret_is_in_script_page_or_storage(page, hosts, host):
    page.goto(hosts.listed + host("plain"))
    open_and_ask(page, QUESTION)
    answered(page)
    kept = page.evaluate("JSON.stringify({...sessionStorage, ...localStorage})") + widget_script().decode()
    assert not re.search(r"(?i)bearer|api[_-]?key|secret|password|token=", kept)
    assert page.context.cookies() == []


# When things go wrong


def test_a_page_that_is_not_listed_is_told_so_and_gets_nothing(page, hosts, host):
    page.goto(hosts.unlisted + host("plain"))
    open_and_ask(page, QUESTION)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text(f"do not take questions from {hosts.unlisted}")
    expect(box(page)).to_have_value(QUESTION)
    expect(page.locator("trellis-chat")).not_to_contain_text("second morning")
    expect(log(page)).not_to_contain_text(ABSENT)


class Outage:
    """A server of another origin that fails in one way until told otherwise; it counts the questions that reach it."""

    def __init__(self) -> None:
        self.fail: Callable[[BaseHTTPRequestHandler], None] = lambda request: None
        self.questions = 0
        outage = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.reply("text/javascript", widget_script())

            def do_OPTIONS(self) -> None:
                self.reply("text/plain", b"")

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                outage.questions += 1
                outage.fail(self)

            def reply(self, kind: str, body: bytes, status: int = 200) -> None:
                self.start(kind, status)
                self.wfile.write(body)

            def start(self, kind: str, status: int = 200) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Access-Control-Allow-Origin", "*")
                self.send_header("Access-Control-Allow-Headers", "Content-Type, Accept")
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"


@pytest.fixture
def outage() -> Iterator[Outage]:
    made = Outage()
    yield made
    made.server.shutdown()
    made.server.server_close()
    made.thread.join()


SOURCE = {"n": 1, "id": "0" * 16, "path": ["Garden"], "text": "Soil", "quote": "Soil", "url": "/?note=0"}


def stream(*events: dict[str, object]) -> bytes:
    return b"".join(f"event: {event['event']}\ndata: {json.dumps(event)}\n\n".encode() for event in events)


BEGUN = stream(
    {"event": "sources", "question": QUESTION, "answered": True, "sources": [SOURCE]},
    {"event": "token", "text": "Good soil"},
    {"event": "token", "text": "[1]", "kind": "cite", "n": 1},
)
WHOLE = BEGUN + stream({"event": "done", "mode": "model", "notice": ""})


def works(request) -> None:
    request.reply("text/event-stream", WHOLE)


def status(code: int) -> Callable[..., None]:
    return lambda request: request.reply("application/problem+json", b'{"detail": "secret of the house"}', code)


def refuses(request) -> None:
    request.connection.close()


def hushes(request) -> None:
    time.sleep(12)


def babbles(request) -> None:
    request.reply("text/event-stream", b"event: sources\ndata: {oops\n\n")


def hotel(request) -> None:
    request.reply("text/html", b"<h1>Hotel</h1>")


def breaks_off(request) -> None:
    request.reply("text/event-stream", BEGUN)


OUTAGES = [
    (refuses, "cannot be reached|do not take questions"),
    (status(401), "ask for a key"),
    (status(403), "do not take questions"),
    (status(429), "Too many questions"),
    (status(500), "a problem of their own"),
    (status(503), "busy"),
    (hushes, "within ten seconds"),
    (babbles, "could not be read"),
    (hotel, "could not be read"),
    (breaks_off, "broke off"),
]


@pytest.mark.parametrize(("fail", "words"), OUTAGES, ids=[words for _, words in OUTAGES])
def test_an_outage_has_words_of_its_own_and_can_be_tried_again(page, hosts, host, outage, focused, fail, words):
    outage.fail = fail
    page.goto(hosts.listed + host("outage", url=outage.url))
    open_and_ask(page, QUESTION)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text(re.compile(words), timeout=20_000)
    expect(alert).to_contain_text("Your question is kept")
    expect(alert).not_to_contain_text("secret")
    expect(box(page)).to_have_value(QUESTION)
    expect(page.locator("trellis-chat")).not_to_contain_text(ABSENT)
    assert outage.questions == 1
    if fail is breaks_off:
        expect(log(page)).to_contain_text("Good soil")
        expect(log(page)).to_contain_text("Broken off here.")
    outage.fail = works
    alert.get_by_role("button", name="Try again").click()
    expect(log(page).locator(".answer")).to_contain_text("Good soil")
    expect(log(page).locator(".question")).to_have_count(1)
    expect(alert).to_be_empty()
    assert focused() == "INPUT"
    assert outage.questions == 2


def test_a_killed_service_is_an_outage(page, hosts, host, mortal):
    page.goto(hosts.listed + host("mortal", url=mortal.url))
    mortal.stop()
    open_and_ask(page, QUESTION)
    expect(page.get_by_role("alert")).to_contain_text("cannot be reached")
    expect(log(page)).not_to_contain_text(ABSENT)


def slowly(release: threading.Event) -> Callable[..., None]:
    def reply(request) -> None:
        request.start("text/event-stream")
        request.wfile.write(BEGUN)
        request.wfile.flush()
        release.wait(15)
        request.wfile.write(
            stream({"event": "token", "text": ". " + "And more. " * 200}, {"event": "done", "mode": "model"})
        )

    return reply


def test_stop_ends_an_answer_and_keeps_what_came(page, hosts, host, outage, focused):
    release = threading.Event()
    outage.fail = slowly(release)
    page.goto(hosts.listed + host("outage", url=outage.url))
    open_and_ask(page, QUESTION)
    expect(log(page).locator(".answer")).to_contain_text("Good soil")
    expect(log(page)).to_have_attribute("aria-busy", "true")
    expect(box(page)).to_be_enabled()
    page.get_by_role("button", name="Stop").click()
    expect(log(page)).to_contain_text("Stopped.")
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible()
    expect(page.get_by_role("alert")).to_be_empty()
    assert focused() == "INPUT"
    release.set()
    outage.fail = works
    ask(page, "once more")
    expect(log(page).locator(".answer")).to_have_count(2)


def test_enter_while_an_answer_comes_asks_nothing_twice_and_loses_nothing(page, hosts, host, outage):
    release = threading.Event()
    outage.fail = slowly(release)
    page.goto(hosts.listed + host("outage", url=outage.url))
    open_and_ask(page, QUESTION)
    expect(log(page).locator(".answer")).to_contain_text("Good soil")
    ask(page, "the next question")
    expect(box(page)).to_have_value("the next question")
    release.set()
    expect(log(page)).to_have_attribute("aria-busy", "false")
    expect(log(page)).to_contain_text("And more.")
    assert outage.questions == 1


def test_a_stream_can_be_followed_and_is_told_twice_at_most(page, hosts, host, outage):
    """The question goes to its own top; after that only the reader scrolls. Live regions change at most twice."""
    release = threading.Event()
    outage.fail = works
    page.goto(hosts.listed + host("outage", url=outage.url))
    open_and_ask(page, "first")
    expect(log(page)).to_have_attribute("aria-busy", "false")
    page.evaluate(
        """() => {
            window.spoken = [];
            const root = document.querySelector('trellis-chat').shadowRoot, log = root.querySelector('.log');
            const live = root.querySelector('[role=status]');
            const alert = root.querySelector('[role=alert]');
            for (const region of [live, alert]) new MutationObserver(() => {
                if (region.textContent) spoken.push(region.textContent);
            }).observe(region, { childList: true, characterData: true, subtree: true });
            const done = () => { if (log.ariaBusy === 'false') spoken.push('answer') };
            new MutationObserver(done).observe(log, { attributes: true });
        }"""
    )
    outage.fail = slowly(release)
    ask(page, "second")
    expect(log(page).locator(".answer").last).to_contain_text("Good soil")
    top = log(page).evaluate(
        "e => e.querySelector('.turn:last-child').getBoundingClientRect().y - e.getBoundingClientRect().y"
    )
    assert 0 <= top <= 24
    log(page).evaluate("e => e.scrollTop = 3")
    release.set()
    expect(log(page)).to_contain_text("And more.")
    expect(log(page)).to_have_attribute("aria-busy", "false")
    assert log(page).evaluate("e => e.scrollTop") == 3
    assert page.evaluate("spoken") == ["Answering", "answer"]


def test_numbers_of_a_model_s_answer_are_counted_as_they_come(page, hosts, host, outage):
    sources = [{**SOURCE, "n": n, "text": f"note {n}"} for n in (1, 2, 3)]
    outage.fail = lambda request: request.reply(
        "text/event-stream",
        stream(
            {"event": "sources", "question": QUESTION, "answered": True, "sources": sources},
            {"event": "token", "text": "A."},
            {"event": "token", "text": "[3]", "kind": "cite", "n": 3},
            {"event": "token", "text": " B."},
            {"event": "token", "text": "[1]", "kind": "cite", "n": 1},
            {"event": "token", "text": "[3]", "kind": "cite", "n": 3},
            {"event": "done", "mode": "model", "notice": "One sentence was left out."},
        ),
    )
    page.goto(hosts.listed + host("outage", url=outage.url))
    open_and_ask(page, QUESTION)
    expect(log(page)).to_contain_text("One sentence was left out.")
    assert log(page).locator("p .cite").all_inner_texts() == ["[1]", "[2]", "[1]"]
    assert log(page).locator(".sources li").all_inner_texts() == ["[1] Garden › note 3", "[2] Garden › note 1"]


@pytest.mark.parametrize(
    "url", ["javascript:window.stolen=1", "https://evil.example/", "//evil.example/x", "data:text/html,x"]
)
def test_a_link_that_leads_elsewhere_is_never_shown(page, hosts, host, outage, url):
    source = {**SOURCE, "url": url}
    outage.fail = lambda request: request.reply(
        "text/event-stream",
        stream({"event": "sources", "question": "q", "answered": True, "sources": [source]}, *json.loads("[]"))
        + stream({"event": "token", "text": "[1]", "kind": "cite", "n": 1}, {"event": "done", "mode": "quotes"}),
    )
    page.goto(hosts.listed + host("outage", url=outage.url))
    open_and_ask(page, QUESTION)
    expect(page.get_by_role("alert")).to_contain_text("could not be read")
    assert page.locator("trellis-chat a").count() == 0


# Strict hosts, isolation


def test_it_works_under_the_strictest_host_policy(page, hosts, host, service, watch):
    origin = service.url.rstrip("/")
    policy = (
        f"default-src 'none'; script-src {origin}; style-src {origin}; connect-src {origin}; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    page.goto(hosts.listed + host("strict", policy=policy))
    open_and_ask(page, "parrot notebook browser tricks")
    expect(log(page)).to_contain_text("<script>window.stolen = 1</script>")
    log(page).locator(".cite").first.click()
    expect(page.get_by_role("region", name="Cited note").locator("mark")).to_be_visible()
    assert page.locator("trellis-chat .panel").evaluate("e => getComputedStyle(e).borderRadius") == "16px"
    assert page.evaluate("window.stolen") is None
    assert watch.violations == watch.errors == []


def test_a_broken_policy_would_be_seen(page, hosts, watch):
    page.goto(hosts.listed + hosts.add("broken", "<style>h1 { color: red }</style>", "default-src 'none'"))
    assert [violation.split()[0] for violation in watch.violations] == ["style-src-elem"]


def test_hostile_text_is_shown_as_text(page, hosts, host, watch):
    page.goto(hosts.listed + host("plain"))
    open_and_ask(page, "parrot invoice bell")
    expect(log(page)).to_contain_text("\ufffdgpj.exe\ufffd")
    assert not re.search("[\u202a-\u202e\x07]", log(page).inner_text())
    ask(page, "<img src=x onerror='window.stolen = 1'> javascript parrot link")
    expect(log(page).locator(".question").last).to_contain_text("<img src=x")
    expect(log(page)).to_have_attribute("aria-busy", "false")
    assert page.locator("trellis-chat img, trellis-chat script, trellis-chat a:not(.cite)").count() == 0
    assert page.evaluate("window.stolen") is None
    assert watch.errors == []


def test_page_and_widget_leave_each_other_alone(page, hosts, host):
    probe = (
        "[...document.querySelectorAll('h1, a, main button, main input')].map(e => { const s = getComputedStyle(e);"
        " return [s.font, s.color, s.backgroundColor, s.padding, s.margin] })"
    )
    globals_ = "Object.keys(window).sort()"
    html = hosts.pages[host("plain")][0]
    page.goto(hosts.listed + hosts.add("without", re.sub("<script.*</script>", "", html)))
    before = page.evaluate(probe), page.evaluate(globals_)
    page.goto(hosts.listed + hosts.add("with", html))
    expect(page.locator("trellis-chat .opener")).to_be_visible()
    assert (page.evaluate(probe), page.evaluate(globals_)) == before
    assert page.context.cookies() == []


RESETS = [
    "* { all: unset !important }",
    "html { font-size: 40px } body { zoom: 1; line-height: 3; letter-spacing: 4px; text-transform: uppercase }",
    "*, ::before, ::after { box-sizing: content-box; border: 3px dashed red; margin: 9px; padding: 9px }",
    "button, input, a, p { font: 30px serif !important; color: red !important; background: yellow !important }",
    ":host, trellis-chat { display: none; position: static; color: red; font-size: 40px }",
]


def test_no_reset_of_the_page_changes_a_pixel_of_it(page, hosts, host):
    page.goto(hosts.listed + host("plain"))
    page.add_style_tag(content="main { display: none !important }")  # the corners of the panel let the page through
    open_and_ask(page, QUESTION)
    answered(page)
    page.mouse.move(0, 0)
    panel = page.get_by_role("dialog")
    plain = panel.screenshot(animations="disabled", caret="hide")
    for reset in RESETS:
        tag = page.add_style_tag(content=reset)
        assert differing(page, plain, panel.screenshot(animations="disabled", caret="hide")) == 0, reset
        tag.evaluate("e => e.remove()")


def differing(page: Page, *pictures: bytes) -> int:
    """How many pixels of two pictures differ by more than the smoothing of an edge does when it is drawn anew; -1 for a picture
    of another size.
    """
    return page.evaluate(
        """async (pictures) => {
            const [one, other] = await Promise.all(pictures.map(async (data) => {
                const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${data}`)).blob());
                const canvas = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
                canvas.drawImage(bitmap, 0, 0);
                return canvas.getImageData(0, 0, bitmap.width, bitmap.height);
            }));
            if (one.width !== other.width || one.height !== other.height) return -1;
            return one.data.filter((value, at) => Math.abs(value - other.data[at]) > 40).length;
        }""",
        [base64.b64encode(picture).decode() for picture in pictures],
    )


def test_a_changed_pixel_would_be_seen(page, hosts, host):
    page.goto(hosts.listed + host("plain"))
    page.locator("trellis-chat .opener").click()
    panel = page.get_by_role("dialog")
    before = panel.screenshot(animations="disabled", caret="hide")
    page.add_style_tag(content="trellis-chat { --trellis-color: rgb(150, 0, 0) }")
    assert differing(page, before, panel.screenshot(animations="disabled", caret="hide")) > 0


# Hands, ears and eyes


def test_focus_goes_in_comes_back_and_may_leave(page, hosts, host, focused):
    page.goto(hosts.listed + host("plain"))
    opener = page.locator("trellis-chat .opener")
    expect(opener).to_have_attribute("aria-expanded", "false")
    opener.click()
    expect(opener).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("dialog", name="Ask the notes")).to_be_visible()
    assert focused() == "INPUT"
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert focused() == "opener"
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Close").click()
    assert focused() == "opener"
    page.keyboard.press("Enter")
    outside = [page.keyboard.press("Tab") or page.evaluate("document.activeElement.localName") for _ in range(40)]
    assert set(outside) - {"trellis-chat"}


def test_the_focus_is_never_lost_while_asking(page, hosts, host):
    page.goto(hosts.listed + host("plain"))
    page.locator("trellis-chat .opener").click()
    page.evaluate(
        "window.lost = 0; document.addEventListener('focusout', "
        "() => setTimeout(() => { if (document.activeElement === document.body) lost++ }))"
    )
    ask(page, QUESTION)
    answered(page)
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    assert page.evaluate("[lost, document.activeElement.localName]") == [0, "trellis-chat"]


def test_keys_typed_into_it_do_not_reach_the_pages_shortcuts_and_it_takes_none(page, hosts, host):
    page.goto(hosts.listed + host("plain"))
    for key in ("/", "k", "Control+k", "Escape", "?", "c"):
        page.keyboard.press(key)
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.evaluate("window.heard = []; document.addEventListener('keydown', e => heard.push(e.key))")
    page.locator("trellis-chat .opener").click()
    page.keyboard.type("ab")
    assert page.evaluate("heard") == []


def test_keys_of_an_input_method_do_nothing(page, hosts, host, outage):
    page.goto(hosts.listed + host("outage", url=outage.url))
    page.locator("trellis-chat .opener").click()
    session = page.context.new_cdp_session(page)
    session.send("Input.imeSetComposition", {"text": "にほん", "selectionStart": 3, "selectionEnd": 3})
    for key in ("Enter", "Escape"):
        event = {"type": "rawKeyDown", "key": key, "windowsVirtualKeyCode": 229, "code": key}
        session.send("Input.dispatchKeyEvent", event)
    expect(page.get_by_role("dialog")).to_be_visible()
    assert outage.questions == 0
    session.send("Input.insertText", {"text": "日本"})
    expect(box(page)).to_have_value("日本")


def test_attributes_set_title_greeting_colours_side_theme_and_language(page, hosts, host):
    attributes = (
        'data-title="Ask Ada" data-greeting="Hello there" data-position=left data-theme=dark data-language=de '
        'data-placeholder="Frage" data-accent="rgb(1, 2, 3)" data-background="url(x)"'
    )
    page.goto(hosts.listed + host("attributes", attributes))
    page.get_by_role("button", name="Ask Ada").click()
    dialog = page.get_by_role("dialog", name="Ask Ada")
    expect(dialog).to_contain_text("Hello there")
    expect(page.locator("trellis-chat")).to_have_attribute("lang", "de")
    expect(box(page)).to_have_attribute("placeholder", "Frage")
    place = dialog.bounding_box()
    assert place
    assert place["x"] < 100
    assert dialog.evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(27, 31, 28)"
    send = page.locator("trellis-chat .send")
    assert send.evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(1, 2, 3)"


def test_a_subtree_named_by_the_page_narrows(page, hosts, host):
    page.goto(hosts.listed + host("under", 'data-under="Bicycle > Chain"'))
    open_and_ask(page, QUESTION)
    expect(log(page)).to_have_attribute("aria-busy", "false")
    expect(log(page).locator(".trail").first).to_contain_text("Bicycle")
    expect(log(page)).not_to_contain_text("second morning")


def test_the_page_can_style_its_variables_and_parts(page, hosts, host):
    page.goto(hosts.listed + host("colours"))
    page.add_style_tag(
        content="trellis-chat { --trellis-accent: rgb(1, 2, 3) } trellis-chat::part(input) { letter-spacing: 5px }"
    )
    page.locator("trellis-chat .opener").click()
    assert page.locator("trellis-chat .send").evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(1, 2, 3)"
    assert page.locator("trellis-chat input").evaluate("e => getComputedStyle(e).letterSpacing") == "5px"


def test_two_script_tags_make_one_bubble_and_a_tag_in_the_head_works(page, hosts, host, watch):
    tag = re.search("<script.*</script>", hosts.pages[host("plain")][0]).group()
    page.goto(hosts.listed + host("twice", before=f"<head>{tag}</head><body>"))
    expect(page.locator("trellis-chat")).to_have_count(1)
    expect(page.locator("body > trellis-chat .opener")).to_be_visible()
    assert watch.errors == []


@pytest.mark.parametrize("width", [320, 390])
def test_on_a_phone_it_fills_the_screen_and_nothing_scrolls_sideways(page, hosts, host, width):
    page.set_viewport_size({"width": width, "height": 640})
    page.goto(hosts.listed + host("phone"))
    open_and_ask(page, QUESTION)
    answered(page)
    assert page.get_by_role("dialog").bounding_box() == {"x": 0, "y": 0, "width": width, "height": 640}
    close = page.get_by_role("button", name="Close").bounding_box()
    assert close
    assert min(close["width"], close["height"]) >= 44
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("trellis-chat .log").evaluate("e => e.scrollWidth <= e.clientWidth")
    log(page).locator(".cite").first.click()
    assert page.locator("trellis-chat .note").evaluate("e => e.scrollWidth <= e.clientWidth")


AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def violations(page: Page) -> list[str]:
    found = Axe().run(page, options=AXE).response
    return [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found["violations"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_axe_finds_nothing_in_any_state(browser, hosts, host, outage, scheme, width):
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(hosts.listed + host("axe"))
    states = {"closed": violations(page)}
    page.locator("trellis-chat .opener").click()
    states["empty"] = violations(page)
    ask(page, QUESTION)
    answered(page)
    states["answer"] = violations(page)
    log(page).locator(".cite").first.click()
    expect(page.locator("trellis-chat mark")).to_be_visible()
    states["citation"] = violations(page)
    page.keyboard.press("Escape")
    box(page).focus()
    ask(page, "who won the chess world championship in 1972?")
    expect(log(page)).to_contain_text(ABSENT)
    states["not in the notes"] = violations(page)
    release = threading.Event()
    outage.fail = slowly(release)
    page.goto(hosts.listed + host("axe", url=outage.url))
    open_and_ask(page, QUESTION)
    expect(log(page)).to_contain_text("Good soil")
    states["answering"] = violations(page)
    release.set()
    expect(log(page)).to_have_attribute("aria-busy", "false")
    states["a model's answer"] = violations(page)
    outage.fail = status(500)
    ask(page, "more")
    expect(page.get_by_role("alert")).not_to_be_empty()
    states["error"] = violations(page)
    context.close()
    assert {state: found for state, found in states.items() if found} == {}


def test_forced_colours_keep_edges_and_marks(browser, hosts, host):
    context = browser.new_context(forced_colors="active")
    page = context.new_page()
    page.goto(hosts.listed + host("forced"))
    open_and_ask(page, QUESTION)
    answered(page)
    assert page.locator("trellis-chat .cite").first.evaluate("e => getComputedStyle(e).borderTopWidth") == "1px"
    context.close()


def test_the_demo_page_embeds_it_and_shows_the_line_to_paste(page, service, watch):
    page.goto(service.url + "demo")
    expect(page.locator("pre")).to_contain_text(f'<script src="{service.url}widget.js"')
    open_and_ask(page, QUESTION)
    answered(page)
    assert watch.violations == watch.errors == []


def test_it_is_small():
    assert len(gzip.compress(widget_script(), 9)) <= LIMIT
