"""Requirement 19: many clients for long, an edit a second, readers that stall; nothing wrong, nothing lost, nothing grows."""

from __future__ import annotations

import http.client
import json
import random
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from bench.trust.finding import Finding
from bench.trust.running import Running, percentile

_FACTS = {
    "Which lantern hangs over the northern jetty?": "The copper lantern hangs over the northern jetty",
    "Who winds the clock in the tower?": "Old Marguerite winds the clock in the tower on Sundays",
    "Where are the spare oars stored?": "The spare oars are stored behind the smokehouse",
}
_WARM = 0.2
"""Share of the time after which growth counts, five minutes at most."""


@dataclass
class Seen:
    """busy: refused with 503 and told when to come back. wrong: answered, but not with the fact. lost: no whole answer."""

    whole: int = 0
    busy: int = 0
    wrong: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    edits: int = 0
    found: int = 0


def prepare_facts(service: Running) -> None:
    (service.folder / "notes" / "facts.txt").write_text(
        "Harbour\n" + "".join(f"\t{fact}\n" for fact in _FACTS.values()), "utf-8"
    )
    (service.folder / "notes" / "diary.txt").write_text("Diary\n\tThe first day\n", "utf-8")


def suite(service: Running, clients: int, seconds: float, timed: bool = True) -> Finding:
    """The service follows its notes. Growth is the slope over the time after the first fifth (or five minutes)."""
    seen, lock, done = Seen(), threading.Lock(), threading.Event()
    work = [threading.Thread(target=_client, args=(service, n, seen, lock, done)) for n in range(clients)]
    work += [
        threading.Thread(target=_editor, args=(service, seen, done)),
        threading.Thread(target=_staller, args=(service, done)),
    ]
    for each in work:
        each.start()
    began = time.monotonic()
    samples = []
    while time.monotonic() - began < seconds:
        time.sleep(min(1.0, seconds / 20))
        samples.append((time.monotonic() - began, service.memory(), service.open_files(), service.threads()))
    done.set()
    for each in work:
        each.join(120)
    return _judged(seen, samples, clients, seconds, timed)


def _judged(
    seen: Seen, samples: list[tuple[float, float, int, int]], clients: int, seconds: float, timed: bool
) -> Finding:
    late = [sample for sample in samples if sample[0] >= min(300, seconds * _WARM)]
    slope, doubt = _growth([sample[:2] for sample in late])
    files, threads = [each[2] for each in late], [each[3] for each in late]
    flat = _flat(files) and _flat(threads)
    p50, p99 = (percentile(seen.seconds, share) * 1000 for share in (0.5, 0.99))
    holds = not seen.wrong and not seen.lost and flat and (not timed or slope < 1)
    figure = f"{clients} clients, {seconds / 60:.1f} min, {seen.edits:,} edits ({seen.found:,} looked for and found): "
    figure += f"{seen.whole:,} whole, {seen.busy:,} told to come back, {len(seen.wrong)} wrong, {len(seen.lost)} lost; "
    figure += f"p50 {p50:.0f} ms, p99 {p99:.0f} ms; {samples[-1][1]:.0f} MB, {slope:+.1f} ± {doubt:.1f} MB/h; "
    figure += f"{min(files)} to {max(files)} files, {min(threads)} to {max(threads)} threads"
    reach = "0 wrong, 0 dropped; RSS below 1 MB/h after 5 min; descriptors and threads flat"
    return Finding(
        19, "Soak", reach, figure, holds, "; ".join([*seen.wrong[:3], *seen.lost[:3]]) or ("" if holds else figure)
    )


def _growth(samples: list[tuple[float, float]]) -> tuple[float, float]:
    """Megabytes an hour and the standard error of that, from the medians of twenty equal stretches: each edit that is being
    indexed takes memory for a moment.
    """
    stretches = [stretch for stretch in np.array_split(np.array(samples), 20) if len(stretch)]
    at, megabytes = np.array([(np.mean(stretch[:, 0]), np.median(stretch[:, 1])) for stretch in stretches]).T
    (slope, _), covariance = np.polyfit(at, megabytes, 1, cov=True)
    return float(slope) * 3600, float(np.sqrt(covariance[0, 0])) * 3600


def _flat(values: list[int]) -> bool:
    """The least of the last third is hardly more than the most of the first: it goes up and down, but not away."""
    third = max(1, len(values) // 3)
    return min(values[-third:]) <= max(values[:third]) + 2


def _client(service: Running, number: int, seen: Seen, lock: threading.Lock, done: threading.Event) -> None:
    chance = random.Random(number)
    connection = http.client.HTTPConnection(*service.place, timeout=60)
    asked = 0
    while not done.is_set():
        asked += 1
        question, fact = chance.choice(list(_FACTS.items()))
        if asked % 3 == 0:  # never asked before, so that not all comes from memory
            question = f"{question} Asked for the {number * 100_000 + asked}th time."
        started = time.perf_counter()
        outcome = _ask(connection, question, fact)
        with lock:
            seen.seconds.append(time.perf_counter() - started)
            seen.whole += outcome == ""
            seen.busy += outcome == "busy"
            if outcome.startswith("wrong"):
                seen.wrong.append(f"{outcome} to '{question}'")
            elif outcome not in ("", "busy"):
                seen.lost.append(outcome)
        if outcome == "busy":
            done.wait(1)
    connection.close()


def _ask(connection: http.client.HTTPConnection, question: str, fact: str) -> str:
    body = json.dumps({"question": question, "top": 5}).encode()
    try:
        connection.request("POST", "/api/ask", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        text = response.read().decode()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        return f"{type(error).__name__}: {error}"
    if response.status == 503 and response.headers["Retry-After"]:
        return "busy"
    if response.status != 200:
        return f"status {response.status}"
    return "" if fact in text else f"wrong: {text[:200]}"


def _editor(service: Running, seen: Seen, done: threading.Event) -> None:
    """An edit a second; each tenth is looked for until it is found."""
    diary = service.folder / "notes" / "diary.txt"
    while not done.wait(1):
        seen.edits += 1
        word = f"zebra{seen.edits}quagga"
        diary.write_text(f"Diary\n\tThe first day\n\tOn day {seen.edits} a {word} was seen\n", "utf-8")
        if seen.edits % 10 == 0:
            seen.found += _comes(service, word)


def _comes(service: Running, word: str) -> bool:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if word.encode() in service.send("GET", f"/api/search?q={word}&top=3").body.partition(b'"results"')[2]:
            return True
        time.sleep(0.2)
    return False


def _staller(service: Running, done: threading.Event) -> None:
    """Ten readers who ask for much and read nothing; every two seconds another takes the place of the first."""
    peers: list[socket.socket] = []
    while not done.wait(0 if len(peers) < 10 else 2):
        with suppress(OSError):
            peers.append(service.connect())
            peers[-1].sendall(b"GET /api/search?q=dns&top=100 HTTP/1.1\r\nHost: localhost\r\n\r\n" * 4)
        if len(peers) > 10:
            peers.pop(0).close()
    for peer in peers:
        peer.close()
