"""Requirement 17: SIGTERM at random moments under load."""

from __future__ import annotations

import http.client
import json
import random
import socket
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench.trust.finding import Finding
from bench.trust.running import Running, running

_CLIENTS = 8


@dataclass
class Told:
    """What the clients of one stop saw. lost: asked, and no whole answer. late: connected after the listener was closed.
    turned_away: reset before a byte was answered, on a connection that was made after the signal. The system takes callers in
    on its own, so who comes in the very moment in which the listener is closed is reset instead of refused.
    """

    whole: int = 0
    lost: list[str] = field(default_factory=list)
    late: int = 0
    turned_away: int = 0
    signalled: float = float("inf")


def suite(folder: Path, times: int, seed: int = 1, processes: int = 1) -> Finding:
    chance = random.Random(seed)
    lost: list[str] = []
    whole = late = bad = turned_away = 0
    slowest = 0.0
    for turn in range(times):
        with running(folder, "--no-watch", "--processes", str(processes)) as service:
            told, status, seconds = _stop_once(service, chance.uniform(0.05, 0.6))
        whole, late, bad = whole + told.whole, late + told.late, bad + (status != 0)
        turned_away += told.turned_away
        lost += [f"turn {turn}: {each}" for each in told.lost]
        if told.lost:
            lost += [line for line in service.log.splitlines() if '"error"' in line][:2]
        slowest = max(slowest, seconds)
    holds = not lost and not late and not bad
    figure = f"{times} stops, {whole:,} answers whole, {len(lost)} lost, {late} taken after the stop, {bad} exits other than 0"
    figure += f", {turned_away} turned away as the listener was closed, {slowest:.1f} s at most (seed {seed})"
    reach = "0 answers lost that need under 30 s; new connections refused; exit 0"
    return Finding(17, "Stop under load", reach, figure, holds, "; ".join(lost[:5]))


def _stop_once(service: Running, after: float) -> tuple[Told, int, float]:
    told, lock, stopped = Told(), threading.Lock(), threading.Event()
    clients = [threading.Thread(target=_client, args=(service, n, told, lock, stopped)) for n in range(_CLIENTS)]
    for client in clients:
        client.start()
    time.sleep(after)
    began = told.signalled = time.monotonic()
    service.process.terminate()
    status = service.process.wait(60)
    seconds = time.monotonic() - began
    stopped.set()
    for client in clients:
        client.join(30)
    try:
        service.connect(1).close()
        told.late += 1
    except OSError:
        pass
    return told, status, seconds


def _client(service: Running, number: int, told: Told, lock: threading.Lock, stopped: threading.Event) -> None:
    """Asks again and again: even numbers on one connection as long as it lasts, odd ones on a new one each time."""
    connection = None
    asked = 0
    while not stopped.is_set():
        asked += 1
        fresh = connection is None
        try:
            connection = connection or _connected(service)
        except OSError:
            return  # refused: the listener is closed
        late = fresh and time.monotonic() > told.signalled
        outcome, stays = _ask(connection, f"record {number} {asked}", fresh)
        with lock:
            told.whole += outcome == ""
            if late and outcome.startswith("ConnectionResetError"):
                told.turned_away += 1
            elif outcome not in ("", "ended"):
                told.lost.append(outcome)
        if number % 2 or not stays:
            connection.close()
            connection = None


def _connected(service: Running) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection(*service.place, timeout=40)
    connection.connect()
    return connection


def _ask(connection: http.client.HTTPConnection, question: str, fresh: bool) -> tuple[str, bool]:
    """ "" for a whole answer, "ended" for a kept connection that the server had closed already (any client asks again then)."""
    body = json.dumps({"question": question}).encode()
    try:
        connection.request("POST", "/api/ask", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        found = json.loads(response.read())
    except (http.client.RemoteDisconnected, ConnectionError) as error:
        return ("ended" if not fresh else f"{type(error).__name__}: {error}"), False
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"{type(error).__name__}: {error}", False
    if response.status == 503 and response.headers["Retry-After"]:
        return "", not response.will_close
    return ("" if response.status == 200 and found["results"] else f"status {response.status}"), not response.will_close


def second_signal(service: Running) -> tuple[int, float]:
    """A stop that waits for somebody, and the signal again: exit status and seconds."""
    waiting = socket.create_connection(service.place)
    waiting.sendall(b"POST /api/ask HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n")
    time.sleep(0.3)
    service.process.terminate()
    time.sleep(1)
    began = time.monotonic()
    service.process.terminate()
    status = service.process.wait(10)
    waiting.close()
    return status, time.monotonic() - began
