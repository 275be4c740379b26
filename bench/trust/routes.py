"""Every route of the service, with the least that a caller needs, and what every answer has to carry."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import quote

from bench.trust.running import PUBLISHED, QUESTION, Reply, Running

ASKED = json.dumps({"question": QUESTION, "top": 2}).encode()
TOLD = json.dumps({"messages": [{"role": "user", "content": QUESTION}]}).encode()
CALLED = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).encode()
OPEN, PUBLIC = "open", "public"


@dataclass(frozen=True)
class Route:
    """rule: as the application writes it. path: an address that answers 200; "{id}" stands for a node, "{own}" for a published
    one. needs: a scope, or OPEN or PUBLIC.
    """

    rule: str
    path: str
    needs: str
    method: str = "GET"
    body: bytes | None = None


ROUTES = [
    Route("/", "/", OPEN),
    Route("/demo", "/demo", OPEN),
    Route("/widget.js", "/widget.js", OPEN),
    Route("/static/<path:filename>", "/static/app.js", OPEN),
    Route("/openapi.json", "/openapi.json", OPEN),
    Route("/docs", "/docs", OPEN),
    Route("/healthz", "/healthz", OPEN),
    Route("/livez", "/livez", OPEN),
    Route("/metrics", "/metrics", "admin"),
    Route("/api/ask", "/api/ask", "ask", "POST", ASKED),
    Route("/api/chat", "/api/chat", "ask", "POST", TOLD),
    Route("/api/search", f"/api/search?q={quote(QUESTION)}", "ask"),
    Route("/api/nodes/<node_id>", "/api/nodes/{id}", "read"),
    Route("/api/nodes/<node_id>/related", "/api/nodes/{id}/related", "read"),
    Route("/mcp", "/mcp", "ask", "POST", CALLED),
    Route("/api/place", "/api/place?file=dns.txt&line=0", "read"),
    Route("/api/presence", "/api/presence?challenge=0123456789abcdef", OPEN),
    Route("/api/nodes/<node_id>/outline", "/api/nodes/{id}/outline", "read"),
    Route("/api/filters", "/api/filters", "read"),
    Route("/api/scopes", "/api/scopes?q=dns", "read"),
    Route("/api/citations", "/api/citations?note={id}&hash=0&quote=x", "read"),
    Route("/api/map", "/api/map", "read"),
    Route("/api/collections", "/api/collections", "read"),
    Route("/p/<publication>/api/ask", f"/p/{PUBLISHED}/api/ask", PUBLIC, "POST", ASKED),
    Route("/p/<publication>/api/chat", f"/p/{PUBLISHED}/api/chat", PUBLIC, "POST", TOLD),
    Route("/p/<publication>/api/search", f"/p/{PUBLISHED}/api/search?q=zone", PUBLIC),
    Route("/p/<publication>/api/nodes/<node_id>", f"/p/{PUBLISHED}/api/nodes/{{own}}", PUBLIC),
    Route("/p/<publication>/api/place", f"/p/{PUBLISHED}/api/place?file=dns.txt&line=0", PUBLIC),
    Route("/p/<publication>/api/nodes/<node_id>/related", f"/p/{PUBLISHED}/api/nodes/{{own}}/related", PUBLIC),
    Route("/p/<publication>/api/filters", f"/p/{PUBLISHED}/api/filters", PUBLIC),
    Route("/p/<publication>/api/citations", f"/p/{PUBLISHED}/api/citations?note={{own}}&hash=0&quote=x", PUBLIC),
    Route("/p/<publication>/healthz", f"/p/{PUBLISHED}/healthz", PUBLIC),
    Route("/p/<publication>/openapi.json", f"/p/{PUBLISHED}/openapi.json", PUBLIC),
    Route("/p/<publication>/widget.js", f"/p/{PUBLISHED}/widget.js", PUBLIC),
    Route("/p/<publication>/note", f"/p/{PUBLISHED}/note?note={{own}}&hash=0&quote=x", PUBLIC),
]
NOWHERE = [
    Route("", "/nowhere", "any"),
    Route("", "/api/nowhere", "any"),
    Route("", "/static/nowhere.js", OPEN),
    Route("", "/api/ask", "any", "OPTIONS"),
    Route("", "/api/ask", "any", "PUT", b"{}"),
]
HEADERS = {
    "Content-Security-Policy": "default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
WIDGETS = ("/widget.js", f"/p/{PUBLISHED}/widget.js")
"""The one exception: any page may load this code, which holds no notes."""


def call(service: Running, route: Route, path: str | None = None, **headers: str) -> Reply:
    if route.body is not None:
        headers = {"Content_Type": "application/json", "Accept": "application/json, text/event-stream"} | headers
    return service.send(route.method, path or route.path, route.body, **headers)


def filled(service: Running, **headers: str) -> dict[Route, str]:
    """The address of each route, with nodes that there are."""
    node = json.loads(service.ask(**headers).body)["results"][0]["id"]
    own = json.loads(service.send("GET", f"/p/{PUBLISHED}/api/search?q=zone").body)["results"][0]["id"]
    return {route: route.path.replace("{id}", node).replace("{own}", own) for route in (*ROUTES, *NOWHERE)}


def lacking(reply: Reply, path: str) -> list[str]:
    """The headers that an answer ought to have and has not."""
    wrong = []
    expected = HEADERS | (
        {"Cross-Origin-Resource-Policy": "cross-origin"} if path in WIDGETS and reply.status != 421 else {}
    )
    for name, value in expected.items():
        if value not in reply.headers.get(name, ""):
            wrong.append(f"{name} of {path}: {reply.headers.get(name)}")
    if "frame-ancestors 'none'" not in reply.headers.get("Content-Security-Policy", ""):
        wrong.append(f"frame-ancestors of {path}")
    ours = path.startswith("/static/") or path in WIDGETS
    if not ours and reply.headers.get("Cache-Control") != "no-store":
        wrong.append(f"Cache-Control of {path}: {reply.headers.get('Cache-Control')}")
    return wrong
