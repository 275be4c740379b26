"""Citation links: notes before and after an edit in, what has become of the cited line out."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from service.chat.citations import QUOTE_LIMIT, check_citation, citation_url, content_hash, quote_of
from service.chat.types import CitationState
from service.errors import InvalidRequest
from tests.conftest import Workshop

BEFORE = """
    Garden
      Tomatoes
        Water them every second morning, never on the leaves
        Pinch out the side shoots once a week
      Compost
        Turn the heap once a month
        No cooked food, it brings rats
"""


def reopened(workshop: Workshop, cited: str, after: str) -> CitationState:
    """A link to the line that begins so is made, the notes become `after`, and the link is opened."""
    workshop.write(BEFORE)
    workshop.build()
    snapshot = workshop.snapshot()
    store = snapshot.store
    node = next(store.node(row) for row in range(len(store)) if store.node(row).text.startswith(cited))
    link = parse_qs(urlsplit(citation_url(snapshot, node, quote_of(node))).query)
    workshop.write(after)
    workshop.build()
    carried = (link["note"][0], link["hash"][0], link["quote"][0], link.get("in", [""])[0])
    return check_citation(workshop.snapshot(), *carried)


@pytest.mark.parametrize(
    ("cited", "old", "new", "state", "now"),
    [
        ("Water them", "", "", "same", "Water them every second morning, never on the leaves"),
        ("Water them", "once a week", "twice a week", "same", "Water them every second morning, never on the leaves"),
        ("Water them", "Garden\n", "My garden\n", "moved", "Water them every second morning, never on the leaves"),
        ("Turn the heap", "Compost\n", "Kitchen\n", "moved", "Turn the heap once a month"),
        (
            "Water them",
            "second morning",
            "third evening",
            "edited",
            "Water them every third evening, never on the leaves",
        ),
        ("Turn the heap", "once a month", "once a week", "edited", "Turn the heap once a week"),
        ("No cooked food", "        No cooked food, it brings rats\n", "", "deleted", None),
        ("Pinch out", "Pinch out the side shoots once a week", "Mulch with straw in June", "deleted", None),
    ],
)
def test_what_has_become_of_a_line(workshop, cited: str, old: str, new: str, state: str, now: str | None) -> None:
    found = reopened(workshop, cited, BEFORE.replace(old, new) if old else BEFORE)
    assert found.state == state
    assert found.quote.startswith(cited)
    assert (found.note.text if found.note else None) == now
    assert found.message


def test_a_moved_note_says_where_to(workshop: Workshop) -> None:
    line = "        Water them every second morning, never on the leaves\n"
    found = reopened(workshop, "Water them", BEFORE.replace(line, "").replace("Compost\n", "Compost\n" + line))
    assert found.state == "moved"
    assert "Garden › Compost" in found.message


def test_an_edited_note_in_another_place_is_found_when_it_is_very_like(workshop: Workshop) -> None:
    line = "        Water them every second morning, never on the leaves\n"
    edited = line.replace("second", "third")
    found = reopened(workshop, "Water them", BEFORE.replace(line, "").replace("Compost\n", "Compost\n" + edited))
    assert (found.state, found.note.path if found.note else None) == ("edited", ["Garden", "Compost"])


def test_wrapping_a_note_anew_is_no_edit(workshop: Workshop) -> None:
    workshop.write("- Garden\n  - Water them every second morning, never on the leaves\n")
    workshop.build()
    store = workshop.snapshot().store
    node = store.node(1)
    workshop.write("- Garden\n  - Water them every second morning,\n    never on the leaves\n")
    workshop.build()
    assert len(workshop.snapshot().store.node(1).lines) == 2
    found = check_citation(workshop.snapshot(), node.id, content_hash(node.text), quote_of(node))
    assert found.state == "same"


def test_a_twin_is_told_apart_by_its_parent(workshop: Workshop) -> None:
    workshop.write("One\n  Same words here\nTwo\n  Same words here\n")
    workshop.build()
    store = workshop.snapshot().store
    node = store.node(3)
    workshop.write("One\n  Same words here\nTwo\n  Another line in front\n  Same words here\n")
    workshop.build()
    found = check_citation(workshop.snapshot(), node.id, content_hash(node.text), node.text, store.node(2).id)
    assert found.note
    assert found.note.path == ["Two"]


def test_a_long_note_is_quoted_by_its_beginning_and_still_known_by_all_of_it(workshop: Workshop) -> None:
    text = "A long note on trellises. " * 40
    workshop.write(f"Garden\n  {text}\n")
    workshop.build()
    store = workshop.snapshot().store
    node = store.node(1)
    quote = quote_of(node)
    assert len(quote) <= QUOTE_LIMIT
    assert node.text.startswith(quote)
    workshop.write(f"Yard\n  {text}\n")
    workshop.build()
    assert check_citation(workshop.snapshot(), node.id, content_hash(node.text), quote).state == "moved"
    workshop.write(f"Yard\n  {text} And an afterthought.\n")
    workshop.build()
    assert check_citation(workshop.snapshot(), node.id, content_hash(node.text), quote).state == "edited"


@pytest.mark.parametrize(
    ("note", "digest", "quote"),
    [("", "a", "b"), ("a", "", "b"), ("a", "b", " "), ("a", "b", "c" * 5000), ("a", "b", "c" * (QUOTE_LIMIT + 1))],
)
def test_a_link_that_lacks_a_part_is_refused(workshop: Workshop, note: str, digest: str, quote: str) -> None:
    workshop.write(BEFORE)
    workshop.build()
    with pytest.raises(InvalidRequest):
        check_citation(workshop.snapshot(), note, digest, quote)


def test_a_quote_as_long_as_a_link_carries_is_looked_for_and_a_longer_one_refused(workshop: Workshop) -> None:
    workshop.write(BEFORE)
    workshop.build()
    assert check_citation(workshop.snapshot(), "a", "b", "c" * QUOTE_LIMIT).state == "deleted"
    with pytest.raises(InvalidRequest, match="The quote has 281 characters; a link carries at most 280"):
        check_citation(workshop.snapshot(), "a", "b", "c" * (QUOTE_LIMIT + 1))


def test_an_edited_note_is_known_by_its_beginning_however_long_it_is(workshop: Workshop) -> None:
    words = " ".join(f"word{number}" for number in range(2000))
    workshop.write(f"Garden\n  {words}\n  Compost\n")
    workshop.build()
    store = workshop.snapshot().store
    node = store.node(1)
    workshop.write(f"Garden\n  A few words before. {words} And a few behind.\n  Compost\n")
    workshop.build()
    link = (node.id, content_hash(node.text), quote_of(node), store.node(0).id)
    found = check_citation(workshop.snapshot(), *link)
    assert found.state == "edited"
    assert found.note
    assert found.note.text.startswith("A few words before.")


def test_hashes_do_not_change_between_versions() -> None:
    assert content_hash("Water  them\nevery morning") == content_hash("Water them every morning") == "80ddc477e132ccc9"


def test_a_note_with_markup_is_quoted_as_it_was_written(workshop: Workshop) -> None:
    workshop.write("# Garden\n\n- Water **every second** morning [[Tomatoes]]\n- Compost\n", "notes.md")
    workshop.build()
    snapshot = workshop.snapshot()
    store = snapshot.store
    node = next(store.node(row) for row in range(len(store)) if "Water" in store.node(row).text)
    link = parse_qs(urlsplit(citation_url(snapshot, node, quote_of(node))).query)
    carried = (link["note"][0], link["hash"][0], link["quote"][0], link["in"][0])
    assert check_citation(workshop.snapshot(), *carried).state == "same"
    workshop.write("# Yard\n\n- Water **every second** morning [[Tomatoes]]\n- Compost\n", "notes.md")
    workshop.build()
    assert check_citation(workshop.snapshot(), *carried).state == "moved"
    workshop.write("# Garden\n\n- Water **every third** morning [[Tomatoes]]\n- Compost\n", "notes.md")
    workshop.build()
    assert check_citation(workshop.snapshot(), *carried).state == "edited"
