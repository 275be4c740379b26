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


def chain(heading: str, levels: int, note: str) -> str:
    """A note below so many levels, the outermost of which is the heading."""
    rows = [heading, *(f"step {level}" for level in range(levels - 1)), note]
    return "".join("\t" * depth + row + "\n" for depth, row in enumerate(rows))


def test_words_of_the_nearest_headings_count_and_those_far_above_do_not(workshop: Workshop) -> None:
    for levels, terms in ((12, ["kiwi"]), (13, [])):
        snapshot = made(workshop, chain("Kiwi stores", levels, "Peel them") + "Kiwi market\n\tBuy twelve\n")
        assert reason_between(snapshot, levels + 1, levels + 3).terms == terms
        assert reason_between(snapshot, levels + 3, levels + 1).terms == terms


def test_the_reason_is_the_same_however_often_it_is_asked_for(workshop: Workshop) -> None:
    snapshot = made(workshop, "Bread\n\tProof the dough overnight\nCake\n\tProof the batter overnight\n")
    first = reason_between(snapshot, 2, 4)
    assert first == reason_between(snapshot, 2, 4)
    assert first.terms == ["overnight", "proof"]


def test_of_thousands_of_shared_headings_the_outermost_and_the_nearest_are_named(workshop: Workshop) -> None:
    rows = "".join("\t" * depth + f"level {depth}\n" for depth in range(200))
    snapshot = made(workshop, rows + "\t" * 200 + "one kiwi\n" + "\t" * 200 + "two kiwis\n")
    (one,) = answering.related(snapshot, answering.node_at(snapshot, "notes.txt", 201), 1).results
    assert one.why.under[0] == "level 0"
    assert one.why.under[-1] == "level 199"
    assert "…" in one.why.under
    assert len(one.why.under) < 40
