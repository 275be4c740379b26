"""What axe, the accessibility checker, says about every state of the page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

SCHEMES = ("light", "dark")
WIDTHS = (320, 1280)


def empty(page: Page, url: str) -> None:
    page.goto(url)


def answer(page: Page, url: str) -> None:
    page.goto(url + "?q=how+often+to+water+tomatoes")
    expect(page.get_by_role("region", name="Answer")).to_be_visible()


def absent(page: Page, url: str) -> None:
    page.goto(url + "?q=who+won+the+chess+world+championship+in+1972%3F")
    expect(page.get_by_role("heading", name="This is not in your notes")).to_be_visible()


def results(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_role("combobox", name="Ask your notes").fill("boiler")
    expect(page.get_by_role("article").first).to_be_visible()
    page.get_by_role("button", name="Related notes").first.click()
    expect(page.locator(".related a").first).to_be_visible()


def loading(page: Page, url: str) -> None:
    page.goto(url)
    page.route("**/api/search?*", lambda _route: None)
    page.get_by_role("combobox", name="Ask your notes").fill("boiler")
    expect(page.get_by_role("status")).to_contain_text("Looking")


def failing(page: Page, url: str) -> None:
    page.goto(url)
    page.route("**/api/search?*", lambda route: route.abort())
    page.get_by_role("combobox", name="Ask your notes").fill("boiler")
    expect(page.get_by_role("alert")).to_contain_text("cannot be reached")


def note(page: Page, url: str) -> None:
    answer(page, url)
    page.get_by_role("article").first.get_by_role("heading").get_by_role("link").click()
    expect(page.locator(".row.here")).to_be_focused()
    page.locator("#panel").get_by_role("button", name="Related notes").click()
    expect(page.locator("#panel .related a").first).to_be_visible()


def scoped(page: Page, url: str) -> None:
    page.goto(url + "?q=water&under=Garden")
    page.get_by_role("combobox", name="Look only").click()
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("ArrowDown")


def keys(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_role("button", name="Keys").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def mapped(page: Page, url: str) -> None:
    page.goto(url + "?map=1")
    page.locator("summary").first.click()
    expect(page.locator(".lists details a").first).to_be_visible()


EVERY = (empty, answer, absent, results, loading, failing, note, scoped, keys, mapped)
STATES: dict[str, Callable[[Page, str], None]] = {state.__name__: state for state in EVERY}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("state", STATES)
def test_no_state_breaks_a_rule(browser: Browser, service, assert_accessible, state, scheme, width):
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    STATES[state](page, service.url)
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.close()
