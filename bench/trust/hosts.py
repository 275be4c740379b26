"""Requirement 12: by which names the service is called."""

from __future__ import annotations

from bench.trust.finding import Finding
from bench.trust.routes import NOWHERE, ROUTES, call
from bench.trust.running import Running

OURS = ["localhost", "LOCALHOST", "localhost.", "127.0.0.1", "[::1]", "[0:0::1]", "localhost:1", "[::1]:65535",
        "notes.example.org", "Notes.Example.ORG:443"]  # fmt: skip
FOREIGN = [
    "evil.example", "evil.example:80", "evil.example.", "localhost.evil.example", "127.0.0.1.evil.example",
    "evil-localhost", "localhost..", ".localhost", "localhost,evil.example", "evil.example,localhost",
    "localhost localhost", "localhost@evil.example", "evil.example@localhost", "localhost:evil", "localhost:99999",
    "localhost:", "localhost/evil", "localhost?evil", "localhost#evil", "localhost\\evil", "http://localhost", "[::1",
    "[::1]evil.example", "evil.example[::1]", "[127.0.0.1]", "[::ffff:127.0.0.1]", "[::2]", "::1", "127.1",
    "2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.0", "192.168.0.5", "10.0.0.1", "*",
    "notes.example.org.evil.example", "sub.notes.example.org", "xn--lcalhost-54a", "loc%61lhost",
]  # fmt: skip


def suite(service: Running) -> Finding:
    routes = [*ROUTES, *NOWHERE]
    served = [
        f"{host} {route.method} {route.path}"
        for host in FOREIGN
        for route in routes
        if call(service, route, Host=host).status not in (400, 421)
    ]
    refused = [host for host in OURS if service.send("GET", "/healthz", Host=host).status != 200]
    tried = f"{len(FOREIGN) * len(routes):,} ({len(FOREIGN)} names × {len(routes)} routes)"
    figure = f"{len(served)} of {tried} served; {len(OURS) - len(refused)} of {len(OURS)} own names answered"
    reach = "0 served but loopback and configured names; `[::1]` works"
    return Finding(12, "Host", reach, figure, not served and not refused, "; ".join([*served[:5], *refused]))
