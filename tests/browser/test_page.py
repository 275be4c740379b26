"""The page at `/`, as a person meets it."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, Page, Route, expect

import service

STATIC = Path(service.__file__).parent / "static"
ABSENT = re.compile("not in your notes", re.IGNORECASE)
QUESTION = "how often should I water the tomatoes?"


@pytest.fixture
def home(page: Page, service, watch) -> Page:
    page.goto(service.url)
    return page


def ask(page: Page, question: str) -> None:
    page.get_by_role("combobox", name="Ask your notes").fill(question)
    page.keyboard.press("Enter")


def answer(page: Page):
    return page.get_by_role("region", name="Answer")


def test_the_answer_is_quoted_with_its_trail_and_place(home, watch):
    ask(home, QUESTION)
    card = answer(home)
    expect(card.locator("blockquote")).to_contain_text("Water them every second morning, never on the leaves")
    expect(card.locator(".trail")).to_have_text("Garden › Tomatoes")
    expect(card.locator(".place")).to_have_text("home.txt:3")
    expect(home.get_by_role("status")).to_contain_text("Answered")
    assert watch.violations == watch.errors == []
    assert len(watch.origins) == 1


def test_a_result_shows_its_outline_with_the_hit_and_the_marks(home):
    ask(home, QUESTION)
    first = home.get_by_role("article").first
    expect(first.get_by_role("heading").get_by_role("link")).to_have_accessible_name(
        re.compile(r"^Garden › Tomatoes\s?: Water them every second")
    )
    hit = first.locator(".hit").first
    expect(hit.locator(".text")).to_have_text("Water them every second morning, never on the leaves")
    expect(hit.locator("mark")).to_have_text("Water")
    expect(hit.locator(".number")).to_have_text("3")
    ask(home, "garden")
    expect(home.get_by_role("article").first.get_by_role("heading")).to_have_text("Garden")
    indents = (
        home.get_by_role("article")
        .first.locator(".body")
        .evaluate_all("all => all.slice(0, 2).map(e => parseFloat(getComputedStyle(e).paddingLeft))")
    )
    assert indents[0] < indents[1]


def test_marks_count_characters_beyond_the_basic_plane_as_one(home):
    ask(home, "harden tomatoes off before planting out")
    line = home.locator(".excerpt .text", has_text="🍅")
    expect(line.locator("mark").first).to_have_text("harden")


def test_what_the_notes_do_not_hold_is_said_so_with_the_nearest_below(home):
    ask(home, "who won the chess world championship in 1972?")
    expect(home.get_by_role("heading", name="This is not in your notes")).to_be_visible()
    expect(home.get_by_role("heading", name="Nearest in your notes, though not an answer")).to_be_visible()
    expect(home.get_by_role("article").first).to_be_visible()
    expect(answer(home)).to_have_count(0)


def test_places_appear_while_typing_and_the_url_follows_in_one_entry(home, service):
    ask(home, QUESTION)
    expect(answer(home)).to_be_visible()
    home.get_by_role("combobox", name="Ask your notes").fill("")
    home.get_by_role("combobox", name="Ask your notes").press_sequentially("boiler", delay=40)
    expect(home.get_by_role("heading", name="Nearest places")).to_be_visible()
    expect(home.get_by_role("article").first).to_contain_text("Lindgren")
    expect(home).to_have_url(service.url + "?q=boiler")
    home.get_by_role("combobox", name="Ask your notes").press_sequentially("s")
    expect(home).to_have_url(service.url + "?q=boilers")
    home.keyboard.press("Enter")
    expect(answer(home).or_(home.locator(".absent"))).to_be_visible()
    home.go_back()
    expect(home.get_by_role("combobox", name="Ask your notes")).not_to_have_value(re.compile("boiler"))


def test_related_notes_open_in_place_with_their_reasons_and_lead_to_the_panel(home):
    ask(home, QUESTION)
    first = home.get_by_role("article").first
    opener = first.get_by_role("button", name="Related notes")
    opener.click()
    expect(opener).to_have_attribute("aria-expanded", "true")
    link = first.locator(".related a").first
    expect(link.locator(".trail")).to_be_visible()
    expect(first.locator(".related .reasons li").first).not_to_be_empty()
    text = link.locator(".title").inner_text()
    link.click()
    expect(home.locator("#panel h2")).to_have_text(text)
    expect(home.locator(".row.here")).to_be_focused()


def test_back_and_forward_walk_over_questions_and_notes(home, service):
    ask(home, QUESTION)
    expect(answer(home)).to_contain_text("Water them")
    ask(home, "how often to replace the bicycle chain?")
    expect(answer(home)).to_contain_text("3000 km")
    link = home.get_by_role("article").first.get_by_role("heading").get_by_role("link")
    link.click()
    expect(home.locator(".row.here")).to_be_visible()
    home.go_back()
    expect(home.locator("#panel")).to_be_hidden()
    expect(answer(home)).to_contain_text("3000 km")
    expect(link).to_be_focused()
    home.go_back()
    expect(answer(home)).to_contain_text("Water them")
    expect(home.get_by_role("combobox", name="Ask your notes")).to_have_value(QUESTION)
    home.go_back()
    expect(home.get_by_role("heading", name="What did you write down?")).to_be_visible()
    home.go_forward()
    expect(answer(home)).to_contain_text("Water them")


def test_back_from_a_note_found_while_typing_returns_to_that_query(home):
    home.get_by_role("combobox", name="Ask your notes").press_sequentially("boiler")
    home.get_by_role("article").first.get_by_role("heading").get_by_role("link").click()
    expect(home.locator(".row.here")).to_be_visible()
    home.go_back()
    expect(home.locator("#panel")).to_be_hidden()
    expect(home.get_by_role("combobox", name="Ask your notes")).to_have_value("boiler")
    expect(home.get_by_role("article").first).to_contain_text("Lindgren")


def test_a_question_in_the_url_is_asked(page, service):
    page.goto(service.url + "?q=how+often+is+the+boiler+serviced")
    expect(page.locator(".answer blockquote")).to_contain_text("every October")


def record(page: Page, selector: str) -> Callable[[], list[str]]:
    """What the first such element said after each change of the page from now on, however short it was there."""
    page.evaluate(
        """selector => {
            window.shown = [];
            new MutationObserver(() => {
                const found = document.querySelector(selector);
                if (found) shown.push(found.textContent);
            }).observe(document.getElementById("stage"), {childList: true});
        }""",
        selector,
    )
    return lambda: page.evaluate("shown")


def test_a_late_reply_for_an_older_query_never_shows(home):
    held: list[Route] = []
    home.route("**/api/search?q=boiler", lambda route: held.append(route))  # noqa: PLW0108, see `Watch.report`
    box = home.get_by_role("combobox", name="Ask your notes")
    with home.expect_request("**/api/search?q=boiler"):
        box.fill("boiler")
    box.fill("compost")
    expect(home.get_by_role("article").first).to_contain_text("heap")
    shown = record(home, ".title")
    held[0].continue_()
    with home.expect_response("**/api/search?q=compost+heap"):  # so that the late reply has had its time
        box.fill("compost heap")
    expect(home.get_by_role("article").first).to_contain_text("heap")
    assert not any("boiler" in title.lower() for title in shown())


def test_a_late_answer_does_not_show_over_newer_typing(home):
    held: list[Route] = []
    home.route("**/api/ask", lambda route: held.append(route))  # noqa: PLW0108, see `Watch.report`
    with home.expect_request("**/api/ask"):
        ask(home, QUESTION)
    home.get_by_role("combobox", name="Ask your notes").fill("chain")
    expect(home.get_by_role("article").first).to_contain_text("chain")
    shown = record(home, ".answer")
    held[0].continue_()
    with home.expect_response("**/api/search?q=chains"):  # so that the late reply has had its time
        home.get_by_role("combobox", name="Ask your notes").fill("chains")
    expect(home.get_by_role("status")).to_contain_text("Enter asks")
    assert shown() == []


def test_everything_can_be_done_by_keyboard(home, focused):
    home.locator("h1 a").focus()
    home.keyboard.press("/")
    assert focused() == "box"
    home.keyboard.type("tyres")
    home.keyboard.type("/")
    expect(home.get_by_role("combobox", name="Ask your notes")).to_have_value("tyres/")
    home.keyboard.press("Backspace")
    home.keyboard.press("Enter")
    links = home.locator("h3 a")
    expect(answer(home).or_(home.locator(".absent"))).to_be_visible()
    home.keyboard.press("ArrowDown")
    expect(links.nth(0)).to_be_focused()
    home.keyboard.press("ArrowDown")
    expect(links.nth(1)).to_be_focused()
    home.keyboard.press("ArrowUp")
    home.keyboard.press("ArrowUp")
    assert focused() == "box"
    home.keyboard.press("ArrowDown")
    home.keyboard.press("Enter")
    expect(home.locator(".row.here")).to_be_focused()
    home.keyboard.press("Escape")
    expect(links.nth(0)).to_be_focused()
    home.keyboard.press("Escape")
    expect(home.get_by_role("combobox", name="Ask your notes")).to_have_value("")
    assert focused() == "box"
    expect(home.get_by_role("heading", name="What did you write down?")).to_be_visible()


def test_keys_of_an_input_method_neither_ask_nor_clear(home):
    asked: list[str] = []
    home.on("request", lambda request: asked.append(request.url) if "/api/" in request.url else None)
    session = home.context.new_cdp_session(home)
    home.get_by_role("combobox", name="Ask your notes").focus()
    session.send("Input.imeSetComposition", {"text": "ねこ", "selectionStart": 2, "selectionEnd": 2})
    for key in ("Enter", "Escape"):
        home.evaluate(
            """key => document.getElementById("box").dispatchEvent(
                new KeyboardEvent("keydown", {key, keyCode: 229, isComposing: true, bubbles: true, cancelable: true}))""",
            key,
        )
    expect(home.get_by_role("combobox", name="Ask your notes")).to_have_value("ねこ")
    assert asked == []
    with home.expect_request("**/api/search?*"):
        session.send("Input.insertText", {"text": "ねこ"})


@pytest.mark.parametrize("width", [320, 390, 1920])
@pytest.mark.parametrize("query", ["", "?q=how+often+to+water+tomatoes", "?q=chess+world+champion"])
def test_nothing_scrolls_sideways(page, service, width, query):
    page.set_viewport_size({"width": width, "height": 640})
    page.goto(service.url + query)
    if query:
        expect(page.get_by_role("article").first).to_be_visible()
        page.get_by_role("button", name="Related notes").first.click()
        expect(page.locator(".related a").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_dark_and_light_differ_and_both_can_be_read(browser: Browser, service):
    contrasts = {}
    for scheme in ("light", "dark"):
        page = browser.new_page(color_scheme=scheme)
        page.goto(service.url + "?q=how+often+to+water+tomatoes")
        expect(page.locator(".answer")).to_be_visible()
        contrasts[scheme] = (
            page.evaluate("getComputedStyle(document.documentElement).backgroundColor"),
            contrast(page),
        )
        page.close()
    assert contrasts["light"][0] != contrasts["dark"][0]
    for _, ratios in contrasts.values():
        assert min(ratios.values()) >= 4.5, ratios


def contrast(page: Page) -> dict[str, float]:
    """Contrast ratio (WCAG 2.2) of each kind of text with the opaque colour behind it."""
    return page.evaluate("""() => {
        const canvas = Object.assign(document.createElement("canvas"), {width: 1, height: 1}).getContext("2d");
        const pixel = (colour) => {
            canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
            return [...canvas.getImageData(0, 0, 1, 1).data];
        };
        const luminance = (colour) => {
            const [r, g, b] = pixel(colour).slice(0, 3).map((c) => c / 255)
                .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const behind = (e) => {
            for (; e; e = e.parentElement) {
                const colour = getComputedStyle(e).backgroundColor;
                if (pixel(colour)[3] === 255) return colour;
            }
        };
        const kinds = ["#status", ".over", ".answer blockquote", ".answer .trail", ".answer .over", ".title", ".result .trail",
            ".body", ".hit .body", ".hit .number", "mark", ".place", ".score", ".quiet", ".ask", "#health",
            ".segment", ".opener", "#narrow"];
        return Object.fromEntries(kinds.flatMap((kind) => [...document.querySelectorAll(kind)].slice(0, 3).map((e, i) => {
            const [a, b] = [luminance(getComputedStyle(e).color), luminance(behind(e))].sort((x, y) => y - x);
            return [kind + i, (a + 0.05) / (b + 0.05)];
        })));
    }""")


@pytest.mark.parametrize("question", ["parrot notebook browser tricks", "parrot link", "parrot invoice bell"])
def test_a_hostile_note_is_only_text(home, watch, question):
    ask(home, question)
    expect(home.get_by_role("article").first).to_contain_text("parrot")
    home.get_by_role("article").first.get_by_role("heading").get_by_role("link").click()
    expect(home.locator(".row.here")).to_contain_text("parrot")
    home.locator("#panel").get_by_role("button", name="Related notes").click()
    expect(home.locator("#panel .related a").first).to_be_visible()
    assert home.evaluate("window.stolen") is None
    assert home.locator("#view script, #view img, #view a[href^='javascript:']").count() == 0
    assert not re.search("[\u202a-\u202e\x07]", home.locator("#view").inner_text())
    assert watch.violations == watch.errors == []


def test_markup_in_a_note_is_shown_as_it_was_written(home):
    ask(home, "parrot notebook")
    expect(home.locator(".hit .text", has_text="notebook").first).to_contain_text("<script>window.stolen = 1</script>")


def test_markup_in_a_question_stays_in_the_box(page, service, watch):
    page.goto(service.url + "?q=%3Cimg%20src%3Dx%20onerror%3D%22window.stolen%3D1%22%3E")
    expect(page.get_by_role("combobox", name="Ask your notes")).to_have_value('<img src=x onerror="window.stolen=1">')
    expect(page.get_by_role("article").first).to_be_visible()
    assert page.evaluate("window.stolen") is None
    assert watch.violations == watch.errors == []


def test_a_stopped_service_is_an_outage_and_not_an_empty_answer(page, mortal):
    page.goto(mortal.url)
    mortal.stop()
    ask(page, QUESTION)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Trellis cannot be reached")
    expect(alert.get_by_role("button", name="Try again")).to_be_visible()
    expect(page.get_by_role("combobox", name="Ask your notes")).to_have_value(QUESTION)
    expect(page.locator("body")).not_to_contain_text(ABSENT)


FAILURES = {
    "problem document": (
        {"status": 503, "json": {"detail": "The index is being rebuilt."}},
        "The index is being rebuilt.",
    ),
    "refusal": ({"status": 400, "json": {"detail": "Ask something shorter."}}, "Ask something shorter."),
    "not JSON": ({"status": 200, "body": "<h1>Welcome to the hotel network</h1>"}, "The reply cannot be read"),
    "another shape": ({"status": 200, "json": {"hello": 1}}, "The reply cannot be read"),
    "error page": ({"status": 502, "body": "Bad gateway"}, "It replied with status 502"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_every_failure_has_its_own_words_and_can_be_tried_again(home, focused, failure):
    reply, words = FAILURES[failure]
    home.route("**/api/ask", lambda route: route.fulfill(**reply), times=1)
    ask(home, QUESTION)
    alert = home.get_by_role("alert")
    expect(alert).to_contain_text(words)
    expect(alert).to_contain_text("What you typed is kept")
    expect(home.locator("body")).not_to_contain_text(ABSENT)
    alert.get_by_role("button", name="Try again").click()
    expect(answer(home)).to_contain_text("Water them")
    expect(alert).to_be_empty()
    assert focused() == "box"


def test_a_failure_of_related_notes_stays_in_its_place(home):
    home.route("**/related?*", lambda route: route.abort(), times=1)
    ask(home, QUESTION)
    first = home.get_by_role("article").first
    first.get_by_role("button", name="Related notes").click()
    expect(first.locator(".related")).to_contain_text("cannot be reached")
    first.get_by_role("button", name="Try again").click()
    expect(first.locator(".related a").first).to_be_visible()
    expect(answer(home)).to_be_visible()


def test_the_page_is_sent_with_a_closed_policy(service):
    with urlopen(Request(service.url)) as response:
        policy = response.headers["Content-Security-Policy"]
        html = response.read().decode()
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"\sstyle=|<style|\son\w+=|<script(?![^>]*\ssrc=)", html)


def test_the_page_is_light():
    others = ("widget.js", "map.js", "chart.js", "map.css", "demo.css", "note.css")
    own = [path for path in STATIC.iterdir() if path.is_file() and path.name not in others]
    assert sum(len(gzip.compress(path.read_bytes(), 9)) for path in own) <= 40_000


def test_focus_is_never_lost(home, focused: Callable[[], str]):
    ask(home, QUESTION)
    home.get_by_role("article").nth(1).get_by_role("heading").get_by_role("link").click()
    expect(home.locator(".row.here")).to_be_focused()
    home.go_back()
    expect(answer(home)).to_be_visible()
    assert focused() != "BODY"
    home.go_back()
    expect(home.get_by_role("heading", name="What did you write down?")).to_be_visible()
    assert focused() != "BODY"


# Without JavaScript


@pytest.fixture
def unscripted(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, java_script_enabled=False)
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()


def test_without_javascript_a_question_is_answered_all_the_same(unscripted, service):
    unscripted.goto(service.url)
    expect(unscripted.get_by_role("heading", name="What did you write down?")).to_be_visible()
    expect(unscripted.locator("noscript p")).to_contain_text("JavaScript is turned off here")
    unscripted.get_by_role("searchbox", name="Ask your notes").fill(QUESTION)
    unscripted.keyboard.press("Enter")
    card = answer(unscripted)
    expect(card.locator("blockquote")).to_have_text("Water them every second morning, never on the leaves")
    expect(card.locator(".trail")).to_have_text("Garden › Tomatoes")
    expect(card.locator(".place")).to_have_text("home.txt:3")
    first = unscripted.get_by_role("article").first
    expect(first.locator(".trail")).to_have_text("Garden › Tomatoes")
    expect(first.locator(".hit .text").first).to_have_text("Water them every second morning, never on the leaves")
    expect(first.locator(".hit mark").first).to_have_text("Water")
    expect(first.locator(".place")).to_have_text("home.txt:3")
    expect(unscripted.get_by_role("searchbox", name="Ask your notes")).to_have_value(QUESTION)
    expect(unscripted.get_by_role("heading", name="What did you write down?")).to_be_hidden()


def test_without_javascript_an_excerpt_is_still_an_outline(unscripted, service):
    unscripted.goto(service.url + "?q=garden")
    texts = unscripted.get_by_role("article").first.locator(".excerpt .text")
    (outer, inner) = (texts.nth(n).bounding_box() for n in (0, 1))
    assert outer["x"] < inner["x"]
    assert outer["y"] < inner["y"]


def test_without_javascript_what_the_notes_do_not_hold_is_said_so(unscripted, service):
    unscripted.goto(service.url + "?q=who+won+the+chess+world+championship+in+1972%3F")
    expect(unscripted.get_by_role("heading", name="This is not in your notes")).to_be_visible()
    expect(unscripted.get_by_role("article").first).to_be_visible()
    expect(answer(unscripted)).to_have_count(0)


@pytest.mark.parametrize(
    "question", ["parrot notebook browser tricks", "parrot link", "parrot invoice bell", "</noscript><img src=x>"]
)
def test_without_javascript_a_hostile_note_or_question_is_only_text(unscripted, service, question):
    paths = []
    unscripted.on("request", lambda request: paths.append(urlsplit(request.url).path))
    unscripted.goto(f"{service.url}?{urlencode({'q': question})}")
    expect(unscripted.get_by_role("searchbox", name="Ask your notes")).to_have_value(question)
    results = unscripted.locator(".results")
    expect(results).to_be_visible()
    if "notebook" in question:
        expect(results.locator(".hit .text").first).to_contain_text("<script>window.stolen = 1</script> <img src=x")
    assert unscripted.locator("main script, main img, main a:not([href^='?'])").count() == 0
    assert not re.search("[\u202a-\u202e\x07]", unscripted.locator("main").inner_text())
    assert set(paths) <= {"/", "/static/app.css", "/static/panel.css"}


def test_what_stands_there_without_javascript_is_not_read_with_it(home, service, watch):
    home.goto(f"{service.url}?{urlencode({'q': 'parrot notebook browser tricks </noscript><b>'})}")
    expect(home.locator("#stage").get_by_role("article").first).to_be_visible()
    assert home.locator("main noscript").evaluate("e => e.childElementCount") == 0
    assert home.locator("main script, main img").count() == 0
    assert home.evaluate("window.stolen") is None
    assert watch.violations == watch.errors == []


def test_without_javascript_nothing_scrolls_sideways(unscripted, service):
    unscripted.set_viewport_size({"width": 320, "height": 640})
    unscripted.goto(service.url + "?q=how+often+to+water+tomatoes")
    expect(unscripted.get_by_role("article").first).to_be_visible()
    assert unscripted.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
