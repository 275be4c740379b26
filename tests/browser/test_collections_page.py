"""The page over several collections, and over notes that were changed since they were indexed."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

HOME = """\
Boiler
\tThe boiler is serviced every October by the Lindgren company
\tBleed the radiators when they gurgle
Contacts
\tThe plumber is called Moreau
"""
WORK = """\
Printer
\tThe printer on the third floor needs the code 4711
Contacts
\tThe plumber is called Moreau
\tThe caretaker has the key of the boiler room
"""


@dataclass(frozen=True)
class Two:
    url: str
    notes: Path


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    """A service over two collections with a file of the same name, one line of which is the same; a third has no notes."""
    folder = tmp_path_factory.mktemp("two")
    for name, text in (("home", HOME), ("work", WORK)):
        (folder / name).mkdir()
        (folder / name / "notes.txt").write_text(text, "utf-8")
    (folder / "trellis.yaml").write_text(
        "collections:\n  home: {notes: home, title: My <b>home</b>}\n  work: {notes: work, title: The office}\n"
        "  lost: {notes: nowhere}\n",
        "utf-8",
    )
    command = [sys.executable, "-c", "from service.cli import main; main()", "--config", folder / "trellis.yaml"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*map(str, command), "serve", "--port", "0", "--no-watch"], stdout=subprocess.PIPE, stderr=log, text=True
        )
    assert process.stdout
    with process.stdout:
        url = process.stdout.readline().strip()
    assert url, (folder / "log").read_text()
    yield Two(url, folder)
    process.kill()
    process.wait()


@pytest.fixture
def asked(page: Page, two: Two, watch) -> Page:
    page.goto(f"{two.url}?q=who+has+the+key+of+the+boiler+room%3F")
    expect(page.get_by_role("article").first).to_be_visible()
    return page


def query(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def places(page: Page) -> set[str]:
    return {text.split(" · ")[0] for text in page.locator(".results .place").all_inner_texts()}


def test_results_say_which_collection_they_are_from(asked: Page, watch) -> None:
    assert places(asked) == {"My <b>home</b>", "The office"}
    expect(asked.locator(".remark")).to_contain_text("Not asked: lost. There are no notes")
    expect(asked.locator("#health")).to_contain_text("“lost” cannot be asked")
    assert watch.errors == watch.violations == []


def test_a_collection_is_chosen_by_keyboard_and_taken_away_again(asked: Page, watch, assert_accessible) -> None:
    asked.get_by_role("combobox", name="Look only").focus()
    asked.keyboard.type("office")
    expect(asked.get_by_role("option", name=re.compile("The office"))).to_be_visible()
    assert_accessible(asked)
    asked.keyboard.press("ArrowDown")
    asked.keyboard.press("Enter")
    expect(asked.locator(".chip")).to_contain_text("in The office")
    assert query(asked)["collection"] == ["work"]
    expect(asked.locator(".remark")).to_have_count(0)
    asked.wait_for_load_state("networkidle")
    assert places(asked) == {"The office"}
    asked.get_by_role("button", name="Do not look only in The office").click()
    expect(asked.locator(".chip")).to_have_count(0)
    assert "collection" not in query(asked)
    assert watch.errors == watch.violations == []


def test_a_heading_that_both_have_is_chosen_in_one_of_them(asked: Page) -> None:
    asked.get_by_role("combobox", name="Look only").fill("contacts")
    options = asked.get_by_role("option", name=re.compile("Contacts"))
    expect(options).to_have_count(2)
    asked.get_by_role("option", name=re.compile("Contacts.*The office")).click()
    expect(asked.locator(".chip")).to_have_count(2)
    assert (query(asked)["under"], query(asked)["collection"]) == (["Contacts"], ["work"])


def test_a_heading_of_a_trail_keeps_to_its_collection(asked: Page) -> None:
    asked.locator(".result > .trail").get_by_role("link", name="Contacts", exact=True).first.click()
    expect(asked.locator(".chip")).to_have_count(2)
    assert query(asked)["collection"] == ["work"]


def test_a_note_opens_in_the_outline_of_its_collection(page: Page, two: Two, watch) -> None:
    """The same line stands in both, in files of the same name."""
    for name, title, beside in (("home", "My <b>home</b>", "Boiler"), ("work", "The office", "Printer")):
        page.goto(f"{two.url}?q=who+is+the+plumber%3F&collection={name}")
        page.locator(".result .step").first.click()
        expect(page.locator("#panel .place")).to_have_text(re.compile(re.escape(title)))
        expect(page.locator("#panel .row .text").first).to_have_text(beside)
        assert query(page)["note"][0].startswith(f"{name}:")
        expect(page.locator(".row.here .text")).to_have_text("The plumber is called Moreau")
        page.reload()
        expect(page.locator("#panel .row .text").first).to_have_text(beside)
    assert watch.errors == watch.violations == []


def test_a_link_to_a_note_opens_it_in_its_collection(page: Page, two: Two, context) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{two.url}?q=who+is+the+plumber%3F&collection=work")
    page.locator(".result .step").first.click()
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator("#status")).to_have_text("Link copied.")
    page.goto(page.evaluate("navigator.clipboard.readText()"))
    expect(page.locator(".fate")).to_contain_text("This note stands as it was quoted.")
    expect(page.locator("#panel .row .text").first).to_have_text("Printer")


def test_the_map_of_each_collection_opens(page: Page, two: Two, watch) -> None:
    page.goto(f"{two.url}?map=1")
    maps = page.get_by_role("navigation", name="Collections")
    expect(maps.locator("b")).to_have_text("My <b>home</b>")
    with page.expect_response("**/api/map?collection=work"):
        maps.get_by_role("link", name="The office").click()
    expect(maps.locator("b")).to_have_text("The office")
    assert watch.errors == watch.violations == []


def test_one_collection_alone_shows_no_choice(page: Page, service) -> None:
    page.goto(service.url)
    page.get_by_role("combobox", name="Look only").click()
    expect(page.get_by_role("option").first).to_be_visible()
    expect(page.get_by_role("group", name="Collections")).to_have_count(0)


@pytest.fixture
def edited(two: Two) -> Iterator[Path]:
    path = two.notes / "home" / "notes.txt"
    path.write_text(HOME.replace("\tBleed the radiators when they gurgle\n", "\tA line that is new\n"), "utf-8")
    yield path
    path.write_text(HOME, "utf-8")


def test_what_was_deleted_is_not_shown_and_the_page_says_so(
    page: Page, two: Two, edited: Path, watch, assert_accessible
) -> None:
    page.goto(f"{two.url}?q=when+do+I+bleed+the+radiators%3F&collection=home")
    expect(page.locator(".remark")).to_contain_text("notes.txt, which was changed since it was indexed.")
    expect(page.locator("#stage")).not_to_contain_text("Bleed the radiators")
    expect(page.locator(".stale").first).to_contain_text("this still stands in it")
    expect(page.get_by_role("heading", name="This is not in")).to_have_count(0)
    assert_accessible(page)
    page.locator(".result .step").first.click()
    gone = page.locator("#panel .row.gone")
    expect(gone).to_have_count(1)
    expect(gone).to_contain_text("No longer there: Bleed the radiators")
    expect(page.locator("#panel .fate")).to_contain_text("This file was changed since it was indexed.")
    assert_accessible(page)
    assert watch.errors == watch.violations == []


def test_without_scripts_too(browser, two: Two, edited: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{two.url}?q=when+do+I+bleed+the+radiators%3F&collection=home")
    expect(page.locator("noscript .remark, .remark").first).to_contain_text("was changed since it was indexed")
    expect(page.locator("#main")).not_to_contain_text("Bleed the radiators")
    expect(page.locator("#which")).to_have_value("home")
    context.close()


def test_the_widget_asks_one_collection_alone(page: Page, two: Two) -> None:
    page.goto(two.url)
    page.evaluate(
        """() => {
            const script = document.createElement('script');
            script.src = 'widget.js';
            script.dataset.collection = 'work';
            document.body.append(script);
        }"""
    )
    page.locator("trellis-chat .opener").click()
    box = page.get_by_role("textbox", name="Your question")
    box.fill("who is the plumber?")
    with page.expect_request("**/api/chat") as request:
        box.press("Enter")
    assert request.value.post_data_json["collection"] == "work"
    cited = page.locator("trellis-chat .cite").first
    expect(cited).to_have_attribute("href", re.compile("note=work%3A"))
    cited.click()
    expect(page.locator("trellis-chat")).to_contain_text("This note stands as it was quoted.")
