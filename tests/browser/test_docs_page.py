"""The description of the HTTP interface as a page: readable, reachable by keyboard, whole without a script, no other host."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_breaks_no_rule(browser: Browser, service, assert_accessible, scheme, width):
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.goto(service.url + "docs")
    page.locator("details.answer summary").first.click()
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
