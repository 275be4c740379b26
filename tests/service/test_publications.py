"""Publications: notes and settings in, an index of the published lines alone out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from indexer.derive import cut
from indexer.errors import ConfigError
from service import answering
from service.collections import Collections, OpenCollection
from service.config import Config, Publication, make_config
from service.errors import PublicationNotFound
from service.publications import FOLDER, Publications
from service.snapshot import Current
from tests.conftest import TINY_MODEL, Workshop

NOTES = """
    Company
      Handbook
        Holidays
          Thirty days (paid time off, PTO)
        Sick leave
          Call before nine
      Board
        The secret merger with Contoso (mergers and acquisitions, MNA)
    Handbook
      another handbook at the top
"""


def publish(workshop: Workshop, **settings: Publication) -> Publications:
    current = Current(workshop.index, TINY_MODEL, workshop.encoder)
    made = Publications(
        Collections([OpenCollection.around(current)]), Config(index=str(workshop.index), publications=settings)
    )
    made.refresh = current.refresh  # type: ignore[attr-defined]
    return made


@pytest.fixture
def company(workshop: Workshop) -> Workshop:
    workshop.write(NOTES)
    workshop.build()
    return workshop


def texts(publications: Publications, name: str) -> list[str]:
    store = publications.get(name).store
    return [node.text for node in store.nodes(range(len(store)))]


HANDBOOK = ["Handbook", "Holidays", "Thirty days (paid time off, PTO)", "Sick leave", "Call before nine"]


def test_a_publication_holds_the_lines_below_its_path_and_no_heading_above(company: Workshop) -> None:
    publications = publish(company, handbook=Publication(under=["Company > Handbook"]))
    assert texts(publications, "handbook") == HANDBOOK
    store = publications.get("handbook").store
    assert store.path(2) == ["Handbook", "Holidays"]
    assert [node.line for node in store.nodes(range(len(store)))] == [2, 3, 4, 5, 6]


def test_several_paths_and_files_add_up(company: Workshop) -> None:
    company.write("Recipes\n  Soup\n", "kitchen.txt")
    company.build()
    publications = publish(
        company,
        two=Publication(under=["Company > Handbook > Holidays", "Handbook", "Nowhere"]),
        kitchen=Publication(file="kitchen.txt"),
    )
    assert texts(publications, "two") == [*HANDBOOK[1:3], "Handbook", "another handbook at the top"]
    assert texts(publications, "kitchen") == ["Recipes", "Soup"]


def test_words_spellings_and_acronyms_of_the_rest_are_unknown_there(company: Workshop) -> None:
    store = publish(company, handbook=Publication(under=["Company > Handbook"])).get("handbook").store
    assert store.uses("PTO")
    assert not store.uses("MNA")
    assert "contoso" not in store.vocabulary
    assert store.chunks_with("merger") == store.chunks_with("company") == 0
    assert len(store.match(["company", "merger", "board"])[0]) == 0


def test_nothing_of_the_rest_is_in_its_files(company: Workshop) -> None:
    publish(company, handbook=Publication(under=["Company > Handbook"]))
    for file in (company.index / FOLDER / "handbook").rglob("*"):
        if file.is_file():
            assert b"Contoso" not in file.read_bytes(), file


def test_only_what_stood_under_another_heading_is_embedded_anew(company: Workshop) -> None:
    company.encoder.encoded.clear()
    publish(company, top=Publication(under=["Handbook"]))
    assert not {"Handbook", "Handbook > another handbook at the top"} & set(company.encoder.encoded)
    publish(company, inner=Publication(under=["Company > Handbook"]))
    assert "Handbook > Holidays" in company.encoder.encoded


def test_started_again_nothing_is_made_anew(company: Workshop) -> None:
    handbook = Publication(under=["Company > Handbook"])
    before = publish(company, handbook=handbook).get("handbook").name
    company.encoder.encoded.clear()
    assert publish(company, handbook=handbook).get("handbook").name == before
    assert company.encoder.encoded == []
    other = publish(company, handbook=Publication(under=["Company > Board"]))
    assert other.get("handbook").name != before


def test_it_follows_the_notes_and_what_is_gone_is_gone_at_once(company: Workshop) -> None:
    publications = publish(company, handbook=Publication(under=["Company > Handbook"]))
    company.write(NOTES.replace("Call before nine", "Call before ten"))
    company.build()
    publications.refresh()  # type: ignore[attr-defined]
    assert "Call before ten" in texts(publications, "handbook")
    company.write(NOTES.replace("  Handbook\n", "  Private\n", 1))
    company.build()
    publications.refresh()  # type: ignore[attr-defined]
    with pytest.raises(PublicationNotFound):
        publications.get("handbook")


def test_questions_are_judged_and_answered_there(company: Workshop) -> None:
    snapshot = publish(company, handbook=Publication(under=["Company > Handbook"])).get("handbook")
    answer = answering.ask(snapshot, "the secret merger with Contoso", 50)
    assert {result.text for result in answer.results} <= set(HANDBOOK)


def test_cutting_keeps_lines_and_order(company: Workshop) -> None:
    store = company.snapshot().store
    whole = cut(store, np.ones(len(store), np.bool_))
    assert [node.text for outline in whole for node in outline.nodes] == [
        node.text for node in store.nodes(range(len(store)))
    ]
    assert [node_id for outline in whole for node_id in outline.ids()] == [
        node.id for node in store.nodes(range(len(store)))
    ]


def test_tags_and_markup_come_along_and_what_the_rest_says_does_not(workshop: Workshop) -> None:
    workshop.write("# Secret #hush\n\n## Open #shown\n\n- a **bold** line #mine\n", "notes.md")
    workshop.build()
    store = publish(workshop, part=Publication(under=["Secret > Open"])).get("part").store
    assert {value for name, value, _ in store.attribute_values() if name == "tag"} == {"shown", "mine"}
    line = store.node(len(store) - 1)
    assert (" ".join(line.lines), line.text) == ("a bold line #mine", "a bold line")
    assert line.line == 5


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"publications": {"Big Name": {"under": ["A"]}}}, "Big Name|pattern|regex"),
        ({"publications": {"a": {}}}, "publish everything"),
        ({"publications": {"a": {"under": [""]}}}, "length"),
        ({"publications": {"a": {"under": ["A"], "origins": ["*"]}}}, "matching regex"),
        ({"publications": {"a": {"under": ["A"], "secret": 1}}}, "secret"),
        ({"language_model": {"name": "m"}}, "url"),
        ({"language_model": {"url": "ftp://x", "name": "m"}}, "matching regex"),
        ({"language_model": {"url": "http://x", "name": "m", "patience": 0}}, "patience"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        make_config(settings, "trellis.yaml")


def test_nothing_there_is_an_error_at_the_start(company: Workshop, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="soup"):
        publish(company, soup=Publication(under=["Soup"]))
