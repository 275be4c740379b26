"""The description of the HTTP interface as a page: readable, reachable by keyboard, whole without a script, no other host."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Browser, Page, expect


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_breaks_no_rule(browser: Browser, service, assert_accessible, scheme, width):
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.goto(service.url + "docs")
    page.locator("details.answer summary").first.click()
    page.get_by_text("Try it here").first.click()
    page.get_by_role("button", name="Send").first.click()
    expect(page.get_by_role("region", name="What came: Ask a question")).to_be_visible()
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.close()


def test_it_asks_nobody_else_and_breaks_no_policy(page: Page, service, watch):
    page.goto(service.url + "docs")
    expect(page.get_by_role("button", name="Copy: curl").first).to_be_visible()
    assert watch.violations == []
    assert watch.errors == []
    assert watch.origins == {service.url.rstrip("/")}


def test_what_is_copied_can_be_run(page: Page, service):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(service.url + "docs")
    page.get_by_role("button", name="Copy: curl").first.click()
    expect(page.get_by_role("status")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f"curl {service.url}api/ask --json ")


def test_by_keyboard_from_the_contents_to_an_operation_and_its_types(page: Page, service):
    page.goto(service.url + "docs")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="To the description")).to_be_focused()
    link = page.get_by_role("link", name="GET /api/search")
    link.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Rank the notes for a query")).to_be_in_viewport()
    article = page.get_by_role("article", name="Rank the notes for a query")
    article.get_by_role("link", name="SearchResults").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="SearchResults", exact=True)).to_be_in_viewport()


def test_a_question_is_tried_by_keyboard_and_what_comes_is_this_service(page: Page, service, watch):
    page.goto(service.url + "docs")
    article = page.get_by_role("article", name="Ask a question")
    article.get_by_text("Try it here").focus()
    page.keyboard.press("Enter")
    body = article.get_by_label("Body")
    body.fill('{"question": "When is the boiler serviced?", "top": 1}')
    body.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(article.get_by_role("status")).to_have_text(re.compile(r"Status 200, \d+ ms"))
    shown = json.loads(article.get_by_role("region", name="What came").inner_text())
    assert shown["results"][0]["text"].startswith("The boiler is serviced every October")
    assert watch.violations == watch.errors == []
    assert watch.origins == {service.url.rstrip("/")}


def test_a_stream_and_figures_are_shown_as_they_come(page: Page, service):
    page.goto(service.url + "docs")
    for name, said in (
        ("Take a turn of conversation", "event: done"),
        ("The figures for Prometheus", "trellis_requests"),
    ):
        article = page.get_by_role("article", name=name)
        article.get_by_text("Try it here").click()
        article.get_by_role("button", name="Send").click()
        expect(article.get_by_role("region", name="What came")).to_contain_text(said)


def test_sent_again_the_first_is_let_go(page: Page, service):
    """A conversation that is sent twice at once is shown once, whole."""
    page.goto(service.url + "docs")
    article = page.get_by_role("article", name="Take a turn of conversation")
    article.get_by_text("Try it here").click()
    article.get_by_role("button", name="Send").evaluate("send => { send.click(); send.click(); }")
    expect(article.get_by_role("status")).to_contain_text(" ms")
    shown = article.get_by_role("region", name="What came").inner_text()
    assert shown.count("event: sources") == shown.count("event: done") == 1


def test_what_is_wrong_is_shown_too_and_nothing_goes_elsewhere(page: Page, service, watch):
    page.goto(service.url + "docs")
    article = page.get_by_role("article", name="Rank the notes for a query")
    article.get_by_text("Try it here").click()
    for address, said in (
        ("/api/search", "Status 400"),
        ("//example.org/api/search?q=x", "Only addresses of this service"),
        ("https://example.org/", "Only addresses of this service"),
        ("http://[", "Only addresses of this service"),
    ):
        article.get_by_label("Address").fill(address)
        article.get_by_role("button", name="Send").click()
        expect(article.get_by_role("status")).to_contain_text(said)
    assert watch.origins == {service.url.rstrip("/")}


def test_no_answer_is_said(page: Page, mortal):
    page.goto(mortal.url + "docs")
    article = page.get_by_role("article", name="Whether the service runs")
    article.get_by_text("Try it here").click()
    mortal.stop()
    article.get_by_role("button", name="Send").click()
    expect(article.get_by_role("status")).to_contain_text("No answer came")


def test_without_a_script_all_of_it_is_there(browser: Browser, service):
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(service.url + "docs")
    page.get_by_role("link", name="POST /api/ask").click()
    expect(page.get_by_role("article", name="Ask a question").get_by_text("curl http://")).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)
    page.locator("details.answer summary").first.click()
    expect(page.get_by_text('"answered": true').first).to_be_visible()
    context.close()
