"""The real service as a process, with the real model, over the outline that ships."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import NOTES, Service, Workshop

PATIENCE = 30.0
"""Seconds until a test gives up. No test is about how long something takes."""

QUESTIONS = [
    "How long may a Lambda function run?",
    "Which load balancer has a static IP address?",
    "What is the largest item DynamoDB can store?",
    "How long are CloudTrail events kept?",
    "Can a CNAME record be set for the zone apex?",
    "instance store stop terminate data lost",
    "What does an external ID protect against?",
    "S3 multipart upload",
    "How do I bake bread?",
]


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=PATIENCE) as response:
        assert response.headers["Content-Type"] == "application/json"
        return json.load(response)


def ask(url: str, question: str, **more: Any) -> Any:
    body = json.dumps({"question": question, **more}).encode()
    request = urllib.request.Request(f"{url}api/ask", body, {"Content-Type": "application/json"})
    return get(request)  # type: ignore[arg-type]


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.1)


# The contract, field by field


def check_types(value: dict[str, Any], types: dict[str, type | tuple[type, ...]]) -> None:
    assert types.keys() <= value.keys()
    for name, kind in types.items():
        assert isinstance(value[name], kind), (name, value[name])
        assert not (isinstance(value[name], bool) and kind is not bool), name


def lines_of(file: str) -> list[str]:
    return (NOTES / file).read_text("utf-8").splitlines()


def check_result(result: dict[str, Any]) -> None:
    check_types(result, {"id": str, "score": (int, float), "path": list, "text": str, "excerpt": list, "source": dict})
    assert 0 <= result["score"] <= 1
    assert all(isinstance(part, str) for part in result["path"])
    source = result["source"]
    check_types(source, {"file": str, "line": int, "start_line": int, "end_line": int})
    assert source["start_line"] <= source["line"] <= source["end_line"]
    assert source["end_line"] - source["start_line"] < 12
    assert (NOTES / source["file"]).is_file()
    assert 1 <= len(result["excerpt"]) <= 12
    lines = lines_of(source["file"])
    filled = [n for n in range(source["start_line"], source["end_line"] + 1) if lines[n - 1].strip()]
    assert [line["line"] for line in result["excerpt"]] == filled
    for line in result["excerpt"]:
        check_line(line, lines)
    own = next(line for line in result["excerpt"] if line["line"] == source["line"])
    assert own["hit"]
    assert result["text"].startswith(own["text"])


def check_line(line: dict[str, Any], lines: list[str]) -> None:
    check_types(line, {"line": int, "depth": int, "text": str, "hit": bool, "marks": list})
    assert line["depth"] >= 0
    in_file = lines[line["line"] - 1].strip()
    assert in_file.endswith(line["text"])
    assert re.fullmatch(r"([-*+•]|\d+[.)])?\s*", in_file.removesuffix(line["text"]))
    before = 0
    for start, end in line["marks"]:
        assert before <= start < end <= len(line["text"])
        before = end


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_answer_is_as_the_contract_says(served: str, question: str) -> None:
    answer = ask(served, question)
    check_types(
        answer,
        {
            "question": str,
            "answered": bool,
            "confidence": (int, float),
            "results": list,
            "generation": str,
            "took_ms": (int, float),
        },
    )
    assert answer["question"] == question
    assert 0 <= answer["confidence"] <= 1
    assert 1 <= len(answer["results"]) <= 8
    for result in answer["results"]:
        check_result(result)
    scores = [result["score"] for result in answer["results"]]
    assert scores == sorted(scores, reverse=True)
    places = [(result["source"]["file"], line["line"]) for result in answer["results"] for line in result["excerpt"]]
    assert len(places) == len(set(places))
    if answer["answered"]:
        check_types(answer["answer"], {"text": str, "node": str})
        node = get(f"{served}api/nodes/{answer['answer']['node']}")
        quoted = answer["answer"]["text"].split("\n")
        stripped = " ".join(line.strip() for line in lines_of(node["source"]["file"]))
        assert all(part in stripped for part in quoted)
    else:
        assert answer["answer"] is None


def test_search_is_the_ranking_alone(served: str) -> None:
    query = urllib.parse.urlencode({"q": "Which load balancer has a static IP address?", "top": 100})
    found = get(f"{served}api/search?{query}")
    check_types(found, {"query": str, "results": list, "generation": str, "took_ms": (int, float)})
    assert 8 < len(found["results"]) <= 100
    for result in found["results"]:
        check_result(result)
    first = [result["id"] for result in ask(served, "Which load balancer has a static IP address?")["results"]]
    assert [result["id"] for result in found["results"]][: len(first)] == first


def test_a_result_its_node_and_its_family(served: str) -> None:
    for result in ask(served, "How long are CloudTrail events kept?")["results"]:
        node = get(f"{served}api/nodes/{result['id']}")
        check_types(node, {"id": str, "text": str, "path": list, "source": dict, "children": list})
        assert (node["id"], node["text"], node["path"]) == (result["id"], result["text"], result["path"])
        assert (node["source"]["file"], node["source"]["line"]) == (result["source"]["file"], result["source"]["line"])
        assert (node["parent"] is None) is (node["path"] == [])
        if node["parent"]:
            parent = get(f"{served}api/nodes/{node['parent']['id']}")
            assert [*parent["path"], parent["text"]] == node["path"]
            assert node["id"] in [child["id"] for child in parent["children"]]
        for child in node["children"]:
            assert get(f"{served}api/nodes/{child['id']}")["path"] == [*node["path"], node["text"]]


def test_related_notes_come_from_elsewhere(served: str) -> None:
    for result in ask(served, "How is a DynamoDB table cached?", top=3)["results"]:
        found = get(f"{served}api/nodes/{result['id']}/related?top=20")
        check_types(found, {"results": list})
        assert found["results"]
        scores = [node["score"] for node in found["results"]]
        assert scores == sorted(scores, reverse=True)
        own = [*result["path"], result["text"]]
        for node in found["results"]:
            check_types(node, {"id": str, "score": (int, float), "path": list, "text": str, "source": dict})
            assert 0 <= node["score"] <= 1
            trail = [*node["path"], node["text"]]
            same_file = node["source"]["file"] == result["source"]["file"]
            assert not (same_file and trail == own[: len(trail)]), "an ancestor or the node itself"
            assert not (same_file and own == trail[: len(own)]), "a descendant"


def test_health(served: str) -> None:
    health = get(f"{served}healthz")
    check_types(health, {"status": str, "nodes": int, "generation": str, "model": str})
    assert health["model"] == "all-MiniLM-L6-v2"
    assert health["nodes"] > 100
    assert health["generation"] == ask(served, "S3")["generation"]


def test_a_scope_is_kept(served: str) -> None:
    for result in ask(served, "How long is it kept?", under=["CloudTrail"])["results"]:
        assert [*result["path"], result["text"]][0] == "CloudTrail"
    for result in ask(served, "How long is it kept?", file="storage.*")["results"]:
        assert result["source"]["file"] == "storage.txt"


def test_an_error_comes_through_the_real_server(served: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(served, "")
    with refused.value as response:
        assert (response.code, response.headers["Content-Type"]) == (400, "application/problem+json")
        assert json.load(response)["status"] == 400


@pytest.mark.parametrize("size", [100_000, 3_000_000])
def test_a_question_that_is_far_too_long_is_refused(served: str, size: int) -> None:
    with pytest.raises((urllib.error.URLError, ConnectionError)) as refused:
        ask(served, "x" * size)
    if isinstance(refused.value, urllib.error.HTTPError):
        with refused.value as response:
            assert response.code == 413
    else:  # the server may hang up on what it will not read
        assert isinstance(getattr(refused.value, "reason", refused.value), ConnectionError)
    assert get(f"{served}healthz")["status"] == "ok"


def test_sixteen_at_once_get_what_one_alone_gets(served: str) -> None:
    def seen(question: str) -> Any:
        answer = ask(served, question)
        return {name: value for name, value in answer.items() if name != "took_ms"}

    alone = {question: seen(question) for question in QUESTIONS}
    start = threading.Barrier(16)

    def asker(number: int) -> list[tuple[str, Any]]:
        start.wait(PATIENCE)
        turn = number % len(QUESTIONS)
        return [(question, seen(question)) for question in QUESTIONS[turn:] + QUESTIONS[:turn]]

    with ThreadPoolExecutor(16) as askers:
        everything = [pair for pairs in askers.map(asker, range(16)) for pair in pairs]
    assert len(everything) == 16 * len(QUESTIONS)
    for question, answer in everything:
        assert answer["question"] == question
        assert [result["id"] for result in answer["results"]] == [result["id"] for result in alone[question]["results"]]
        assert answer["answered"] == alone[question]["answered"]
        assert answer["answer"] == alone[question]["answer"]


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGTERM there")
def test_a_crowd_is_answered_or_told_to_come_back(served: str) -> None:
    """Each of many requests that arrive at once gets a whole answer, or a refusal that says when to try again."""
    host, port = urllib.parse.urlsplit(served).netloc.rsplit(":", 1)
    crowd = []
    for number in range(300):
        query = urllib.parse.quote(f"how large may item {number} be")
        caller = socket.create_connection((host, int(port)), timeout=PATIENCE)
        caller.sendall(f"GET /api/search?q={query} HTTP/1.0\r\nHost: {host}:{port}\r\n\r\n".encode())
        crowd.append(caller)
    statuses = Counter()
    for caller in crowd:
        with caller, caller.makefile("rb") as reply:
            head, _, body = reply.read().partition(b"\r\n\r\n")
        status = int(head.split()[1])
        statuses[status] += 1
        assert json.loads(body)["results" if status == 200 else "detail"]
        assert (b"Retry-After: 1" in head) == (status == 503)
    assert set(statuses) <= {200, 503}
    assert statuses[200] > 0
    assert ask(served, "how large may an item be")["results"]


def test_a_restart_keeps_ids_and_a_stop_is_graceful(served: str, shipped_index: Path) -> None:
    question = "Which load balancer has a static IP address?"
    before = ask(served, question)
    again = Service("serve", str(NOTES), "--index", str(shipped_index), "--port", "0", "--no-watch")
    try:
        assert again.url != served
        after = ask(again.url, question)
        assert [result["id"] for result in after["results"]] == [result["id"] for result in before["results"]]
        assert after["generation"] == before["generation"]
    finally:
        again.process.send_signal(signal.SIGTERM)
        rest, log = again.process.communicate(timeout=PATIENCE)
    assert again.process.returncode == 0
    assert rest == ""  # the URL was the last line
    assert "0 embedded" in log
    assert "Traceback" not in log
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        ask(again.url, question)


def test_an_edit_becomes_searchable_while_serving(workshop: Workshop) -> None:
    workshop.write("Orchard\n  Apples ripen in September\n")
    service = Service("serve", str(workshop.notes), "--index", str(workshop.index), "--port", "0")
    try:
        first = get(f"{service.url}healthz")["generation"]
        apples = ask(service.url, "When do apples ripen?")["results"][0]
        workshop.write("Orchard\n  Apples ripen in September\n  Cherries are picked in June\n")
        wait_until(lambda: get(f"{service.url}healthz")["generation"] != first)
        answer = ask(service.url, "When are cherries picked?")
        assert answer["answered"]
        shown = [line["text"] for line in answer["results"][0]["excerpt"] if line["hit"]]
        assert "Cherries are picked in June" in shown
        assert get(f"{service.url}api/nodes/{apples['id']}")["text"] == apples["text"]
    finally:
        service.stop()
    assert service.process.returncode == 0


def test_an_edit_made_while_the_service_starts_is_not_missed(workshop: Workshop) -> None:
    """The notes are read first, then the model is loaded, which takes seconds: the edit falls in between."""
    workshop.write("Orchard\n  Apples ripen in September\n")
    edited = threading.Event()

    def edit_once_indexed() -> None:
        wait_until((workshop.index / "CURRENT").exists)
        workshop.write("Orchard\n  Cherries are picked in June\n")
        edited.set()

    editor = threading.Thread(target=edit_once_indexed)
    editor.start()
    service = Service("serve", str(workshop.notes), "--index", str(workshop.index), "--port", "0")
    try:
        editor.join(PATIENCE)
        assert edited.is_set()
        wait_until(lambda: ask(service.url, "When are cherries picked?")["results"][0]["source"]["line"] == 2)
        wait_until(lambda: "Cherries are picked in June" in str(ask(service.url, "cherries")["results"]))
    finally:
        service.stop()
