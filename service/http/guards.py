"""Who may call: host names (against DNS rebinding), origins of foreign pages, and the headers that keep a page closed."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from flask import Response, request

from service.config import Config
from service.errors import RequestError
from service.types import Problem

_HOST = re.compile(
    r"(?:\[(?P<address>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)\.?)(?::(?P<port>[0-9]{1,5}))?",
    re.ASCII,
)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PUBLIC = re.compile(r"(?:/p/[a-z0-9-]+)?/widget\.js", re.ASCII)
"""Routes that any page may load: code without data."""
_ASKING = re.compile(r"(?:/[^/]+)*/api/.*|/metrics|/mcp", re.ASCII | re.DOTALL)
"""What pages of other sites have no reason to load, and caches none to keep."""
_PUBLISHED = re.compile(r"/p/([a-z0-9-]+)/.*", re.ASCII | re.DOTALL)
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

_SENT = "Authorization, Content-Type"
_SENT_BY_MCP = f"{_SENT}, Mcp-Protocol-Version, Mcp-Method, Mcp-Name, Mcp-Session-Id, Last-Event-ID"

CLOSED = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class OriginRefused(RequestError):
    status = 403
    title = "Origin not allowed"

    def __init__(self, origin: str) -> None:
        super().__init__(
            f"Pages of '{origin[:100]}' may not ask here. List the origin under 'allowed_origins' in trellis.yaml."
        )


class HostGuard:
    """Refuses requests for host names that are not this service's, before anything else sees them."""

    def __init__(
        self, app: Callable[..., Iterable[bytes]], config: Config, refused: Callable[[str], None] = lambda _: None
    ) -> None:
        self._app = app
        self._refused = refused
        named = {_plain_name(name) for name in (config.host, *config.allowed_hosts)}
        self._names = _LOOPBACK | named - {""}
        self._any_address = config.host in ("0.0.0.0", "::", "")  # noqa: S104 - compared, not bound

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if self._is_ours(environ.get("HTTP_HOST", "")):
            return self._app(environ, start_response)
        self._refused("host")
        detail = "This service is not called by that host name. List the name under 'allowed_hosts' in trellis.yaml."
        body = msgspec.json.encode(Problem("Misdirected request", 421, detail))
        headers = {**CLOSED, "Content-Type": "application/problem+json", "Content-Length": str(len(body))}
        start_response("421 Misdirected Request", list(headers.items()))
        return [body]

    def _is_ours(self, host: str) -> bool:
        name = _host_name(host)
        return name in self._names or (self._any_address and _is_address(name))


def _host_name(host: str) -> str:
    """The name without the port and without the dot that a full name may end in; "" for what is no host."""
    found = _HOST.fullmatch(host)
    if not found or int(found["port"] or 0) > 65535:
        return ""
    if address := found["address"]:
        return _plain_name(address) if ":" in address and _is_address(address) else ""
    return found["name"].casefold()


def _plain_name(name: str) -> str:
    """As it is compared: an address in its shortest form, without brackets."""
    name = name.casefold().strip("[]").removesuffix(".")
    return str(ipaddress.ip_address(name)) if _is_address(name) else name


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens on this address. A name other than localhost may mean any."""
    name = _plain_name(host)
    return name == "localhost" or (_is_address(name) and ipaddress.ip_address(name).is_loopback)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def check_origin(config: Config) -> Response | None:
    """Refuses other sites' pages unless their origin is listed; answers their preflight requests."""
    origin = request.headers.get("Origin")
    if _PUBLIC.fullmatch(request.path) or (origin and _is_same(origin)):
        return None
    if origin is None:
        # With what they load as a script or a picture, other sites' pages send no Origin. They cannot read it anyway, but how
        # long it takes could tell them what is in the notes.
        if _is_asked() and request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
            raise OriginRefused("another site")
        return None
    if not _is_listed(origin, config):
        raise OriginRefused(origin)
    if request.method == "OPTIONS":
        return Response(status=204)
    return None


def _is_asked() -> bool:
    """Whether the request is for notes. The page answers a question in its address, too; people follow links to it."""
    followed = request.headers.get("Sec-Fetch-Dest", "document") == "document"
    return bool(_ASKING.fullmatch(request.path)) or (request.path == "/" and not followed)


def _is_listed(origin: str | None, config: Config) -> bool:
    """Whether the settings allow this origin what the request is for. One that is listed with a publication reaches that
    publication alone.
    """
    if origin in config.allowed_origins:
        return True
    published = _PUBLISHED.fullmatch(request.path)
    publication = config.publications.get(published[1]) if published else None
    return publication is not None and origin in publication.origins


def _is_same(origin: str) -> bool:
    """Behind a proxy that speaks HTTPS our own pages have its scheme; the browser, which no page can fake, has to say so."""
    if origin == request.host_url.rstrip("/"):
        return True
    return origin == f"https://{request.host}" and request.headers.get("Sec-Fetch-Site") == "same-origin"


def close_page(response: Response, config: Config) -> Response:
    """Sets the security headers, and for a listed origin those that let its pages read the answer."""
    headers = response.headers
    kept = headers.get("Cache-Control")
    headers.update(CLOSED)
    if kept and not _ASKING.fullmatch(request.path):  # our own code may be kept, notes never
        headers["Cache-Control"] = kept
    if _PUBLIC.fullmatch(request.path):
        headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    headers.add("Vary", "Origin")
    origin = request.headers.get("Origin")
    if origin and not _is_same(origin) and _is_listed(origin, config):
        headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Expose-Headers"] = "Retry-After, X-Request-Id"
        headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        if request.method == "OPTIONS":
            headers["Access-Control-Allow-Methods"] = "GET, POST"
            headers["Access-Control-Allow-Headers"] = _SENT_BY_MCP if request.path == "/mcp" else _SENT
            headers["Access-Control-Max-Age"] = "600"
    return response
