"""Answers made of what still stands in the notes, and what is told of files that were changed since the index was made.

What does not stand in its file any more is passed over and asked without, so that neither a result nor the judgement rests on
it; what is left says that its file was changed, with the lines where it stands now. Where what came first was rewritten,
nothing is said to be the answer: that may be what the file says now.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from msgspec import structs

from service import answering, recent
from service.across import Gone
from service.freshness import Look, gone_rows, look
from service.search.query_syntax import EVERYTHING, Filters
from service.search.windows import MAX_LINES
from service.snapshot import GoneMask, OneOrMore, Snapshot, several
from service.types import (
    Answer,
    ExcerptLine,
    NodeView,
    Outdated,
    OutlineView,
    RelatedNode,
    RelatedResults,
    Result,
    SearchResults,
    Source,
    Stale,
)

if TYPE_CHECKING:
    from service.chat.types import CitationState

_ROUNDS = 8
"""Each passes over what the one before brought up that does not stand in its file any more."""

_FILES_NAMED = 3
_OUTDATED = ("changed", "deleted")
_CITED_AND_GONE = (
    "This note is no longer there: its file was changed since it was indexed. What was quoted is kept in the link."
)

Found = TypeVar("Found", Answer, SearchResults)


def ask(
    asked: OneOrMore,
    question: str,
    top: int = 8,
    *,
    filters: Filters = EVERYTHING,
    explained: bool = False,
) -> Answer:
    """As `answering.ask`."""
    return _standing(
        several(asked),
        lambda gone: recent.ask(asked, question, top, filters=filters, explained=explained, gone=gone),
    )


def search(
    asked: OneOrMore,
    query: str,
    top: int = 8,
    *,
    filters: Filters = EVERYTHING,
    explained: bool = False,
) -> SearchResults:
    """As `answering.search`."""
    return _standing(
        several(asked),
        lambda gone: recent.search(asked, query, top, filters=filters, explained=explained, gone=gone),
    )


def _standing(snapshots: Sequence[Snapshot], find: Callable[[Gone], Found]) -> Found:
    started = time.perf_counter()
    named = {snapshot.collection: snapshot for snapshot in snapshots}
    looks: dict[tuple[str, str], Look] = {}
    gone: dict[Snapshot, GoneMask] = {}
    left_out: dict[tuple[str, str], set[str]] = {}
    rewritten = False  # what came first is gone, and its file says something new: that may be the answer
    for _ in range(_ROUNDS):
        passed_over = dict(gone)
        found = find(passed_over)
        new = {(result.collection, result.source.file) for result in found.results} - looks.keys()
        looks |= {(name, file): look(named[name], file) for name, file in new}
        for name in {name for name, _ in new}:
            files = [file for of, file in looks if of == name and looks[of, file].state in _OUTDATED]
            if (mask := gone_rows(named[name], files)) is not None:
                gone[named[name]] = mask
        lost = [result for result in found.results if _has_gone(named[result.collection], result, gone)]
        if not passed_over and lost and lost[0] is found.results[0]:
            rewritten = looks[lost[0].collection, lost[0].source.file].new
        for result in lost:
            left_out.setdefault((result.collection, result.source.file), set()).add(result.id)
        if not lost and not _quotes_gone(found, named, gone, passed_over):
            break
    else:  # changes without end: what is left of the last answer
        rewritten = True
    if rewritten:
        found = _unanswered(found)
    results = [
        structs.replace(each, stale=_stale(looks[each.collection, each.source.file]))
        for each in found.results
        if each not in lost
    ]
    outdated = [
        Outdated(file, "deleted" if looks[name, file].state == "deleted" else "changed", len(places), name)
        for (name, file), places in left_out.items()
    ]
    took = round((time.perf_counter() - started) * 1000, 2)
    return structs.replace(found, results=results, outdated=outdated, took_ms=took)


def _quotes_gone(found: Answer | SearchResults, named: dict[str, Snapshot], gone: Gone, passed_over: Gone) -> bool:
    """Whether the quotation, which may be longer than any excerpt, may hold something that was not passed over yet."""
    quotation = found.answer if isinstance(found, Answer) else None
    snapshot = named[quotation.collection] if quotation else None
    if quotation is None or snapshot is None or snapshot not in gone:
        return False
    row = snapshot.store.row_of(quotation.node) or 0
    below = slice(row, int(snapshot.store.last[row]) + 1)
    known = passed_over[snapshot][below] if snapshot in passed_over else False
    return bool((gone[snapshot][below] & ~np.asarray(known)).any())


def _unanswered(found: Found) -> Found:
    """The results without a judgement."""
    return structs.replace(found, answered=False, answer=None, confidence=0.0) if isinstance(found, Answer) else found


def _has_gone(snapshot: Snapshot, result: Result, gone: Gone) -> bool:
    """Whether something that is shown does not stand in the file any more."""
    mask = gone.get(snapshot)
    if mask is None:
        return False
    file = result.source.file
    rows = [snapshot.store.row_of(result.id), *(snapshot.store.row_at(file, line.line) for line in result.excerpt)]
    return any(row is not None and mask[row] for row in rows)


def _stale(found: Look) -> Stale:
    return "" if found.state == "same" else found.state


# ---- Where it stands now ----


def placed(asked: OneOrMore, results: Sequence[Result]) -> list[Result]:
    """The results with the lines of their files as they are now. They keep to twelve lines, also where some came between."""
    named = {snapshot.collection: snapshot for snapshot in several(asked)}
    return [_placed(look(named[each.collection], each.source.file), each) if each.stale else each for each in results]


def _placed(found: Look, result: Result) -> Result:
    if not found.lines:
        return result
    lines = [structs.replace(line, line=found.lines.get(line.line, line.line)) for line in result.excerpt]
    own = found.lines.get(result.source.line, result.source.line)
    kept = _together(lines, own)
    source = Source(result.source.file, own, kept[0].line, kept[-1].line) if kept else result.source
    return structs.replace(result, excerpt=kept, source=source)


def _together(lines: list[ExcerptLine], own: int) -> list[ExcerptLine]:
    """The lines in their order, as many as fit around the own one."""
    lines = sorted(lines, key=lambda line: line.line)
    while lines and lines[-1].line - lines[0].line >= MAX_LINES:
        lines.pop(0 if own - lines[0].line > lines[-1].line - own else -1)
    return lines


def placed_source(snapshot: Snapshot, source: Source) -> Source:
    """A place in the notes as it is now."""
    lines = look(snapshot, source.file).lines
    return Source(source.file, *(lines.get(line, line) for line in (source.line, source.start_line, source.end_line)))


# ---- Single notes ----


def view_node(snapshot: Snapshot, node_id: str) -> NodeView:
    """As `answering.view_node`; what does not stand there any more says so itself, and is no child."""
    view = answering.view_node(snapshot, node_id)
    gone = gone_rows(snapshot, [view.source.file])
    children = (
        view.children if gone is None else [each for each in view.children if not _is_gone(snapshot, each.id, gone)]
    )
    return structs.replace(
        view,
        source=placed_source(snapshot, view.source),
        children=children,
        child_count=view.child_count - len(view.children) + len(children),
        stale=stale_of(snapshot, node_id, view.source.file),
    )


def stale_of(snapshot: Snapshot, node_id: str, file: str) -> Stale:
    """How a note stands to its file."""
    gone = gone_rows(snapshot, [file])
    return "deleted" if gone is not None and _is_gone(snapshot, node_id, gone) else _stale(look(snapshot, file))


def mark_outline(snapshot: Snapshot, view: OutlineView) -> OutlineView:
    """With the rows marked that do not stand in the file any more; the others have the lines where they stand now."""
    gone = gone_rows(snapshot, [view.source.file])
    lines = look(snapshot, view.source.file).lines
    rows = view.rows
    if gone is not None:
        rows = [structs.replace(row, gone=_is_gone(snapshot, row.id, gone)) for row in rows]
    if lines:
        rows = [row if row.gone else structs.replace(row, line=lines.get(row.line, row.line)) for row in rows]
    source, stale = placed_source(snapshot, view.source), stale_of(snapshot, view.node, view.source.file)
    return structs.replace(view, rows=rows, source=source, stale=stale)


def related(snapshot: Snapshot, node_id: str, top: int = 8) -> RelatedResults:
    """As `answering.related`."""
    files: set[str] = set()
    gone: GoneMask | None = None
    for _ in range(_ROUNDS):
        found = answering.related(snapshot, node_id, top, gone)
        new = {each.source.file for each in found.results} - files
        changed = {file for file in new if look(snapshot, file).state in _OUTDATED}
        if not changed:
            break
        files |= changed
        gone = gone_rows(snapshot, files)
    results = [each for each in found.results if gone is None or not _is_gone(snapshot, each.id, gone)]
    return structs.replace(found, results=[_related(snapshot, each, gone) for each in results])


def _related(snapshot: Snapshot, node: RelatedNode, gone: GoneMask | None) -> RelatedNode:
    stale = _stale(look(snapshot, node.source.file))
    why = node.why
    if gone is not None and stale:  # a reason may be a line below it
        row = snapshot.store.row_of(node.id) or 0
        below = np.flatnonzero(gone[row : snapshot.store.last[row] + 1]) + row
        lost = tuple(each.text for each in snapshot.store.nodes(below.tolist()))
        why = structs.replace(
            why, lines=[pair for pair in why.lines if not any(text.startswith(pair.there) for text in lost)]
        )
    return structs.replace(node, source=placed_source(snapshot, node.source), stale=stale, why=why)


def check_citation(snapshot: Snapshot, note: str, digest: str, quote: str, parent: str = "") -> CitationState:
    """As `service.chat.citations.check_citation`; the note that the index has may be gone from its file."""
    from service.chat.citations import check_citation as check  # asking needs none of it

    found = check(snapshot, note, digest, quote, parent)
    if found.note is None:
        return found
    file = found.note.source.file
    gone, lines = gone_rows(snapshot, [file]), look(snapshot, file).lines
    if gone is not None and _is_gone(snapshot, found.note.id, gone):
        return structs.replace(found, state="deleted", message=_CITED_AND_GONE, note=None, excerpt=[])
    excerpt = [structs.replace(line, line=lines[line.line]) if line.line in lines else line for line in found.excerpt]
    if gone is not None:
        rows = [snapshot.store.row_at(file, line.line) for line in found.excerpt]
        excerpt = [line for line, row in zip(excerpt, rows, strict=True) if row is None or not gone[row]]
    source = placed_source(snapshot, found.note.source)
    return structs.replace(found, note=structs.replace(found.note, source=source), excerpt=excerpt)


def notice(outdated: Sequence[Outdated]) -> str:
    """What was left out of an answer, in a sentence or two."""
    if not outdated:
        return ""
    files = ", ".join(file.file for file in outdated[:_FILES_NAMED]) + (", …" if len(outdated) > _FILES_NAMED else "")
    return f"Some notes are left out, since their files were changed after they were indexed: {files}."


def _is_gone(snapshot: Snapshot, node_id: str, gone: GoneMask) -> bool:
    row = snapshot.store.row_of(node_id)
    return row is not None and bool(gone[row])
