"""Requirement 18: requests that are nearly right, and what the description of the interface says of the answers."""

from __future__ import annotations

import json
import random
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.trust import costly
from bench.trust.finding import Finding
from bench.trust.routes import ROUTES
from bench.trust.running import ROOT, Reply, Running

_ALLOWED = (501, 503)
_WORDS = [
    b"\0", b"\xff\xfe", b"%00", b"%ff", b"../", b"'", b'"', b"<script>", b"{{7*7}}", b"${x}", b"\r\n", b"%0d%0a", b"9" * 400,
    b"-1", b"1e999", b"NaN", b"null", b"[]", b"{}", b"\xed\xa0\x80", b"\xf0\x9f\x8d\x85", b"\xe2\x80\xae", b"a" * 3000,
    b'"question":', b"&top=0", b"&top=51", b"&under=", b"?", b"#", b";", b"/", b"//", b"under:", b"tag:x", b"after:9999-99",
    b'","under":["', b"[" * 500, b'{"a":' * 200, b"\\ud800", b"\\u0000", b"*", b"**/", b"[!", b"\xe2\x80\xa8",
]  # fmt: skip


def suite(
    service: Running, number: int, examples: int = 0, seed: int = 1, share: float = 1, timed: bool = True
) -> Finding:
    """number: of mutated requests. examples: that schemathesis tries for each operation; 0 leaves it out. share: of the costly
    requests. timed: whether it counts how long these take.
    """
    chance = random.Random(seed)
    pool = _pool(service)
    wrong = []
    counted: dict[int, int] = {}
    sent = [_mutated(chance.choice(pool), chance) for _ in range(number)]
    with ThreadPoolExecutor(16) as senders:  # most of the time goes into waiting for those who wait for more
        for data, reply in zip(sent, senders.map(lambda data: service.raw(data, 2), sent), strict=True):
            counted[reply.status] = counted.get(reply.status, 0) + 1
            if fault := _fault(service, reply):
                wrong.append(f"{fault} after {data[:100]!r}")
    costs = costly.costs(service, share)
    told = _schemathesis(service, examples) if examples else ""
    figure = f"{number:,} mutated requests (seed {seed}): {len(wrong)} faults"
    figure += f" ({', '.join(f'{count:,} × {status}' for status, count in sorted(counted.items()))})"
    figure += f"; {costs.asked} costly ones: {len(costs.bad)} faults, the slowest {costs.slowest[0]:.1f} s"
    figure += f"; schemathesis, {examples:,} examples an operation: {told or 'nothing found'}" if examples else ""
    reach = "schemathesis and 10,000 hostile requests: 0 × 5xx but 503 and 501, 0 schema violations, 0 leaks"
    wrong += costs.bad
    if timed and costs.too_slow:
        wrong.append(f"{costs.slowest[0]:.1f} s for {costs.slowest[1]}")
    return Finding(18, "Hostile requests", reach, figure, not wrong and not told, "; ".join([*wrong[:5], told][:6]))


def _pool(service: Running) -> list[bytes]:
    node = json.loads(service.ask().body)["results"][0]["id"].encode()
    pool = []
    for route in ROUTES:
        head = f"{route.method} {route.path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n".encode()
        head = head.replace(b"{id}", node).replace(b"{own}", node)
        if route.body is not None:
            head += b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(route.body)
        pool.append(head + b"\r\n" + (route.body or b""))
    return pool


def _mutated(data: bytes, chance: random.Random) -> bytes:
    """With one to three things done to it. The length of a body is mended mostly, so that what is in it gets read."""
    head, _, body = data.partition(b"\r\n\r\n")
    for _ in range(chance.randint(1, 3)):
        if body and chance.random() < 0.7:
            body = _spoilt(body, chance)
        elif chance.random() < 0.7:
            line, _, rest = head.partition(b"\r\n")
            method, target, version = line.split(b" ", 2) if line.count(b" ") >= 2 else (b"GET", line, b"HTTP/1.1")
            head = b" ".join((method, b"/" + _spoilt(target[1:], chance), version)) + b"\r\n" + rest
        else:
            head = _spoilt(head, chance)
    if b"Content-Length: " in head and chance.random() < 0.9:
        before, _, after = head.rpartition(b"Content-Length: ")
        head = (
            before + b"Content-Length: %d" % len(body) + after[after.find(b"\r\n") :]
            if b"\r\n" in after
            else before + (b"Content-Length: %d" % len(body))
        )
    return head + b"\r\n\r\n" + body


def _spoilt(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    match chance.randrange(5):
        case 0:
            return data[:at] + chance.choice(_WORDS) + data[at:]
        case 1:
            return data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
        case 2:
            return data[:at]
        case 3:
            return data[:at] + data[at + chance.randrange(1, 20) :]
        case _:
            return data[:at] + data[at : at + 30] * 3 + data[at:]


def _fault(service: Running, reply: Reply) -> str:
    if reply.status >= 500 and reply.status not in _ALLOWED:
        return f"status {reply.status}"
    for word in (
        str(service.folder),
        str(Path.home()) + "/",
        "Traceback",
        "site-packages",
        "waitress",
        "werkzeug",
        'File "',
    ):
        if word.encode() in reply.body or word in repr(reply.headers):
            return f"'{word}' in the answer"
    told = "problem+json" in reply.headers.get("Content-Type", "") or reply.body.startswith(b'{"jsonrpc":"2.0"')
    if reply.status >= 400 and reply.body and not told:  # /mcp tells errors as its protocol has it
        return f"{reply.status} as {reply.headers.get('Content-Type')}"
    return ""


def _schemathesis(service: Running, examples: int) -> str:
    """What it found, in short; it runs over the wire, in an environment of its own. Left out is the check that all that fits
    the description is accepted: a scope in which nothing lies fits it and is refused.
    """
    tool = ROOT / ".venv-trust" / "bin" / "schemathesis"
    if not tool.exists():
        return "not run: 'make .venv-trust/ready' installs it"
    command = [str(tool), "run", f"{service.url}openapi.json", f"--max-examples={examples}", "--checks=all"]
    command += [
        "--exclude-checks=positive_data_acceptance,ignored_auth",
        "--workers=2",
        "--seed=1",
        "--no-color",
        "--continue-on-failure",
    ]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=service.folder)
    if ran.returncode == 0:
        return ""
    summary = ran.stdout.partition("= SUMMARY =")[2] or ran.stdout + ran.stderr
    return " | ".join(line.strip() for line in summary.splitlines() if line.strip(" ="))[:1500]
