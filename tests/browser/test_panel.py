"""The note at the side, in its whole outline."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Service
from tests.browser.conftest import _start as start_service

QUESTION = "how often should I water the tomatoes?"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service over one long file: 12 shelves of 60 boxes, and something to find in one of them."""
    folder = tmp_path_factory.mktemp("library")
    notes = folder / "notes"
    notes.mkdir()
    lines = []
    for shelf in range(12):
        lines.append(f"Shelf {shelf}")
        for box in range(60):
            lines.append(f"\tbox {shelf}.{box}")
            if (shelf, box) == (7, 30):
                lines.append("\tgrandmother's violin")
    (notes / "shelves.txt").write_text("\n".join(lines), "utf-8")
    settings = folder / "trellis.yaml"
    settings.write_text("top: 3\n", "utf-8")
    running = start_service(notes, folder, settings)
    yield running
    running.stop()


@pytest.fixture
def opened(page: Page, service: Service, watch) -> Page:
    """The first place of a question, open at the side."""
    page.goto(f"{service.url}?q=how+often+to+water+tomatoes")
    page.get_by_role("article").first.get_by_role("heading").get_by_role("link").click()
    expect(page.locator(".row.here")).to_be_focused()
    return page


def row(page: Page, text: str):
    return page.get_by_role("treeitem", name=re.compile(text))


def test_a_place_opens_at_the_side_in_the_whole_outline_of_its_file(opened, watch):
    panel = opened.get_by_role("complementary")
    expect(panel.get_by_role("heading", name="Water them every second morning")).to_be_visible()
    expect(panel.get_by_role("treeitem")).to_have_count(20)
    here = opened.locator(".row.here")
    expect(here).to_have_attribute("aria-current", "true")
    expect(here).to_have_attribute("aria-level", "3")
    expect(here).to_have_attribute("aria-posinset", "1")
    expect(here).to_have_attribute("aria-setsize", "3")
    assert here.get_attribute("aria-expanded") is None
    expect(row(opened, "^Tomatoes")).to_have_attribute("aria-expanded", "true")
    expect(opened.get_by_role("region", name="Answer")).to_be_visible()  # beside it, not in its place
    assert watch.violations == watch.errors == []


def test_the_tree_is_walked_by_the_keys_of_a_tree(opened):
    for key, text in [
        ("ArrowDown", "Pinch out"),
        ("ArrowUp", "Water them"),
        ("ArrowLeft", "Tomatoes"),
        ("ArrowLeft", "Tomatoes"),  # closes it
        ("ArrowDown", "Compost"),
        ("ArrowUp", "Tomatoes"),
        ("ArrowRight", "Tomatoes"),  # opens it
        ("ArrowRight", "Water them"),
        ("ArrowRight", "Water them"),  # a leaf
        ("End", "Bleed the radiators"),
        ("Home", "Garden"),
        ("b", "Bicycle"),
        ("ArrowLeft", "Bicycle"),
        ("End", "Bleed the radiators"),
    ]:
        opened.keyboard.press(key)
        expect(opened.locator(".row:focus")).to_contain_text(text)
    expect(row(opened, "^Bicycle")).to_have_attribute("aria-expanded", "false")
    expect(row(opened, "^Tyres")).to_be_hidden()


def test_type_ahead_takes_several_letters_and_single_keys_can_be_turned_off(opened):
    opened.keyboard.type("bic")  # "c" is a key of its own, but not on the way
    expect(opened.locator(".row:focus")).to_contain_text("Bicycle")
    opened.get_by_role("button", name="Keys").click()
    opened.get_by_role("checkbox").uncheck()
    opened.get_by_role("button", name="Close", exact=True).click()
    row(opened, "^Garden").focus()
    opened.wait_for_timeout(800)  # so that it begins a new word
    opened.keyboard.type("comp")
    expect(opened.locator(".row:focus")).to_contain_text("Compost")


def test_another_row_is_another_note_and_back_undoes_it(opened):
    opened.keyboard.press("ArrowDown")
    opened.keyboard.press("Enter")
    panel = opened.get_by_role("complementary")
    expect(panel.get_by_role("heading", name="Pinch out the side shoots")).to_be_visible()
    expect(opened.locator(".row.here")).to_contain_text("Pinch out")
    assert opened.locator(".row.here").count() == 1
    opened.go_back()
    expect(panel.get_by_role("heading", name="Water them")).to_be_visible()
    expect(opened.locator(".row.here")).to_contain_text("Water them")
    opened.go_back()
    expect(panel).to_be_hidden()


def test_zoom_is_an_address_and_back_undoes_it(opened, context):
    opened.get_by_role("navigation", name="Zoom").get_by_role("link", name="Tomatoes").click()
    expect(opened.get_by_role("treeitem")).to_have_count(4)
    expect(row(opened, "^Tomatoes")).to_have_attribute("aria-level", "1")
    expect(opened).to_have_url(re.compile("zoom=[0-9a-f]{16}"))
    other = context.new_page()
    other.goto(opened.url)
    expect(other.get_by_role("treeitem")).to_have_count(4)
    expect(other.locator(".row.here")).to_contain_text("Water them")
    opened.go_back()
    expect(opened.get_by_role("treeitem")).to_have_count(20)


def test_escape_closes_it_and_returns_to_the_place(opened):
    opened.keyboard.press("Escape")
    expect(opened.get_by_role("complementary")).to_be_hidden()
    expect(opened.get_by_role("article").first.get_by_role("heading").get_by_role("link")).to_be_focused()
    expect(opened).not_to_have_url(re.compile("note="))
    expect(opened.get_by_role("combobox", name="Ask your notes")).not_to_have_value("")


def test_what_is_behind_it_is_not_asked_again(opened):
    asked: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.keyboard.press("Escape")
    opened.get_by_role("article").nth(1).get_by_role("heading").get_by_role("link").click()
    expect(opened.locator(".row.here")).to_be_focused()
    assert [url for url in asked if "/api/ask" in url or "/api/search" in url] == []


def test_a_shared_address_opens_the_note_and_escape_goes_to_the_box(page, opened, service, focused):
    fresh = opened.context.new_page()
    fresh.goto(opened.url.replace("q=how+often+to+water+tomatoes&", ""))
    expect(fresh.locator(".row.here")).to_contain_text("Water them")
    fresh.keyboard.press("Escape")
    expect(fresh.get_by_role("combobox", name="Ask your notes")).to_be_focused()


def test_a_note_that_is_gone_is_said_so_in_words(page, service):
    page.goto(f"{service.url}?note=0000000000000000")
    alert = page.get_by_role("complementary").get_by_role("alert")
    expect(alert).to_contain_text("This is no longer there")
    expect(page.get_by_role("button", name="Close the note")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("complementary")).to_be_hidden()


def test_an_outage_in_the_panel_can_be_tried_again(page, service):
    page.goto(f"{service.url}?q=how+often+to+water+tomatoes")
    page.route("**/outline?*", lambda route: route.abort(), times=1)
    page.get_by_role("article").first.get_by_role("heading").get_by_role("link").click()
    panel = page.get_by_role("complementary")
    expect(panel.get_by_role("alert")).to_contain_text("Trellis cannot be reached")
    panel.get_by_role("button", name="Try again").click()
    expect(page.locator(".row.here")).to_contain_text("Water them")


def test_on_a_phone_it_covers_the_page_and_keeps_what_is_behind_out_of_reach(page, service):
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto(f"{service.url}?q=how+often+to+water+tomatoes")
    page.get_by_role("article").first.get_by_role("heading").get_by_role("link").click()
    expect(page.locator(".row.here")).to_be_in_viewport()
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('#panel')")
    size = page.get_by_role("button", name="Close the note").bounding_box()
    assert min(size["width"], size["height"]) >= 44
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.get_by_role("button", name="Close the note").click()
    assert not page.locator("#main").evaluate("e => e.inert")


# A long file


def test_a_long_file_opens_at_the_line_and_loads_the_rest_as_one_goes_there(page, library):
    page.goto(f"{library.url}?q=violin")
    page.get_by_role("article").first.get_by_role("heading").get_by_role("link").click()
    here = page.locator(".row.here")
    expect(here).to_contain_text("violin")
    expect(here).to_be_in_viewport()
    assert page.get_by_role("treeitem").count() < 500
    page.keyboard.press("Home")
    expect(page.locator(".row:focus")).to_contain_text("Shelf 0")
    page.keyboard.press("End")
    expect(page.locator(".row:focus")).to_contain_text("box 11.59")
    expect(page.locator(".row:focus")).to_be_in_viewport()
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".row:focus")).to_contain_text("Shelf 11")


def test_folding_reaches_over_rows_that_have_not_come(page, library):
    page.goto(f"{library.url}?q=violin")
    page.get_by_role("article").first.get_by_role("heading").get_by_role("link").click()
    expect(page.locator(".row.here")).to_be_focused()
    page.keyboard.press("Home")
    expect(page.locator(".row:focus")).to_contain_text("Shelf 0")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".row:focus")).to_contain_text("Shelf 1")
    expect(page.locator(".row:focus")).to_be_in_viewport()


def test_what_an_excerpt_leaves_out_is_counted_and_opened_in_place(page, library):
    page.goto(f"{library.url}?q=violin")
    card = page.get_by_role("article").first
    lines = card.locator(".excerpt .number")
    before = lines.count()
    numbers = [int(number) for number in lines.all_inner_texts()]
    below = card.get_by_role("button", name=re.compile("below"))
    expect(below).to_have_text(re.compile(r"\d+ (siblings?|lines?) below"))
    below.click()
    expect(lines).not_to_have_count(before)
    card.get_by_role("heading").get_by_role("link").focus()
    page.keyboard.press("ArrowRight")
    expect(card.locator(".excerpt .number", has_text=re.compile("^1$|^2$")).or_(lines.first)).to_be_visible()
    page.wait_for_load_state("networkidle")
    shown = [int(number) for number in lines.all_inner_texts()]
    assert shown == list(range(shown[0], shown[-1] + 1))  # in order, none twice, none left out
    assert set(numbers) < set(shown)
    page.keyboard.press("ArrowLeft")
    expect(lines).to_have_count(before)
