"""A question as ranking sees it: spelling, acronyms, weights."""

from __future__ import annotations

import numpy as np
import pytest

from service.search.query import read_queries, read_query
from service.snapshot import Snapshot
from tests.conftest import Workshop


@pytest.fixture
def kitchen(workshop: Workshop) -> Snapshot:
    workshop.write(
        """
        Kitchen
            Refrigerator
                Temperature is four degrees
            Time To Live of leftovers: three days
            TTL of bread: two days
            Reserved Shelves for guests
            STS (Soup Tasting Session)
        """
    )
    workshop.build()
    return workshop.snapshot()


@pytest.mark.parametrize(
    ("question", "understood"),
    [
        ("refrigeratr temprature", "Refrigerator temperature".casefold()),  # one letter lost in each
        ("refrigreator", "refrigerator"),  # two letters swapped
        ("Temperature of the refrigerator", "Temperature of the refrigerator"),
        ("days", "days"),
        ("dayz", "dayz"),  # too short to be sure
        ("temperament", "temperament"),  # more than two edits away
        ("r2d2refrigerator", "r2d2refrigerator"),  # an identifier is no typing error
    ],
)
def test_misspelt_words_are_those_that_the_notes_nearly_have(kitchen: Snapshot, question: str, understood: str) -> None:
    assert read_query(kitchen, question).text == understood


def test_only_the_first_unknown_words_are_compared_with_those_of_the_notes(kitchen: Snapshot) -> None:
    unknown = " ".join(f"{letter}zqxvwk" for letter in "abcdefghijkl")
    assert read_query(kitchen, f"{unknown[:-8]} refrigreator").text.endswith(" refrigerator")
    assert read_query(kitchen, f"{unknown} refrigreator").text.endswith(" refrigreator")


@pytest.mark.parametrize(
    ("question", "understood"),
    [
        ("What is the TTL?", "What is the TTL (Time To Live)?"),
        ("Which RS are there?", "Which RS (Reserved Shelves) are there?"),
        ("time to live of bread", "time to live of bread (TTL)"),
        ("Who joins the STS?", "Who joins the STS (Soup Tasting Session)?"),
        ("What is the XYZ?", "What is the XYZ?"),
        ("TTL, that is the Time To Live", "TTL, that is the Time To Live"),
        ("the tall lamp", "the tall lamp"),
    ],
)
def test_acronyms_work_both_ways(kitchen: Snapshot, question: str, understood: str) -> None:
    assert read_query(kitchen, question).text == understood


def test_the_first_acronyms_are_spelled_out_and_each_but_once(workshop: Workshop) -> None:
    letters = "BCDFGHJKLM"
    phrases = {f"{letter}Q": f"{letter}{'o' * 8} Quill" for letter in letters}
    workshop.write("Pens\n" + "".join(f"    {phrase} of the desk\n" for phrase in phrases.values()))
    workshop.build()
    question = "Which " + " ".join(phrases) + " BQ CQs?"
    spelled = " ".join(f"{short} ({phrase})" for short, phrase in list(phrases.items())[:8])
    assert read_query(workshop.snapshot(), question).text == f"Which {spelled} LQ MQ BQ CQs?"


def test_a_phrase_of_no_reasonable_length_spells_nothing_out(workshop: Workshop) -> None:
    workshop.write(f"Pens\n    B{'o' * 50} Q{'u' * 50}\n    R{'o' * 44} Q{'u' * 44}\n")
    workshop.build()
    text = read_query(workshop.snapshot(), "BQ or RQ?").text
    assert text == f"BQ or RQ (R{'o' * 44} Q{'u' * 44})?"


def test_the_first_phrases_are_shortened_however_many_there_are(workshop: Workshop) -> None:
    shorts = [f"{letter}QXZ" for letter in "BCDFGHJKLMNP"]
    workshop.write("Pens\n" + "".join(f"    {short} on the desk\n" for short in shorts))
    workshop.build()
    phrases = [f"{short[0].lower()}ent quill xenon zinc" for short in shorts]
    text = read_query(workshop.snapshot(), ", ".join(phrases)).text
    assert text == ", ".join(phrases) + "".join(f" ({short})" for short in shorts[:8])
    long = ("word " * 790).strip() + ". " + phrases[0]
    assert read_query(workshop.snapshot(), long).text == long


def test_rare_words_weigh_more_than_common_ones_and_function_words_least(kitchen: Snapshot) -> None:
    query = read_query(kitchen, "what is the refrigerator in the kitchen?")
    weight = {query.text[slice(*span)]: float(value) for span, value in zip(query.spans, query.weights, strict=True)}
    assert weight["refrigerator"] > weight["kitchen"] > 0
    assert weight["the"] < weight["refrigerator"]
    assert np.isclose(query.weights.sum(), 1)


def test_several_questions_at_once_are_read_as_one_by_one(kitchen: Snapshot) -> None:
    questions = ["bread", "how long do leftovers keep", "TTL"]
    one_by_one = [read_query(kitchen, question) for question in questions]
    for together, alone in zip(read_queries(kitchen, questions), one_by_one, strict=True):
        assert together.text == alone.text
        assert np.allclose(together.vector, alone.vector)
        assert np.allclose(together.tokens, alone.tokens)
        assert np.allclose(together.weights, alone.weights)


@pytest.mark.parametrize("question", ["?", "of the and", "🍎", "م", "的", '"', "a" * 4000, "NEAR(", "x* OR"])
def test_any_text_is_a_query(kitchen: Snapshot, question: str) -> None:
    query = read_query(kitchen, question)
    assert query.tokens.shape == (len(query.weights), query.tokens.shape[1])
    assert np.isfinite(query.weights).all()
