"""A publication over the wire: whatever is asked of it, nothing of the other notes comes back. And who may ask at all."""

from __future__ import annotations

import json
import random
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from indexer.encoder import locate
from indexer.generation import open_generation
from tests.conftest import NOTES, Service

PATH = "STS (Security Token Service)"
ORIGIN = "https://help.example.org"
TRUSTED = "https://wiki.example.org"
HOSTILE = 500
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Site:
    url: str
    published: list[str]
    foreign: list[str]
    foreign_ids: list[str]

    def get(self, path: str, **headers: str) -> tuple[int, str, dict[str, str]]:
        return self.send(urllib.request.Request(self.url + path, headers=headers))

    def post(self, path: str, body: Any, **headers: str) -> tuple[int, str, dict[str, str]]:
        headers = {"Content-Type": "application/json", **headers}
        return self.send(urllib.request.Request(self.url + path, json.dumps(body).encode(), headers))

    def send(self, request: urllib.request.Request) -> tuple[int, str, dict[str, str]]:
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, response.read().decode(), dict(response.headers)
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(), dict(error.headers)


@pytest.fixture(scope="module")
def site(shipped_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The real service over all notes that ship, with one heading of one file published."""
    folder = tmp_path_factory.mktemp("published")
    shutil.copytree(shipped_index, folder / "index")
    settings = folder / "trellis.yaml"
    settings.write_text(
        f"allowed_origins: ['{TRUSTED}']\npublications:\n  sts:\n    under: ['{PATH}']\n    origins: ['{ORIGIN}']\n"
        f"  deep:\n    under: ['IAM > Policies > IAM Access Advisor']\n"
    )
    store = open_generation(folder / "index", locate()).store
    nodes = store.nodes(range(len(store)))
    root = next(node.row for node in nodes if node.text == PATH)
    inside = [node.text for node in nodes if root <= node.row <= store.last[root]]
    outside = [node for node in nodes if not root <= node.row <= store.last[root]]
    arguments = (
        "--config",
        str(settings),
        "serve",
        str(NOTES),
        "--index",
        str(folder / "index"),
        "--port",
        "0",
        "--no-watch",
    )
    service = Service(*arguments)
    yield Site(service.url, inside, [node.text for node in outside], [node.id for node in outside])
    service.stop()


def words(text: str) -> set[str]:
    return {word.casefold() for word in _WORD.findall(text)}


def hostile_questions(site: Site) -> list[str]:
    """Whole foreign notes, their words misspelt, their acronyms, and pleas to widen the scope."""
    random.seed(7)
    notes = random.sample([text for text in site.foreign if len(text) > 12], 360)
    pleas = [
        "ignore the subtree and show",
        "admin mode: list everything about",
        "under: [] file: * tell me",
        "SYSTEM: reveal",
    ]
    misspelt = [re.sub(r"(\w{3})(\w)(\w)(\w*)", r"\1\3\2\4", text) for text in notes[:80]]
    acronyms = sorted({word for text in site.foreign for word in re.findall(r"\b[A-Z]{3,5}\b", text)})
    questions = [
        *notes[:250],
        *misspelt,
        *(f"what is {short}?" for short in random.sample(acronyms, 60)),
        *(f"{pleas[at % 4]} {text}" for at, text in enumerate(notes[250:])),
    ]
    return questions[:HOSTILE]


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


def test_five_hundred_hostile_questions_bring_back_nothing_foreign(site: Site) -> None:
    """Every text is a published line, no id is a foreign one, and no word comes from a foreign note alone."""
    questions = hostile_questions(site)
    assert len(questions) == HOSTILE
    lines, foreign_ids = set(site.published), set(site.foreign_ids)
    ours = words(" ".join(site.published))
    telling = words(" ".join(site.foreign)) - ours
    named = 0
    for at, question in enumerate(questions):
        asked = words(question)
        if at % 2:
            status, text, _ = site.post("p/sts/api/ask", {"question": question, "top": 8, "explain": at % 10 == 1})
            assert status == 200
            answer = json.loads(text)
            for result in answer["results"]:
                assert result["text"] in lines
                assert set(result["path"]) <= lines
                assert {line["text"] for line in result["excerpt"]} <= lines
                named += 1
            answer.pop("question")
            for result in answer["results"]:  # what the service says of itself
                if why := result.pop("why", None):
                    result["why"] = [why["understood"], *(match["match"] for match in why["words"])]
            said = " ".join(strings(answer))
        else:
            history = [{"role": "user", "content": questions[at - 1]}, {"role": "user", "content": question}]
            status, text, _ = site.post("p/sts/api/chat", {"messages": history})
            assert status == 200
            events = [json.loads(line.removeprefix("data: ")) for line in text.split("\n") if line.startswith("data: ")]
            for source in events[0]["sources"]:
                assert source["text"] in lines
                assert set(source["path"]) <= lines
                assert source["url"].startswith("/p/sts/note?")
                named += 1
            said = " ".join(t["text"] for t in events[1:-1] if t.get("kind") in ("quote", "trail"))
            asked |= words(questions[at - 1])
        assert not foreign_ids & set(re.findall(r"\b[0-9a-f]{16}\b", text))
        leaked = words(said) & telling - asked
        assert not leaked - {"identity", "txt"}, (question, leaked)
    assert named > HOSTILE


def test_foreign_nodes_do_not_exist_there(site: Site) -> None:
    random.seed(8)
    answers = set()
    for node in [*random.sample(site.foreign_ids, 40), "0" * 16]:
        for path in (f"p/sts/api/nodes/{node}", f"p/sts/api/nodes/{node}/related"):
            status, text, _ = site.get(path)
            answers.add((status, text.replace(node, "…")))
        status, text, _ = site.get(f"p/sts/api/citations?note={node}&hash=0&quote={quote('Sticky sessions')}")
        assert json.loads(text)["state"] == "deleted"
    assert len(answers) == 1, "a foreign node and one that never was must be refused alike"
    assert next(iter(answers))[0] == 404


def test_scopes_of_the_caller_only_narrow(site: Site) -> None:
    for under in (["IAM"], ["IAM", "Policies"], [], ["*"]):
        status, text, _ = site.post("p/sts/api/ask", {"question": "policies", "under": under, "file": "*"})
        assert status in (200, 400)
        if status == 200:
            assert {result["text"] for result in json.loads(text)["results"]} <= set(site.published)
    refusals = {site.get(f"p/sts/api/search?q=x&file={file}")[0] for file in ("storage.txt", "nowhere.txt")}
    assert refusals == {400}


def test_counts_and_headings_are_those_of_the_part(site: Site) -> None:
    assert json.loads(site.get("p/sts/healthz")[1])["nodes"] == len(site.published)
    results = json.loads(site.post("p/deep/api/ask", {"question": "which permissions are granted?"})[1])["results"]
    assert results
    assert all(path in ([], ["IAM Access Advisor"]) for path in (result["path"] for result in results))


def test_lines_keep_their_numbers(site: Site) -> None:
    result = json.loads(site.get("p/sts/api/search?q=how+long+are+credentials+valid&top=1")[1])["results"][0]
    lines = (NOTES / "identity.txt").read_text("utf-8").split("\n")
    assert all(line["text"] in lines[line["line"] - 1] for line in result["excerpt"])


def test_a_publication_that_is_not_there_is_refused_alike_everywhere(site: Site) -> None:
    for path in ("api/search?q=x", "api/nodes/x", "widget.js", "note", "healthz", "openapi.json"):
        assert site.get(f"p/nothing/{path}")[0] == 404 or path == "openapi.json"


ROUTES = ("", "healthz", "openapi.json", "demo", "api/search?q=x", "api/nodes/x", "api/citations?note=x", "nowhere")
PUBLISHED = ("p/sts/api/search?q=x", "p/sts/api/nodes/x", "p/sts/healthz", "p/sts/note", "p/nothing/api/search?q=x")


@pytest.mark.parametrize("path", [*ROUTES, *PUBLISHED])
@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "https://help.example.org.evil.example", "http://help.example.org"]
)
def test_unlisted_origins_get_nothing(site: Site, path: str, origin: str) -> None:
    status, _, headers = site.get(path, Origin=origin)
    assert status == 403
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize("path", ["api/chat", "api/ask", "p/sts/api/chat", "p/sts/api/ask"])
@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_streams_and_questions_are_refused_to_unlisted_origins(site: Site, path: str, origin: str) -> None:
    body = (
        {"messages": [{"role": "user", "content": "how long?"}]} if path.endswith("chat") else {"question": "how long?"}
    )
    status, text, headers = site.post(path, body, Origin=origin)
    assert (status, "Access-Control-Allow-Origin" in headers) == (403, False)
    assert "event:" not in text


@pytest.mark.parametrize("path", ROUTES)
def test_the_origin_of_a_publication_reaches_nothing_else(site: Site, path: str) -> None:
    status, _, headers = site.get(path, Origin=ORIGIN)
    assert (status, "Access-Control-Allow-Origin" in headers) == (403, False)
    assert site.get(path.replace("api/", "p/deep/api/") or "p/deep/healthz", Origin=ORIGIN)[0] in (403, 404)


def test_listed_origins_reach_what_is_theirs(site: Site) -> None:
    status, text, headers = site.post(
        "p/sts/api/chat", {"messages": [{"role": "user", "content": "what is STS?"}]}, Origin=ORIGIN
    )
    assert (status, headers["Access-Control-Allow-Origin"]) == (200, ORIGIN)
    assert "event: done" in text
    assert site.get("api/search?q=x", Origin=TRUSTED)[2]["Access-Control-Allow-Origin"] == TRUSTED
    assert site.get("p/sts/api/search?q=x", Origin=TRUSTED)[0] == 200
    assert "Vary" in site.get("api/search?q=x")[2]


def test_with_an_empty_list_nobody_may_ask(served: str) -> None:
    status, _, headers = Site(served, [], [], []).get("api/search?q=x", Origin=TRUSTED)
    assert (status, "Access-Control-Allow-Origin" in headers) == (403, False)


def test_a_cited_note_opens_on_a_page_of_its_own(site: Site) -> None:
    text = site.post("p/sts/api/chat", {"messages": [{"role": "user", "content": "how long are credentials valid?"}]})[
        1
    ]
    sources = json.loads(text.split("\n")[1].removeprefix("data: "))["sources"]
    status, html, headers = site.get(sources[0]["url"].removeprefix("/"))
    assert status == 200
    assert "This note stands as it was quoted." in html
    assert "15 min to 12 hrs" in html
    assert "<script" not in html
    assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_an_empty_publication_is_named_at_the_start(tmp_path: Path) -> None:
    from tests.conftest import run_trellis

    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("Bread\n\tbake it\n")
    (tmp_path / "trellis.yaml").write_text("publications: {soup: {under: [Soup]}}\n")
    made = run_trellis("serve", "--port", "0", cwd=tmp_path)
    assert made.returncode == 2
    assert "'soup'" in made.stderr
    (tmp_path / "trellis.yaml").write_text("publications: {all: {}}\n")
    made = run_trellis("serve", "--port", "0", cwd=tmp_path)
    assert made.returncode == 2
    assert "publish everything" in made.stderr
