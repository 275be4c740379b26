"""Requirements 20 and 22: every route with every kind of key, and the headers of every answer."""

from __future__ import annotations

import json
import time
from pathlib import Path

from bench.trust.finding import Finding
from bench.trust.routes import NOWHERE, OPEN, PUBLIC, ROUTES, TOLD, Route, call, filled, lacking
from bench.trust.running import Running, trellis

_SCOPES = {"ask": ["ask"], "read": ["read"], "both": ["ask", "read"], "admin": ["admin"]}
_BAD = {
    "nothing": "",
    "no scheme": "{both}",
    "another scheme": "Basic {both}",
    "two spaces of nothing": "Bearer  ",
    "malformed": "Bearer trellis_",
    "unknown": "Bearer trellis_00000000_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "last letter changed": "Bearer {changed}",
    "secret of another": "Bearer {mixed}",
    "expired": "Bearer {expired}",
    "revoked": "Bearer {revoked}",
    "far too long": "Bearer " + "a" * 5000,
}


def make_keys(folder: Path) -> dict[str, str]:
    """One key for each set of scopes, one that has expired, and one that is revoked."""
    made = {}
    for name, scopes in (_SCOPES | {"expired": ["admin"], "revoked": ["admin"]}).items():
        options = [option for scope in scopes for option in ("--scope", scope)]
        ran = trellis(folder, "keys", "add", name, *options, "--days", "9", "--limit", "100000/minute", "--json")
        made[name] = json.loads(ran.stdout)["key"]
    file = folder / "trellis-keys.json"
    keys = json.loads(file.read_text("utf-8"))
    for key in keys["keys"]:
        if key["name"] == "expired":
            key["expires"] = "2020-01-01T00:00:00+00:00"
    file.write_text(json.dumps(keys), "utf-8")
    trellis(folder, "keys", "revoke", "revoked")
    one, other = made["both"].rsplit("_", 1)[0], made["admin"].split("_", 2)[2]
    last = made["both"][-1]
    return made | {
        "changed": made["both"][:-1] + ("A" if last != "A" else "B"),
        "mixed": made["both"][:17] + other,
        "id": one,
    }


def _expected(route: Route, scopes: list[str]) -> tuple[int, ...]:
    if route.needs in (OPEN, PUBLIC):
        return (200,) if route.rule else (404,)
    if not scopes:
        return (401,)
    if route.needs == "any":
        return (200, 403, 404, 405)
    return (200,) if route.needs in scopes or "admin" in scopes else (403,)


def matrix(service: Running, keys: dict[str, str]) -> Finding:
    """Each route with each key and each thing that is none."""
    held = {name: f"Bearer {keys[name]}" for name in _SCOPES}
    paths = filled(service, Authorization=held["admin"])
    wrong, cells = [], 0
    for route, path in paths.items():
        for name, value in held.items():
            status = call(service, route, path, Authorization=value).status
            cells += 1
            if status not in _expected(route, _SCOPES[name]):
                wrong.append(f"{route.method} {path} with {name}: {status}")
        for name, template in _BAD.items():
            value = template.format(**keys)
            status = call(service, route, path, **({"Authorization": value} if value else {})).status
            cells += 1
            if status not in _expected(route, []):
                wrong.append(f"{route.method} {path} with {name}: {status}")
        wrong += _in_address(service, route, path, keys["admin"])
    quick = _revoked_in(service)
    holds = not wrong and quick < 1
    figure = f"{cells - len(wrong):,} of {cells:,} route × key cells right; revoked within {quick:.2f} s of the command's end"
    reach = "100% of route × key cells; revoked within 1 s; no other address without a key"
    return Finding(20, "Keys", reach, figure, holds, "; ".join(wrong[:5]))


def _in_address(service: Running, route: Route, path: str, key: str) -> list[str]:
    """A key in the address opens nothing."""
    if route.needs in (OPEN, PUBLIC):
        return []
    sign = "&" if "?" in path else "?"
    tried = [f"{path}{sign}{name}={key}" for name in ("key", "api_key", "access_token", "token")]
    return [f"key in {path}" for each in tried if call(service, route, each).status != 401]


def _revoked_in(service: Running) -> float:
    """Seconds from the end of `trellis keys revoke` to the first refusal."""
    ran = trellis(service.folder, "keys", "add", "short-lived", "--json")
    value = f"Bearer {json.loads(ran.stdout)['key']}"
    if service.ask(Authorization=value).status != 200:
        return 99.0
    trellis(service.folder, "keys", "revoke", "short-lived")
    began = time.monotonic()
    while service.ask(Authorization=value).status == 200 and time.monotonic() - began < 5:
        pass
    return time.monotonic() - began


def headers(service: Running, keys: dict[str, str] | None = None) -> Finding:
    """The headers of every kind of answer: what is asked for, refused, malformed, not there, streamed."""
    allowed = {"Authorization": f"Bearer {keys['admin']}"} if keys else {}
    wrong, seen, kinds = [], 0, set()
    asked: list[tuple[Route, dict[str, str]]] = []
    for route in (*ROUTES, *NOWHERE):
        asked += [
            (route, allowed | more) for more in ({}, {"Host": "evil.example"}, {"Origin": "https://evil.example"})
        ]
        asked += [(route, {}), (Route("", route.path, "", "PATCH", b""), allowed)]
    asked += [
        (Route("", "/api/ask", "", "POST", body), allowed) for body in (b"", b"{", b"[]", b'{"question":1}', b"\xff")
    ]
    asked += [(Route("", "/api/ask", "", "POST", b"x" * 70_000), allowed), (Route("", "/api/search", ""), allowed)]
    asked.append((Route("", "/api/chat", "", "POST", TOLD), allowed))
    paths = filled(service, **allowed)
    for route, more in asked:
        path = paths.get(route, route.path)
        reply = call(service, route, path, **more)
        seen += 1
        kinds.add(reply.status)
        wrong += lacking(reply, path.partition("?")[0])
        if reply.status >= 400 and reply.headers.get("Content-Type") != "application/problem+json":
            wrong.append(f"{route.method} {path} {reply.status}: {reply.headers.get('Content-Type')}")
    figure = (
        f"{seen - len(wrong):,} of {seen:,} answers with all headers (statuses {', '.join(map(str, sorted(kinds)))})"
    )
    reach = "on 100% of answers, errors and SSE included; no-store on notes; the widget route the one exception"
    return Finding(22, "Headers", reach, figure, not wrong, "; ".join(wrong[:5]))
