"""What kind of answer a question wants, read off its words."""

from __future__ import annotations

import pytest

from service.search.intent import sides, wants_list


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What is the difference between ALB and NLB?", ("ALB", "NLB")),
        ("difference between a red apple and a green one, in terms of taste", ("a red apple", "a green one")),
        ("compare EFS with FSx for Lustre", ("EFS", "FSx for Lustre")),
        ("SQS FIFO vs standard", ("SQS FIFO", "standard")),
        ("Lambda compared to Fargate", ("Lambda", "Fargate")),
        ("shield standard vs. advanced, what's different", ("shield standard", "advanced")),
        ("What is an apple?", None),
        ("between " + "x" * 90 + " and me", None),
        ("red  apple\n vs\tgreen apple", ("red apple", "green apple")),
        ("vs", None),
        ("between" + " " * 3990 + "x", None),  # nothing is timed; what takes the cube of it would not come back
        ("a" + " " * 2000 + "vs" + "\u00a0" * 1900 + "b", ("a", "b")),
        ("", None),
    ],
)
def test_the_two_sides_of_a_comparison(question: str, expected: tuple[str, str] | None) -> None:
    assert sides(question) == expected


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("List all routing policies", True),
        ("What are all STS API calls?", True),
        ("which kinds of guardrails are there", True),
        ("name the steps", True),
        ("How long does a listing take?", False),
        ("What is the default timeout?", False),
        ("", False),
    ],
)
def test_questions_for_a_list(question: str, expected: bool) -> None:
    assert wants_list(question) is expected
