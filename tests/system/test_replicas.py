"""Services that share one index folder which another one updates, as behind a load balancer."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from bench.trust.running import QUESTION, Running, configure, prepare, running, trellis, wait_for

PATIENCE = 60.0


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Notes, and an index that `trellis index` brings up to date."""
    folder = prepare(tmp_path_factory.mktemp("replicas") / "writer")
    done = trellis(folder, "index", "notes", "--index", "index")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def replicas(writer: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Running]]:
    """Two services of which each has its own folder, and nothing in common but the index; the second is two processes."""
    places = []
    for name in ("one", "two"):
        place = tmp_path_factory.mktemp(name)
        (place / "index").symlink_to(writer / "index")
        configure(place)
        places.append(place)
    with (
        running(places[0], "--read-only") as one,
        running(places[1], "--read-only", "--processes", "2") as two,
    ):
        yield [one, two]
        assert [one.stop(), two.stop()] == [0, 0]


def contents(index: Path) -> dict[str, tuple[int, str]]:
    """All that lies in the index folder."""
    return {
        path.relative_to(index).as_posix(): (
            path.stat().st_mtime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
        )
        for path in index.rglob("*")
    }


def asked(service: Running, question: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(service.ask(question).body)
    return found | {"took_ms": 0}


def test_replicas_answer_alike_and_write_nothing(writer: Path, replicas: list[Running]) -> None:
    before = contents(writer / "index")
    first, second = (asked(service, QUESTION) for service in replicas)
    assert first["answered"]
    assert first == second
    body = json.dumps({"question": QUESTION}).encode()
    published = [service.send("POST", "/p/dns/api/ask", body, Content_Type="application/json") for service in replicas]
    assert [reply.status for reply in published] == [200, 200]
    assert contents(writer / "index") == before


def test_a_conversation_and_its_links_go_on_at_any_replica(replicas: list[Running]) -> None:
    one, two = replicas
    talk = [{"role": "user", "content": QUESTION}]
    for turn, (service, other) in enumerate(((one, two), (two, one), (one, two))):
        link = str(chat(service, talk)["sources"]["sources"][0]["url"])  # type: ignore[index]
        assert parse_qs(urlsplit(link).query).keys() >= {"note", "hash", "quote"}
        state = json.loads(other.send("GET", f"/api/citations?{urlsplit(link).query}").body)
        assert state["state"] == "same"
        talk += [
            {"role": "assistant", "content": "see above"},
            {"role": "user", "content": f"and alias records? {turn}"},
        ]


def chat(service: Running, messages: list[dict[str, str]]) -> dict[str, dict[str, object]]:
    body = json.dumps({"messages": messages}).encode()
    reply = service.send("POST", "/api/chat", body, Content_Type="application/json")
    assert reply.status == 200, reply.body
    blocks = [block.split("\n") for block in reply.body.decode().split("\n\n") if block.startswith("event: ")]
    return {lines[0].removeprefix("event: "): json.loads(lines[1].removeprefix("data: ")) for lines in blocks}


def test_what_is_indexed_elsewhere_is_taken_up_by_all(writer: Path, replicas: list[Running]) -> None:
    for number in range(3):
        (writer / "notes" / "ferry.txt").write_text(
            f"- The ferry to the island leaves at {number + 7} o'clock\n", "utf-8"
        )
        assert trellis(writer, "index", "notes", "--index", "index").returncode == 0

        def all_know(number: int = number) -> bool:
            found = [
                asked(service, "When does the ferry to the island leave?") for service in replicas for _ in range(4)
            ]
            return all(f"leaves at {number + 7}" in each["results"][0]["text"] for each in found)  # type: ignore[index]

        assert wait_for(all_know, PATIENCE)
    generations = {asked(service, QUESTION)["generation"] for service in replicas for _ in range(4)}
    assert len(generations) == 1


def test_replicas_go_on_answering_while_the_index_is_away(writer: Path, replicas: list[Running]) -> None:
    away = writer / "away"
    (writer / "index").rename(away)
    try:
        assert wait_for(lambda: all("the index before goes on answering" in each.log for each in replicas), PATIENCE)
        assert all(asked(service, QUESTION)["answered"] for service in replicas)
    finally:
        away.rename(writer / "index")
    (writer / "notes" / "back.txt").write_text("- The lantern is back on its hook\n", "utf-8")
    assert trellis(writer, "index", "notes", "--index", "index").returncode == 0
    assert wait_for(
        lambda: all("lantern" in str(asked(each, "where is the lantern?")["results"]) for each in replicas), PATIENCE
    )


def test_a_replica_needs_an_index(tmp_path: Path) -> None:
    configure(tmp_path, publications={})
    done = trellis(tmp_path, "serve", "--index", "nothing", "--port", "0", "--read-only")
    assert done.returncode == 2
    assert "There is no index in 'nothing' yet" in done.stderr
    assert not (tmp_path / "nothing").exists()
    shutil.rmtree(tmp_path)
