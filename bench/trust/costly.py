"""Requirement 18, too: requests as large as they may be, of one thing again and again. None may keep the others waiting, since
one thread has the interpreter at a time.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from bench.trust.running import Running
from service.types import QUESTION_LIMIT

_AGAIN = [
    " ", "\xa0", "\u3000", "\n", "a", "A", "0", "-", "*", "?", "'A", '"', "(", "[[", "((", "a ", "A ", "a-", "a, ", "\u65e5",
    "e\u0301", "\u200d", "\u0130", "\ufdfa", "a\u0301\u0323", "vs ", "x vs ", "between ", "between a and ", "compare a ",
    "and ", "which types ", "in terms of ", "explain ", "S3 ", "EC2 STS ", "Security Token Service ",
    "aaaaaaaaaaaaaaaaaaaaaaaa ", "encrption kuberntes ", "under:a ", 'under:"a ', "file:* ", "tag:a ", "todo:a ",
    "after:2026 ", "where:a=b ", "collection:a ", "what about ", "ok and ", "it ",
]  # fmt: skip
_AROUND = [("", ""), ("x", "x"), ("between x", "x?"), ("what x", "types")]
_GLOBS = ["*", "?", "*?", "*a", "**/", "[!a]", "*[a-z]*", "a*b?", "\\*"]
_ENOUGH = 2.0
"""Seconds for one request that is as large as may be, on a machine with other work."""


@dataclass(frozen=True, slots=True)
class Costs:
    """asked: how many requests. slowest: seconds, and for what. bad: what was answered as no request may be."""

    asked: int
    slowest: tuple[float, str]
    bad: list[str]

    @property
    def too_slow(self) -> bool:
        return self.slowest[0] >= _ENOUGH


def costs(service: Running, share: float = 1) -> Costs:
    """One after the other. share: of all there are."""
    bad: list[str] = []
    slowest = 0.0, ""
    requests = list(_requests())[:: max(1, round(1 / share))]
    for told, method, path, body in requests:
        started = time.perf_counter()
        reply = service.send(method, path, body, **({"Content_Type": "application/json"} if body else {}))
        slowest = max(slowest, (time.perf_counter() - started, told))
        if reply.status not in (200, 400, 404, 413, 414, 431):
            bad.append(f"{reply.status} to {told}")
    return Costs(len(requests), slowest, bad)


def _requests() -> Iterator[tuple[str, str, str, bytes | None]]:
    """(what it is, method, path, body)"""
    for again in _AGAIN:
        for before, after in _AROUND:
            question = before + again * ((QUESTION_LIMIT - len(before + after)) // len(again)) + after
            told = f"{before}{again!r}…{after}"
            asked = {"question": question, "top": 50, "explain": True}
            yield f"ask {told}", "POST", "/api/ask", json.dumps(asked).encode()
        talk = [{"role": "user", "content": question}, {"role": "user", "content": again * (1000 // len(again)) + "x"}]
        yield f"chat {again!r}…", "POST", "/api/chat", json.dumps({"messages": talk}).encode()
        yield f"search {again!r}…", "GET", f"/api/search?top=100&q=x{quote(again) * (900 // len(again))}x", None
    for glob in _GLOBS:
        for length in (60, 999):
            asked = {"question": "What is S3?", "file": glob * (length // len(glob)) + "[!z]"}
            yield f"file {glob!r} {length}", "POST", "/api/ask", json.dumps(asked).encode()
    for name, value in {
        "tag": ["a"] * 12_000,
        "under": ["a"] * 12_000,
        "where": {str(n): "*" for n in range(5_000)},
        "collection": "a" * 50_000,
        "todo": "a" * 50_000,
        "after": "2" * 50_000,
    }.items():
        yield (
            f"{name} again and again",
            "POST",
            "/api/ask",
            json.dumps({"question": "What is S3?", name: value}).encode(),
        )
    yield "brackets", "POST", "/api/ask", b"[" * 60_000
    yield "objects", "POST", "/api/ask", b'{"question":' * 5_000
    yield "digits", "POST", "/api/ask", b'{"question":"x","top":' + b"9" * 60_000 + b"}"
