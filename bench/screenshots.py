"""Makes the pictures of the README: `python bench/screenshots.py [NOTES]`. Starts the real service on the notes and looks at
it with the system's Chromium. Trellis puts no font of its own on the page, so the letters are those of the machine.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page, expect, sync_playwright

from bench.browser import chromium_path

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
QUESTION = "how long can a Lambda function run before it times out?"
CONVERSATION = ("How large can an SQS message be?", "and what happens when a consumer does not finish in time?")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"]


def main() -> None:
    notes = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "notes")
    DOCS.mkdir(exist_ok=True)
    with serve(notes) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        picture_page(browser, url)
        picture_note(browser, url)
        picture_map(browser, url)
        picture_absent(browser, url)
        picture_widget(browser, url)
        picture_phone(browser, url)
        browser.close()


@contextmanager
def serve(notes: str) -> Iterator[str]:
    """The URL of the service on these notes, with an index that is thrown away."""
    with tempfile.TemporaryDirectory() as index:
        start = "from service.cli import main; main()"
        arguments = ["serve", notes, "--index", index, "--port", "0", "--no-watch"]
        process = subprocess.Popen(
            [sys.executable, "-c", start, *arguments], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        try:
            assert process.stdout
            url = process.stdout.readline().strip()
            if not url:
                raise SystemExit("The service did not start.")
            yield url
        finally:
            process.terminate()
            process.communicate()


def picture_page(browser: Browser, url: str) -> None:
    page = browser.new_page(viewport={"width": 1040, "height": 760}, device_scale_factor=1.5)
    page.goto(url)
    page.get_by_role("combobox", name="Ask your notes").fill(QUESTION)
    page.keyboard.press("Enter")
    expect(page.locator(".answer")).to_be_visible()
    page.mouse.move(0, 0)
    page.screenshot(path=DOCS / "page.png")
    page.close()


def picture_note(browser: Browser, url: str) -> None:
    """A note at the side, with what is related to it."""
    page = browser.new_page(viewport={"width": 1360, "height": 800}, color_scheme="dark")
    page.goto(f"{url}?{urlencode({'q': 'rotate database passwords automatically'})}")
    page.locator("article h3 a").first.click()
    expect(page.locator(".row.here")).to_be_focused()
    page.locator("#panel").get_by_role("button", name="Related notes").click()
    expect(page.locator("#panel .related a").first).to_be_visible()
    page.screenshot(path=DOCS / "note.png")
    page.close()


def picture_map(browser: Browser, url: str) -> None:
    page = browser.new_page(viewport={"width": 1040, "height": 800}, device_scale_factor=1.5)
    page.goto(f"{url}?map=1")
    expect(page.locator(".points")).to_be_visible(timeout=120_000)  # it is drawn first
    page.wait_for_load_state("networkidle")
    page.locator(".legend").scroll_into_view_if_needed()
    page.screenshot(path=DOCS / "map.png")
    page.close()


def picture_absent(browser: Browser, url: str) -> None:
    """What is not in the notes, on a phone."""
    page = browser.new_page(viewport={"width": 390, "height": 780}, device_scale_factor=2)
    page.goto(f"{url}?{urlencode({'q': 'who won the chess championship in 1972?'})}")
    expect(page.locator(".absent")).to_be_visible()
    page.screenshot(path=DOCS / "absent.png")
    page.close()


def picture_widget(browser: Browser, url: str) -> None:
    page = browser.new_page(viewport={"width": 1040, "height": 760}, device_scale_factor=1.5)
    converse(page, url)
    page.screenshot(path=DOCS / "widget.png")
    page.close()


def picture_phone(browser: Browser, url: str) -> None:
    """The conversation in the dark, and beside it the line that a citation opened."""
    context = browser.new_context(viewport={"width": 390, "height": 720}, color_scheme="dark", device_scale_factor=1.5)
    page = context.new_page()
    converse(page, url)
    page.screenshot(path=DOCS / "widget-phone.png")
    page.get_by_role("log").locator(".turn").last.locator(".cite").first.click()
    expect(page.get_by_role("region", name="Cited note").locator("mark")).to_be_visible()
    page.screenshot(path=DOCS / "widget-citation.png")
    context.close()


def converse(page: Page, url: str) -> None:
    page.goto(url + "demo")
    page.locator("trellis-chat .opener").click()
    log = page.get_by_role("log")
    for turn, question in enumerate(CONVERSATION):
        page.keyboard.type(question)
        page.keyboard.press("Enter")
        expect(log.locator(".turn").nth(turn).locator(".cite").first).to_be_visible()
        expect(log).to_have_attribute("aria-busy", "false")
    page.mouse.move(0, 0)


if __name__ == "__main__":
    main()
