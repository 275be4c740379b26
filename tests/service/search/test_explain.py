"""Explanations can be checked against the excerpt they explain."""

from __future__ import annotations

import pytest

from service.answering import ask, search
from service.cli.show import show_answer
from service.snapshot import Snapshot
from tests.conftest import Workshop


@pytest.fixture
def notes(workshop: Workshop) -> Snapshot:
    workshop.write(
        """
        Garden
            Apple trees are pruned in winter
            Roses are pruned in spring
        Kitchen
            Bread is baked on Sunday
        """
    )
    workshop.build()
    return workshop.snapshot()


def test_only_who_asks_gets_an_explanation(notes: Snapshot) -> None:
    assert ask(notes, "When are apple trees pruned?").results[0].why is None
    assert search(notes, "apple trees", explained=True).results[0].why is not None


def test_every_word_is_matched_by_a_word_that_stands_in_its_line(notes: Snapshot) -> None:
    result = ask(notes, "When are apple trees pruned?", explained=True).results[0]
    assert result.why is not None
    texts = {line.line: line.text for line in result.excerpt}
    matches = {match.word: match for match in result.why.words}
    assert matches["apple"].match == "Apple"
    assert matches["apple"].similarity == pytest.approx(1, abs=0.02)
    for match in matches.values():
        assert match.match in texts[match.line]


def test_a_match_in_a_heading_above_says_so(workshop: Workshop) -> None:
    lines = "\n".join("        leaf" for _ in range(30))
    workshop.write(f"Zebra\n    Stripes\n{lines}\n        colour\n")
    workshop.build()
    result = ask(workshop.snapshot(), "zebra colour", explained=True).results[0]
    assert result.why is not None
    assert {match.word: (match.match, match.inherited) for match in result.why.words} == {
        "zebra": ("Zebra", True),
        "colour": ("colour", False),
    }


def test_views_weigh_one_together_and_make_the_score(notes: Snapshot) -> None:
    for question in ("When are apple trees pruned?", "apple trees pruned"):
        result = ask(notes, question, explained=True).results[0]
        assert result.why is not None
        assert sum(view.weight for view in result.why.views) == pytest.approx(1, abs=1e-3)
        mixed = sum(view.weight * view.value for view in result.why.views)
        assert result.score == pytest.approx(min(mixed, 1), abs=2e-3)


def test_an_explanation_reads_well(notes: Snapshot) -> None:
    shown = show_answer(ask(notes, "When are apple trees pruned?", top=1, explained=True))
    assert "why: read as “When are apple trees pruned?”" in shown
    assert "apple" in shown
    assert "~ Apple" in shown


@pytest.mark.parametrize("number", [20, 300])
def test_explaining_a_long_question_costs_at_most_a_run_of_the_model_a_line(workshop: Workshop, number: int) -> None:
    """Not one for each word and result: a single question could keep the service busy for a minute."""
    workshop.write("".join(f"apple number {at} is pruned in winter\n" for at in range(30)))
    workshop.build()
    snapshot = workshop.snapshot()
    words = " ".join(f"word{at}" for at in range(number))
    workshop.encoder.encoded.clear()
    results = ask(snapshot, f"apple pruned winter {words}", 30, explained=True).results
    explained = {match.word for result in results if result.why for match in result.why.words}
    assert bool(explained) == (number == 20)  # one word of three hundred weighs nothing
    assert len(workshop.encoder.encoded) <= sum(len(result.excerpt) for result in results)


def test_very_deep_notes_are_compared_only_as_far_as_they_explain(workshop: Workshop) -> None:
    """Each ancestor of each result was looked at: thousands of them kept the service busy for ten seconds."""
    workshop.write("".join(" " * depth + f"rung{depth}\n" for depth in range(400)) + " " * 400 + "kiwi tree\n")
    workshop.build()
    result = ask(workshop.snapshot(), "kiwi rung390 rung0", top=1, explained=True).results[0]
    assert result.why is not None
    matches = {match.word: match.match for match in result.why.words}
    assert matches["kiwi"] == "kiwi"
    assert matches["rung390"] == "rung390"
    assert matches["rung0"] != "rung0"


def test_of_long_lines_only_so_many_are_read_again(workshop: Workshop) -> None:
    workshop.write("".join(f"{at} {'apple pruned winter ' * 1000}\n" for at in range(60)))
    workshop.build()
    snapshot = workshop.snapshot()
    workshop.encoder.encoded.clear()
    results = ask(snapshot, "apple pruned winter", 50, explained=True).results
    assert all(result.why and result.why.words for result in results)
    assert sum(map(len, workshop.encoder.encoded)) <= 60_000
    assert max(map(len, workshop.encoder.encoded)) <= 1020
    assert {match.match for match in results[0].why.words if results[0].why} == {"apple", "pruned", "winter"}


def test_a_heading_above_many_results_is_read_once(workshop: Workshop) -> None:
    topics = "".join(f"    Topic {at}\n        leaf {at}\n" + "        filler\n" * 20 for at in range(10))
    workshop.write(f"Zebra\n{topics}")
    workshop.build()
    snapshot = workshop.snapshot()
    workshop.encoder.encoded.clear()
    ask(snapshot, "zebra leaf", 10, explained=True)
    assert workshop.encoder.encoded.count("Zebra") <= 1


def test_a_word_without_end_is_cut(workshop: Workshop) -> None:
    endless = "x" * 5000
    workshop.write(f"Heading\n    {endless}\n")
    workshop.build()
    result = ask(workshop.snapshot(), f"heading {endless[:900]}", explained=True).results[0]
    assert result.why is not None
    assert max((len(match.match) for match in result.why.words), default=0) <= 100
