"""An answer without a language model: the notes' own lines, in order, each with its citation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from indexer.store import Store, StoredNode
from service.chat.citations import quote_of
from service.chat.sources import SourceList, trail_of, trail_text
from service.chat.types import Token
from service.search.intent import sides
from service.search.words import words_of
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
_HEADING_WORDS = 5
_SHOWN_NEAREST = 3


@dataclass(frozen=True, slots=True)
class Passage:
    """Nodes that are quoted together, below the same headings. left_out: how many more nodes stand there."""

    trail: list[str]
    nodes: list[StoredNode]
    left_out: int = 0


def passages_of(store: Store, answer: Answer) -> list[Passage]:
    """What to quote: the answer with what stands below it, then other places that are nearly as good."""
    if not answer.answered or not answer.results:
        return [Passage(trail_of(store, node), [node]) for node in _nodes(store, answer.results[:_SHOWN_NEAREST])]
    passages = [_first_passage(store, answer)]
    for node in _further_nodes(store, answer):
        if any(node.row == quoted.row for passage in passages for quoted in passage.nodes):
            continue
        if _is_heading(node) and store.children(node.row):  # a heading alone says nothing
            continue
        if passages[-1].trail == trail_of(store, node) and not passages[-1].left_out:
            passages[-1].nodes.append(node)
        else:
            passages.append(Passage(trail_of(store, node), [node]))
    return passages


def _further_nodes(store: Store, answer: Answer) -> Iterator[StoredNode]:
    """What else may answer: other marked lines of the first result, then the best lines of results that are nearly as good."""
    best, *others = answer.results
    lines = [line.line for line in best.excerpt if line.hit]
    rows = [row for line in lines if (row := store.row_at(best.source.file, line)) is not None]
    yield from store.nodes([row for row in dict.fromkeys(rows) if store.node(row).id != best.id][:_FURTHER])
    compares = sides(answer.question) is not None
    for place, result in enumerate(others[:_FURTHER]):
        if result.score < best.score - _NEARLY and not (compares and place == 0):
            break
        yield from _nodes(store, [result])


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
            number = sources.number(node)
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


def _first_passage(store: Store, answer: Answer) -> Passage:
    """The lines of the quotation, as the nodes that they belong to. A short heading goes into the trail."""
    row = store.row_of(answer.answer.node) if answer.answer else None
    if row is None or answer.answer is None:
        return Passage([], _nodes(store, answer.results[:1]))
    node = store.node(row)
    quoted = set(answer.answer.text.split("\n"))
    below = [child for child in store.nodes(store.children(row)) if quoted.issuperset(child.lines)]
    shown, rest = below[:_LINES], len(store.children(row)) - min(len(below), _LINES)
    if below and _is_heading(node):
        return Passage([*trail_of(store, node), node.text], shown, rest)
    return Passage(trail_of(store, node), [node, *shown], rest if below else 0)


def _is_heading(node: StoredNode) -> bool:
    return len(words_of(node.text)) <= _HEADING_WORDS and not any(map(str.isdigit, node.text))


def _nodes(store: Store, results: Sequence[Result]) -> list[StoredNode]:
    rows = [row for result in results if (row := store.row_of(result.id)) is not None]
    return store.nodes(rows)
