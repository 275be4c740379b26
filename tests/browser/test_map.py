"""The map of the notes."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

import service

STATIC = Path(service.__file__).parent / "static"


@pytest.fixture
def mapped(page: Page, service, watch) -> Page:
    page.goto(f"{service.url}?map=1")
    expect(page.locator(".points")).to_be_visible()
    page.wait_for_function("document.querySelector('.points').width > 300")
    return page


def ink(page: Page) -> int:
    """How many pixels of the map are painted."""
    return page.locator(".points").evaluate("""canvas => new Promise((done) => requestAnimationFrame(() => {
        const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        let painted = 0;
        for (let i = 3; i < data.length; i += 4) painted += data[i] > 0;
        done(painted);
    }))""")


def test_nothing_of_the_map_is_loaded_before_it_is_opened(page, service):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{service.url}?q=water")
    expect(page.get_by_role("article").first).to_be_visible()
    assert not [url for url in asked if re.search("map|chart", url)]
    page.get_by_role("link", name="Map", exact=True).click()
    expect(page.locator(".points")).to_be_visible()
    assert {"map.js", "chart.js", "map.css", "map"} <= {url.rsplit("/")[-1] for url in asked}


def test_who_waits_for_a_map_that_is_drawn_first_is_told_so(page, service, watch):
    def slowly(route: Route) -> None:
        page.wait_for_timeout(1000)
        route.continue_()

    page.route("**/api/map", slowly)
    page.goto(f"{service.url}?map=1")
    expect(page.locator("#map").get_by_role("status")).to_contain_text("is being drawn")
    expect(page.locator(".points")).to_be_visible()
    expect(page.locator("#map").get_by_text("is being drawn")).to_have_count(0)
    assert watch.violations == watch.errors == []


def test_what_is_loaded_for_it_is_small():
    sizes = [len(gzip.compress((STATIC / name).read_bytes(), 9)) for name in ("map.js", "chart.js", "map.css")]
    assert sum(sizes) <= 30_000


def test_every_note_is_painted_and_it_is_said_what_distance_means(mapped, watch):
    assert ink(mapped) > 500
    expect(mapped.locator("#map")).to_contain_text("far apart means little")
    expect(mapped.locator(".legend")).to_contain_text("home.txt")
    assert watch.violations == watch.errors == []


def point(page: Page) -> tuple[float, float]:
    """Where on the screen the pointer is over a point: looked for as a person would."""
    canvas = page.locator(".points")
    room = canvas.bounding_box()
    for row in range(30):
        for column in range(30):
            x, y = room["x"] + room["width"] * (column + 0.5) / 30, room["y"] + room["height"] * (row + 0.5) / 30
            if y > 780:
                continue
            page.mouse.move(x, y)
            if canvas.evaluate("canvas => canvas.classList.contains('over-point')"):
                return x, y
    raise AssertionError("no point was found")


def test_hovering_tells_the_text_and_a_click_opens_the_note(mapped):
    x, y = point(mapped)
    tip = mapped.locator(".tip")
    expect(tip).to_be_visible()
    text = tip.locator("> bdi").inner_text()
    mapped.mouse.click(x, y)
    expect(mapped.locator(".row.here .text")).to_have_text(text)
    expect(mapped).to_have_url(re.compile(r"map=1&note=[0-9a-f]{16}"))
    mapped.go_back()
    expect(mapped.get_by_role("complementary")).to_be_hidden()
    expect(mapped.locator(".points")).to_be_visible()


def test_every_point_is_in_a_list_for_the_keyboard_with_the_same_address(mapped):
    mapped.locator("summary", has_text="home.txt").focus()
    mapped.keyboard.press("Enter")
    links = mapped.locator(".lists details").first.get_by_role("link")
    expect(links).to_have_count(20)
    before = ink(mapped)
    links.nth(2).focus()
    assert ink(mapped) != before  # its point is ringed
    mapped.keyboard.press("Enter")
    expect(mapped.locator(".row.here")).to_contain_text("Water them")
    expect(mapped).to_have_url(re.compile(r"map=1&note=[0-9a-f]{16}"))


def test_zoom_and_the_whole_map_are_buttons(mapped):
    whole = ink(mapped)
    for _ in range(4):
        mapped.get_by_role("button", name="Zoom in").click()
        mapped.wait_for_timeout(250)
    assert ink(mapped) != whole
    mapped.get_by_role("button", name="Whole map").click()
    mapped.wait_for_timeout(300)
    assert ink(mapped) == whole


def test_the_map_is_an_address_and_back_undoes_it(page, service):
    page.goto(service.url)
    page.get_by_role("link", name="Map", exact=True).click()
    expect(page.locator(".points")).to_be_visible()
    expect(page).to_have_url(service.url + "?map=1")
    page.go_back()
    expect(page.locator("#map")).to_be_hidden()
    expect(page.get_by_role("heading", name="What did you write down?")).to_be_visible()


def test_the_picture_is_the_same_after_a_new_start(page, mapped, start):
    (first,) = [mapped.evaluate("fetch('api/map').then((reply) => reply.json())")]
    again = start()
    page.goto(again.url)
    second = page.evaluate("fetch('api/map').then((reply) => reply.json())")
    again.stop()
    assert (first["x"], first["y"], first["ids"]) == (second["x"], second["y"], second["ids"])


def test_places_that_a_search_finds_are_ringed(mapped):
    before = ink(mapped)
    mapped.get_by_role("combobox", name="Ask your notes").fill("boiler")
    expect(mapped.get_by_role("article").first).to_contain_text("Lindgren")
    assert ink(mapped) > before


def test_a_map_that_cannot_be_had_is_an_outage_that_can_be_tried_again(page, service):
    page.route("**/api/map", lambda route: route.fulfill(status=500, body="oops"), times=1)
    page.goto(f"{service.url}?map=1")
    alert = page.locator("#map").get_by_role("alert")
    expect(alert).to_contain_text("Trellis has a problem")
    alert.get_by_role("button", name="Try again").click()
    expect(page.locator(".points")).to_be_visible()
