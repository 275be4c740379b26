"""The page under the strictest policies, and with hostile notes in every part of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.conftest import Service
from tests.browser.conftest import _start as start_service

UNSEEN = re.compile("[\u202a-\u202e\u2066-\u2069\x07\x1b]")
TRAP = '<img src=x onerror="window.stolen=1">'
NOTES = f"""\
{TRAP} heading
\tjavascript:window.stolen=1 > [link](javascript:window.stolen=1)
\t\tThe parrot says <script>window.stolen=1</script> **bold** `code`
\t\tThe parrot is \u202egpj.exe\u202c and rings \x07 and paints \x1b[31mred
\t\tThe parrot {TRAP} flies
\t</script><script>window.stolen=1</script>
\t\tA parrot in a data block
"""


@pytest.fixture(scope="module")
def aviary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("aviary")
    notes = folder / "notes"
    notes.mkdir()
    (notes / f"{TRAP.replace('/', '')}.txt").write_text(NOTES, "utf-8")
    settings = folder / "trellis.yaml"
    settings.write_text("top: 5\n", "utf-8")
    running = start_service(notes, folder, settings)
    yield running
    running.stop()


def strictly(route: Route) -> None:
    response = route.fetch()
    policy = response.headers["content-security-policy"]
    strict = f"{policy}, require-trusted-types-for 'script'; trusted-types 'none'"
    route.fulfill(response=response, headers=dict(response.headers) | {"content-security-policy": strict})


def assert_harmless(page: Page) -> None:
    page.wait_for_load_state("networkidle")
    assert page.evaluate("window.stolen") is None
    assert page.locator("body :is(img, iframe, object, embed)").count() == 0
    assert page.locator("script:not([src$='app.js'])").count() == 0
    assert page.locator("a:not([href^='?'], [href='/'])").count() == 0
    assert not UNSEEN.search(page.locator("body").inner_text())
    assert not UNSEEN.search(page.title())


def test_hostile_notes_are_text_everywhere_under_the_strictest_policy(page, aviary, watch):
    page.route(aviary.url + "*", strictly)
    page.goto(aviary.url + "?q=parrot")
    first = page.get_by_role("article").first
    expect(first).to_contain_text("parrot")
    assert_harmless(page)
    first.get_by_role("button", name="Related notes").click()
    expect(first.locator(".related a").first).to_be_visible()
    assert_harmless(page)
    first.get_by_role("heading").get_by_role("link").click()
    expect(page.locator(".row.here")).to_contain_text("parrot")
    expect(page.get_by_role("treeitem")).to_have_count(7)
    assert_harmless(page)
    page.keyboard.press("Escape")
    page.locator(".result > .trail a").nth(1).click()
    expect(page.locator(".chip")).to_contain_text("javascript:window.stolen=1 > [link]")
    expect(page.get_by_role("article").first).to_contain_text("parrot")
    page.get_by_role("combobox", name="Look only").click()
    expect(page.get_by_role("option").first).to_be_visible()
    assert_harmless(page)
    page.get_by_role("link", name="Map", exact=True).click()
    page.locator("summary").first.click()
    expect(page.locator(".lists details a").first).to_be_visible()
    page.locator(".lists details a").nth(2).click()
    expect(page.locator(".row.here")).to_contain_text("parrot")
    assert_harmless(page)
    assert watch.violations == watch.errors == []
    assert len(watch.origins) == 1


def test_a_heading_with_the_sign_of_a_path_is_still_one_heading(page, aviary):
    page.goto(aviary.url + "?q=parrot")
    page.locator(".result > .trail a", has_text="javascript:").first.click()
    expect(page.locator(".chip")).to_be_visible()
    expect(page.get_by_role("article").first).to_contain_text("parrot")
    expect(page.get_by_role("alert")).to_be_empty()


@pytest.mark.parametrize(
    "address", ["?q=parrot", "?map=1", "?q=<b>&under=<i>&file=<u>&note=<s>&zoom=\u202e&quote=<q>&hash=x"]
)
def test_nothing_in_an_address_is_markup(page, aviary, watch, address):
    page.goto(aviary.url + address)
    page.wait_for_load_state("networkidle")
    assert page.locator("body :is(b, i, u, s, q):not(.legend *, .reasons *, #welcome *, #panel .trail *)").count() == 0
    assert watch.errors == watch.violations == []


def test_what_appears_does_not_shift_what_is_there(page, service):
    page.goto(service.url)
    page.evaluate("""() => {
        window.shifted = 0;
        window.moved = [];
        new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) if (!entry.hadRecentInput) {
                shifted += entry.value;
                moved.push(...entry.sources.map(({node}) => node?.outerHTML?.slice(0, 80)));
            }
        }).observe({type: "layout-shift", buffered: true});
    }""")
    page.get_by_role("combobox", name="Ask your notes").press_sequentially("how often to water tomatoes", delay=30)
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Answer")).to_be_visible()
    page.get_by_role("article").first.get_by_role("heading").get_by_role("link").click()
    expect(page.locator(".row.here")).to_be_visible()
    page.wait_for_timeout(700)
    assert page.evaluate("shifted") < 0.01, page.evaluate("moved")


def test_with_forced_colours_and_without_motion_everything_is_there(browser: Browser, service, assert_accessible):
    page = browser.new_page(forced_colors="active", reduced_motion="reduce")
    page.goto(service.url + "?q=how+often+to+water+tomatoes")
    page.get_by_role("article").first.get_by_role("heading").get_by_role("link").click()
    here = page.locator(".row.here")
    expect(here).to_be_visible()
    assert here.evaluate("e => getComputedStyle(e).outlineStyle") != "none"
    moving = "[...document.querySelectorAll('*')].filter((e) => parseFloat(getComputedStyle(e).transitionDuration) > 0).length"
    assert page.evaluate(moving) == 0
    page.goto(service.url + "?map=1")
    expect(page.locator(".points")).to_be_visible()
    page.close()


def test_it_works_without_any_other_host(browser: Browser, service):
    context = browser.new_context()
    page = context.new_page()
    refused: list[str] = []

    def only_ours(route: Route) -> None:
        if route.request.url.startswith(service.url):
            route.continue_()
        else:
            refused.append(route.request.url)
            route.abort()

    context.route("**/*", only_ours)
    page.goto(service.url + "?q=how+often+to+water+tomatoes&map=1")
    expect(page.locator(".points")).to_be_visible()
    assert refused == []
    context.close()
