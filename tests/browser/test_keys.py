"""Keys that act on a place or a note, and the list of them."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect


@pytest.fixture
def places(page: Page, context, service, watch) -> Page:
    """Results, with the focus on the first place."""
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{service.url}?q=how+often+to+water+tomatoes")
    expect(page.get_by_role("article").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("article").first.get_by_role("heading").get_by_role("link")).to_be_focused()
    return page


def copied(page: Page) -> str:
    return str(page.evaluate("navigator.clipboard.readText()"))


def test_c_copies_a_link_that_opens_the_note(places):
    places.keyboard.press("c")
    expect(places.get_by_role("status")).to_have_text("Link copied.")
    fresh = places.context.new_page()
    fresh.goto(copied(places))
    expect(fresh.locator(".row.here")).to_contain_text("Water them")


def test_shift_c_copies_a_citation(places):
    places.keyboard.press("Shift+C")
    expect(places.get_by_role("status")).to_have_text("Citation copied.")
    assert re.match(
        r"“Water them every second morning, never on the leaves” — Garden › Tomatoes \(home\.txt:3\) http://\S+note=",
        copied(places),
    )


def test_they_act_on_the_row_of_an_outline_too(places):
    places.keyboard.press("Enter")
    expect(places.locator(".row.here")).to_be_focused()
    places.keyboard.press("ArrowDown")
    places.keyboard.press("Shift+C")
    expect(places.get_by_role("status")).to_have_text("Citation copied.")
    assert copied(places).startswith("“Pinch out the side shoots once a week”")


def test_where_copying_is_not_allowed_it_still_works_or_is_said_so(page, service):
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.goto(f"{service.url}?q=how+often+to+water+tomatoes")
    expect(page.get_by_role("article").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("c")
    expect(page.get_by_role("status")).to_have_text("Link copied.")
    expect(page.get_by_role("article").first.get_by_role("heading").get_by_role("link")).to_be_focused()


def test_r_shows_what_is_related_to_a_place(places):
    places.keyboard.press("r")
    first = places.get_by_role("article").first
    expect(first.locator(".related a").first).to_be_visible()
    places.keyboard.press("r")
    expect(first.locator(".related")).to_be_hidden()


def test_ctrl_enter_opens_a_new_tab(places):
    with places.context.expect_page() as opened:
        places.keyboard.press("Control+Enter")
    expect(opened.value.locator(".row.here")).to_contain_text("Water them")
    expect(places.get_by_role("complementary")).to_be_hidden()


def test_question_mark_lists_the_keys_and_focus_stays_in_the_list(places):
    places.keyboard.press("Shift+?")
    dialog = places.get_by_role("dialog", name="Keys")
    expect(dialog).to_be_visible()
    for _ in range(40):
        places.keyboard.press("Tab")
        assert places.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
    places.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(places.get_by_role("article").first.get_by_role("heading").get_by_role("link")).to_be_focused()
    expect(places.get_by_role("combobox", name="Ask your notes")).not_to_have_value("")


def test_single_keys_can_be_turned_off_and_stay_off(places):
    places.get_by_role("button", name="Keys").click()
    places.get_by_role("checkbox").uncheck()
    places.keyboard.press("Escape")
    places.reload()
    expect(places.get_by_role("article").first).to_be_visible()
    places.keyboard.press("ArrowDown")
    link = places.get_by_role("article").first.get_by_role("heading").get_by_role("link")
    for key in ("/", "Shift+?", "c", "r"):
        places.keyboard.press(key)
    expect(link).to_be_focused()
    expect(places.get_by_role("dialog")).to_be_hidden()
    expect(places.get_by_role("article").first.locator(".related")).to_be_hidden()
    places.keyboard.press("Control+k")
    expect(places.get_by_role("combobox", name="Ask your notes")).to_be_focused()


def test_letters_typed_into_a_field_are_only_letters(places):
    places.get_by_role("combobox", name="Look only").focus()
    places.keyboard.type("cr?/")
    expect(places.get_by_role("combobox", name="Look only")).to_have_value("cr?/")
    expect(places.get_by_role("dialog")).to_be_hidden()
