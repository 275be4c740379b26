"""An answer without a language model: the notes' own lines, in order, each with its citation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from indexer.store import StoredNode
from service.chat.citations import quote_of
from service.chat.sources import SourceList, trail_text
from service.chat.types import Token
from service.search.excerpt import path_texts
from service.search.intent import sides
from service.search.words import words_of
from service.snapshot import Snapshot
from service.types import Answer, Result

ABSENT = "That is not in the notes."
NEAREST = "What comes nearest, though it is no answer:"
NOTHING = "There is nothing near it either."
_FURTHER = 2
"""At most so many other lines of the first result, and so many other results. On the shipped questions the line that answers
is quoted for 75% then, against 63% with the first quotation alone, at 2.7 lines an answer.
"""
_NEARLY = 0.05
"""A further passage scores at most this much below the first; a side of a comparison is always quoted."""
_LINES = 12
_BELOW = 100
"""Nodes right below an answer that are read: no quotation has so many lines, while a heading may have thousands below it."""
_HEADING_WORDS = 5
_SHOWN_NEAREST = 3


Snapshots = Mapping[str, Snapshot]
"""The collections that were asked, by name."""
Note = tuple[Snapshot, StoredNode]
"""A node and the collection that it is from."""


@dataclass(frozen=True, slots=True)
class Passage:
    """Nodes that are quoted together, below the same headings of one collection. left_out: how many more nodes stand there."""

    snapshot: Snapshot
    trail: list[str]
    nodes: list[StoredNode]
    left_out: int = 0


def passages_of(snapshots: Snapshots, answer: Answer) -> list[Passage]:
    """What to quote: the answer with what stands below it, then other places that are nearly as good."""
    if not answer.answered or not answer.results:
        return [_passage(*note) for note in notes_of(snapshots, answer.results[:_SHOWN_NEAREST])]
    passages = [_first_passage(snapshots, answer)]
    for snapshot, node in _further_notes(snapshots, answer):
        if any(_holds(passage, snapshot, node) for passage in passages):
            continue
        if _is_heading(node) and snapshot.store.children(node.row):  # a heading alone says nothing
            continue
        last, found = passages[-1], _passage(snapshot, node)
        if (last.snapshot, last.trail) == (snapshot, found.trail) and not last.left_out:
            last.nodes.append(node)
        else:
            passages.append(found)
    return passages


def _passage(snapshot: Snapshot, node: StoredNode) -> Passage:
    return Passage(snapshot, path_texts(snapshot.store, node.row), [node])


def _holds(passage: Passage, snapshot: Snapshot, node: StoredNode) -> bool:
    return passage.snapshot is snapshot and any(node.row == quoted.row for quoted in passage.nodes)


def _further_notes(snapshots: Snapshots, answer: Answer) -> Iterator[Note]:
    """What else may answer: other marked lines of the first result, then the best lines of results that are nearly as good."""
    best, *others = answer.results
    snapshot = snapshots[best.collection]
    store = snapshot.store
    lines = [line.line for line in best.excerpt if line.hit]
    rows = [row for line in lines if (row := store.row_at(best.source.file, line)) is not None]
    further = [row for row in dict.fromkeys(rows) if store.node(row).id != best.id][:_FURTHER]
    yield from ((snapshot, node) for node in store.nodes(further))
    compares = sides(answer.question) is not None
    for place, result in enumerate(others[:_FURTHER]):
        if result.score < best.score - _NEARLY and not (compares and place == 0):
            break
        yield from notes_of(snapshots, [result])


def quotations(passages: Sequence[Passage], sources: SourceList, *, answered: bool) -> Iterator[Token]:
    """The passages as tokens. Every quoted node is followed by its own citation."""
    if not answered:
        yield Token(f"{ABSENT} {NEAREST if passages else NOTHING}")
    for at, passage in enumerate(passages):
        if at or not answered:
            yield Token("\n\n")
        if passage.trail:
            yield Token(trail_text(passage.trail), "trail")
            yield Token("\n")
        for line, node in enumerate(passage.nodes):
            number = sources.number(passage.snapshot, node)
            if line:
                yield Token("\n")
            yield Token(f"“{_shown(node)}”", "quote", number)
            yield Token(" ")
            yield Token(f"[{number}]", "cite", number)
        if passage.left_out:
            yield Token(f"\nand {passage.left_out:,} more there")


def _shown(node: StoredNode) -> str:
    """As much of a node as its citation carries: what is shown is what can be checked later."""
    return quote_of(node)


def _first_passage(snapshots: Snapshots, answer: Answer) -> Passage:
    """The lines of the quotation, as the nodes that they belong to. A short heading goes into the trail."""
    snapshot = snapshots[answer.results[0].collection]
    store = snapshot.store
    row = store.row_of(answer.answer.node) if answer.answer else None
    if row is None or answer.answer is None:
        return Passage(snapshot, [], [node for _, node in notes_of(snapshots, answer.results[:1])])
    node = store.node(row)
    quoted = set(answer.answer.text.split("\n"))
    children = store.children(row)
    shown = [child for child in store.nodes(children[:_BELOW]) if quoted.issuperset(child.lines)][:_LINES]
    rest = len(children) - len(shown)
    if shown and _is_heading(node):
        return Passage(snapshot, [*path_texts(store, node.row), node.text], shown, rest)
    return Passage(snapshot, path_texts(store, node.row), [node, *shown], rest if shown else 0)


def _is_heading(node: StoredNode) -> bool:
    return len(words_of(node.text)) <= _HEADING_WORDS and not any(map(str.isdigit, node.text))


def notes_of(snapshots: Snapshots, results: Sequence[Result]) -> list[Note]:
    found = [(snapshots[result.collection], result.id) for result in results]
    return [(each, each.store.node(row)) for each, note in found if (row := each.store.row_of(note)) is not None]
