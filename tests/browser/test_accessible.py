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


STATES: dict[str, Callable[[Page, str], None]] = {state.__name__: state for state in (empty, answer, absent)}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("state", STATES)
def test_no_state_breaks_a_rule(browser: Browser, service, assert_accessible, state, scheme, width):
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    STATES[state](page, service.url)
    assert_accessible(page)
    page.close()
