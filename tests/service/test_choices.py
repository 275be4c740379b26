"""What there is to filter by: notes in, values with their counts out."""

from __future__ import annotations

import msgspec

from service.choices import choices
from service.types import Choice
from tests.conftest import Workshop
from tests.trees import ORG

LONG = "n" * 5000
NAMES = f"""
    * Valve
      :PROPERTIES:
      :{LONG}: short
      :short: {LONG}
      :owner: Ann
      :END:
"""
TAGS = f"""
    ---
    tags:
      - {LONG}
      - home
    state: {LONG}
    ---
    # Garden

    - beans
"""


def test_tags_states_and_properties_come_with_how_often_they_are_said(workshop: Workshop) -> None:
    workshop.write(ORG, "apollo.org")
    workshop.build()
    found = choices([workshop.snapshot().store])
    assert {choice.value for choice in found.tag} == {"mission", "space", "urgent"}
    assert {choice.value for choice in found.todo} >= {"TODO", "DONE", "WAITING"}
    assert found.where == [Choice("owner=Ann", 1), Choice("owner=Priya", 1)]


def test_what_is_too_long_to_pick_from_a_list_is_left_out(workshop: Workshop) -> None:
    workshop.write(NAMES, "names.org")
    workshop.write(TAGS, "tags.md")
    workshop.build()
    found = choices([workshop.snapshot().store])
    assert found.where == [Choice("owner=Ann", 1)]
    assert [choice.value for choice in found.tag] == ["home"]
    assert len(msgspec.json.encode(found)) < 1000
