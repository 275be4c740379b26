"""Several processes on one port: real ones, with the real model, killed and stopped under load."""

from __future__ import annotations

import http.client
import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from bench.trust import stopping
from bench.trust.running import QUESTION, Running, prepare, running, trellis, wait_for
from indexer.generation_writing import write_lock

PATIENCE = 60.0
TWO = ("--processes", "2")
ASKED = 'trellis_request_seconds_count{route="/api/ask"}'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare(tmp_path_factory.mktemp("processes") / "house")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For services that do not outlive their test: a log is of one service."""
    return prepare(tmp_path_factory.mktemp("processes") / "other")


@pytest.fixture(scope="module")
def service(folder: Path) -> Iterator[Running]:
    with running(folder, *TWO) as service:
        yield service
        assert service.stop() == 0


def process_ids(service: Running) -> dict[int, int]:
    """Of the processes that answer, by their numbers, as the log tells of them."""
    started = [json.loads(line) for line in service.log.splitlines() if "was started" in line]
    return {int(each["message"].split()[1]): each["pid"] for each in started}


def requests(service: Running) -> list[dict[str, object]]:
    """As the log tells of them. A process that is killed may leave half a line."""
    found = []
    for line in service.log.splitlines():
        with suppress(ValueError):
            found.append(json.loads(line))
    return [each for each in found if each["message"] == "request"]


def answering(service: Running, since: int = 0) -> set[object]:
    """Which processes have answered a question, from that line of the log on."""
    return {each["process"] for each in requests(service)[since:] if each["route"] == "/api/ask"}


def ask_until_both_have_answered(service: Running) -> None:
    since = len(requests(service))

    def both() -> bool:
        with ThreadPoolExecutor(8) as pool:
            assert all(reply.status == 200 for reply in pool.map(lambda _: service.ask(), range(16)))
        return answering(service, since) == {1, 2}

    assert wait_for(both, PATIENCE)


def test_all_processes_answer_alike(service: Running) -> None:
    ask_until_both_have_answered(service)
    bodies = [json.loads(service.ask().body) for _ in range(10)]
    assert len({json.dumps(body | {"took_ms": 0}) for body in bodies}) == 1
    assert bodies[0]["answered"]


def test_the_service_is_ready_when_all_processes_are(other: Path) -> None:
    with running(other, "--no-watch", *TWO) as service:
        with ThreadPoolExecutor(
            16
        ) as pool:  # the address is printed: from the first moment on two processes take callers
            list(pool.map(lambda _: service.ask(), range(64)))
        assert service.figure("trellis_processes ") == 2
        assert answering(service) == {1, 2}
        assert service.stop() == 0


def test_counters_add_up_whichever_process_tells_them(service: Running) -> None:
    before = service.figure(ASKED)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: service.ask(), range(40)))
    assert wait_for(lambda: service.figure(ASKED) == before + 40, PATIENCE)  # a request counts once its answer is out
    assert {service.figure(ASKED) for _ in range(12)} == {before + 40}
    text = service.send("GET", "/metrics").body.decode()
    assert 'process_resident_memory_bytes{process="1"}' in text
    assert 'process_resident_memory_bytes{process="2"}' in text
    assert "trellis_waiting_requests 0.0" in text


def test_limits_hold_over_all_processes(service: Running, folder: Path) -> None:
    added = trellis(folder, "keys", "add", "seldom", "--limit", "9/hour", "--json")
    secret = json.loads(added.stdout)["key"]
    since = len(requests(service))
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: service.ask(Authorization=f"Bearer {secret}"), range(40)))
    assert Counter(reply.status for reply in replies) == {200: 9, 429: 31}
    assert answering(service, since) == {1, 2}


def test_a_publication_is_asked_of_both_while_it_is_made(service: Running) -> None:
    body = json.dumps({"question": QUESTION}).encode()
    with ThreadPoolExecutor(8) as pool:
        replies = list(
            pool.map(lambda _: service.send("POST", "/p/dns/api/ask", body, Content_Type="application/json"), range(16))
        )
    assert {reply.status for reply in replies} == {200}


def test_all_processes_say_that_the_notes_are_ahead_of_the_index(service: Running, folder: Path) -> None:
    def behind() -> set[bool]:
        since = len(requests(service))
        told: set[bool] = set()
        while answering(service, since) != {1, 2}:
            with ThreadPoolExecutor(8) as pool:
                told |= {
                    json.loads(reply.body).get("behind", False)
                    for reply in pool.map(lambda _: service.ask(), range(16))
                }
        return told

    with write_lock(folder / "index", PATIENCE):  # nobody can bring it up to date
        (folder / "notes" / "ahead.txt").write_text("- The gondola is painted in spring\n", "utf-8")
        assert wait_for(lambda: behind() == {True}, PATIENCE)
    assert wait_for(lambda: behind() == {False}, PATIENCE)
    assert "gondola" in service.ask("When is the gondola painted?").body.decode()


def test_an_edit_reaches_all_processes(service: Running, folder: Path) -> None:
    ask_until_both_have_answered(service)
    (folder / "notes" / "new.txt").write_text("- The zeppelin hangar is closed on Thursdays\n", "utf-8")

    def all_know() -> bool:
        found = [json.loads(service.ask("When is the zeppelin hangar closed?").body) for _ in range(12)]
        return all("zeppelin" in each["results"][0]["text"] for each in found)

    assert wait_for(all_know, PATIENCE)


@pytest.mark.parametrize("number", [2, 1])
def test_a_killed_process_costs_no_answer_of_the_others(service: Running, folder: Path, number: int) -> None:
    """The first is the one that follows the notes."""
    ask_until_both_have_answered(service)
    expected = {text: first_of(service.ask(text).body) for text in (QUESTION, "instance store stop", "S3 multipart")}
    outcomes: Counter[str] = Counter()
    stopped = threading.Event()

    def client() -> None:
        while not stopped.is_set():
            for text, first in expected.items():
                try:
                    reply = service.ask(text)
                except (ConnectionError, http.client.HTTPException):
                    outcomes["broken off"] += 1  # it was the killed one's
                    continue
                outcomes["right" if reply.status == 200 and first_of(reply.body) == first else "wrong"] += 1

    pid = process_ids(service)[number]
    with ThreadPoolExecutor(6) as pool:
        clients = [pool.submit(client) for _ in range(6)]
        try:
            assert wait_for(lambda: outcomes["right"] > 30, PATIENCE)
            os.kill(pid, signal.SIGKILL)
            at_the_kill = outcomes["right"]
            assert wait_for(lambda: outcomes["right"] > at_the_kill + 60, PATIENCE)
        finally:
            stopped.set()
        for each in clients:
            each.result()
    assert outcomes["wrong"] == 0
    assert outcomes["broken off"] <= 6  # one for each client, at most
    assert wait_for(lambda: f"process {number} ended (SIGKILL)" in service.log, PATIENCE)
    assert wait_for(lambda: process_ids(service)[number] != pid, PATIENCE)
    assert wait_for(lambda: f"process {number} answers again" in service.log, PATIENCE)
    ask_until_both_have_answered(service)
    text = f"- Lighthouse number {number} was painted green\n"
    (folder / "notes" / f"lighthouse-{number}.txt").write_text(text, "utf-8")
    assert wait_for(
        lambda: "painted green" in json.loads(service.ask(f"lighthouse number {number}").body)["results"][0]["text"],
        PATIENCE,
    )


def first_of(body: bytes) -> str:
    return str(json.loads(body)["results"][0]["id"])


def test_a_stop_under_load_loses_no_answer(other: Path) -> None:
    found = stopping.suite(other, 2, seed=5, processes=2)
    assert found.holds, (found.figure, found.shortfall)


def test_the_processes_end_with_their_parent(other: Path) -> None:
    with running(other, "--no-watch", *TWO) as service:
        pids = list(process_ids(service).values())
        assert len(pids) == 2
        service.process.kill()
        assert wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), PATIENCE)
        with pytest.raises(ConnectionRefusedError):
            service.connect(1)


def test_a_process_that_cannot_begin_ends_the_service_with_its_reason(other: Path) -> None:
    done = trellis(other, "serve", "nowhere", "--index", "index", "--port", "0", *TWO)
    assert done.returncode == 2
    assert "There are no notes at 'nowhere'" in done.stderr
    assert "Traceback" not in done.stderr


def test_only_a_number_or_auto_will_do(other: Path) -> None:
    for value in ("0", "many", "-1"):
        done = trellis(other, "serve", "notes", "--index", "index", "--port", "0", f"--processes={value}")
        assert done.returncode == 2
        assert "processes" in done.stderr
