"""Requirement 13: what a page of another site can do, in a real browser."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from playwright.sync_api import Browser, Page

from bench.trust.finding import Finding
from bench.trust.routes import ROUTES
from bench.trust.running import QUESTION, Running

_ANSWERED = ('route="/api/', 'route="/"', 'route="/mcp"')
_PAGE = "<!doctype html><title>elsewhere</title><h1>Another site</h1>"
_ATTEMPTS = """async ([service, paths, question]) => {
  const read = [];
  const asked = JSON.stringify({question, messages: [{role: "user", content: question}]});
  const types = ["application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""];
  for (const path of paths) {
    for (const mode of ["cors", "no-cors"]) {
      for (const credentials of ["include", "omit"]) {
        const reply = await fetch(service + path, {mode, credentials}).catch(() => null);
        const text = reply && (await reply.text().catch(() => ""));
        if (text) read.push(`GET ${path} ${mode}: ${text.slice(0, 60)}`);
      }
      for (const type of types) {
        const headers = type ? {"Content-Type": type} : {};
        const reply = await fetch(service + path, {mode, method: "POST", headers, body: asked}).catch(() => null);
        const text = reply && (await reply.text().catch(() => ""));
        if (text) read.push(`POST ${path} ${mode} ${type}: ${text.slice(0, 60)}`);
      }
    }
    navigator.sendBeacon(service + path, new Blob([asked], {type: "text/plain"}));
  }
  for (const path of paths) {
    const src = service + path;
    for (const tag of ["img", "script", "iframe", "embed", "video", "audio"]) {
      document.body.append(Object.assign(document.createElement(tag), {src}));
    }
    document.body.append(Object.assign(document.createElement("object"), {data: src}));
    for (const rel of ["stylesheet", "prefetch", "preload", "modulepreload", "manifest"]) {
      document.head.append(Object.assign(document.createElement("link"), {rel, href: src, as: "script"}));
    }
    for (const enctype of ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"]) {
      const frame = Object.assign(document.createElement("iframe"), {name: `f${Math.random()}`});
      const form = Object.assign(document.createElement("form"), {action: src, method: "post", enctype, target: frame.name});
      form.append(Object.assign(document.createElement("textarea"), {name: "question", value: asked}));
      document.body.append(frame, form);
      form.submit();
    }
    const events = new EventSource(src);
    events.onmessage = (event) => read.push(`EventSource ${path}: ${event.data.slice(0, 60)}`);
    setTimeout(() => events.close(), 1000);
  }
  await new Promise((go) => setTimeout(go, 2500));
  for (const frame of document.querySelectorAll("iframe")) {
    try {
      const text = frame.contentDocument?.body?.textContent;
      if (text) read.push(`iframe ${frame.src}: ${text.slice(0, 60)}`);
    } catch { /* another origin's, as it should be */ }
  }
  return read;
}"""


class _Elsewhere(BaseHTTPRequestHandler):
    def __init__(self, html: str, *arguments: Any) -> None:
        self._html = html
        super().__init__(*arguments)

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(self._html.encode())

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def elsewhere() -> Iterator[int]:
    """A web server of somebody else's, by its port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Elsewhere, _PAGE))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def suite(service: Running, browser: Browser) -> Finding:
    """From two origins: another port of the same name (same site, another origin), and another name (another site)."""
    node = json.loads(service.ask().body)["results"][0]["id"]
    paths = [route.path.replace("{id}", node) for route in ROUTES if "/api/" in route.path and "/p/" not in route.path]
    paths += ["/metrics", "/?q=dns", "/mcp"]
    answered = _answered(service)
    read: list[str] = []
    with elsewhere() as port:
        for origin in (f"http://127.0.0.1:{port}", f"http://localhost:{port}"):
            read += _attack(browser.new_page(), origin, service, paths)
    changed = _answered(service) - answered
    kinds = "fetch, form, beacon, img, script, iframe, object, link, EventSource"
    figure = f"{len(paths)} routes × 2 origins × {kinds}: {len(read)} read, {changed:.0f} answered"
    reach = "0 read or changed without the allow-list; POST needs a JSON type"
    return Finding(13, "Cross-site", reach, figure, not read and not changed, "; ".join(read[:5]))


def _attack(page: Page, origin: str, service: Running, paths: list[str]) -> list[str]:
    page.set_default_timeout(120_000)
    page.goto(origin)
    read = page.evaluate(_ATTEMPTS, [service.url.rstrip("/"), paths, QUESTION])
    page.close()
    return [str(each) for each in read]


def _answered(service: Running) -> float:
    """How many requests for notes were answered so far, by the service's own figures."""
    lines = service.send("GET", "/metrics").body.decode().splitlines()
    counted = [line for line in lines if line.startswith("trellis_requests_total")]
    counted = [line for line in counted if any(route in line for route in _ANSWERED)]
    return sum(float(line.rpartition(" ")[2]) for line in counted if 'status="200"' in line)
