"""A real browser on the real service, as a process of its own, over a small folder of notes."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from bench.browser import chromium_path

GARDEN = """\
Garden
\tTomatoes
\t\tWater them every second morning, never on the leaves
\t\tPinch out the side shoots once a week
\t\tSow indoors in the middle of March 🍅 and harden them off before planting out
\tCompost
\t\tTurn the heap once a month
\t\tNo cooked food, it brings rats
\tWatering can
\t\tThe green can leaks at the spout
Bicycle
\tTyres
\t\tPump the tyres to 4.5 bar before a long ride
\tChain
\t\tOil the chain after riding in the rain
\t\tReplace the chain every 3000 km
House
\tBoiler
\t\tThe boiler is serviced every October by the Lindgren company
\t\tBleed the radiators when they gurgle
"""
HOSTILE = """\
Odd things
\tBrowser tricks
\t\t<script>window.stolen = 1</script> <img src=x onerror="window.stolen = 1"> shown in the parrot notebook
\t\tjavascript:window.stolen=1 is the parrot link
\t\tThe parrot invoice is \u202egpj.exe\u202c and rings a \x07 bell
"""
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass(frozen=True)
class Service:
    url: str
    process: subprocess.Popen[str]

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@dataclass(frozen=True)
class Hosts:
    """A web server with pages of others. The service allows `listed`; `unlisted` is the same server by another name, which only
    may ask what is published as "bicycle".
    """

    listed: str
    unlisted: str
    pages: dict[str, tuple[str, str]]

    def add(self, name: str, html: str, policy: str = "") -> str:
        """The path of a page that is sent with this Content-Security-Policy."""
        self.pages[f"/{name}"] = (html, policy)
        return f"/{name}"


@dataclass
class Watch:
    """What a page did that it should not."""

    violations: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    origins: set[str] = field(default_factory=set)

    def report(self, violation: str) -> None:  # a Python function: Playwright cannot take `list.append` itself
        self.violations.append(violation)


class _HostPages(BaseHTTPRequestHandler):
    def __init__(self, pages: dict[str, tuple[str, str]], *arguments: object) -> None:
        self._pages = pages
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        html, policy = self._pages.get(self.path, ("", ""))
        self.send_response(200 if html else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        if policy:
            self.send_header("Content-Security-Policy", policy)
        self.end_headers()
        self.wfile.write(html.encode())

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture(scope="session")
def hosts() -> Iterator[Hosts]:
    pages: dict[str, tuple[str, str]] = {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_HostPages, pages))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    port = server.server_address[1]
    yield Hosts(f"http://127.0.0.1:{port}", f"http://localhost:{port}", pages)
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory, hosts: Hosts) -> Callable[[], Service]:
    """Starts one more service on the same notes; the second finds the index of the first."""
    folder = tmp_path_factory.mktemp("browser")
    notes = folder / "notes"
    notes.mkdir()
    (notes / "home.txt").write_text(GARDEN, "utf-8")
    (notes / "odd.txt").write_text(HOSTILE, "utf-8")
    settings = folder / "trellis.yaml"
    settings.write_text(
        f'allowed_origins: ["{hosts.listed}"]\n'
        f'publications:\n  bicycle: {{under: [Bicycle], origins: ["{hosts.unlisted}"]}}\n',
        "utf-8",
    )
    return partial(_start, notes, folder, settings)


def _start(notes: Path, folder: Path, settings: Path) -> Service:
    main = "from service.cli import main; main()"
    arguments = ["--config", settings, "serve", notes, "--index", folder / "index", "--port", "0", "--no-watch"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", main, *map(str, arguments)], stdout=subprocess.PIPE, stderr=log, text=True
        )
    assert process.stdout
    with process.stdout:
        url = process.stdout.readline().strip()
    if not url:
        process.wait()
        pytest.fail(f"The service did not start:\n{(folder / 'log').read_text()}")
    return Service(url, process)


@pytest.fixture(scope="session")
def service(start: Callable[[], Service]) -> Iterator[Service]:
    running = start()
    yield running
    running.stop()


@pytest.fixture
def mortal(start: Callable[[], Service]) -> Iterator[Service]:
    """A service of the test's own, to be killed."""
    running = start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=15_000)  # a busy machine takes its time
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="light")
    opened.set_default_timeout(15_000)
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def watch(page: Page) -> Watch:
    """Collects, from before the first script runs, broken policies, errors, and every origin that is asked."""
    seen = Watch()
    page.expose_function("reportViolation", seen.report)
    page.add_init_script(
        "addEventListener('securitypolicyviolation', "
        "(e) => reportViolation(`${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`), true)"
    )
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    page.on("request", lambda request: seen.origins.add("{0.scheme}://{0.netloc}".format(urlsplit(request.url))))
    return seen


@pytest.fixture
def focused(page: Page) -> Callable[[], str]:
    """What has the focus, inside a shadow root too: its id, class or tag."""
    script = """() => {
        let e = document.activeElement;
        while (e.shadowRoot?.activeElement) e = e.shadowRoot.activeElement;
        return e.id || e.className || e.tagName;
    }"""
    return lambda: str(page.evaluate(script))


RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture
def assert_accessible() -> Callable[..., None]:
    """Fails with the list of what axe finds wrong on a page as it stands now: WCAG 2.2 AA and best practices.

    Takes the page and, to look at a part of it only, a CSS selector.
    """
    axe = Axe()

    def check(page: Page, part: str | None = None) -> None:
        page.evaluate("Promise.allSettled(document.getAnimations().map((animation) => animation.finished))")
        options = {"resultTypes": ["violations"], "runOnly": {"type": "tag", "values": RULES}}
        found = axe.run(page, part, options)
        assert not found.violations_count, found.generate_report()

    return check
