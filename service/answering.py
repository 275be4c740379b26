"""Question in, judged and ranked excerpts out. This is what every face calls."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Sequence

from msgspec import structs

from indexer.numbering import RowMask
from indexer.store import Store
from service.across import Gone, Part, merged, rank_across
from service.errors import EmptyQuestion, InvalidRequest, NodeNotFound, QuestionTooLong, TopOutOfRange
from service.judge.confidence import ANSWERED_FROM, confidence
from service.judge.evidence import JUDGED
from service.nodes import refer, require_row
from service.reasons import reason
from service.search.cut import cut_out
from service.search.excerpt import LINE_LIMIT, cut_to, path_texts, shown_texts, to_results
from service.search.explain import WordReader, explain
from service.search.intent import wants_list
from service.search.query import Query
from service.search.query_syntax import EVERYTHING, Filters, misread, parse_query
from service.search.ranking import neighbours
from service.search.windows import MAX_LINES, Window
from service.search.words import content_stems
from service.snapshot import OneOrMore, Snapshot, several
from service.stages import stage
from service.turns import turn
from service.types import (
    ATTRIBUTE_LIMIT,
    ATTRIBUTES_SHOWN,
    NODE_LIMIT,
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
    asked: OneOrMore,
    question: str,
    top: int = 8,
    under: Sequence[str] = (),
    file: str = "",
    *,
    filters: Filters = EVERYTHING,
    explained: bool = False,
    gone: Gone | None = None,
) -> Answer:
    """The excerpts that answer, best first, and whether the notes answer at all. The question may hold filters of its own (see
    `service.search.query_syntax`); `under` and `file` are short for two of them. Nodes that are `gone` do not count. Of several
    collections the one with the best excerpt is judged and quoted. Raises RequestError.
    """
    started = time.perf_counter()
    snapshots = several(asked)
    filters = filters.narrowed(Filters(tuple(under), file))
    found, results = _search(snapshots, question, top, TOP_ASK, filters, explained, gone)
    with stage("judge"):
        probability = confidence(found[0][0].snapshot, found[0][0].query, found[0][0].ranking) if found else 0.0
    answered = probability >= ANSWERED_FROM
    return Answer(
        question=question,
        answered=answered,
        confidence=round(probability, 4),
        answer=_quote(*found[0]) if answered and found else None,
        results=results,
        generation=generation_of(snapshots),
        took_ms=_milliseconds(started),
        notices=misread(question),
    )


def search(
    asked: OneOrMore,
    query: str,
    top: int = 8,
    under: Sequence[str] = (),
    file: str = "",
    *,
    filters: Filters = EVERYTHING,
    explained: bool = False,
    gone: Gone | None = None,
) -> SearchResults:
    """The ranking alone; otherwise as `ask`. Raises RequestError."""
    started = time.perf_counter()
    snapshots = several(asked)
    filters = filters.narrowed(Filters(tuple(under), file))
    _, results = _search(snapshots, query, top, TOP_SEARCH, filters, explained, gone)
    return SearchResults(query, results, generation_of(snapshots), _milliseconds(started), notices=misread(query))


def generation_of(snapshots: Sequence[Snapshot]) -> str:
    """One name for what several collections are now: 16 hexadecimal digits, as those of one."""
    if len(snapshots) == 1:
        return snapshots[0].name
    names = "".join(f"{snapshot.collection} {snapshot.name}\n" for snapshot in snapshots)
    return hashlib.sha256(names.encode()).hexdigest()[:16]


def view_node(snapshot: Snapshot, node_id: str) -> NodeView:
    """Raises NodeNotFound."""
    store = snapshot.store
    node = store.node(require_row(store, node_id))
    children = store.children(node.row)
    return NodeView(
        id=node.id,
        text=cut_to(node.text, NODE_LIMIT),
        path=path_texts(store, node.row),
        source=Source(node.file, node.line, node.line, node.end_line),
        parent=None if node.parent < 0 else refer(store, [node.parent])[0],
        children=refer(store, children[:_CHILDREN_SHOWN]),
        child_count=len(children),
        attributes=_attributes(store, node.row),
        collection=snapshot.collection,
    )


def _attributes(store: Store, row: int) -> list[Said]:
    said = store.attributes(row)[:ATTRIBUTES_SHOWN]
    return [Said(cut_to(name, ATTRIBUTE_LIMIT), cut_to(value, ATTRIBUTE_LIMIT)) for name, value in said]


def related(snapshot: Snapshot, node_id: str, top: int = 8, gone: RowMask | None = None) -> RelatedResults:
    """The notes nearest in meaning from elsewhere. Siblings stand beside the node in every excerpt, so they come only when
    there is nothing else. Nodes that are `gone` do not count. Raises NodeNotFound or TopOutOfRange.
    """
    require_top(top, TOP_ASK)
    store = snapshot.store
    row = require_row(store, node_id)
    found = neighbours(snapshot, row, top, store.elsewhere(row, gone, beside=False))
    found = found or neighbours(snapshot, row, top, store.elsewhere(row, gone, beside=True))
    nodes = [_related_node(snapshot, row, other, score) for other, score in found]
    return RelatedResults(node_id, nodes, snapshot.name, snapshot.collection)


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
    require_top(top, limit)
    return question


def _search(
    snapshots: Sequence[Snapshot],
    question: str,
    top: int,
    limit: int,
    filters: Filters,
    explained: bool,
    gone: Gone | None,
) -> tuple[list[tuple[Part, Window]], list[Result]]:
    words, own = parse_query(check_question(question, top, limit))
    question = check_question(words, top, limit)
    results: dict[int, Result] = {}
    reader = WordReader() if explained else None
    with turn(snapshots):
        with stage("rank"):
            parts = rank_across(snapshots, question, max(top, JUDGED), own.narrowed(filters), gone)
            found = merged(parts, top)
        with stage("excerpt"):
            for part in parts:
                windows = [window for owner, window in found if owner is part]
                results |= zip(map(id, windows), _results(part, windows, reader), strict=True)
    return found, _without_repeats([results[id(window)] for _, window in found])


def _results(part: Part, windows: Sequence[Window], reader: WordReader | None) -> list[Result]:
    snapshot = part.snapshot
    cuts = cut_out(snapshot.store, windows, part.mask)
    results = to_results(snapshot.store, windows, content_stems(part.query.text))
    return [
        structs.replace(
            result,
            cut=cut,
            collection=snapshot.collection,
            why=explain(snapshot, part.query, window, reader) if reader else None,
        )
        for result, cut, window in zip(results, cuts, windows, strict=True)
    ]


def _without_repeats(results: Sequence[Result]) -> list[Result]:
    """Collections may share a file: the same lines under the same headings are shown once."""
    seen: dict[tuple[str, ...], str] = {}
    shown = []
    for result in results:
        key = (*result.path, "", *(line.text for line in result.excerpt))
        if seen.setdefault(key, result.collection) == result.collection:
            shown.append(result)
    return shown


def require_top(top: int, limit: int) -> None:
    """Raises TopOutOfRange."""
    if not 1 <= top <= limit:
        raise TopOutOfRange(top, limit)


def _quote(part: Part, window: Window) -> Quotation:
    """The node's own lines, and its children's when it has any: a heading alone answers nothing. A question for a list gets
    the whole list, under the nearest heading that the question names. Nothing out of scope is quoted.
    """
    store, query, mask = part.snapshot.store, part.query, part.mask
    node = store.node(window.hits[0])
    below, most = [row for row in store.children(node.row) if row <= window.last], MAX_LINES
    if wants_list(query.text) and (heading := _list_heading(store, query, node.row, mask)) is not None:
        node, below, most = store.node(heading), store.children(heading), _LIST_SHOWN
    inside = [row for row in below[:most] if mask is None or mask[row]]
    lines = [*node.lines, *(line for child in store.nodes(inside) for line in child.lines)]
    return Quotation("\n".join(line[:LINE_LIMIT] for line in lines[:most]), node.id, part.snapshot.collection)


def _list_heading(store: Store, query: Query, row: int, mask: RowMask | None) -> int | None:
    """Of the node and its ancestors in scope that have several children, the one with most words of the question, the nearest
    first.
    """
    asked = content_stems(query.text)
    scope = [above for above in [row, *reversed(store.ancestors(row))] if mask is None or mask[above]]
    lists = [above for above in scope if len(store.children(above)) > 1]
    shared = [len(asked & content_stems(store.node(above).text[:LINE_LIMIT])) for above in lists]
    return lists[shared.index(max(shared))] if any(shared) else None


def _related_node(snapshot: Snapshot, row: int, other: int, score: float) -> RelatedNode:
    store = snapshot.store
    node = store.node(other)
    source = Source(node.file, node.line, node.line, node.end_line)
    why = reason(snapshot, row, other)
    return RelatedNode(
        id=node.id,
        score=round(score, 4),
        path=path_texts(store, other),
        text=node.text[:LINE_LIMIT],
        source=source,
        why=structs.replace(why, under=shown_texts(why.under)),
    )


def _milliseconds(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 2)
