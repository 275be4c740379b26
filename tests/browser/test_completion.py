"""Filters in the box: what there is of them is offered while one types, by keyboard alone; what is none is told in words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.conftest import Service

NOTES = """\
* Work                                                   :work:
** TODO Oil the squeaking valve                          :urgent:
:PROPERTIES:
:OWNER: Priya
:END:
** DONE Replace the valve of the boiler                  :decision:
SCHEDULED: <2026-03-02 Mon>
** Work / Life
*** The valve of the espresso machine leaks              :urgent:
* Garden
** The garden hose has a brass valve
"""


@pytest.fixture(scope="module")
def filtered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("filtered")
    (folder / "notes").mkdir()
    (folder / "notes" / "work notes.org").write_text(NOTES, "utf-8")
    (folder / "notes" / "plain.txt").write_text("A valve in a plain file\n", "utf-8")
    service = Service("serve", str(folder / "notes"), "--index", str(folder / "index"), "--port", "0", "--no-watch")
    yield service.url
    service.stop()


@pytest.fixture
def box(page: Page, filtered: str):
    page.goto(filtered)
    return page.get_by_role("combobox", name="Ask your notes")


def offers(page: Page, *names: str) -> None:
    """Waits until the list has exactly these."""
    expect(page.locator("#completions .option > bdi")).to_have_text(list(names))


def test_tags_are_offered_and_chosen_by_keyboard_alone(page, box):
    box.press_sequentially("valve tag:")
    offers(page, "urgent", "decision", "work")
    expect(box).to_have_attribute("aria-expanded", "true")
    assert box.get_attribute("aria-activedescendant") is None  # not before an arrow key
    page.keyboard.type("ur")
    offers(page, "urgent")
    page.keyboard.press("ArrowDown")
    active = page.locator(f"#{box.get_attribute('aria-activedescendant')}")
    expect(active).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(box).to_have_value("valve tag:urgent ")
    expect(box).to_be_focused()
    expect(box).to_have_attribute("aria-expanded", "false")
    expect(page.get_by_role("article").first).to_be_visible()
    assert all("valve" in text for text in page.locator("article h3").all_inner_texts())
    assert not any("hose" in text for text in page.locator("article h3").all_inner_texts())


def test_a_colon_alone_lists_the_filters(page, box):
    box.press_sequentially("valve :")
    offers(page, "under:", "file:", "tag:", "todo:", "after:", "before:", "where:")
    for key in ("ArrowUp", "Enter"):
        page.keyboard.press(key)
    expect(box).to_have_value("valve where:")
    offers(page, "owner=")
    for key in ("ArrowDown", "Tab"):  # a name, and then its values
        page.keyboard.press(key)
    expect(box).to_have_value("valve where:owner=")
    offers(page, "owner=Priya")
    for key in ("ArrowDown", "Enter"):
        page.keyboard.press(key)
    expect(box).to_have_value("valve where:owner=Priya ")
    expect(page.get_by_role("article")).to_have_count(1)


@pytest.mark.parametrize(
    ("typed", "offered", "completed", "found"),
    [
        ("valve under:Life", "Work / Life", 'valve under:"Work > Work / Life" ', "espresso"),
        ("valve file:pla", "plain.txt", "valve file:plain.txt ", "plain file"),
        ("valve file:wor", "work notes.org", 'valve file:"work notes.org" ', "valve"),
        ("valve todo:op", "open", "valve todo:open ", "squeaking"),
        ('valve under:"Gar', "Garden", "valve under:Garden ", "hose"),
    ],
)
def test_what_is_chosen_is_what_is_searched(page, box, typed, offered, completed, found):
    box.press_sequentially(typed)
    offers(page, offered)
    for key in ("ArrowDown", "Enter"):
        page.keyboard.press(key)
    expect(box).to_have_value(completed)
    expect(page.get_by_role("article").first).to_contain_text(found)


def test_a_filter_is_completed_where_it_stands(page, box):
    box.fill("tag:dec valve")
    box.evaluate("box => box.setSelectionRange(7, 7)")
    page.keyboard.type("i")
    offers(page, "decision")
    for key in ("ArrowDown", "Enter"):
        page.keyboard.press(key)
    expect(box).to_have_value("tag:decision valve")
    page.keyboard.type("new ")
    expect(box).to_have_value("tag:decision new valve")


def test_what_no_longer_fits_cannot_be_chosen(page, box):
    """However slow the reply to the newest letter is."""
    box.press_sequentially("valve under:")
    expect(page.locator("#completions .option")).to_have_count(2)
    page.route("**/api/scopes?*", lambda route: None)  # never answered
    page.keyboard.type("G")
    offers(page, "Garden")
    page.keyboard.type("x")
    expect(page.locator("#completions")).to_be_hidden()


def test_enter_asks_and_escape_closes_while_nothing_is_chosen(page, box):
    box.press_sequentially("valve tag:dec")
    offers(page, "decision")
    page.keyboard.press("Escape")
    expect(page.locator("#completions")).to_be_hidden()
    expect(box).to_have_value("valve tag:dec")
    page.keyboard.type("ision")
    page.keyboard.press("Enter")
    expect(page.locator(".answer, .absent")).to_be_visible()
    expect(box).to_have_value("valve tag:decision")


def test_an_unfinished_filter_is_no_error_and_a_finished_one_is_searched(page, box):
    box.press_sequentially("valve tag:decisio")
    offers(page, "decision")
    expect(page.get_by_role("alert")).to_be_empty()
    page.keyboard.type("n")
    expect(page.get_by_role("article").first).to_contain_text("boiler")


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("valve after:2026-13 ", "after:2026-13 is no date"),
        ("valve where:owner ", "where:owner has no value"),
        ('valve under:"Work', "the closing quotation mark is missing"),
        ("valve tag: ", "tag: needs a value"),
    ],
)
def test_what_is_no_filter_is_told_beside_the_box(page, box, typed, told):
    box.fill(typed)
    page.keyboard.press("Enter")
    expect(page.locator("#misread")).to_contain_text(told)
    expect(page.locator("#misread")).to_have_attribute("aria-live", "polite")
    expect(box).to_have_attribute("aria-invalid", "true")
    assert "misread" in (box.get_attribute("aria-describedby") or "")
    box.fill("valve")
    expect(page.locator("#misread")).to_be_empty()
    assert box.get_attribute("aria-invalid") is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_the_open_list_keeps_the_rules_of_accessibility(page, filtered, watch, width, scheme):
    page.set_viewport_size({"width": width, "height": 700})
    page.emulate_media(color_scheme=scheme)
    page.goto(filtered)
    page.get_by_role("combobox", name="Ask your notes").press_sequentially("valve after:2026-13 under:")
    expect(page.locator("#completions .option").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert watch.errors == watch.violations == []


def test_composition_neither_opens_nor_chooses(page, box):
    session = page.context.new_cdp_session(page)
    box.focus()
    session.send("Input.imeSetComposition", {"text": "tag:", "selectionStart": 4, "selectionEnd": 4})
    page.wait_for_timeout(300)
    expect(page.locator("#completions")).to_be_hidden()
    session.send("Input.insertText", {"text": "tag:"})
    offers(page, "urgent", "decision", "work")
