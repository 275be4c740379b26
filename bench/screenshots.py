"""Makes the pictures of the README: `python bench/screenshots.py [NOTES]`. Starts the real service on the notes and looks at
it with the system's Chromium. Trellis puts no font of its own on the page, so the letters are those of the machine.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
QUESTION = "how long can a Lambda function run before it times out?"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"]


def main() -> None:
    notes = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "notes")
    browser_path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not browser_path:
        raise SystemExit("No browser found: install Debian's package chromium.")
    DOCS.mkdir(exist_ok=True)
    with serve(notes) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=ARGUMENTS)
        picture_page(browser, url)
        picture_widget(browser, url)
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
    page.get_by_role("searchbox").fill(QUESTION)
    page.keyboard.press("Enter")
    expect(page.locator(".answer")).to_be_visible()
    page.mouse.move(0, 0)
    page.screenshot(path=DOCS / "page.png")
    page.close()


def picture_widget(browser: Browser, url: str) -> None:
    page = browser.new_page(viewport={"width": 1040, "height": 760}, device_scale_factor=1.5)
    page.goto(url + "demo")
    page.locator("trellis-chat .opener").click()
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    expect(page.get_by_role("log").locator("blockquote")).to_be_visible()
    page.screenshot(path=DOCS / "widget.png")
    page.close()


if __name__ == "__main__":
    main()
