"""Acronyms and what they may stand for."""

from __future__ import annotations

import pytest

from indexer.acronyms import short_forms, spelled_out


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("STS (Security Token Service)", ["STS"]),
        ("ALBs and an NLB, not an Alb", ["ALB", "NLB"]),
        ("S3 and EC2", ["S3", "EC2"]),
        ("A plan B", []),
    ],
)
def test_short_forms(text: str, expected: list[str]) -> None:
    assert list(short_forms(text)) == expected


def test_a_phrase_and_its_parts_are_spelled_out() -> None:
    assert set(spelled_out("uses the Security Token Service daily")) == {
        ("ST", "Security Token"),
        ("STS", "Security Token Service"),
        ("TS", "Token Service"),
    }


def test_small_words_count_or_not() -> None:
    assert set(spelled_out("Return to Base")) == {("RTB", "Return to Base"), ("RB", "Return to Base")}


def test_each_part_of_a_word_counts() -> None:
    assert ("PPN", "Peer-Peer Network") in set(spelled_out("a Peer-Peer Network"))


@pytest.mark.parametrize("unit", ["'A", "A'", "A-", "A-a-", "Ab", "A "])
def test_a_great_many_capitals_end(unit: str) -> None:
    """Nothing is timed; what takes the square of such a size would not come back."""
    assert all(len(short) <= 6 for short, _ in spelled_out(unit * (300_000 // len(unit))))


@pytest.mark.parametrize("text", ["", "no capitals here", "One", "lower Then lower"])
def test_nothing_to_spell_out(text: str) -> None:
    assert list(spelled_out(text)) == []
