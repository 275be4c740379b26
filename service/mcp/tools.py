"""The tools: what each takes, what it asks, and what it answers. Functions of a `Reader`; nothing of the protocol is here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import structs

from service import types
from service.errors import InvalidRequest
from service.keys import Scope
from service.mcp import shapes, words
from service.mcp.addresses import resolve, uri_of
from service.mcp.reader import Reader

_LINE_LIMIT = 300
_HEADINGS = 12


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """takes, gives: structs. run: from what was taken to what is given. tell: that as text. needs: the scope of the key."""

    name: str
    title: str
    description: str
    takes: type[Any]
    gives: type[Any]
    run: Callable[[Reader, Any], Any]
    tell: Callable[[Any], str]
    needs: Scope


def ask(reader: Reader, asked: Any) -> shapes.Asked:
    given = structs.asdict(asked)
    answer = reader.ask(given.pop("question"), **given)
    quote = answer.answer
    return shapes.Asked(
        answer.answered,
        answer.confidence,
        quote.text if quote else "",
        uri_of(quote.collection, quote.node) if quote else "",
        [_place(result) for result in answer.results],
        _remarks(answer),
    )


def search(reader: Reader, asked: Any) -> shapes.Searched:
    given = structs.asdict(asked)
    found = reader.search(given.pop("query"), **given)
    return shapes.Searched([_place(result) for result in found.results], _remarks(found))


def read(reader: Reader, asked: shapes.Reading) -> shapes.Note:
    view = resolve(reader, asked.node, asked.collection)
    zoom = view.id if view.children else view.parent.id if view.parent else ""
    outline = reader.outline(view.id, zoom, asked.start, asked.rows, view.collection)
    rows = [
        shapes.Row(row.id, row.line, row.depth, row.text[:_LINE_LIMIT], row.below, row.id == view.id)
        for row in outline.rows
        if not row.gone
    ]
    return shapes.Note(
        uri_of(view.collection, view.id),
        view.id,
        view.text,
        view.path,
        view.source,
        rows,
        outline.total,
        outline.start,
        view.parent,
        view.attributes,
        view.collection,
        view.stale,
    )


def relate(reader: Reader, asked: shapes.Relating) -> shapes.Related:
    view = resolve(reader, asked.node, asked.collection)
    found = reader.related(view.id, asked.top, view.collection)
    notes = [
        shapes.Neighbour(
            uri_of(view.collection, each.id),
            each.id,
            each.score,
            each.path[-_HEADINGS:],
            each.text[:_LINE_LIMIT],
            each.source,
            _because(each.why),
            each.stale,
        )
        for each in found.results
    ]
    return shapes.Related(view.id, notes, view.collection)


def collections(reader: Reader, _: shapes.Listing) -> types.CollectionList:
    return types.CollectionList(reader.collections())


def _place(result: types.Result) -> shapes.Place:
    return shapes.Place(
        uri_of(result.collection, result.id),
        result.id,
        result.score,
        result.path[-_HEADINGS:],
        result.source,
        [shapes.Line(line.line, line.text[:_LINE_LIMIT], line.depth, line.hit) for line in result.excerpt],
        result.collection,
        result.stale,
    )


def _remarks(found: types.Answer | types.SearchResults) -> list[str]:
    said = list(found.notices)
    if found.behind:
        said.append("Notes were changed that are not indexed yet; what they say now may be missing.")
    said += [f"{each.name} was not asked: it cannot be used now." for each in found.unavailable]
    said += [
        f"{each.places} places of {each.file} are left out: the file was {each.state} since it was indexed."
        for each in found.outdated
    ]
    return said


def _because(why: types.Reason) -> str:
    said = [f"both under {' > '.join(why.under)}"] if why.under else []
    said += [f"words of both: {', '.join(why.terms[:8])}"] if why.terms else []
    said += [f"“{pair.here[:120]}” is near to “{pair.there[:120]}”" for pair in why.lines[:1]]
    return "; ".join(said)


TOOLS: Sequence[ToolSpec] = (
    ToolSpec(
        "ask_notes",
        "Ask the notes",
        "Answers a question from the user's own outline notes: a verbatim quote where the notes answer, the places that bear "
        "it out with file, line and headings, and a calibrated probability. When 'answered' is false, say that the notes do "
        "not cover it. Cite places as file:line.",
        shapes.Asking,
        shapes.Asked,
        ask,
        words.tell_answer,
        "ask",
    ),
    ToolSpec(
        "search_notes",
        "Search the notes",
        "Finds the places in the user's notes that are nearest in meaning to a phrase or to keywords, best first, without "
        "judging whether they answer anything. Use ask_notes for questions.",
        shapes.Searching,
        shapes.Searched,
        search,
        words.tell_found,
        "ask",
    ),
    ToolSpec(
        "read_note",
        "Read a note",
        "Reads one note with the outline below it (or, of a single line, with the lines beside it), page by page. Takes the "
        "node ids and URIs that the other tools give, and file:line.",
        shapes.Reading,
        shapes.Note,
        read,
        words.tell_note,
        "read",
    ),
    ToolSpec(
        "related_notes",
        "Find related notes",
        "Finds the notes nearest in meaning to one note from elsewhere in the outline, with what the two have in common.",
        shapes.Relating,
        shapes.Related,
        relate,
        words.tell_related,
        "read",
    ),
    ToolSpec(
        "list_collections",
        "List the collections",
        "Lists the collections of notes that can be asked, with their sizes. Their names are what 'collection' takes.",
        shapes.Listing,
        types.CollectionList,
        collections,
        lambda found: words.tell_collections(found.collections),
        "read",
    ),
)
BY_NAME = {tool.name: tool for tool in TOOLS}


def taken(tool: ToolSpec, arguments: dict[str, Any] | None) -> Any:
    """The arguments as the tool takes them. Raises InvalidRequest with what to change."""
    try:
        return msgspec.convert(arguments or {}, tool.takes)
    except msgspec.ValidationError as error:
        fields = ", ".join(field.name for field in structs.fields(tool.takes)) or "nothing"
        raise InvalidRequest(f"The arguments of {tool.name} do not fit: {error}. It takes {fields}.") from error
