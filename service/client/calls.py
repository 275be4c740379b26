"""Every endpoint as a value: what is sent, and as which type the answer is read. Clients only carry it there and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypedDict, TypeVar, Unpack
from urllib.parse import quote

import msgspec

from service.chat.types import ChatMessage, ChatRequest, CitationState
from service.map.types import MapView
from service.search.query_syntax import join_path
from service.types import (
    Alive,
    Answer,
    AskRequest,
    Choices,
    CollectionList,
    Health,
    NodeView,
    OutlineView,
    RelatedResults,
    Scopes,
    SearchResults,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request. path: below the address of the service. parameters: those with the value None or "" are left out. body: as
    JSON. answer: the type of the answer; `str` is its text as it came.
    """

    path: str
    answer: type[T]
    parameters: Sequence[tuple[str, str]] = field(default=())
    body: bytes | None = None

    @property
    def method(self) -> str:
        return "GET" if self.body is None else "POST"


class Narrowing(TypedDict, total=False):
    """Which notes are asked, and how. Each may be left out; `service.types.AskRequest` says what they mean."""

    top: int
    under: Sequence[str]
    file: str
    tag: Sequence[str]
    todo: str
    after: str
    before: str
    where: Mapping[str, str]
    collection: str
    explain: bool


def ask(question: str, **narrowing: Unpack[Narrowing]) -> Call[Answer]:
    given: dict[str, Any] = {**narrowing}
    for name in ("under", "tag"):
        given[name] = list(given.get(name, ()))
    given["where"] = dict(given.get("where", {}))
    return Call("/api/ask", Answer, body=msgspec.json.encode(AskRequest(question, **given)))


def search(query: str, **narrowing: Unpack[Narrowing]) -> Call[SearchResults]:
    lists = [("tag", tag) for tag in narrowing.get("tag", ())]
    lists += [("where", f"{name}={value}") for name, value in narrowing.get("where", {}).items()]
    single = {name: narrowing.get(name, "") for name in ("file", "todo", "after", "before", "collection")}
    top, explain = narrowing.get("top"), "true" if narrowing.get("explain") else ""
    given = _given(under=join_path(narrowing.get("under", ())), top=top, explain=explain, **single)
    return Call("/api/search", SearchResults, [("q", query), *lists, *given])


def node(node_id: str, collection: str = "") -> Call[NodeView]:
    return Call(_node(node_id), NodeView, _given(collection=collection))


def place(file: str, line: int, collection: str = "") -> Call[NodeView]:
    return Call("/api/place", NodeView, _given(file=file, line=line, collection=collection))


def related(node_id: str, top: int = 8, collection: str = "") -> Call[RelatedResults]:
    return Call(f"{_node(node_id)}/related", RelatedResults, _given(top=top, collection=collection))


def outline(
    node_id: str, zoom: str = "", start: int | None = None, top: int | None = None, collection: str = ""
) -> Call[OutlineView]:
    given = _given(zoom=zoom, start=start, top=top, collection=collection)
    return Call(f"{_node(node_id)}/outline", OutlineView, given)


def filters(collection: str = "") -> Call[Choices]:
    return Call("/api/filters", Choices, _given(collection=collection))


def scopes(typed: str = "", top: int = 8, collection: str = "") -> Call[Scopes]:
    return Call("/api/scopes", Scopes, _given(q=typed, top=top, collection=collection))


def picture(collection: str = "") -> Call[MapView]:
    return Call("/api/map", MapView, _given(collection=collection))


def citation(note: str, digest: str, quoted: str, parent: str = "") -> Call[CitationState]:
    return Call("/api/citations", CitationState, [("note", note), ("hash", digest), ("quote", quoted), ("in", parent)])


def collections() -> Call[CollectionList]:
    return Call("/api/collections", CollectionList)


def health() -> Call[Health]:
    return Call("/healthz", Health)


def alive() -> Call[Alive]:
    return Call("/livez", Alive)


def metrics() -> Call[str]:
    return Call("/metrics", str)


def description() -> Call[dict[str, Any]]:
    return Call("/openapi.json", dict[str, Any])


def chat(
    messages: str | Sequence[ChatMessage], under: Sequence[str] = (), file: str = "", collection: str = ""
) -> Call[Any]:
    """Its answer is a stream of events. A question alone is a conversation too."""
    said = [ChatMessage("user", messages)] if isinstance(messages, str) else list(messages)
    body = msgspec.json.encode(ChatRequest(said, list(under), file, collection))
    return Call("/api/chat", object, body=body)


def _node(node_id: str) -> str:
    return f"/api/nodes/{quote(node_id, safe='')}"


def _given(**parameters: object) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, value in parameters.items() if value is not None and value != ""]
