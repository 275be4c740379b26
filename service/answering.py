"""Question in, judged and ranked excerpts out. This is what every face calls."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

import numpy as np
from msgspec import structs

from indexer.store import Store
from indexer.vectors import Mask
from service.errors import EmptyQuestion, InvalidRequest, NodeNotFound, QuestionTooLong, TopOutOfRange
from service.judge.confidence import ANSWERED_FROM, confidence
from service.judge.evidence import JUDGED
from service.nodes import refer, require_row
from service.reasons import reason
from service.search.cut import cut_out
from service.search.excerpt import LINE_LIMIT, to_results
from service.search.explain import explain
from service.search.intent import sides, wants_list
from service.search.query import Query, read_queries
from service.search.query_syntax import EVERYTHING, Filters, parse_query
from service.search.ranking import Ranking, neighbours, rank, rank_sides
from service.search.scope import node_mask
from service.search.windows import MAX_LINES, Window
from service.search.words import content_stems
from service.snapshot import Snapshot
from service.types import (
    QUESTION_LIMIT,
    TOP_ASK,
    TOP_SEARCH,
    Answer,
    NodeView,
    Quotation,
    RelatedNode,
    RelatedResults,
    Result,
    Said,
    SearchResults,
    Source,
)

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_CHILDREN_SHOWN = 1000
_LIST_SHOWN = 40


def ask(
    snapshot: Snapshot,
    question: str,
    top: int = 8,
    under: Sequence[str] = (),
    file: str = "",
    *,
    filters: Filters = EVERYTHING,
    explained: bool = False,
) -> Answer:
    """The excerpts that answer, best first, and whether the notes answer at all. The question may hold filters of its own (see
    `service.search.query_syntax`); `under` and `file` are short for two of them. Raises RequestError.
    """
    started = time.perf_counter()
    filters = filters.narrowed(Filters(tuple(under), file))
    query, ranking, results, mask = _search(snapshot, question, top, TOP_ASK, filters, explained)
    probability = confidence(snapshot, query, ranking)
    answered = probability >= ANSWERED_FROM
    return Answer(
        question=question,
        answered=answered,
        confidence=round(probability, 4),
        answer=_quote(snapshot.store, query, ranking.windows[0], mask) if answered and results else None,
        results=results,
        generation=snapshot.name,
        took_ms=_milliseconds(started),
    )


def search(
    snapshot: Snapshot,
    query: str,
    top: int = 8,
    under: Sequence[str] = (),
    file: str = "",
    *,
    filters: Filters = EVERYTHING,
    explained: bool = False,
) -> SearchResults:
    """The ranking alone; otherwise as `ask`. Raises RequestError."""
    started = time.perf_counter()
    filters = filters.narrowed(Filters(tuple(under), file))
    _, _, results, _ = _search(snapshot, query, top, TOP_SEARCH, filters, explained)
    return SearchResults(query, results, snapshot.name, _milliseconds(started))


def view_node(snapshot: Snapshot, node_id: str) -> NodeView:
    """Raises NodeNotFound."""
    store = snapshot.store
    node = store.node(require_row(store, node_id))
    children = store.children(node.row)
    return NodeView(
        id=node.id,
        text=node.text,
        path=store.path(node.row),
        source=Source(node.file, node.line, node.line, node.end_line),
        parent=None if node.parent < 0 else refer(store, [node.parent])[0],
        children=refer(store, children[:_CHILDREN_SHOWN]),
        child_count=len(children),
        attributes=[Said(name, value) for name, value in store.attributes(node.row)],
    )


def related(snapshot: Snapshot, node_id: str, top: int = 8) -> RelatedResults:
    """The notes nearest in meaning from elsewhere. Siblings stand beside the node in every excerpt, so they come only when
    there is nothing else. Raises NodeNotFound or TopOutOfRange.
    """
    _require_top(top, TOP_ASK)
    store = snapshot.store
    row = require_row(store, node_id)
    exclude = np.zeros(len(store), np.bool_)
    exclude[row : store.last[row] + 1] = True
    exclude[store.ancestors(row)] = True
    beside = exclude | ((store.parent == store.parent[row]) & (store.parent >= 0))
    found = neighbours(snapshot, row, top, exclude if beside.all() else beside)
    nodes = [_related_node(snapshot, row, other, score) for other, score in found]
    return RelatedResults(node_id, nodes, snapshot.name)


def node_at(snapshot: Snapshot, file: str, line: int) -> str:
    """The id of the node at a line of a file. Raises NodeNotFound."""
    row = snapshot.store.row_at(file, line)
    if row is None:
        raise NodeNotFound(f"{file}:{line}")
    return snapshot.store.node(row).id


def check_question(question: str, top: int, limit: int = TOP_ASK) -> str:
    """The question without the space around it. Raises EmptyQuestion, QuestionTooLong or TopOutOfRange."""
    question = question.strip()
    if not question:
        raise EmptyQuestion
    if not question.isascii() and _LONE_SURROGATE.search(question):
        raise InvalidRequest("The question holds bytes that are no text.")
    if len(question) > QUESTION_LIMIT:
        raise QuestionTooLong(len(question), QUESTION_LIMIT)
    _require_top(top, limit)
    return question


def _search(
    snapshot: Snapshot, question: str, top: int, limit: int, filters: Filters, explained: bool
) -> tuple[Query, Ranking, list[Result], Mask | None]:
    words, own = parse_query(check_question(question, top, limit))
    question = check_question(words, top, limit)
    mask = node_mask(snapshot.store, own.narrowed(filters))
    query, *halves = read_queries(snapshot, [question, *(sides(question) or ())])
    depth = max(top, JUDGED)
    ranking = rank_sides(snapshot, query, halves, depth, mask) if halves else rank(snapshot, query, depth, mask)
    stems = content_stems(query.text)
    windows = ranking.windows[:top]
    cuts = cut_out(snapshot.store, windows, mask)
    results = to_results(snapshot.store, windows, stems)
    results = [structs.replace(result, cut=cut) for result, cut in zip(results, cuts, strict=True)]
    if explained:
        results = [
            structs.replace(result, why=explain(snapshot, query, window))
            for result, window in zip(results, ranking.windows, strict=False)
        ]
    return query, ranking, results, mask


def _require_top(top: int, limit: int) -> None:
    if not 1 <= top <= limit:
        raise TopOutOfRange(top, limit)


def _quote(store: Store, query: Query, window: Window, mask: Mask | None) -> Quotation:
    """The node's own lines, and its children's when it has any: a heading alone answers nothing. A question for a list gets
    the whole list, under the nearest heading that the question names. Nothing out of scope is quoted.
    """
    node = store.node(window.hits[0])
    below, most = [row for row in store.children(node.row) if row <= window.last], MAX_LINES
    if wants_list(query.text) and (heading := _list_heading(store, query, node.row, mask)) is not None:
        node, below, most = store.node(heading), store.children(heading), _LIST_SHOWN
    inside = [row for row in below[:most] if mask is None or mask[row]]
    lines = [*node.lines, *(line for child in store.nodes(inside) for line in child.lines)]
    return Quotation("\n".join(line[:LINE_LIMIT] for line in lines[:most]), node.id)


def _list_heading(store: Store, query: Query, row: int, mask: Mask | None) -> int | None:
    """Of the node and its ancestors in scope that have several children, the one with most words of the question, the nearest
    first.
    """
    asked = content_stems(query.text)
    scope = [above for above in [row, *reversed(store.ancestors(row))] if mask is None or mask[above]]
    lists = [above for above in scope if len(store.children(above)) > 1]
    shared = [len(asked & content_stems(store.node(above).text)) for above in lists]
    return lists[shared.index(max(shared))] if any(shared) else None


def _related_node(snapshot: Snapshot, row: int, other: int, score: float) -> RelatedNode:
    store = snapshot.store
    node = store.node(other)
    source = Source(node.file, node.line, node.line, node.end_line)
    return RelatedNode(node.id, round(score, 4), store.path(other), node.text, source, reason(snapshot, row, other))


def _milliseconds(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 2)
