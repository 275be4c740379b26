"""Whom the tools ask: the notes in this process, or a service that runs; both by the methods of the typed client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, Unpack

from service import asking, standing
from service.client.calls import Narrowing
from service.collections import Collections
from service.outline import ROWS_AT_ONCE, view_outline
from service.scopes import find_scopes
from service.types import (
    Answer,
    AskRequest,
    CollectionState,
    NodeView,
    OutlineView,
    RelatedResults,
    Scopes,
    SearchResults,
)


class Reader(Protocol):
    """As `service.client.Trellis`, which is one. Raises TrellisError."""

    def ask(self, question: str, **narrowing: Unpack[Narrowing]) -> Answer: ...
    def search(self, query: str, **narrowing: Unpack[Narrowing]) -> SearchResults: ...
    def node(self, node_id: str, collection: str = "") -> NodeView: ...
    def node_at(self, file: str, line: int, collection: str = "") -> NodeView: ...
    def related(self, node_id: str, top: int = 8, collection: str = "") -> RelatedResults: ...
    def outline(
        self, node_id: str, zoom: str = "", start: int | None = None, top: int | None = None, collection: str = ""
    ) -> OutlineView: ...
    def scopes(self, typed: str = "", top: int = 8, collection: str = "") -> Scopes: ...
    def collections(self) -> list[CollectionState]: ...


class LocalReader:
    """The notes in this process. before: called before each question; where nothing else follows the index, it is looked there
    whether there is a newer one.
    """

    def __init__(self, notes: Collections, before: Callable[[], object] = lambda: None) -> None:
        self._notes = notes
        self._before = before

    def ask(self, question: str, **narrowing: Unpack[Narrowing]) -> Answer:
        self._before()
        asked = AskRequest(question, **narrowing)  # type: ignore[arg-type]  # lists, where any sequence would do
        return asking.ask(self._notes, question, asked.top, asked.collection, filters=asking.filters_of(asked))

    def search(self, query: str, **narrowing: Unpack[Narrowing]) -> SearchResults:
        self._before()
        asked = AskRequest(query, **narrowing)  # type: ignore[arg-type]
        return asking.search(self._notes, query, asked.top, asked.collection, filters=asking.filters_of(asked))

    def node(self, node_id: str, collection: str = "") -> NodeView:
        self._before()
        return standing.view_node(*asking.find_note(self._notes, node_id, collection))

    def node_at(self, file: str, line: int, collection: str = "") -> NodeView:
        self._before()
        return standing.view_node(*asking.find_place(self._notes, file, line, collection))

    def related(self, node_id: str, top: int = 8, collection: str = "") -> RelatedResults:
        self._before()
        return standing.related(*asking.find_note(self._notes, node_id, collection), top)

    def outline(
        self, node_id: str, zoom: str = "", start: int | None = None, top: int | None = None, collection: str = ""
    ) -> OutlineView:
        self._before()
        snapshot, note = asking.find_note(self._notes, node_id, collection)
        view = view_outline(snapshot, note, asking.within(snapshot, zoom), start, top or ROWS_AT_ONCE)
        return standing.mark_outline(snapshot, view)

    def scopes(self, typed: str = "", top: int = 8, collection: str = "") -> Scopes:
        self._before()
        return find_scopes(self._notes.asked(collection).snapshots, typed, top)

    def collections(self) -> list[CollectionState]:
        self._before()
        return self._notes.states()
