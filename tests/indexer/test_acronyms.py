"""Acronyms and what they may stand for."""

from __future__ import annotations

import pytest

from indexer.acronyms import initials, short_forms, spelled_out


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
    assert initials("Return to Base") == {"RTB", "RB"}
    assert ("RTB", "Return to Base") in set(spelled_out("Return to Base"))


@pytest.mark.parametrize("text", ["", "no capitals here", "One", "lower Then lower"])
def test_nothing_to_spell_out(text: str) -> None:
    assert list(spelled_out(text)) == []
