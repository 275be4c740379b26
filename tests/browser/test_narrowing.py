"""Keeping a search to a part of the notes, and the address that says so."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect


@pytest.fixture
def asked(page: Page, service, watch) -> Page:
    page.goto(f"{service.url}?q=water")
    expect(page.get_by_role("article").first).to_be_visible()
    return page


def box(page: Page):
    return page.get_by_role("combobox", name="Look only")


def files(page: Page) -> set[str]:
    return {place.split(":")[0] for place in page.locator(".results .place").all_inner_texts()}


def test_a_segment_of_a_trail_keeps_the_search_to_what_is_under_it(asked):
    asked.locator(".result > .trail").get_by_role("link", name="Garden", exact=True).first.click()
    expect(asked.locator(".chip")).to_contain_text("under Garden")
    expect(asked.locator(".result > .trail").first).to_be_visible()
    assert parse_qs(urlsplit(asked.url).query) == {"q": ["water"], "under": ["Garden"]}
    asked.wait_for_load_state("networkidle")
    trails = asked.locator(".result > .trail").all_inner_texts()
    assert trails
    assert all(text.startswith("Garden") for text in trails)
    asked.go_back()
    expect(asked.locator(".chip")).to_have_count(0)


def test_a_scope_is_chosen_by_keyboard_alone(asked, watch):
    box(asked).focus()
    asked.keyboard.type("chain")
    option = asked.get_by_role("option", name=re.compile("Chain"))
    expect(option).to_be_visible()
    assert box(asked).get_attribute("aria-activedescendant") is None  # not before an arrow key
    expect(box(asked)).to_have_attribute("aria-expanded", "true")
    asked.keyboard.press("ArrowDown")
    active = box(asked).get_attribute("aria-activedescendant")
    assert asked.locator(f"#{active}").get_attribute("aria-selected") == "true"
    asked.keyboard.press("Enter")
    expect(asked.locator(".chip")).to_contain_text("under Bicycle › Chain")
    expect(box(asked)).to_have_attribute("aria-expanded", "false")
    expect(box(asked)).to_be_focused()
    assert box(asked).get_attribute("aria-activedescendant") is None
    expect(asked.get_by_role("article").first).to_contain_text("chain", ignore_case=True)
    assert watch.errors == watch.violations == []


def test_a_file_is_a_scope_too_and_both_can_be_taken_away(asked):
    box(asked).click()
    asked.get_by_role("option", name=re.compile("odd.txt")).click()
    expect(asked.locator(".chip")).to_contain_text("in odd.txt")
    expect(asked.get_by_role("article").first).to_contain_text("parrot")
    assert files(asked) == {"odd.txt"}
    asked.get_by_role("button", name="Do not look only in odd.txt").click()
    expect(asked.locator(".chip")).to_have_count(0)
    expect(asked.locator(".results .place").first).to_contain_text("home.txt")


def test_escape_closes_the_list_then_empties_the_field(asked):
    box(asked).focus()
    asked.keyboard.type("gar")
    expect(asked.get_by_role("listbox")).to_be_visible()
    asked.keyboard.press("Escape")
    expect(asked.get_by_role("listbox")).to_be_hidden()
    expect(box(asked)).to_have_value("gar")
    asked.keyboard.press("Escape")
    expect(box(asked)).to_have_value("")
    expect(asked.get_by_role("combobox", name="Ask your notes")).to_have_value("water")


def test_the_active_option_is_always_there(asked):
    """Whatever is typed while an option is active, the field never names one that is gone."""
    asked.evaluate("""() => {
        window.dangling = 0;
        const field = document.getElementById("narrow");
        new MutationObserver(() => {
            const id = field.getAttribute("aria-activedescendant");
            if (id && !document.getElementById(id)) dangling++;
        }).observe(document.body, {subtree: true, childList: true, attributes: true});
    }""")
    box(asked).focus()
    for text in ("g", "a", "r"):
        asked.keyboard.type(text)
        expect(asked.get_by_role("option").first).to_be_visible()
        asked.keyboard.press("ArrowDown")
        asked.keyboard.press("ArrowUp")
    asked.keyboard.press("Tab")
    expect(asked.get_by_role("listbox")).to_be_hidden()
    assert asked.evaluate("dangling") == 0
    assert asked.locator("[role=option] :is(a, button, input, [tabindex])").count() == 0


def test_a_scope_that_is_not_there_is_said_so_and_is_no_empty_answer(page, service):
    page.goto(f"{service.url}?q=water&under=Cellar")
    expect(page.get_by_role("alert")).to_contain_text("Nothing in the notes matches 'under' 'Cellar'")
    expect(page.locator("body")).not_to_contain_text("not in your notes")
    page.get_by_role("button", name="Do not look only under Cellar").click()
    expect(page.get_by_role("article").first).to_be_visible()


def test_what_is_not_in_a_part_may_be_in_the_whole(page, service):
    page.goto(f"{service.url}?q=who+won+the+chess+world+championship+in+1972%3F&under=Bicycle")
    expect(page.get_by_role("heading", name="This is not in this part of your notes")).to_be_visible()
    page.get_by_role("link", name="Ask all notes instead").click()
    expect(page.get_by_role("heading", name="This is not in your notes")).to_be_visible()
    expect(page.locator(".headings a").first).to_be_visible()


def test_the_nearest_headings_open_at_the_side(page, service):
    page.goto(f"{service.url}?q=who+won+the+chess+world+championship+in+1972%3F")
    link = page.locator(".headings a").first
    title = link.locator(".title").inner_text()
    link.click()
    expect(page.locator(".row.here .text")).to_have_text(title)


def test_a_search_while_typing_keeps_the_scope(page, service):
    page.goto(f"{service.url}?under=Bicycle")
    with page.expect_request("**/api/search?*") as request:
        page.get_by_role("combobox", name="Ask your notes").fill("oil")
    assert parse_qs(urlsplit(request.value.url).query) == {"q": ["oil"], "under": ["Bicycle"]}
    expect(page.locator(".result > .trail").first).to_have_text(re.compile("^Bicycle"))
