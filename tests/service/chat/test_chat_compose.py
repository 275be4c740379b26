"""Answers without a language model: notes and a question in, quotations out."""

from __future__ import annotations

import pytest
from msgspec import structs

from service import answering
from service.chat.compose import passages_of
from service.chat.conversation import converse
from service.chat.types import ChatMessage, Done, Event, Failed, Sources, Token
from service.collections import Asked
from service.types import Quotation
from tests.conftest import Workshop

NOTES = """
    Kitchen
      Bread
        bake it at 220 degrees
        the dough rests overnight
        Flours
          rye
          spelt
      Soup
        lentils, onions and cumin
    Garden
      Beans
        sow them in May
"""


@pytest.fixture
def kitchen(workshop: Workshop) -> Workshop:
    workshop.write(NOTES)
    workshop.build()
    return workshop


def events(workshop: Workshop, *questions: str) -> list[Event]:
    return list(converse(Asked([workshop.snapshot()]), [ChatMessage("user", question) for question in questions]))


def text(workshop: Workshop, *questions: str) -> str:
    done = events(workshop, *questions)[-1]
    assert isinstance(done, Done)
    return done.text


def test_a_line_is_quoted_under_its_headings(kitchen: Workshop) -> None:
    assert text(kitchen, "the dough rests overnight").startswith("Kitchen › Bread\n“the dough rests overnight” [1]")


def test_a_heading_is_answered_with_what_stands_below_it(kitchen: Workshop) -> None:
    assert text(kitchen, "flours").startswith("Kitchen › Bread › Flours\n“rye” [1]\n“spelt” [2]")


def test_of_a_heading_with_very_many_nodes_below_only_a_few_are_read(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    flours = "".join(f"      sack {number}\n" for number in range(400))
    workshop.write(f"Kitchen\n  Flours\n{flours}  Soup\n    lentils\n")
    workshop.build()
    notes = workshop.snapshot()
    heading = notes.store.node(1)
    quotation = Quotation("\n".join(["Flours", *(f"sack {number}" for number in range(11))]), heading.id)
    answer = structs.replace(answering.ask(notes, "flours"), answered=True, answer=quotation)
    monkeypatch.setattr(notes.store, "_known", {})
    passage = passages_of({"": notes}, structs.replace(answer, results=answer.results[:1]))[0]
    assert passage.trail == ["Kitchen", "Flours"]
    assert [node.text for node in passage.nodes] == [f"sack {number}" for number in range(11)]
    assert passage.left_out == 389
    assert len(notes.store._known) <= 110


def test_what_is_not_there_is_said_first(kitchen: Workshop) -> None:
    found = events(kitchen, "zzyzx qwxv")
    assert isinstance(found[0], Sources)
    assert not found[0].answered
    assert text(kitchen, "zzyzx qwxv").startswith(
        "That is not in the notes. What comes nearest, though it is no answer:\n\n"
    )


def test_the_text_is_that_of_the_tokens_and_every_number_has_its_source(kitchen: Workshop) -> None:
    for question in ("the dough rests overnight", "list all flours", "zzyzx", "beans or soup"):
        first, *tokens, done = events(kitchen, question)
        assert isinstance(first, Sources)
        assert isinstance(done, Done)
        assert "".join(token.text for token in tokens if isinstance(token, Token)) == done.text
        assert done.citations == [source.n for source in first.sources] == list(range(1, len(first.sources) + 1))
        assert done.mode == "quotes"


def test_a_note_may_say_one_in_brackets(workshop: Workshop) -> None:
    workshop.write("Papers\n  as shown in [7], it holds\n")
    workshop.build()
    cited = [
        token
        for token in events(workshop, "as shown in 7 it holds")
        if isinstance(token, Token) and token.kind == "cite"
    ]
    assert [token.n for token in cited] == [1]


def test_what_breaks_on_the_way_comes_as_an_event(kitchen: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object) -> None:
        raise RuntimeError("secret of the house")

    monkeypatch.setattr("service.chat.conversation.passages_of", broken)
    found = events(kitchen, "the dough rests overnight")
    assert isinstance(found[-1], Failed)
    assert "secret" not in found[-1].detail
