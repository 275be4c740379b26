"""Several collections: notes and settings in, one ranking over all of them out."""

from __future__ import annotations

import json
import shutil
import textwrap
from pathlib import Path

import pytest

from indexer import encoder
from indexer.encoder import Encoder, Model
from service import asking
from service.across import merged, rank_across
from service.answering import ask, generation_of, search
from service.collections import Collections, Encoders
from service.config import Config, make_config
from service.errors import CollectionNotFound, CollectionUnavailable, NodeAmbiguous, NodeNotFound
from service.http.web import create_app
from service.search.query_syntax import EVERYTHING, Filters
from tests.conftest import TINY_MODEL, TinyEncoder

KITCHEN = """
    Kitchen
      Bread
        bake it at 220 degrees
        the dough rests overnight
      Soup
        lentils, onions and cumin
"""
GARDEN = """
    Garden
      Beans
        sow them in May
      Contoso
        the gardener's firm
"""
OTHER_MODEL = Model("other", Path("elsewhere"), "1" * 64)


class Shelf:
    """Collections with tiny encoders, one for each model."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.loaded: list[TinyEncoder] = []
        self.models = {"tiny": TINY_MODEL, "other": OTHER_MODEL}
        monkeypatch.setattr(encoder, "locate", lambda name, _prompts=None: self.models[name])
        monkeypatch.setattr(encoder, "load", lambda *_: self._load())

    def _load(self) -> Encoder:
        self.loaded.append(TinyEncoder())
        return self.loaded[-1]

    def write(self, place: str, text: str) -> None:
        path = self.folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), "utf-8")

    def config(self, **collections: dict[str, object]) -> Config:
        settings = {
            name: {"notes": [str(self.folder / name)], "model": "tiny", **each} for name, each in collections.items()
        }
        return make_config({"collections": settings, "index": str(self.folder / "index")}, "test")

    def open(self, build: bool = True, **collections: dict[str, object]) -> Collections:
        made = Collections.of(self.config(**collections), Encoders())
        for member in made.members:
            if build:
                member.update()
        return made


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    made = Shelf(tmp_path, monkeypatch)
    made.write("kitchen/notes.txt", KITCHEN)
    made.write("garden/notes.txt", GARDEN)
    return made


@pytest.fixture
def both(shelf: Shelf) -> Collections:
    return shelf.open(kitchen={"title": "The kitchen"}, garden={})


def texts(found: object) -> list[str]:
    return [result.text for result in found.results]  # type: ignore[attr-defined]


# One or all


def test_all_are_asked_and_each_result_says_where_it_is_from(both: Collections) -> None:
    answer = asking.ask(both, "the dough rests overnight")
    assert (answer.results[0].text, answer.results[0].collection) == ("the dough rests overnight", "kitchen")
    assert answer.answer is not None
    assert answer.answer.collection == "kitchen"
    assert {result.collection for result in asking.search(both, "bread beans").results} == {"kitchen", "garden"}
    scores = [result.score for result in asking.search(both, "bread beans").results]
    assert scores == sorted(scores, reverse=True)


def test_one_is_asked_by_parameter_or_in_the_question(both: Collections) -> None:
    for found in (asking.ask(both, "bread", 8, "garden"), asking.ask(both, "bread collection:garden")):
        assert {result.collection for result in found.results} == {"garden"}
    asked = asking.ask(both, "bread collection:garden")
    assert asked.question == "bread collection:garden"
    assert asked.results == asking.ask(both, "bread", 8, "garden").results


def test_what_only_looks_like_a_collection_is_a_part_of_the_question(both: Collections) -> None:
    assert {result.collection for result in asking.ask(both, "bread collection:stamps").results} == {
        "kitchen",
        "garden",
    }


def test_a_collection_that_is_not_there_is_refused_with_those_that_are(both: Collections) -> None:
    with pytest.raises(CollectionNotFound, match=r"'cellar'.*kitchen, garden"):
        asking.ask(both, "bread", 8, "cellar")


def test_a_scope_that_only_one_of_them_has_is_asked_there(both: Collections) -> None:
    found = asking.search(both, "bread", filters=Filters(under=("Garden",)))
    assert {result.collection for result in found.results} == {"garden"}


def test_asked_alone_a_collection_answers_as_without_the_others(both: Collections) -> None:
    alone = both.asked("kitchen").snapshots[0]
    assert asking.search(both, "bread", 8, "kitchen").results == search(alone, "bread").results


def test_the_generation_of_several_changes_with_each(shelf: Shelf, both: Collections) -> None:
    before = asking.ask(both, "bread").generation
    assert before == generation_of(both.asked().snapshots) == asking.ask(both, "beans").generation
    shelf.write("garden/notes.txt", GARDEN + "  Peas\n")
    both.members[1].update()
    assert asking.ask(both, "bread").generation != before


# Models and words


def test_collections_of_one_model_share_it_and_a_question_is_encoded_once(shelf: Shelf, both: Collections) -> None:
    assert len(shelf.loaded) == 1
    shelf.loaded[0].questions = 0
    asking.ask(both, "a question nobody asked before")
    assert shelf.loaded[0].questions == 1


def test_each_model_is_loaded_and_asked_once(shelf: Shelf) -> None:
    both = shelf.open(kitchen={}, garden={"model": "other"})
    both.asked()
    for loaded in shelf.loaded:
        loaded.questions = 0
    asking.ask(both, "a question nobody asked before")
    assert [loaded.questions for loaded in shelf.loaded] == [1, 1]


def test_one_model_needs_no_common_scale(both: Collections) -> None:
    for part in rank_across(both.asked().snapshots, "bread", 8, EVERYTHING):
        before = [window.score for window in part.ranking.windows]
        assert before == sorted(before, reverse=True)
    parts = rank_across(both.asked().snapshots, "bread", 8, EVERYTHING)
    scores = sorted((window.score for part in parts for window in part.ranking.windows), reverse=True)
    assert [window.score for _, window in merged(parts, 8)] == scores[:8]


def test_scores_of_two_models_are_read_between_what_each_of_them_reaches(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other model gives 0.5 to what is far off and 0.6 to what is known; the first 0.1 and 0.9."""
    from service import across
    from service.judge.background import Background

    both = shelf.open(kitchen={}, garden={"model": "other"})
    anchors = {"kitchen": Background((0.1, 0.1, 0.1), (0.9, 0.9, 0.9)), "garden": Background((0.5,) * 3, (0.6,) * 3)}
    monkeypatch.setattr(across, "background_of", lambda snapshot: anchors[snapshot.collection])
    parts = rank_across(both.asked().snapshots, "bread", 8, EVERYTHING)
    kitchen, garden = (part.ranking.windows for part in parts)
    del kitchen[1:], garden[1:]
    kitchen[0].score, garden[0].score = 0.5, 0.58  # halfway up, and four fifths
    found = merged(parts, 8)
    assert [part.snapshot.collection for part, _ in found] == ["garden", "kitchen"]
    assert [round(window.score, 3) for _, window in found] == [0.66, 0.525]  # between the middles, 0.3 and 0.75
    assert (kitchen[0].score, garden[0].score) == (0.5, 0.58)  # on which each is judged


def test_a_word_that_another_collection_knows_is_no_misspelling(shelf: Shelf) -> None:
    shelf.write("kitchen/notes.txt", KITCHEN + "  Contosa\n    a cheese\n")
    both = shelf.open(kitchen={}, garden={})
    alone = ask(both.asked("kitchen").snapshots[0], "Contoso", explained=True).results[0].why
    together = next(
        r for r in ask(both.asked().snapshots, "Contoso", 50, explained=True).results if r.collection == "kitchen"
    )
    assert alone is not None
    assert alone.understood == "contosa"
    assert together.why is not None
    assert together.why.understood == "Contoso"


# The same file in two collections


@pytest.fixture
def twins(shelf: Shelf) -> Collections:
    shutil.copytree(shelf.folder / "kitchen", shelf.folder / "copy")
    return shelf.open(kitchen={}, copy={})


def test_the_same_lines_are_shown_once(twins: Collections) -> None:
    found = texts(asking.search(twins, "dough", 50))
    assert len(found) == len(set(found))
    assert "the dough rests overnight" in found


def test_an_id_that_two_collections_have_is_refused_without_its_collection(twins: Collections) -> None:
    note = asking.search(twins, "dough").results[0].id
    with pytest.raises(NodeAmbiguous, match=r"kitchen, copy.*'collection'"):
        asking.find_note(twins, note)
    for name in ("kitchen", "copy"):
        assert asking.find_note(twins, note, name)[0].collection == name
        assert asking.find_note(twins, f"{name}:{note}") == asking.find_note(twins, note, name)
    with pytest.raises(NodeAmbiguous):
        asking.find_place(twins, "notes.txt", 3)
    assert asking.find_place(twins, "notes.txt", 4, "copy")[1] == note


def test_an_id_that_one_collection_has_needs_no_name(both: Collections) -> None:
    note = asking.search(both, "beans", 1, "garden").results[0].id
    assert asking.find_note(both, note)[0].collection == "garden"
    for reference in ("0" * 16, f"kitchen:{note}", f"cellar:{note}"):
        with pytest.raises(NodeNotFound):
            asking.find_note(both, reference)


def test_a_citation_is_looked_up_where_it_is_from(twins: Collections) -> None:
    from urllib.parse import parse_qs, urlsplit

    from service.outline import view_outline

    snapshot, note = asking.find_note(twins, asking.search(twins, "dough").results[0].id, "copy")
    link = {key: value[0] for key, value in parse_qs(urlsplit(view_outline(snapshot, note).cite).query).items()}
    assert link["note"] == f"copy:{note}"
    found = asking.find_citation(twins, link["note"], link["hash"], link["quote"], link["in"])
    assert found.state == "same"
    assert found.note is not None
    assert found.note.collection == "copy"
    assert asking.find_citation(twins, note, link["hash"], link["quote"]).state == "same"  # from before it had a name


# One that cannot be used


def test_one_without_an_index_does_not_take_the_others_down(shelf: Shelf) -> None:
    shelf.open(kitchen={})
    both = shelf.open(build=False, kitchen={}, garden={})
    answer = asking.ask(both, "bread")
    assert {result.collection for result in answer.results} == {"kitchen"}
    assert [(state.name, state.state) for state in answer.unavailable] == [("garden", "missing")]
    with pytest.raises(CollectionUnavailable, match="'garden' cannot be asked now: There is no index"):
        asking.ask(both, "bread", 8, "garden")


@pytest.mark.parametrize("damage", ["CURRENT", "texts.sqlite", "structure.npz"])
def test_one_with_a_damaged_index_is_reported_as_broken(shelf: Shelf, damage: str) -> None:
    shelf.open(kitchen={}, garden={})
    path = next((shelf.folder / "index" / ".collections" / "garden").rglob(damage))
    path.write_bytes(b"x" + path.read_bytes()[1:])
    both = shelf.open(build=False, kitchen={}, garden={})
    assert [state.state for state in both.states()] == ["ready", "broken"]
    assert "damaged" in both.states()[1].problem
    assert texts(asking.ask(both, "bread"))


def test_it_answers_again_once_its_index_is_there(shelf: Shelf) -> None:
    shelf.open(kitchen={})
    both = shelf.open(build=False, kitchen={}, garden={})
    assert both.states()[1].state == "missing"
    both.members[1].follow(lambda _: None)  # what a follower does when the notes change
    assert both.states()[1].state == "ready"


def test_when_none_can_be_asked_that_is_an_error(shelf: Shelf) -> None:
    with pytest.raises(CollectionUnavailable):
        asking.ask(shelf.open(build=False, kitchen={}, garden={}), "bread")


# Over HTTP


def test_over_http(shelf: Shelf, both: Collections) -> None:
    config = shelf.config(kitchen={"title": "The kitchen"}, garden={})
    client = create_app(both, config).test_client()
    states = client.get("/api/collections").get_json()["collections"]
    assert [(state["name"], state["title"], state["state"]) for state in states] == [
        ("kitchen", "The kitchen", "ready"),
        ("garden", "garden", "ready"),
    ]
    health = client.get("/healthz").get_json()
    assert (health["status"], health["nodes"]) == ("ok", sum(state["nodes"] for state in states))
    body = client.post("/api/ask", json={"question": "bread", "collection": "kitchen"}).get_json()
    first = body["results"][0]
    assert first["collection"] == "kitchen"
    for path in (f"{first['id']}", f"kitchen:{first['id']}", f"{first['id']}?collection=kitchen"):
        assert client.get(f"/api/nodes/{path}").get_json()["collection"] == "kitchen"
    assert client.get(f"/api/nodes/{first['id']}?collection=garden").status_code == 404
    assert client.get("/api/search?q=bread&collection=nowhere").status_code == 404
    scopes = client.get("/api/scopes?q=be").get_json()
    assert [heading["collection"] for heading in scopes["headings"]] == ["garden"]
    assert {choice["value"]: choice["count"] for choice in client.get("/api/filters").get_json()["under"]} == {
        "Kitchen": 6,
        "Garden": 5,
    }
    assert client.get("/api/map?collection=garden").get_json()["collection"] == "garden"
    chat = client.post("/api/chat", json={"messages": [{"role": "user", "content": "bread: bake it at 220 degrees"}]})
    assert '"collection":"kitchen"' in chat.get_data(as_text=True)


def test_the_last_question_of_a_conversation_says_what_it_is_asked_of(shelf: Shelf, both: Collections) -> None:
    client = create_app(both, shelf.config(kitchen={}, garden={})).test_client()

    def sources(*questions: str) -> set[str]:
        messages = [{"role": "user", "content": question} for question in questions]
        text = client.post("/api/chat", json={"messages": messages}).get_data(as_text=True)
        data = next(line for line in text.split("\n") if line.startswith("data: "))
        found = json.loads(data.removeprefix("data: "))
        assert "collection:" not in found["question"]
        return {source["collection"] for source in found["sources"]}

    assert sources("bread collection:garden") == {"garden"}
    assert "kitchen" in sources("bread collection:garden", "how does the dough rest overnight?")


def test_a_publication_is_of_one_collection_and_names_none(shelf: Shelf) -> None:
    collections = {"kitchen": {}, "garden": {}}
    both = shelf.open(**collections)
    base = shelf.config(**collections)
    settings = {"publications": {"beans": {"under": ["Garden > Beans"], "collection": "garden"}}}
    from msgspec import structs, to_builtins

    config = make_config(to_builtins(base) | settings, "test")
    client = create_app(both, structs.replace(config)).test_client()
    body = client.post("/p/beans/api/ask", json={"question": "sow"}).get_json()
    assert {result["text"] for result in body["results"]} <= {"Beans", "sow them in May"}
    text = str(body) + str(client.get("/p/beans/healthz").get_json())
    assert "garden" not in text.casefold().replace("gardener", "")
    assert client.post("/p/beans/api/ask", json={"question": "sow", "collection": "garden"}).status_code == 404
    assert client.get("/p/beans/api/collections").status_code == 404


def test_a_publication_of_a_collection_that_cannot_be_asked_does_not_tell_why(shelf: Shelf) -> None:
    from msgspec import to_builtins

    collections: dict[str, dict[str, object]] = {"kitchen": {}, "garden": {}}
    shelf.open(kitchen={})
    settings = {"publications": {"beans": {"under": ["Garden > Beans"], "collection": "garden"}}}
    config = make_config(to_builtins(shelf.config(**collections)) | settings, "test")
    client = create_app(shelf.open(build=False, **collections), config).test_client()
    reply = client.post("/p/beans/api/ask", json={"question": "sow"})
    assert reply.status_code == 503
    assert "garden" not in reply.get_data(as_text=True)
    assert str(shelf.folder) not in reply.get_data(as_text=True)


@pytest.mark.parametrize("name", ["", "kitchen"])
def test_nothing_changes_for_a_service_without_collections(shelf: Shelf, name: str, tmp_path: Path) -> None:
    """The reply has none of the new fields, and an unknown collection is refused."""
    from service.collections import OpenCollection
    from service.snapshot import Current

    both = shelf.open(kitchen={})
    folder = both.members[0].folder
    single = Collections([OpenCollection.around(Current(folder, TINY_MODEL, shelf.loaded[0]))])
    client = create_app(single, Config()).test_client()
    reply = client.post("/api/ask", json={"question": "bread", "collection": name})
    if name:
        assert reply.status_code == 404
    else:
        assert "collection" not in reply.get_data(as_text=True)
        assert "stale" not in reply.get_data(as_text=True)
        assert "collections" not in client.get("/healthz").get_json()
