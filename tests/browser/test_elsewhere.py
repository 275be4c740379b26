"""The examples for other people's pages, as they lie in the project: the bookmarklet, the page of a static site."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.conftest import ROOT

BOOKMARKLET = (ROOT / "editors" / "bookmarklet.js").read_text("utf-8").strip()
SITE = (ROOT / "deploy" / "site" / "index.html").read_text("utf-8")
SENTENCE = "How often should I water the tomatoes? 🍅 & more"


def press_bookmarklet(page, service):
    """Opens the address that the bookmark holds, as pressing it does."""
    code = BOOKMARKLET.replace("http://127.0.0.1:8000/", service.url)
    assert code != BOOKMARKLET
    page.evaluate("(code) => { location.href = code }", code)


def test_the_bookmarklet_asks_what_is_selected(page, hosts, service):
    page.goto(hosts.unlisted + hosts.add("marked", f"<!doctype html><title>Any</title><p id=p>{SENTENCE}</p>"))
    page.evaluate("getSelection().selectAllChildren(document.getElementById('p'))")
    with page.context.expect_page() as opened:
        press_bookmarklet(page, service)
    expect(opened.value.locator("#box")).to_have_value(SENTENCE)
    expect(opened.value.locator("body")).to_contain_text("Water them every second morning, never on the leaves")
    assert opened.value.evaluate("opener") is None


def test_the_bookmarklet_asks_for_words_when_nothing_is_selected(page, hosts, service):
    page.goto(hosts.unlisted + hosts.add("unmarked", "<!doctype html><title>Any</title><p>Some text</p>"))
    page.once("dialog", lambda dialog: dialog.accept("what does the boiler need?"))
    with page.context.expect_page() as opened:
        press_bookmarklet(page, service)
    expect(opened.value.locator("body")).to_contain_text("The boiler is serviced every October")


def test_the_page_of_a_static_site_asks_what_is_published_for_it(page, hosts, service, watch):
    html = SITE.replace("https://notes.example.org", service.url.rstrip("/")).replace("/p/help/", "/p/bicycle/")
    page.goto(hosts.unlisted + hosts.add("site", html))
    page.locator("trellis-chat .opener").click()
    page.keyboard.type("what does the bicycle chain need after riding in the rain?")
    page.keyboard.press("Enter")
    expect(page.get_by_role("log").locator("blockquote").first).to_contain_text("Oil the chain")
    assert watch.errors == []
    assert [seen for seen in watch.violations if "favicon" not in seen] == []
