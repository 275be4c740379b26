"""The page on another address than loopback: it asks for a key once, and sends it as a header alone."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from bench.trust.running import Running, prepare, running, trellis
from tests.browser.conftest import Watch


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, str]]:
    folder = prepare(tmp_path_factory.mktemp("locked") / "service")
    key = json.loads(trellis(folder, "keys", "add", "page", "--json").stdout)["key"]
    with running(folder, "--host", "0.0.0.0", "--no-watch") as service:
        yield service, key


def test_the_page_asks_for_a_key_once_and_never_puts_it_in_an_address(
    page: Page, watch: Watch, locked: tuple[Running, str]
) -> None:
    service, key = locked
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    page.goto(f"{service.url}?q=zone+apex")
    dialog = page.get_by_role("dialog", name="A key is needed")
    expect(dialog).to_be_visible()
    assert "CNAME" not in page.content()
    dialog.get_by_label("Key", exact=True).fill("trellis_00000000_nonsense")
    dialog.get_by_role("button", name="Unlock").click()
    expect(page.get_by_text("This key is not valid")).to_be_visible()
    page.get_by_role("dialog").get_by_label("Key", exact=True).fill(key)
    page.get_by_role("dialog").get_by_role("button", name="Unlock").click()
    expect(page.get_by_role("article").first).to_be_visible()
    page.reload()
    expect(page.get_by_role("article").first).to_be_visible()
    assert page.get_by_role("dialog").count() == 0
    assert not [address for address in addresses if key in address]
    assert page.context.cookies() == []
    assert watch.violations == watch.errors == []


def test_not_now_leaves_a_plain_refusal(page: Page, locked: tuple[Running, str]) -> None:
    page.goto(f"{locked[0].url}?q=zone+apex")
    page.get_by_role("button", name="Not now").click()
    expect(page.get_by_role("alert")).to_contain_text("Trellis wants to know who asks")


def test_the_dialog_is_accessible(page: Page, locked: tuple[Running, str], assert_accessible) -> None:
    page.goto(f"{locked[0].url}?q=zone+apex")
    expect(page.get_by_role("dialog", name="A key is needed")).to_be_visible()
    assert_accessible(page, "dialog[open]")


def test_the_description_asks_for_it_too(
    page: Page, watch: Watch, locked: tuple[Running, str], assert_accessible
) -> None:
    page.goto(f"{locked[0].url}docs")
    article = page.get_by_role("article", name="Ask a question")
    article.get_by_text("Try it here").click()
    article.get_by_role("button", name="Send").click()
    assert_accessible(page, "dialog[open]")
    page.get_by_role("dialog").get_by_label("Key", exact=True).fill(locked[1])
    page.get_by_role("dialog").get_by_role("button", name="Unlock").click()
    expect(article.get_by_role("status")).to_contain_text("Status 200")
    assert watch.violations == []
