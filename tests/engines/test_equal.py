"""The outline that ships, by the real model: what Milvus answers is what FAISS with SQLite answers, to the last field."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec import structs

from bench.lite import Lite
from indexer.encoder import locate
from indexer.generation import open_generation
from indexer.milvus.connection import Connection
from indexer.milvus.publish import publish
from service.answering import ask, related
from service.judge.background import background_of
from service.published import PublishedCurrent
from service.search.query_syntax import Filters
from service.snapshot import Current, Snapshot
from service.types import Answer
from tests.conftest import ROOT
from tests.engines.conftest import ENCODERS

QUESTIONS = [
    json.loads(line)["q"] for line in (ROOT / "bench" / "questions" / "notes.jsonl").read_text("utf-8").splitlines()
]
_NEAR = 0.002
"""Two engines add up the same numbers in another order."""


@pytest.fixture(scope="module")
def pair(lite: Lite, shipped_index: Path) -> tuple[Snapshot, Snapshot]:
    """The files, and what was published of them."""
    model, settings = locate(), lite.settings()
    encoder = ENCODERS.of(model, shipped_index)
    publish(open_generation(shipped_index, model), Connection(settings), lambda *_: None)
    embedded = Current(shipped_index, model, encoder).get()
    return embedded, PublishedCurrent(settings, shipped_index, model, encoder).get()


def near(one: Answer, other: Answer) -> bool:
    """All of it the same but for the last digits of scores."""
    if [result.id for result in one.results] != [result.id for result in other.results]:
        return False
    pairs = [
        (one.confidence, other.confidence),
        *zip(*([r.score for r in each.results] for each in (one, other)), strict=True),
    ]
    plain = [
        structs.replace(
            each,
            took_ms=0.0,
            confidence=0.0,
            results=[structs.replace(result, score=0.0, why=None) for result in each.results],
        )
        for each in (one, other)
    ]
    return plain[0] == plain[1] and all(abs(a - b) <= _NEAR for a, b in pairs)


@pytest.mark.parametrize(
    "filters",
    [
        Filters(),
        Filters(file="compute.txt"),
        Filters(file="s*.txt"),
        Filters(under=("AWS Lambda",)),
        Filters(under=("AWS Lambda", "Limits to know")),
    ],
    ids=["all", "file", "glob", "under", "deeper"],
)
def test_answers_are_the_same(pair: tuple[Snapshot, Snapshot], filters: Filters) -> None:
    embedded, published = pair
    some = QUESTIONS[::14] if filters == Filters() else QUESTIONS[::60]
    assert len(some) > 3
    for at, question in enumerate(some):
        one, other = (ask(each, question, 3, filters=filters, explained=at == 0) for each in (embedded, published))
        assert near(one, other), question
        for a, b in zip(one.results, other.results, strict=True):
            words = [[match.match for match in each.why.words] if each.why else None for each in (a, b)]
            assert words[0] == words[1]


def test_keywords_find_the_same(pair: tuple[Snapshot, Snapshot]) -> None:
    embedded, published = pair
    for words in (["s3", "bucket"], ["timeout"], ["nosuchword"], ["the"], ["lambda", "memory", "limit"]):
        (a, scores_a), (b, scores_b) = embedded.store.match(words, 20), published.store.match(words, 20)
        assert a.tolist() == b.tolist()
        assert scores_a == pytest.approx(scores_b, abs=1e-3)


def test_related_notes_are_the_same(pair: tuple[Snapshot, Snapshot]) -> None:
    embedded, published = pair
    for row in range(0, len(embedded.store), 300):
        one, other = (related(each, each.store.id_of(row)).results for each in pair)
        assert [each.id for each in one] == [each.id for each in other]
        assert [each.why for each in one] == [each.why for each in other]
        assert [each.score for each in one] == pytest.approx([each.score for each in other], abs=1e-4)
    assert background_of(embedded) == background_of(published)


def test_what_is_told_of_all_notes_is_the_same(pair: tuple[Snapshot, Snapshot]) -> None:
    one, other = (each.store for each in pair)
    assert one.headings == other.headings
    assert one.vocabulary == other.vocabulary
    assert one.tops() == other.tops()
    assert one.attribute_values() == other.attribute_values()
    rows = range(0, len(one), 7)
    assert one.nodes(rows) == other.nodes(rows)
    assert [one.path(row) for row in rows] == [other.path(row) for row in rows]
    assert [one.children(row) for row in rows] == [other.children(row) for row in rows]
    assert [other.row_of(one.id_of(row)) for row in rows] == list(rows)
    assert [one.chunks_with(word) for word in one.vocabulary] == [other.chunks_with(word) for word in one.vocabulary]
    assert [one.spelled_out(short) for short in one.acronyms()] == [
        other.spelled_out(short) for short in one.acronyms()
    ]
