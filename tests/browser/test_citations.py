"""Citation links: what became of a note, in words, beside the note as it stands now."""

from __future__ import annotations

import json
import re
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from playwright.sync_api import Page, expect

TEXT = "Oil the chain after riding in the rain"
GONE = "0" * 16


@pytest.fixture
def link(page: Page, service) -> dict[str, str]:
    """What the link to a note carries, as the page itself gives it."""
    found = fetch(service, "api/search?q=oil+the+chain+after+rain&top=1")["results"][0]
    view = fetch(service, f"api/nodes/{found['id']}/outline?top=1")
    page.goto(service.url.rstrip("/") + view["cite"])
    expect(page.locator(".row.here")).to_contain_text(TEXT)
    return dict(re.findall(r"(\w+)=([^&]+)", view["cite"].replace("+", " ").partition("?")[2]))


def fetch(service, path: str) -> dict:
    with urlopen(service.url + path) as reply:
        return json.load(reply)


def opened(page: Page, service, link: dict[str, str]):
    page.goto(f"{service.url}?{urlencode(link)}")
    return page.get_by_role("region", name="Citation")


def test_a_note_that_is_the_same_is_said_so_and_its_line_is_marked(page, service, link, watch):
    fate = opened(page, service, link)
    expect(fate).to_contain_text("stands as it was quoted")
    expect(page.locator(".row.here")).to_be_focused()
    expect(page.locator(".row.here")).to_contain_text(TEXT)
    assert watch.violations == watch.errors == []


def test_a_note_that_moved_is_shown_where_it_is_now(page, service, link):
    fate = opened(page, service, link | {"note": GONE, "in": GONE})
    expect(fate).to_contain_text("moved to Bicycle › Chain")
    expect(page.locator(".row.here")).to_contain_text(TEXT)


def test_a_note_that_was_edited_is_shown_with_both_texts(page, service, link):
    then = "Oil the chain after riding in the snow"
    fate = opened(page, service, link | {"note": GONE, "hash": GONE, "quote": then})
    expect(fate).to_contain_text("edited")
    expect(fate.locator("blockquote")).to_have_text([then, TEXT])
    expect(page.locator(".row.here")).to_contain_text(TEXT)


def test_a_note_that_was_deleted_is_said_so_with_what_it_said(page, service, link):
    then = "Zebra migration follows monsoon thunder across Botswana"
    fate = opened(page, service, link | {"note": GONE, "hash": GONE, "in": GONE, "quote": then})
    expect(fate).to_contain_text("no longer there")
    expect(fate.locator("blockquote")).to_have_text([then])
    expect(page.get_by_role("treeitem")).to_have_count(0)
    expect(page.get_by_role("button", name="Close the note")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page).to_have_url(service.url)


def test_going_on_from_a_citation_leaves_it_behind_and_back_returns_to_it(page, service, link):
    fate = opened(page, service, link)
    expect(fate).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".row.here")).to_contain_text("Replace the chain")
    expect(fate).to_have_count(0)
    assert "quote=" not in page.url
    page.go_back()
    expect(fate).to_contain_text("stands as it was quoted")


def test_a_citation_of_an_outage_is_no_deleted_note(page, service, link):
    page.route("**/api/citations?*", lambda route: route.abort(), times=1)
    page.goto(f"{service.url}?{urlencode(link)}")
    alert = page.get_by_role("complementary").get_by_role("alert")
    expect(alert).to_contain_text("Trellis cannot be reached")
    expect(page.locator("body")).not_to_contain_text("no longer there")
    alert.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("region", name="Citation")).to_contain_text("stands as it was quoted")


def test_copied_links_and_citations_open_the_very_note(page, context, service):
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{service.url}?q=oil+the+chain+after+rain")
    page.get_by_role("article").first.get_by_role("heading").get_by_role("link").focus()
    page.keyboard.press("c")
    expect(page.get_by_role("status")).to_have_text("Link copied.")
    page.goto(page.evaluate("navigator.clipboard.readText()"))
    expect(page.get_by_role("region", name="Citation")).to_contain_text("stands as it was quoted")
