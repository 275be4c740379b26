"""Who may do what: keys and their scopes, what is open to all, and how often.

On a loopback address everybody who reaches the service is on this machine, and no key is needed. On any other address every
route but those listed here needs one. Publications are public: their limit is counted by the caller's address.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Callable
from pathlib import Path

from flask import g, request

from service.config import Config
from service.errors import KeyRefused, OpenToAll, ScopeMissing
from service.http.guards import is_loopback
from service.keys import SCOPES, USUAL, Key, KeyRing, Scope
from service.limits import Counting, Limiter
from service.presence import Presence

_OPEN = frozenset(
    {
        "/",
        "/demo",
        "/widget.js",
        "/openapi.json",
        "/healthz",
        "/livez",
        "/static/<path:filename>",
        "/api/presence",
        "/docs",
    }
)
"""Code without data, and whether the service is well and itself. The page answers a question in its address only to who may
ask.
"""
_NEEDS: dict[str, Scope] = {
    "ask": "ask",
    "search": "ask",
    "chat": "ask",
    "nodes": "read",
    "place": "read",
    "filters": "read",
    "scopes": "read",
    "citations": "read",
    "map": "read",
    "collections": "read",
}
_MCP = "/mcp"
"""By the first part of the path after /api/. What is not listed needs `admin`."""
_OWN = Key(id="local", name="the command line of who runs the service", sha256="", scopes=list(USUAL), created="")
_BEARER = re.compile(r"Bearer +([\x21-\x7e]{1,200}) *", re.ASCII | re.IGNORECASE)

_WITH_PORT = re.compile(r"\[([0-9a-f:.]+)\](?::\d{1,5})?|([\d.]+):\d{1,5}", re.ASCII | re.IGNORECASE)


class Access:
    """Decides for each request. Its `check` runs before every route."""

    def __init__(
        self,
        config: Config,
        refused: Callable[[str], None],
        limiter: Counting | None = None,
        presence: Presence | None = None,
    ) -> None:
        """limiter: counts for several processes; without one this one counts for itself. presence: how the user who runs the
        service finds it; its key is as good as one of the file.
        """
        self._config = config
        self._presence = presence
        self._refused = refused
        self.local = is_loopback(config.host)
        self.keys_needed = config.access == "key" or (config.access == "auto" and not self.local)
        self._ring = KeyRing(Path(config.keys).expanduser())
        self._limiter = limiter or Limiter()

    def check(self) -> None:
        """Raises KeyRefused (401), ScopeMissing (403) or TooOften (429)."""
        try:
            self._check()
        except (KeyRefused, ScopeMissing):
            self._refused("key")
            raise

    def _check(self) -> None:
        rule = request.url_rule.rule if request.url_rule else ""
        if rule.startswith("/p/<publication>/"):
            g.scopes = frozenset()
            if caller := _caller():
                self._limiter.count(f"address {caller}", self._config.public_limit)
            return
        key = g.key = self._presented(optional=rule in _OPEN)
        g.scopes = frozenset(scope for scope in SCOPES if self._may(key, scope))
        if rule in _OPEN:
            return
        if scope := needed(rule):
            if key is None and scope not in g.scopes:
                raise KeyRefused
            if scope not in g.scopes:
                raise ScopeMissing(scope)
        elif self.keys_needed and key is None:
            raise KeyRefused  # which paths there are is nobody's business either
        if key and key is not _OWN:
            self._limiter.count(f"key {key.id}", key.limits or self._config.key_limit)

    def _presented(self, *, optional: bool) -> Key | None:
        """The key of the request. One that is none is refused even where none is needed: its owner believes in it."""
        header = request.headers.get("Authorization", "")
        if not header or (not self.keys_needed and not header.casefold().startswith("bearer")):
            return None
        found = _BEARER.fullmatch(header)
        key = (self._own(found[1]) or self._ring.find(found[1])) if found else None
        if key is None and not optional:
            raise KeyRefused
        return key

    def _own(self, presented: str) -> Key | None:
        own = self._presence
        return _OWN if own and hmac.compare_digest(presented.encode(), own.key.encode()) else None

    def _may(self, key: Key | None, scope: Scope) -> bool:
        if key:
            return key.may(scope)
        return not self.keys_needed and (scope != "admin" or self.local)


def is_open(rule: str) -> bool:
    """Whether a route needs no key anywhere."""
    return rule in _OPEN


def needed(rule: str) -> Scope | None:
    """The scope that a route needs which is not open; None where there is no such route."""
    if not rule:
        return None
    if rule == _MCP:
        return "ask"  # at the door; tools that read notes ask for `read` themselves
    return _NEEDS.get(rule.partition("/api/")[2].partition("/")[0], "admin")


def _caller() -> str:
    """Who asks, as far as limits go; "" for this machine. A proxy on it says who that is in the last place of its field."""
    found = _address(request.remote_addr or "")
    if found is None or found.is_loopback:
        said = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        found = _address(said)
        if said and found is None:
            return "unknown"  # nobody escapes the limit by how a proxy writes addresses
    if found is None:
        return ""
    # whoever has one IPv6 address has the 2^64 beside it
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else str(found)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """None for what is none. A port may follow. What listens on IPv6 sees callers by IPv4 as ::ffff:203.0.113.5."""
    found = _WITH_PORT.fullmatch(text)
    try:
        address = ipaddress.ip_address(found[1] or found[2] if found else text)
    except ValueError:
        return None
    return (address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None) or address


def require_closed(config: Config) -> str:
    """What whoever starts the service has to be told about who may ask, or "". Raises OpenToAll when anybody might by
    oversight.
    """
    if is_loopback(config.host):
        if config.allowed_hosts and config.access != "key":
            names = ", ".join(config.allowed_hosts[:3])
            return (
                f"whoever comes through a proxy for {names} needs no key; 'access: key' in the settings asks for one."
            )
        return ""
    if config.access == "open":
        return f"WARNING: whoever reaches {config.host} can read ALL of these notes without a key (access: open)."
    if not KeyRing(Path(config.keys).expanduser()):
        raise OpenToAll(config.host)
    return "every request from elsewhere needs a key; without HTTPS in front, keys and notes can be read on their way."


def may(scope: Scope) -> bool:
    """Whether the caller of this request may."""
    return scope in g.get("scopes", ())
