"""Requirement 15: connections that take their time, of six kinds, many at once."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from bench.trust.finding import Finding
from bench.trust.running import Running, percentile, wait_for
from tests.stand_in import Request, StandIn

_HEAD = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
_POST = b"POST /api/ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n"
_MAP = b"GET /api/search?q=dns&top=100 HTTP/1.1\r\nHost: localhost\r\n\r\n"
KINDS: dict[str, tuple[bytes, bytes]] = {
    "silent": (b"", b""),
    "header stalls": (_HEAD, b""),
    "header trickles": (_HEAD, b"a"),
    "body stalls": (_POST, b""),
    "body trickles": (_POST, b" "),
    "reads nothing": (_MAP * 8, b""),
}
"""What is sent at once, and what every half second."""


def suite(service: Running, connections: int, limit: float, timed: bool = True) -> Finding:
    """limit: seconds that the server allows; all have to be cut five seconds later. Without `timed` it is no matter how fast
    /healthz answers, as long as it does.
    """
    before = service.memory()
    told, short, most = [], [], before
    for kind, sent in KINDS.items():
        p99, last, left, memory = _one(service, *sent, connections, limit + 5)
        most = max(most, memory)
        told.append(f"{kind}: p99 {p99:.0f} ms, cut {last:.0f} s" + (f", {left} LEFT" if left else ""))
        short += told[-1:] if left or (timed and p99 >= 100) else []
    grown = most - before
    short += [f"+{grown:.0f} MB"] if grown > 64 else []
    figure = f"{connections} of each; {'; '.join(told)}; +{grown:.0f} MB"
    reach = "`/healthz` p99 below 100 ms, all cut within 35 s, at most +64 MB"
    return Finding(15, "Slow connections", reach, figure, not short, "; ".join(short))


def _one(
    service: Running, first: bytes, then: bytes, connections: int, patience: float
) -> tuple[float, float, int, float]:
    """Answers p99 of /healthz in ms, seconds until the last was cut, how many were not, and the most MB resident."""
    began = time.monotonic()
    peers = [_open(service, first) for _ in range(connections)]
    done = threading.Event()
    trickle = threading.Thread(target=_send_on, args=(peers, then, done))
    trickle.start()
    taken: list[float] = []
    most, open_ones, cut = 0.0, list(peers), began
    while open_ones and time.monotonic() - began < patience:
        taken.append(_healthz(service))
        most = max(most, service.memory())
        still = [peer for peer in open_ones if not is_cut(peer)]
        if len(still) < len(open_ones):
            cut = time.monotonic()
        open_ones = still
        time.sleep(0.05)
    done.set()
    trickle.join()
    for peer in peers:
        peer.close()
    return percentile(taken, 0.99) * 1000, cut - began, len(open_ones), most


@contextmanager
def opened(service: Running, kind: str) -> Iterator[socket.socket]:
    """One such connection."""
    with _open(service, KINDS[kind][0]) as peer:
        yield peer


def _open(service: Running, first: bytes) -> socket.socket:
    peer = socket.socket()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    peer.settimeout(10)
    peer.connect(service.place)
    peer.setblocking(False)
    with suppress(OSError):
        peer.send(first)
    return peer


def _send_on(peers: Sequence[socket.socket], then: bytes, done: threading.Event) -> None:
    while then and not done.wait(0.5):
        for peer in peers:
            with suppress(OSError):
                peer.send(then)


def is_cut(peer: socket.socket) -> bool:
    """Without reading what was answered: the kernel tells of an end that stands behind unread bytes."""
    import select

    poll = select.poll()
    poll.register(peer, select.POLLRDHUP | select.POLLHUP | select.POLLERR)
    return bool(poll.poll(0))


def _healthz(service: Running) -> float:
    started = time.perf_counter()
    status = service.send("GET", "/healthz").status
    if status != 200:
        raise RuntimeError(f"/healthz answered {status}")
    return time.perf_counter() - started


def _talking(request: Request) -> None:
    """What a language model says that does not come to an end."""
    request.begin()
    request.say("Route 53 has many record types")
    while True:
        request.say(" and so on")
        time.sleep(0.05)


def streams(service: Running, places: int, model: StandIn, timed: bool = True) -> Finding:
    """Requirement 16: more conversations than there are places for, then readers who leave."""
    model.reply = _talking
    body = json.dumps({"messages": [{"role": "user", "content": "Which record types does Route 53 have?"}]}).encode()
    head = b"POST /api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    peers = []
    for _ in range(places):
        peer = service.connect()
        peer.sendall(head % len(body) + body)
        peer.recv(1)  # the answer has begun
        peers.append(peer)
    if not wait_for(lambda: len(model.requests) == places, 60):  # the first call loads the client's library
        raise RuntimeError("the language model was not called")
    refused = []
    for _ in range(20):
        started = time.perf_counter()
        reply = service.send("POST", "/api/chat", body, Content_Type="application/json")
        refused.append((reply.status == 503 and "Retry-After" in reply.headers, time.perf_counter() - started))
    slowest = percentile([seconds for _, seconds in refused], 0.5) * 1000
    for peer in peers:
        peer.close()
    started = time.monotonic()
    noticed = model.left.wait(30)
    stopped = time.monotonic() - started
    holds = all(good for good, _ in refused) and noticed and (not timed or (slowest < 50 and stopped < 1))
    figure = f"{sum(good for good, _ in refused)} of 20 refused with 503 and Retry-After, median {slowest:.0f} ms; "
    figure += f"{places} model calls stopped in {stopped:.2f} s" if noticed else "model calls NOT stopped"
    reach = "503 + Retry-After below 50 ms; LLM call stopped within 1 s"
    return Finding(16, "Streams", reach, figure, holds, "" if holds else figure)
