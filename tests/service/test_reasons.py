"""Why notes are related."""

from __future__ import annotations

from service import answering
from service.reasons import reason
from service.snapshot import Snapshot
from service.types import Reason
from tests.conftest import Workshop


def reason_between(snapshot: Snapshot, line: int, other: int) -> Reason:
    here, there = (snapshot.store.row_at("notes.txt", number) for number in (line, other))
    assert here is not None
    assert there is not None
    return reason(snapshot, here, there)


def made(workshop: Workshop, text: str) -> Snapshot:
    workshop.write(text)
    workshop.build()
    return workshop.snapshot()


def test_the_closest_lines_below_two_headings_are_shown(workshop: Workshop) -> None:
    snapshot = made(
        workshop,
        """\
        Tomatoes
            Sow in March
            Water every second morning
        Orchids
            Never on the windowsill
            Water every second evening
        """,
    )
    pairs = reason_between(snapshot, 1, 4).lines
    assert (pairs[0].here, pairs[0].there) == ("Water every second morning", "Water every second evening")
    assert 0.45 <= pairs[0].similarity <= 1


def test_words_that_both_have_come_rarest_first_and_in_their_form(workshop: Workshop) -> None:
    snapshot = made(
        workshop,
        """\
        Bread
            Water the dough and proof it overnight
        Cake
            Proofing needs water
        Soup
            Water and salt
        """,
    )
    assert reason_between(snapshot, 2, 4).terms == ["proofing", "water"]


def test_a_common_heading_is_named_and_its_words_are_no_shared_terms(workshop: Workshop) -> None:
    snapshot = made(workshop, "Kitchen\n\tOven\n\t\tThe oven is hot\n\tFridge\n\t\tThe fridge is cold\n")
    found = reason_between(snapshot, 3, 5)
    assert found.under == ["Kitchen"]
    assert found.terms == []


def test_related_notes_carry_their_reason(workshop: Workshop) -> None:
    snapshot = made(workshop, "Bread\n\tProof the dough overnight\nCake\n\tProof the batter overnight\n")
    node = answering.node_at(snapshot, "notes.txt", 2)
    results = answering.related(snapshot, node, 3).results
    assert "overnight" in results[0].why.terms
