"""Several collections as people have them: settings in a file, the real command, the real service, the real model."""

from __future__ import annotations

import json
import textwrap
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Service, run_trellis

WORK = """
    Office
      The printer on the third floor needs the code 4711
      Expense reports are due on the fifth of each month
      Drafts
        Nobody may read this draft about giraffes
"""
HOME = """
    Boiler
      The boiler is serviced every October by the Lindgren company
      Bleed the radiators when they gurgle
"""
PATIENCE = 60.0


class House:
    """Two collections, and a third whose notes are not there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = folder / "trellis.yaml"
        self.write("work/office.txt", WORK)
        self.write("work/private.txt", "Salaries\n  The salary of the elephant keeper\n")
        self.write("home/house.txt", HOME)
        self.settings.write_text(
            "collections:\n"
            "  work: {notes: work, title: The office, ignore: [private.txt]}\n"
            "  home: {notes: [home], index: home-index}\n"
            "  lost: {notes: cellar}\n",
            "utf-8",
        )

    def write(self, place: str, text: str) -> Path:
        path = self.folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), "utf-8")
        return path

    def run(self, *arguments: str) -> Any:
        return run_trellis("--config", str(self.settings), *arguments, cwd=self.folder)

    def serve(self, *arguments: str) -> Service:
        return Service("--config", str(self.settings), "serve", "--port", "0", *arguments)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    made = House(tmp_path_factory.mktemp("house"))
    done = made.run("index", "--json")
    assert done.returncode == 2, done.stderr
    assert "trellis: lost: There are no notes at" in done.stderr
    assert "Traceback" not in done.stderr
    work, home, lost = json.loads(done.stdout)["collections"]
    assert (work["collection"], work["nodes"], home["collection"], home["nodes"]) == ("work", 5, "home", 3)
    assert [(group["reason"], group["names"]) for group in work["skipped"]] == [
        ("ignored by the settings", ["private.txt"])
    ]
    assert "There are no notes" in lost["problem"]
    return made


@pytest.fixture
def served(house: House) -> Iterator[str]:
    service = house.serve("--no-watch")
    yield service.url
    service.stop()


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=30) as reply:
        return json.loads(reply.read())


def ask(url: str, question: str, **options: str) -> Any:
    body = json.dumps({"question": question, **options}).encode()
    request = urllib.request.Request(f"{url}api/ask", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as reply:
        return json.loads(reply.read())


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.1)


def test_check_says_of_each_collection_what_is_the_matter(house: House) -> None:
    done = house.run("check", "--json")
    verdict = json.loads(done.stdout)
    assert (done.returncode, verdict["ok"]) == (1, False)
    assert {name: each["ok"] for name, each in verdict["collections"].items()} == {
        "work": True,
        "home": True,
        "lost": False,
    }
    assert house.run("check", "--collection", "work").returncode == 0


def test_ask_on_the_command_line(house: House) -> None:
    question = "who services the boiler?"
    done = house.run("ask", question, "--json")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["results"][0]["collection"]) == (0, "home")
    assert "lost was not asked" in done.stderr
    shown = house.run("ask", question)
    assert "[home] house.txt:2" in shown.stdout
    alone = house.run("ask", question, "--collection", "work", "--json")
    assert (alone.returncode, json.loads(alone.stdout)["answered"]) == (1, False)
    assert "lost" not in alone.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["ask", "x", "--collection", "cellar"], "There is no collection 'cellar': there are work, home, lost."),
        (["ask", "x", "--collection", "lost"], "'lost' cannot be asked now: There is no index"),
        (["ask", "x", "--collection", "work", "--index", "home-index"], "leave NOTES and --index out"),
        (["index", "work", "--collection", "work"], "leave NOTES and --index out"),
        (["report"], "--collection work or home or lost"),
    ],
)
def test_what_cannot_be_is_refused(house: House, arguments: list[str], says: str) -> None:
    done = house.run(*arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_an_index_that_is_named_is_asked_instead_of_the_collections(house: House) -> None:
    answer = json.loads(house.run("ask", "who services the boiler?", "--index", "home-index", "--json").stdout)
    assert answer["answered"]
    assert "collection" not in answer["results"][0]


def test_related_on_the_command_line(house: House) -> None:
    found = json.loads(house.run("related", "house.txt:2", "--json").stdout)
    assert found["collection"] == "home"
    assert house.run("related", "nowhere.txt:2").returncode == 2


def test_one_that_is_lost_does_not_take_the_others_down(house: House, served: str) -> None:
    health = get(f"{served}healthz")
    assert (health["status"], health["nodes"]) == ("degraded", 8)
    assert [(each["name"], each["state"]) for each in health["collections"]] == [
        ("work", "ready"),
        ("home", "ready"),
        ("lost", "broken"),
    ]
    assert str(house.folder) not in json.dumps(health)
    lost = get(f"{served}api/collections")["collections"][2]
    assert "log says why" in lost["problem"]
    answer = ask(served, "what is the code of the printer?")
    assert (answer["answered"], answer["results"][0]["collection"]) == (True, "work")
    assert [each["name"] for each in answer["unavailable"]] == ["lost"]
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(served, "anything", collection="lost")
    with refused.value as reply:
        assert reply.code == 503
        assert reply.headers["Content-Type"] == "application/problem+json"


def test_what_is_ignored_is_found_nowhere(served: str) -> None:
    assert "elephant" not in json.dumps(ask(served, "the salary of the elephant keeper")["results"])


def test_each_collection_follows_its_own_notes(tmp_path: Path) -> None:
    house = House(tmp_path)
    service = house.serve()
    try:
        before = {each["name"]: each for each in get(f"{service.url}api/collections")["collections"]}
        house.write("home/house.txt", HOME + "  The fuse box is behind the coats\n")
        wait_until(lambda: "fuse box" in json.dumps(ask(service.url, "where is the fuse box?")["results"]))
        after = {each["name"]: each for each in get(f"{service.url}api/collections")["collections"]}
        assert after["home"]["generation"] != before["home"]["generation"]
        assert after["work"]["generation"] == before["work"]["generation"]
        house.write("cellar/wine.txt", "Wine\n  The Barolo is in the third rack\n")
        wait_until(lambda: get(f"{service.url}healthz")["status"] == "ok")
        assert ask(service.url, "where is the Barolo?")["results"][0]["collection"] == "lost"
    finally:
        service.stop()


def test_what_is_deleted_while_nobody_follows_is_not_shown(house: House, served: str) -> None:
    question, line = "when are expense reports due?", "Expense reports are due on the fifth of each month"
    assert ask(served, question)["answer"]["text"] == line
    path = house.folder / "work" / "office.txt"
    text = path.read_text("utf-8")
    try:
        path.write_text("A new first line\n" + text.replace(f"  {line}\n", ""), "utf-8")
        answer = ask(served, question)
        assert line not in json.dumps({key: value for key, value in answer.items() if key != "question"})
        assert answer["outdated"] == [{"file": "office.txt", "state": "changed", "places": 1, "collection": "work"}]
        printer = ask(served, "what is the code of the printer?")["results"][0]
        assert (printer["stale"], printer["source"]["line"]) == ("changed", 3)
        assert house.run("ask", question, "--json").stdout.count(line) == 0
    finally:
        path.write_text(text, "utf-8")
    assert ask(served, question)["answer"]["text"] == line
