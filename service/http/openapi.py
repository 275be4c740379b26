"""The HTTP contract as OpenAPI 3.1, made from the classes that requests and answers are made of."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import msgspec

from service import types
from service.chat.types import ChatRequest, CitationState, Event
from service.http.access import needed
from service.outline import ROWS_AT_ONCE
from service.scopes import MOST

_ABOUT = (
    "Ask your outline. The same paths below /p/{publication}/ reach that publication of the notes and nothing else."
)
_KEY = {
    "type": "http",
    "scheme": "bearer",
    "description": "A key made by 'trellis keys add', with its scope; needed on any address but a loopback one.",
}
_REF = "#/components/schemas/{name}"


def describe() -> dict[str, Any]:
    """The document that GET /openapi.json answers with."""
    models = (
        types.AskRequest,
        types.Answer,
        types.SearchResults,
        types.NodeView,
        types.RelatedResults,
        types.Choices,
        types.OutlineView,
        types.Scopes,
        types.MapView,
        types.Health,
        types.CollectionList,
        types.Alive,
        types.Problem,
        ChatRequest,
        CitationState,
        Event,
    )
    (
        (
            ask,
            answer,
            found,
            node,
            related,
            offered,
            outline,
            scopes,
            picture,
            health,
            collections,
            alive,
            problem,
            chat,
            citation,
            event,
        ),
        schemas,
    ) = msgspec.json.schema_components(models, ref_template=_REF)
    scope = [
        _parameter("under", "Only nodes under this path: ancestors parted by '>', or the parameter several times."),
        _parameter("file", "Only files whose name matches this glob."),
        _parameter("tag", "Only nodes with this tag, their own or inherited; the parameter several times for several."),
        _parameter("todo", "Only nodes that are 'open' or 'done', or have this TODO keyword."),
        _parameter("after", "Only nodes with a date from this day, month or year on (YYYY-MM-DD, YYYY-MM, YYYY)."),
        _parameter("before", "Only nodes with a date before this day, month or year."),
        _parameter("where", "Only nodes with this property, as name=value; several times for several."),
        _COLLECTION,
        _parameter("explain", "'true' says for each result why it stands where it stands."),
    ]
    node_id = [
        {
            "name": "id",
            "in": "path",
            "required": True,
            "description": "The node's id, or 'collection:id': the same file in two collections has the same ids.",
            "schema": {"type": "string"},
        },
        _COLLECTION,
    ]
    paths = {
        "/api/ask": {"post": _operation("Ask a question", answer, problem, body=ask)},
        "/api/search": {
            "get": _operation(
                "Rank the notes for a query",
                found,
                problem,
                [_parameter("q", "The query.", required=True), _top(types.TOP_SEARCH), *scope],
            )
        },
        "/api/nodes/{id}": {"get": _operation("Read one node", node, problem, node_id)},
        "/api/nodes/{id}/related": {
            "get": _operation("Find related nodes", related, problem, [*node_id, _top(types.TOP_ASK)])
        },
        "/api/filters": {"get": _operation("What there is to filter by", offered, problem, [_COLLECTION])},
        "/api/chat": {"post": _streaming(_operation("Take a turn of conversation", event, problem, body=chat))},
        "/api/citations": {"get": _operation("What has become of a cited note", citation, problem, _CITATION)},
        "/api/nodes/{id}/outline": {
            "get": _operation("Read the outline around a node", outline, problem, [*node_id, *_rows()])
        },
        "/api/scopes": {
            "get": _operation(
                "Find files and headings by name",
                scopes,
                problem,
                [
                    _parameter("q", "Words of the name."),
                    _number("top", "How many of each at most.", 1, MOST, 8),
                    _COLLECTION,
                ],
            )
        },
        "/api/map": {"get": _operation("The picture of all notes of a collection", picture, problem, [_COLLECTION])},
        "/api/collections": {"get": _operation("The collections of notes", collections, problem)},
        "/healthz": {"get": _operation("Whether questions can be answered", health, problem)},
        "/livez": {"get": _operation("Whether the service runs, ready or not", alive, problem)},
    }
    for path, operations in paths.items():
        for operation in operations.values() if "/api/" in path else ():
            operation["security"] = [{}, {"key": [needed(path)]}]
    info = {"title": "Trellis", "version": version("trellis"), "description": _ABOUT}
    components = {"schemas": schemas, "securitySchemes": {"key": _KEY}}
    return {"openapi": "3.1.0", "info": info, "paths": paths, "components": components}


def _operation(
    summary: str, answer: Any, problem: Any, parameters: list[Any] | None = None, body: Any = None
) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": summary,
        "parameters": parameters or [],
        "responses": {
            "200": {"description": "The answer", "content": {"application/json": {"schema": answer}}},
            "default": {"description": "An error", "content": {"application/problem+json": {"schema": problem}}},
        },
    }
    if body:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return operation


def _streaming(operation: dict[str, Any]) -> dict[str, Any]:
    """The answer comes as server-sent events: `sources` once, `token` any number of times, `done` or `error` once. The data of
    each is one JSON document.
    """
    answer = operation["responses"]["200"]
    answer["description"] = "Server-sent events: sources, tokens, done (or error); the data of each is such a document."
    answer["content"] = {"text/event-stream": answer["content"]["application/json"]}
    return operation


def _parameter(name: str, description: str, *, required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": required, "description": description, "schema": {"type": "string"}}


_COLLECTION = _parameter("collection", "Only this collection of notes; left out, all of them (of a map: the first).")
_CITATION = [
    _parameter("note", "The cited node's id.", required=True),
    _parameter("hash", "Hash of the node's text when it was cited.", required=True),
    _parameter("quote", "What was quoted.", required=True),
    _parameter("in", "Id of the parent of the cited node, if it had one."),
]


def _top(limit: int) -> dict[str, Any]:
    return _number("top", "How many results at most.", 1, limit, 8)


def _rows() -> list[dict[str, Any]]:
    zoom = _parameter("zoom", "Only the subtree of the node with this id.")
    top = _number("top", "How many rows at most.", 1, ROWS_AT_ONCE, ROWS_AT_ONCE)
    return [zoom, _number("start", "The first row. Left out: some rows above the node.", 0, None, None), top]


def _number(name: str, description: str, least: int, most: int | None, default: int | None) -> dict[str, Any]:
    limits = {"minimum": least, "maximum": most, "default": default}
    schema = {"type": "integer"} | {key: value for key, value in limits.items() if value is not None}
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}
