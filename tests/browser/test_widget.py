"""The chat widget on pages of other origins, and the page that shows it."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from service import web

SCRIPT = Path(web.__file__).parent / "static" / "widget.js"
QUESTION = "how often should I water the tomatoes?"
ABSENT = re.compile("not in the notes", re.IGNORECASE)
LIMIT = 15_000


@pytest.fixture
def host(hosts, service):
    """A plain page with the script tag; gives its path."""

    def make(name: str, attributes: str = "", before: str = "", policy: str = "", url: str = service.url) -> str:
        html = (
            f"<!doctype html><html lang=en><meta charset=utf-8><title>Host</title>{before}"
            f'<h1>Host</h1><a href="#">A link</a> <button>A button</button> <input aria-label=Other>'
            f'<script src="{url}widget.js" {attributes}></script>'
        )
        return hosts.add(name, html, policy)

    return make


def open_and_ask(page: Page, question: str) -> None:
    page.locator("trellis-chat .opener").click()
    page.keyboard.type(question)
    page.keyboard.press("Enter")


def log(page: Page):
    return page.get_by_role("log")


def test_an_allowed_page_gets_the_quoted_answer_with_trail_and_place(page, hosts, host, service, watch):
    page.goto(hosts.listed + host("plain"))
    open_and_ask(page, QUESTION)
    expect(log(page).locator("blockquote")).to_contain_text("Water them every second morning, never on the leaves")
    expect(log(page).locator(".trail")).to_have_text("Garden › Tomatoes")
    expect(log(page).locator(".place")).to_have_text("home.txt:3")
    expect(page.get_by_role("textbox", name="Your question")).to_have_value("")
    assert watch.origins <= {hosts.listed, service.url.rstrip("/")}
    assert watch.errors == []


def test_what_is_not_in_the_notes_is_said_so_with_the_nearest(page, hosts, host):
    page.goto(hosts.listed + host("plain"))
    open_and_ask(page, "who won the chess world championship in 1972?")
    expect(log(page)).to_contain_text("That is not in the notes.")
    expect(log(page)).to_contain_text("though not an answer")
    expect(log(page).get_by_role("listitem")).to_have_count(3)
    expect(log(page).locator("blockquote")).to_have_count(0)


def test_a_page_that_is_not_listed_is_told_so_and_gets_nothing(page, hosts, host):
    page.goto(hosts.unlisted + host("plain"))
    open_and_ask(page, QUESTION)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text(f"do not take questions from {hosts.unlisted}")
    expect(page.get_by_role("textbox", name="Your question")).to_have_value(QUESTION)
    expect(page.locator("trellis-chat")).not_to_contain_text("second morning")
    expect(log(page)).not_to_contain_text(ABSENT)


def test_an_outage_is_not_a_refusal_and_can_be_tried_again(page, hosts, host, focused):
    page.goto(hosts.listed + host("plain"))
    page.route("**/api/ask", lambda route: route.abort())
    page.route("**/widget.js", lambda route: route.abort())
    open_and_ask(page, QUESTION)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("cannot be reached")
    expect(log(page)).not_to_contain_text(ABSENT)
    expect(page.get_by_role("textbox", name="Your question")).to_have_value(QUESTION)
    page.unroute_all()
    alert.get_by_role("button", name="Try again").click()
    expect(log(page).locator("blockquote")).to_contain_text("second morning")
    expect(log(page).locator(".question")).to_have_count(1)
    expect(alert).to_be_empty()
    assert focused() == "INPUT"


def test_a_killed_service_is_an_outage(page, hosts, host, mortal):
    page.goto(hosts.listed + host("mortal", url=mortal.url))
    mortal.stop()
    open_and_ask(page, QUESTION)
    expect(page.get_by_role("alert")).to_contain_text("cannot be reached")
    expect(log(page)).not_to_contain_text(ABSENT)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ({"status": 500, "json": {"detail": "secret of the house"}}, "a problem of their own"),
        ({"status": 403, "json": {"detail": "no"}}, "do not take questions"),
        ({"status": 429, "json": {}}, "Too many questions"),
        ({"status": 400, "json": {"detail": "Ask something shorter."}}, "Ask something shorter."),
        ({"status": 200, "body": "<h1>Hotel</h1>"}, "could not be read"),
        ({"status": 200, "json": {"answered": True, "answer": None, "results": []}}, "could not be read"),
    ],
)
def test_failures_have_words_of_their_own(page, hosts, host, reply, words):
    page.goto(hosts.listed + host("plain"))
    page.route("**/api/ask", lambda route: route.fulfill(**reply, headers={"Access-Control-Allow-Origin": "*"}))
    open_and_ask(page, QUESTION)
    expect(page.get_by_role("alert")).to_contain_text(words)
    expect(page.get_by_role("alert")).to_contain_text("Your question is kept")
    expect(log(page)).not_to_contain_text(ABSENT)


def test_it_works_under_the_strictest_host_policy(page, hosts, host, service, watch):
    origin = service.url.rstrip("/")
    policy = (
        f"default-src 'none'; script-src {origin}; connect-src {origin}; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    page.goto(hosts.listed + host("strict", policy=policy))
    open_and_ask(page, "parrot notebook browser tricks")
    expect(log(page)).to_contain_text("<script>window.stolen = 1</script>")
    assert page.locator("trellis-chat .panel").evaluate("e => getComputedStyle(e).borderRadius") == "16px"
    assert page.evaluate("window.stolen") is None
    assert watch.violations == watch.errors == []


def test_a_broken_policy_would_be_seen(page, hosts, watch):
    page.goto(hosts.listed + hosts.add("broken", "<style>h1 { color: red }</style>", "default-src 'none'"))
    assert [violation.split()[0] for violation in watch.violations] == ["style-src-elem"]


def test_controls_in_a_note_are_shown_as_signs(page, hosts, host):
    page.goto(hosts.listed + host("plain"))
    open_and_ask(page, "parrot invoice bell")
    expect(log(page)).to_contain_text("\ufffdgpj.exe\ufffd")
    assert not re.search("[\u202a-\u202e\x07]", log(page).inner_text())


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
    outside = [page.keyboard.press("Tab") or page.evaluate("document.activeElement.localName") for _ in range(12)]
    assert set(outside) - {"trellis-chat"}


def test_keys_typed_into_it_do_not_reach_the_pages_shortcuts(page, hosts, host):
    page.goto(hosts.listed + host("plain"))
    page.evaluate("window.heard = []; document.addEventListener('keydown', e => heard.push(e.key))")
    page.locator("trellis-chat .opener").click()
    page.keyboard.type("ab")
    assert page.evaluate("heard") == []


def test_attributes_set_title_greeting_side_and_theme(page, hosts, host):
    path = host("attributes", 'data-title="Ask Ada" data-greeting="Hello there" data-position=left data-theme=dark')
    page.goto(hosts.listed + path)
    page.get_by_role("button", name="Ask Ada").click()
    dialog = page.get_by_role("dialog", name="Ask Ada")
    expect(dialog).to_contain_text("Hello there")
    box = dialog.bounding_box()
    assert box
    assert box["x"] < 100
    paper = dialog.evaluate("e => getComputedStyle(e).backgroundColor")
    assert paper == "rgb(27, 31, 28)"


def test_the_page_can_set_its_colours(page, hosts, host):
    page.goto(hosts.listed + host("colours"))
    page.add_style_tag(content="trellis-chat { --trellis-accent: rgb(1, 2, 3) }")
    assert page.locator("trellis-chat .opener").evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(1, 2, 3)"


def test_page_and_widget_leave_each_other_alone(page, hosts, host):
    probe = (
        "[...document.querySelectorAll('h1, a, body > button, body > input')].map(e => { const s = getComputedStyle(e);"
        " return [s.font, s.color, s.backgroundColor, s.padding, s.margin] })"
    )
    globals_ = "Object.keys(window).sort()"
    page.goto(hosts.listed + hosts.add("without", "<h1>Host</h1><a href='#'>A</a> <button>B</button> <input>"))
    before = page.evaluate(probe), page.evaluate(globals_)
    page.goto(hosts.listed + hosts.add("with", hosts.pages["/without"][0] + script_tag(host, hosts)))
    expect(page.locator("trellis-chat .opener")).to_be_visible()
    assert (page.evaluate(probe), page.evaluate(globals_)) == before
    assert page.context.cookies() == []
    plain = look(page)
    page.add_style_tag(content="* { all: unset !important } html { font-size: 40px } :host { display: none }")
    assert look(page) == plain


def script_tag(host, hosts) -> str:
    return re.search("<script.*</script>", hosts.pages[host("plain")][0]).group()


def look(page: Page) -> list[str]:
    return page.locator("trellis-chat .opener").evaluate(
        "e => { const s = getComputedStyle(e), b = e.getBoundingClientRect();"
        " return [s.font, s.color, s.backgroundColor, s.borderRadius, s.cursor, b.x, b.y, b.width, b.height].map(String) }"
    )


def test_two_script_tags_make_one_bubble_and_a_tag_in_the_head_works(page, hosts, host, watch):
    path = host("twice", before=f"<head>{script_tag(host, hosts)}</head><body>")
    page.goto(hosts.listed + path)
    expect(page.locator("trellis-chat")).to_have_count(1)
    expect(page.locator("body > trellis-chat .opener")).to_be_visible()
    assert watch.errors == []


@pytest.mark.parametrize("width", [320, 390])
def test_on_a_phone_it_fills_the_screen_and_nothing_scrolls_sideways(page, hosts, host, width):
    page.set_viewport_size({"width": width, "height": 640})
    page.goto(hosts.listed + host("phone", before='<meta name=viewport content="width=device-width">'))
    open_and_ask(page, QUESTION)
    expect(log(page).locator("blockquote")).to_be_visible()
    box = page.get_by_role("dialog").bounding_box()
    assert box == {"x": 0, "y": 0, "width": width, "height": 640}
    close = page.get_by_role("button", name="Close").bounding_box()
    assert close
    assert min(close["width"], close["height"]) >= 44
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("trellis-chat .log").evaluate("e => e.scrollWidth <= e.clientWidth")


def test_the_demo_page_embeds_it_and_shows_the_line_to_paste(page, service, watch):
    page.goto(service.url + "demo")
    expect(page.locator("pre")).to_contain_text(f'<script src="{service.url}widget.js"')
    open_and_ask(page, QUESTION)
    expect(log(page).locator("blockquote")).to_contain_text("second morning")
    assert watch.violations == watch.errors == []


def test_it_is_small():
    assert len(gzip.compress(SCRIPT.read_bytes(), 9)) <= LIMIT
