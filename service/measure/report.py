"""How findable the notes are: each node of a sample is asked for by a question made of its own words."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Sequence
from statistics import mean
from typing import Any

import msgspec

from indexer.errors import TrellisError
from service.judge.known_items import SAMPLE, KnownItem, known_items
from service.measure.misses import REASONS, TOP, Miss, Place, Reason, explain_miss, place_of, shown_at
from service.measure.scores import share
from service.search.query import read_queries
from service.search.ranking import rank
from service.search.words import words_of
from service.snapshot import Snapshot

_BATCH = 64
_LENGTHS = (2, 5, 10, 20)
"""Texts are grouped as of at most so many words."""

Progress = Callable[[str, int, int], None]


class ReportError(TrellisError):
    """The report cannot be made or written as asked."""


class Found(msgspec.Struct, frozen=True):
    """found1, found3, found10: share of questions whose node is shown among the first n results. mrr: mean reciprocal rank
    within ten.
    """

    name: str
    questions: int
    found1: float
    found3: float
    found10: float
    mrr: float


class Findability(msgspec.Struct, frozen=True):
    """How findable the notes are.

    nodes: all in the notes. depths: by level, 0 is the top. lengths: by words of the node's own text. ranks: how many nodes
    were found at rank 1 to 10. misses: the nodes that were not, in reading order. left_out: nodes that say nothing beyond
    the headings above them, of which nothing can be asked.
    """

    nodes: int
    all: Found
    files: list[Found]
    depths: list[Found]
    lengths: list[Found]
    ranks: list[int]
    misses: list[Miss]
    left_out: list[Place]
    generation: str

    @property
    def reasons(self) -> dict[Reason, list[Miss]]:
        """The misses by reason, in the order of `REASONS`, without reasons that do not occur."""
        sorted_out = {reason: [miss for miss in self.misses if miss.reason == reason] for reason in REASONS}
        return {reason: misses for reason, misses in sorted_out.items() if misses}

    def passes(self, gate: float) -> bool:
        """Whether at least this share, 0 to 1, was found; counted, not rounded."""
        return (self.all.questions - len(self.misses)) / self.all.questions >= gate


def measure_findability(
    snapshot: Snapshot, most: int = SAMPLE, progress: Progress = lambda _stage, _done, _total: None
) -> Findability:
    """Asks for at most `most` nodes. Raises ReportError when no node says anything."""
    store = snapshot.store
    sample = known_items(store, most)
    if not sample.items:
        raise ReportError("No note has words of its own, so there is nothing to ask for.")
    ranks: list[int] = []
    misses: list[Miss] = []
    for start in range(0, len(sample.items), _BATCH):
        items = sample.items[start : start + _BATCH]
        queries = read_queries(snapshot, [item.question for item in items])
        for item, query in zip(items, queries, strict=True):
            windows = rank(snapshot, query, TOP).windows
            ranks.append(shown_at(item.node.row, windows))
            if not ranks[-1]:
                misses.append(explain_miss(snapshot, item, query, windows))
            progress("asking", len(ranks), len(sample.items))
    return Findability(
        nodes=len(store),
        all=_found("all", ranks),
        files=_grouped(sample.items, ranks, lambda item: item.node.file, str),
        depths=_grouped(sample.items, ranks, lambda item: item.node.depth, str),
        lengths=_grouped(sample.items, ranks, lambda item: _length(item.node.text), _length_name),
        ranks=[ranks.count(place) for place in range(1, TOP + 1)],
        misses=misses,
        left_out=[place_of(store, node) for node in sample.left_out],
        generation=snapshot.name,
    )


def _grouped(
    items: Sequence[KnownItem], ranks: Sequence[int], key: Callable[[KnownItem], Any], name: Callable[[Any], str]
) -> list[Found]:
    """The measures of the items that share a key, in the order of the keys."""
    groups: defaultdict[Any, list[int]] = defaultdict(list)
    for item, place in zip(items, ranks, strict=True):
        groups[key(item)].append(place)
    return [_found(name(each), groups[each]) for each in sorted(groups)]


def _found(name: str, ranks: Sequence[int]) -> Found:
    """Of at least one question."""
    return Found(
        name=name,
        questions=len(ranks),
        found1=share(place == 1 for place in ranks),
        found3=share(1 <= place <= 3 for place in ranks),
        found10=share(place >= 1 for place in ranks),
        mrr=round(mean(1 / place if place else 0.0 for place in ranks), 4),
    )


def _length(text: str) -> int:
    """Which group a text is in, by its number of words."""
    return bisect_left(_LENGTHS, len(words_of(text)))


def _length_name(group: int) -> str:
    low = _LENGTHS[group - 1] + 1 if group else 1
    return f"{low}–{_LENGTHS[group]} words" if group < len(_LENGTHS) else f"{low} words or more"
