"""Requirement 23: addresses that lead out, links that lead out, and texts that would forge a line of the log."""

from __future__ import annotations

import itertools
import json
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.trust.finding import Finding
from bench.trust.running import Reply, Running, trellis

SECRET = "opensesame-outside-the-notes"
_UP = ["..", "%2e%2e", "%2E.", ".%2e", "..%00", "%252e%252e", "..;", "%c0%ae%c0%ae", "%ef%bc%8e%ef%bc%8e", "..%5c.."]
_SLASH = ["/", "\\", "%2f", "%5c", "%252f", "//", "/./", "%c0%af"]
_BEFORE = [
    "/", "/static/", "/static/widget/", "/api/nodes/", "/p/dns/", "/api/search?file=", "/p/dns/note?note=", "//", "/static//",
]  # fmt: skip
_TARGETS = ["etc/passwd", "outside.txt", "trellis.yaml", "trellis-keys.json", "index/CURRENT", "proc/self/environ"]
_OFF_SITE = [
    "//evil.example", "/\\evil.example", "///evil.example/..", "/%09/evil.example", "/static//evil.example/%2f..",
    "//evil.example/%2e%2e", "/http://evil.example", "https:evil.example", "/%5cevil.example", "//[::1]@evil.example",
]  # fmt: skip
_FORGED = [
    "\r\n2026-01-01 info forged", "%0d%0aforged", "%0aforged line", "\x1b[2Jforged", "%1b]0;forged%07", "\u2028forged",
    "%e2%80%a8forged", "%c2%85forged", "\x85forged", "\x00forged", "%00forged", "\u202eforged",
]  # fmt: skip


def plant(folder: Path) -> None:
    """Links that lead out of the notes, to files with a word that must not come back."""
    (folder / "outside.txt").write_text(f"{SECRET}\n\tand the cellar under the planted words\n", "utf-8")
    (folder / "hinterland").mkdir()
    (folder / "hinterland" / "more.txt").write_text(f"{SECRET}\n", "utf-8")
    notes = folder / "notes"
    for name, target in (
        ("link.txt", folder / "outside.txt"),
        ("folder", folder / "hinterland"),
        ("up", folder),
        ("loop", notes),
    ):
        (notes / name).symlink_to(target)
    (notes / "relative.txt").symlink_to("../outside.txt")
    (notes / "chain.txt").symlink_to("relative.txt")


def addresses(number: int, seed: int = 1) -> list[str]:
    chance = random.Random(seed)
    ways = [
        f"{before}{slash.join([up] * depth)}{slash}{target}"
        for before, up, slash, depth, target in itertools.product(_BEFORE, _UP, _SLASH, (1, 3, 8), _TARGETS)
    ]
    absolute = [
        f"{before}{target}" for before in _BEFORE for target in ("/etc/passwd", "file:///etc/passwd", "C:\\boot.ini")
    ]
    forged = [f"{before}{text}" for before in _BEFORE for text in _FORGED]
    fixed = [*_OFF_SITE, *absolute, *forged]
    return [*fixed, *chance.sample(ways, max(0, number - len(fixed)))]


def suite(service: Running, number: int) -> Finding:
    """The service runs over the notes with the planted links, with its log as JSON."""
    lines = len(service.log.splitlines())
    leaked, led, taken = [], [], 0
    question = "where is the purple hippopotamus kept"

    def get(path: str) -> Reply:
        data = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: {path[:40]}\r\nConnection: close\r\n\r\n"
        return service.raw(data.encode("utf-8", "surrogatepass"), 5)

    asked = addresses(number)
    with ThreadPoolExecutor(8) as senders:
        replies = list(senders.map(get, asked))
    for path, reply in zip(asked, replies, strict=True):
        taken += reply.status != 400
        told = reply.body + repr(reply.headers).encode()
        if any(
            word in told
            for word in (SECRET.encode(), b"root:", str(service.folder).encode(), b"Traceback", b'"sha256"')
        ):
            leaked.append(path)
        if "Location" in reply.headers:
            led.append(f"{path} to {reply.headers['Location']}")
    leaked += _asked_for(service, question)
    forged = _forged(service.log.splitlines()[lines:], question)
    found = json.loads(trellis(service.folder, "index", "notes", "--index", "other", "--json").stdout)
    named = sum("leads out" in problem["message"] for problem in found["problems"])
    holds = not leaked and not led and not forged and named >= 5
    figure = f"{number:,} addresses: {len(leaked)} with bytes from outside, {len(led)} redirects; "
    figure += f"{len(forged)} log lines forged or telling; {named} links out of the notes named and not followed"
    reach = "2,000 strings: 0 bytes from outside, 0 redirects off site, 0 forged lines, 0 question text in logs"
    return Finding(23, "Paths and logs", reach, figure, holds, "; ".join([*leaked[:3], *led[:3], *forged[:3]]))


def _asked_for(service: Running, question: str) -> list[str]:
    """Whether any answer knows of what lies outside; and questions that the log must not hold."""
    asked = [SECRET, "opensesame", f"{question}\r\nforged", question]
    replies = [service.ask(text) for text in asked]
    replies += [service.send("GET", path) for path in ("/api/filters", "/api/map", "/api/scopes?q=outside")]
    replies.append(service.send("GET", f"/?q={question.replace(' ', '+')}"))
    return [
        f"answer {n}"
        for n, reply in enumerate(replies)
        if b"cellar under the planted words" in reply.body or b"hinterland" in reply.body
    ]


def _forged(lines: list[str], question: str) -> list[str]:
    """Lines that are no whole record of ours, or tell what was asked."""
    wrong = []
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            wrong.append(line[:80])
            continue
        if not {"time", "level", "logger", "message"} <= record.keys() or "forged" in line or "hippopotamus" in line:
            wrong.append(line[:120])
    return wrong
