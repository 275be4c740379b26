"""What holds whichever engine is behind it: the same suite over FAISS with SQLite, and over Milvus."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from service import asking, standing
from service.answering import ask, node_at, related, search, view_node
from service.chat.citations import check_citation, content_hash, quote_of
from service.chat.conversation import converse
from service.chat.types import ChatMessage
from service.choices import choices
from service.errors import NodeNotFound, ScopeNotFound
from service.outline import view_outline
from service.scopes import find_scopes
from service.search.query_syntax import Filters
from service.search.scope import scope_of
from tests.engines.conftest import ENGINES, House
from tests.trees import ORG

BOILER = """
    Boiler
      The boiler is serviced every October by the Lindgren company
      Pressure
        It should stand between 1.2 and 1.8 bar
        Refill it through the black tap
    Radiators
      Bleed the radiators when they gurgle
      The key for bleeding hangs in the kitchen
    Site Reliability Engineering
      SRE holds a meeting on Mondays
"""
MARKDOWN = """
    ---
    title: Garden Book
    tags: [home]
    date: 2025-12-24
    ---
    # Garden

    - [ ] turn the key in the shed
    - [x] the key to good beans
    - plain key words #Urgent/today
"""


@pytest.fixture(scope="module", params=ENGINES)
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> House:
    """Notes that no test changes."""
    milvus = request.getfixturevalue("lite").settings() if request.param == "milvus" else None
    house = House(tmp_path_factory.mktemp("shared"), milvus)
    house.write("house.txt", BOILER)
    house.write("apollo.org", ORG)
    house.write("garden.md", MARKDOWN)
    house.write("twins.txt", "One\n  the same line\nTwo\n  the same line\n")
    house.index()
    return house


# ---- Asking ----


def test_a_question_is_answered_by_the_line_that_says_it(shared: House) -> None:
    answer = ask(shared.snapshot(), "Who looks after the heating once a year?")
    assert answer.results[0].text == "The boiler is serviced every October by the Lindgren company"
    assert answer.results[0].path == ["Boiler"]
    assert answer.generation == shared.snapshot().name
    assert ask(shared.snapshot(), "how high must the pressure of the boiler be?").answered
    assert not ask(shared.snapshot(), "cheap flights to Lisbon in May").answered


def test_misspelt_words_and_acronyms_are_understood(shared: House) -> None:
    assert search(shared.snapshot(), "gurgel radiatros").results[0].path[0] == "Radiators"
    assert search(shared.snapshot(), "when does site reliability engineering meet?").results[0].text.startswith("SRE")
    why = search(shared.snapshot(), "SRE meeting", explained=True).results[0].why
    assert why is not None
    assert "Site Reliability Engineering" in why.understood


def test_two_equal_lines_are_two_nodes(shared: House) -> None:
    found = search(shared.snapshot(), "the same line").results
    assert {tuple(result.path) for result in found if result.text == "the same line"} == {("One",), ("Two",)}


def test_a_comparison_a_list_and_an_amount_are_asked_for(shared: House) -> None:
    both = search(shared.snapshot(), "boiler or radiators: what is the difference?").results
    assert {"Boiler", "Radiators"} <= {result.path[0] if result.path else result.text for result in both[:4]}
    assert "1.2 and 1.8" in ask(shared.snapshot(), "how many bar of pressure?").results[0].text


# ---- Filters ----

VALVE = {"Check the key valve", "a key detail of the valve"}
FUEL = {"Order the key fuel", "twelve key tonnes", "Answer of the key supplier"}
APOLLO = {"Apollo", "2026-01-15 Thu", *VALVE, *FUEL}
KITCHEN = {"Kitchen", "the key of the larder"}
BEANS = {"turn the key in the shed", "the key to good beans", "plain key words"}
GARDEN = {"Garden", *BEANS}


@pytest.mark.parametrize(
    ("filters", "texts"),
    [
        ({"tag": ("Mission",)}, APOLLO),
        ({"tag": ("urgent/today",)}, {"plain key words"}),
        ({"tag": ("#urgent",)}, {*FUEL, "plain key words"}),
        ({"tag": ("space",)}, {*APOLLO, *KITCHEN}),
        ({"tag": ("mission", "urgent")}, FUEL),
        ({"todo": "open"}, {*VALVE, "Answer of the key supplier", "turn the key in the shed"}),
        ({"todo": "waiting"}, {"Answer of the key supplier"}),
        (
            {"todo": "*"},
            {*VALVE, "Answer of the key supplier", "turn the key in the shed"}
            | {"Order the key fuel", "twelve key tonnes", "the key to good beans"},
        ),
        ({"todo": "done", "tag": ("space",)}, {"Order the key fuel", "twelve key tonnes"}),
        ({"after": "2026-03"}, VALVE),
        ({"before": "2026"}, GARDEN),
        ({"after": "2026"}, {"2026-01-15 Thu", *VALVE}),
        ({"after": "2026-01-15", "before": "2026-01-16"}, {"2026-01-15 Thu"}),
        ({"after": "2026-03-02"}, None),
        ({"where": (("owner", "PRIYA"),)}, {*APOLLO, *KITCHEN} - {"Answer of the key supplier"}),
        ({"where": (("owner", "*"),), "todo": "waiting"}, {"Answer of the key supplier"}),
        ({"file": "*.md"}, GARDEN),
        ({"file": "*.nothing"}, None),
        ({"under": ("apollo", "check  the KEY valve")}, VALVE),
        ({"under": ("Garden Book",)}, GARDEN),
        ({"under": ("Garden Book", "Garden")}, GARDEN),
        ({"under": ("Apollo",), "tag": ("urgent",), "file": "*.org"}, FUEL),
        ({"under": ("Kitchen", "no such thing")}, None),
        ({"tag": ("nowhere",)}, None),
    ],
)
def test_only_what_is_in_scope_is_found_and_shown(
    shared: House, filters: dict[str, object], texts: set[str] | None
) -> None:
    chosen = Filters(**filters)  # type: ignore[arg-type]
    snapshot = shared.snapshot()
    if texts is None:
        with pytest.raises(ScopeNotFound):
            search(snapshot, "key", 50, filters=chosen)
        return
    store, mask = snapshot.store, scope_of(snapshot, chosen, None)
    assert mask is not None
    rows = np.flatnonzero(mask[np.arange(len(store))]).tolist()
    assert {node.text for node in store.nodes(rows)} == texts
    _, chunks = snapshot.generation.nearest(np.ones(384, np.float32), 1000, mask)
    assert sorted(store.chunk_node[chunks].tolist()) == rows
    matched, _ = store.match(["key"], 1000, mask)
    assert {node.text for node in store.nodes(store.chunk_node[matched].tolist())} == {t for t in texts if "key" in t}
    results = search(snapshot, "key", 50, filters=chosen).results
    shown = {store.row_at(result.source.file, line.line) for result in results for line in result.excerpt}
    assert shown <= set(rows)


def test_what_left_nothing_is_named(shared: House) -> None:
    with pytest.raises(ScopeNotFound, match="'tag' 'nowhere'"):
        search(shared.snapshot(), "key", filters=Filters(("Apollo",), tag=("nowhere",)))


# ---- Reading ----


def test_a_node_is_read_with_all_that_is_around_it(shared: House) -> None:
    view = view_node(shared.snapshot(), shared.id("Pressure"))
    assert view.path == ["Boiler"]
    assert [child.text for child in view.children] == [
        "It should stand between 1.2 and 1.8 bar",
        "Refill it through the black tap",
    ]
    assert view.parent is not None
    assert (view.parent.text, view.source.file, view.source.line) == ("Boiler", "house.txt", 3)
    valve = view_node(shared.snapshot(), shared.id("Check the key valve"))
    assert ("deadline", "2026-03-01") in [(said.name, said.value) for said in valve.attributes]
    outline = view_outline(shared.snapshot(), view.id)
    assert [row.text for row in outline.rows][:3] == [
        "Boiler", "The boiler is serviced every October by the Lindgren company", "Pressure",
    ]  # fmt: skip
    assert [row.siblings for row in outline.rows][:3] == [3, 2, 2]


@pytest.mark.parametrize("node", ["0" * 16, "zz", "1234", "f" * 16, ""])
def test_a_node_that_is_not_there(shared: House, node: str) -> None:
    with pytest.raises(NodeNotFound):
        view_node(shared.snapshot(), node)


def test_a_place_is_found_by_its_line(shared: House) -> None:
    assert node_at(shared.snapshot(), "house.txt", 4) == shared.id("It should stand between 1.2 and 1.8 bar")
    with pytest.raises(NodeNotFound):
        node_at(shared.snapshot(), "house.txt", 400)


def test_related_notes_are_from_elsewhere(shared: House) -> None:
    row = shared.row("Pressure")
    found = related(shared.snapshot(), shared.id("Pressure"), 50).results
    store = shared.snapshot().store
    rows = {store.row_of(result.id) for result in found}
    own = {row, *store.ancestors(row), *range(row, int(store.last[row]) + 1), *store.children(int(store.parent[row]))}
    assert rows == set(range(len(store))) - own
    assert found[0].score >= found[-1].score
    assert all(result.why is not None for result in found)


def test_completion_and_what_there_is_to_filter_by(shared: House) -> None:
    found = find_scopes(shared.snapshot(), "key")
    assert [heading.text for heading in found.headings] == ["Order the key fuel", "Check the key valve"]
    assert {heading.text for heading in find_scopes(shared.snapshot(), "", 20).headings} >= {
        "Boiler",
        "Apollo",
        "Garden",
    }
    offered = choices([shared.snapshot().store])
    assert {choice.value for choice in offered.tag} >= {"space", "mission", "urgent", "home"}
    assert [choice.value for choice in offered.file] == ["apollo.org", "garden.md", "house.txt", "twins.txt"]
    assert [choice.value for choice in offered.under][:2] == ["Apollo", "Kitchen"]


def test_a_conversation_quotes_and_cites(shared: House) -> None:
    asked = shared.collections.asked()
    said = [
        ChatMessage("user", "Who services the boiler?"),
        ChatMessage("assistant", "The Lindgren company."),
        ChatMessage("user", "and what about its pressure?"),
    ]
    events = list(converse(asked, said))
    texts = "".join(getattr(event, "text", "") for event in events)
    assert "1.2 and 1.8 bar" in texts


# ---- Changing ----


def texts_of(house: House) -> list[str]:
    store = house.snapshot().store
    return [node.text for node in store.run(0, len(store) - 1)]


def test_edits_additions_and_deletions_are_seen_and_nothing_is_lost_or_double(house: House) -> None:
    house.write("a.txt", "Shed\n  The ladder stands behind the door\n  The saw hangs on the wall\n")
    house.write("b.txt", "Cellar\n  Wine lies on the left\n")
    house.index()
    before = house.snapshot()
    house.write("a.txt", "Shed\n  A bench is new here\n  The ladder stands behind the door\n  The saw is lent to Ida\n")
    house.index()
    assert texts_of(house) == [
        "Shed", "A bench is new here", "The ladder stands behind the door", "The saw is lent to Ida", "Cellar",
        "Wine lies on the left",
    ]  # fmt: skip
    assert house.snapshot().name != before.name
    assert search(house.snapshot(), "who has the saw?").results[0].text == "The saw is lent to Ida"
    assert search(house.snapshot(), "where is the ladder?").results[0].source.line == 3
    assert all("wall" not in result.text for result in search(house.snapshot(), "saw on the wall", 50).results)
    (house.notes / "b.txt").unlink()
    house.index()
    assert len(texts_of(house)) == 4
    with pytest.raises(ScopeNotFound):
        search(house.snapshot(), "wine", filters=Filters(file="b.txt"))
    name = house.snapshot().name
    assert house.index().embedded == 0
    assert house.snapshot().name == name


def test_a_renamed_file_keeps_its_links(house: House) -> None:
    path = house.write("old.txt", "Attic\n  The tent is in the blue bag\n")
    house.write("other.txt", "Else\n")
    house.index()
    node = house.id("The tent is in the blue bag")
    path.rename(house.notes / "new.txt")
    house.index()
    view = view_node(house.snapshot(), node)
    assert (view.text, view.source.file) == ("The tent is in the blue bag", "new.txt")
    assert view.id != node


def test_a_citation_is_followed_when_its_note_moves_or_is_edited(house: House) -> None:
    text = "The spare key is under the third flower pot"
    house.write("a.txt", f"Door\n  {text}\n  The bell is broken\n")
    house.index()
    store = house.snapshot().store
    node = store.node(house.row(text))
    link = (node.id, content_hash(text), quote_of(node), store.node(node.parent).id)
    assert check_citation(house.snapshot(), *link).state == "same"
    house.write("a.txt", f"Garden\n  {text}\nDoor\n  The bell is broken\n")
    house.index()
    moved = check_citation(house.snapshot(), *link)
    assert (moved.state, moved.note and moved.note.path) == ("moved", ["Garden"])
    house.write("a.txt", f"Door\n  {text} now\n  The bell is broken\n")
    house.index()
    assert check_citation(house.snapshot(), *link).state == "edited"
    house.write("a.txt", "Door\n  The bell is broken\n")
    house.index()
    assert check_citation(house.snapshot(), *link).state == "deleted"


def test_what_was_changed_since_is_not_shown(house: House) -> None:
    house.write("a.txt", "Bike\n  The lock opens with 4711\n  The pump is in the basket\n")
    house.index()
    house.write("a.txt", "Bike\n  The pump is in the basket\n")
    answer = standing.ask([house.snapshot()], "what opens the lock of the bike?")
    assert all("4711" not in line.text for result in answer.results for line in result.excerpt)
    assert [outdated.file for outdated in answer.outdated] == ["a.txt"]
    assert {result.stale for result in answer.results} == {"changed"}
    assert standing.view_node(house.snapshot(), house.id("The lock opens with 4711")).stale == "deleted"
    assert standing.related(house.snapshot(), house.id("Bike")).results == []


def test_texts_of_any_length_and_script_are_kept_whole(house: House) -> None:
    long = "a" * 70_000
    many = " ".join(f"to be or not {n}" for n in range(60))  # more vectors of words than a field of Milvus holds
    house.write("long.txt", f"Long\n  {long}\n  —\n  {many}\n")
    house.write("other.txt", "記録\n  会議は月曜日の午後三時に始まります\nБаня\n  Дрова лежат за сараем\n")
    house.index()
    store = house.snapshot().store
    assert store.node(house.row(long)).text == long
    assert search(house.snapshot(), "会議").results[0].text == "会議は月曜日の午後三時に始まります"
    assert search(house.snapshot(), "где дрова").results[0].text == "Дрова лежат за сараем"
    assert search(house.snapshot(), "to be or not 7").results[0].text == many
    house.write("long.txt", "Long\n  short now\n")
    house.index()
    assert texts_of(house)[:2] == ["Long", "short now"]


def test_several_collections_are_asked_as_one(house: House, tmp_path: Path) -> None:
    from service.collections import Collections
    from service.config import Collection, Config
    from tests.engines.conftest import ENCODERS

    said = {"work": "Office\n  The printer needs the code 4711\n", "home": "Oven\n  It needs the code 0815\n"}
    for name, text in said.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_text(text, "utf-8")
    config = Config(
        collections={name: Collection(notes=[str(tmp_path / name)]) for name in said},
        index=str(tmp_path / "indexes"),
        milvus=house.milvus,
    )
    notes = Collections.of(config, ENCODERS)
    for member in notes.members:
        member.update()
    found = asking.search(notes, "which code does it need?").results
    assert {result.collection for result in found} == {"work", "home"}
    only = asking.search(notes, "collection:home which code does it need?").results
    assert {result.collection for result in only} == {"home"}
