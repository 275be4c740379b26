"""What the faces ask: which collections a question is for, and which of them could not be asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, get_args

from msgspec import structs

from service import standing
from service.collections import Asked, Notes
from service.errors import NodeAmbiguous, NodeNotFound
from service.search.query_syntax import EVERYTHING, Filters, split_collection
from service.snapshot import Snapshot
from service.types import Answer, AskRequest, CollectionState, SearchResults

if TYPE_CHECKING:
    from service.chat.types import ChatMessage, CitationState


def ask(
    notes: Notes,
    question: str,
    top: int = 8,
    collection: str = "",
    *,
    filters: Filters = EVERYTHING,
    explained: bool = False,
) -> Answer:
    """As `answering.ask`, of one collection or of all. Raises RequestError."""
    words, asked = choose(notes, question, collection)
    answer = standing.ask(asked.snapshots, words, top, filters=filters, explained=explained)
    results = standing.placed(asked.snapshots, answer.results)
    return structs.replace(
        answer, question=question, results=results, unavailable=list(asked.unavailable), behind=asked.behind
    )


def search(
    notes: Notes,
    query: str,
    top: int = 8,
    collection: str = "",
    *,
    filters: Filters = EVERYTHING,
    explained: bool = False,
) -> SearchResults:
    """As `answering.search`, of one collection or of all. Raises RequestError."""
    words, asked = choose(notes, query, collection)
    found = standing.search(asked.snapshots, words, top, filters=filters, explained=explained)
    results = standing.placed(asked.snapshots, found.results)
    return structs.replace(
        found, query=query, results=results, unavailable=list(asked.unavailable), behind=asked.behind
    )


def choose(notes: Notes, question: str, collection: str = "") -> tuple[str, Asked]:
    """The question without the collection that it names, and what to ask; what the caller says counts first."""
    words, named = split_collection(question, notes.names) if notes.names else (question, "")
    return words, notes.asked(collection or named)


def choose_for_talk(
    notes: Notes, messages: Sequence[ChatMessage], collection: str = ""
) -> tuple[Sequence[ChatMessage], Asked]:
    """The same for a conversation: the last question says what it is asked of, as it does where it stands alone."""
    if not notes.names:
        return messages, notes.asked(collection)
    told = [split_collection(message.content, notes.names) for message in messages]
    plain = [structs.replace(each, content=words) for each, (words, _) in zip(messages, told, strict=True)]
    return plain, notes.asked(collection or (told[-1][1] if told else ""))


def find_note(notes: Notes, reference: str, collection: str = "") -> tuple[Snapshot, str]:
    """The collection with this note, and the note's id. A reference is an id, or "collection:id", since the same file in two
    collections has the same ids in both. Raises NodeNotFound or NodeAmbiguous.
    """
    named, note = _split(notes, reference)
    snapshots = notes.asked(collection or named).snapshots
    return only_one([each for each in snapshots if each.store.row_of(note) is not None], reference), note


def filters_of(asked: AskRequest) -> Filters:
    """Which nodes a request is about. Raises InvalidRequest."""
    where = tuple((name.casefold(), value) for name, value in asked.where.items())
    return Filters(tuple(asked.under), asked.file, tuple(asked.tag), asked.todo, asked.after, asked.before, where)


def find_place(notes: Notes, file: str, line: int, collection: str = "") -> tuple[Snapshot, str]:
    """The same for the note at a line of a file, of which 0 is the first with a note. Raises NodeNotFound or NodeAmbiguous."""
    rows = {
        each: each.store.row_at(file, line) if line else _first_row(each, file)
        for each in notes.asked(collection).snapshots
    }
    snapshot = only_one([each for each, row in rows.items() if row is not None], f"{file}:{line}")
    return snapshot, snapshot.store.node(rows[snapshot] or 0).id


def _first_row(snapshot: Snapshot, file: str) -> int | None:
    at = snapshot.store.file_order.get(file)
    return None if at is None else snapshot.store.rows_of(at)[0]


def only_one(snapshots: Sequence[Snapshot], what: str) -> Snapshot:
    """The one of these. Raises NodeNotFound or NodeAmbiguous."""
    if not snapshots:
        raise NodeNotFound(what)
    if len(snapshots) > 1:
        raise NodeAmbiguous(what, [snapshot.collection for snapshot in snapshots])
    return snapshots[0]


def find_citation(notes: Notes, reference: str, digest: str, quote: str, parent: str = "") -> CitationState:
    """What has become of a cited note. A link from before the collections had names is looked up in all of them. Raises
    InvalidRequest for a link that lacks a part.
    """
    from service.chat.types import State  # asking needs none of it, and `trellis ask` should start quickly

    named, note = _split(notes, reference)
    found = [standing.check_citation(each, note, digest, quote, parent) for each in notes.asked(named).snapshots]
    return min(found, key=lambda each: get_args(State).index(each.state))


def _split(notes: Notes, reference: str) -> tuple[str, str]:
    named, colon, note = reference.rpartition(":")
    return (named, note) if colon and named in notes.names else ("", reference)


def within(snapshot: Snapshot, reference: str) -> str:
    """The id of a note of this collection, also where the collection is named with it."""
    return reference.removeprefix(f"{snapshot.collection}:")


def named(states: Sequence[CollectionState], typed: str) -> list[CollectionState]:
    """The collections whose name or title holds what is typed; none where there is only one."""
    words = typed.casefold().split()
    found = [state for state in states if all(word in f"{state.name} {state.title}".casefold() for word in words)]
    return found if len(states) > 1 else []
