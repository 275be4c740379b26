"""What each route is for, takes and gives, as a table; `openapi` makes the document of it, `docs_page` the page.

A parameter's example and an answer's example belong together: they are what the service answered on the notes that ship
(`bench/examples.py` asks it, into `examples.json`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from service import types
from service.chat.types import ChatRequest, CitationState, Event
from service.map.types import MapView
from service.outline import ROWS_AT_ONCE
from service.presence import Codes
from service.scopes import MOST

QUESTION = "Can a CNAME record be made for the zone apex?"
QUERY = "NAT gateway"
TALK = {"messages": [{"role": "user", "content": QUESTION}]}
TOOL_CALL = {"name": "ask_notes", "arguments": {"question": QUESTION, "top": 1}}


@dataclass(frozen=True, slots=True)
class Parameter:
    """place: "query" or "path". example: None where there is none worth showing."""

    name: str
    description: str
    schema: dict[str, Any]
    example: Any = None
    required: bool = False
    place: str = "query"


@dataclass(frozen=True, slots=True)
class Operation:
    """takes: the type of the body. gives: the type of the answer; None for what is no JSON. media: of the answer. body: an
    example of the request. refuses: the statuses of its errors, beside those that any request may get. group: under which the
    page lists it.
    """

    method: str
    path: str
    summary: str
    description: str
    group: str
    gives: Any = None
    takes: Any = None
    parameters: Sequence[Parameter] = ()
    media: str = "application/json"
    body: Any = None
    refuses: Sequence[int] = ()

    @property
    def key(self) -> str:
        """By which its example is kept."""
        return f"{self.method} {self.path}"


def _text(name: str, description: str, example: Any = None, *, required: bool = False) -> Parameter:
    return Parameter(name, description, {"type": "string"}, example, required)


def _several(name: str, description: str, example: Any = None) -> Parameter:
    return Parameter(name, description, {"type": "array", "items": {"type": "string"}}, example)


def _number(name: str, description: str, least: int, most: int | None, default: int | None, example: Any) -> Parameter:
    limits = {"minimum": least, "maximum": most, "default": default}
    schema = {"type": "integer"} | {key: value for key, value in limits.items() if value is not None}
    return Parameter(name, description, schema, example)


_ID = Parameter(
    "id",
    "The node's id, or 'collection:id': the same file in two collections has the same ids.",
    {"type": "string"},
    "{node}",
    True,
    "path",
)
_COLLECTION = _text("collection", "Only this collection of notes; left out, all of them (of a map: the first).")
_NARROWING = (
    _several("under", "Only nodes under this path: ancestors parted by '>', or the parameter several times."),
    _text("file", "Only files whose name matches this glob, of at most 1,000 characters."),
    _several("tag", "Only nodes with this tag, their own or inherited; several times for several, 50 with 'where'."),
    _text("todo", "Only nodes that are 'open' or 'done', or have this TODO keyword; '*' for any."),
    _text("after", "Only nodes with a date from this day, month or year on (YYYY-MM-DD, YYYY-MM, YYYY)."),
    _text("before", "Only nodes with a date before this day, month or year."),
    _several("where", "Only nodes with this property, as name=value; several times for several."),
    _COLLECTION,
    _text("explain", "'true' says for each result why it stands where it stands."),
)
_CITATION = (
    _text("note", "The cited node's id.", "{node}", required=True),
    _text("hash", "Hash of the node's text when it was cited.", "{hash}", required=True),
    _text("quote", "What was quoted, at most 280 characters.", "{quote}", required=True),
    _text("in", "Id of the parent of the cited node, if it had one."),
)
_ROWS = (
    _text("zoom", "Only the subtree of the node with this id."),
    _number("start", "The first row. Left out: some rows above the node.", 0, None, None, 0),
    _number("top", "How many rows at most.", 1, ROWS_AT_ONCE, ROWS_AT_ONCE, 2),
)
_PAGE = "text/html"

OPERATIONS: Sequence[Operation] = (
    Operation(
        "post", "/api/ask", "Ask a question",
        "The ranked excerpts that answer, a quotation, and the probability that the notes answer at all.",
        "Asking", types.Answer, types.AskRequest, body={"question": QUESTION, "top": 1}, refuses=(400, 404, 413, 415, 503),
    ),
    Operation(
        "get", "/api/search", "Rank the notes for a query", "The ranking alone, without a judgement.",
        "Asking", types.SearchResults,
        parameters=(
            _text("q", "The query.", QUERY, required=True),
            _number("top", "How many results at most.", 1, types.TOP_SEARCH, 8, 1),
            *_NARROWING,
        ),
        refuses=(400, 404, 503),
    ),
    Operation(
        "post", "/api/chat", "Take a turn of conversation",
        "Server-sent events: `sources` once, `token` any number of times, `done` or `error` once. The data of each is one JSON "
        "document.",
        "Asking", Event, ChatRequest, media="text/event-stream", body=TALK, refuses=(400, 404, 413, 415, 503),
    ),
    Operation(
        "get", "/api/nodes/{id}", "Read one node", "Text, path, place, parent and children.",
        "Reading", types.NodeView, parameters=(_ID, _COLLECTION), refuses=(404, 409, 503),
    ),
    Operation(
        "get", "/api/place", "Read the node at a line of a file", "What an editor asks for the line under the cursor.",
        "Reading", types.NodeView,
        parameters=(
            _text("file", "Name relative to the notes folder.", "dns.txt", required=True),
            _number("line", "1-based; 0 or left out, the first node of the file.", 0, None, 0, 3),
            _COLLECTION,
        ),
        refuses=(400, 404, 409, 503),
    ),
    Operation(
        "get", "/api/nodes/{id}/related", "Find related nodes",
        "The notes nearest in meaning from elsewhere in the outline, with the reasons.",
        "Reading", types.RelatedResults,
        parameters=(_ID, _COLLECTION, _number("top", "How many results at most.", 1, types.TOP_ASK, 8, 1)),
        refuses=(400, 404, 409, 503),
    ),
    Operation(
        "get", "/api/nodes/{id}/outline", "Read the outline around a node", "Row by row, of its file or of a subtree.",
        "Reading", types.OutlineView, parameters=(_ID, _COLLECTION, *_ROWS), refuses=(400, 404, 409, 503),
    ),
    Operation(
        "get", "/api/citations", "What has become of a cited note", "The same, moved, edited or deleted.",
        "Reading", CitationState, parameters=_CITATION, refuses=(400, 503),
    ),
    Operation(
        "get", "/api/filters", "What there is to filter by", "Tags, states, properties, files and topmost headings.",
        "Finding one's way", types.Choices, parameters=(_COLLECTION,), refuses=(404, 503),
    ),
    Operation(
        "get", "/api/scopes", "Find files and headings by name", "What a search can be kept to.",
        "Finding one's way", types.Scopes,
        parameters=(
            _text("q", "Words of the name.", "route"),
            _number("top", "How many of each at most.", 1, MOST, 8, 1),
            _COLLECTION,
        ),
        refuses=(400, 404, 503),
    ),
    Operation(
        "get", "/api/map", "The picture of all notes of a collection",
        "A point for every note, or for 50,000 of more, near to what is near in meaning. Drawn when it is asked for first, "
        "which takes some seconds.",
        "Finding one's way", MapView, parameters=(_COLLECTION,), refuses=(404, 503),
    ),
    Operation(
        "get", "/api/collections", "The collections of notes", "And whether each can be asked.",
        "Finding one's way", types.CollectionList,
    ),
    Operation(
        "post", "/mcp", "The same for language models",
        "One message of the Model Context Protocol (streamable HTTP, without sessions); docs/mcp.md lists the tools. Send "
        "'Accept: application/json, text/event-stream'. What is wrong with a message is answered as JSON-RPC has it.",
        "Other programs", dict[str, Any], dict[str, Any],
        body={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": TOOL_CALL}, refuses=(413, 415, 501),
    ),
    Operation(
        "get", "/openapi.json", "This description", "OpenAPI 3.1.", "Other programs", dict[str, Any],
    ),
    Operation("get", "/widget.js", "The chat widget", "One script.", "Other programs", media="text/javascript"),
    Operation(
        "get", "/api/presence", "Whether a service is the one it says",
        "Codes over a challenge, one for each collection, that only a program of the service's own user can check.",
        "Other programs", Codes,
        parameters=(_text("challenge", "16 to 64 hexadecimal digits.", "0123456789abcdef", required=True),), refuses=(400,),
    ),
    Operation("get", "/healthz", "Whether questions can be answered", "", "Operating", types.Health, refuses=(503,)),
    Operation("get", "/livez", "Whether the service runs, ready or not", "", "Operating", types.Alive),
    Operation(
        "get", "/metrics", "The figures for Prometheus", "Needs `admin` where keys are needed.", "Operating",
        media="text/plain",
    ),
    Operation(
        "get", "/", "The page for people", "With `q` the answer is in it, without a script.", "Pages", media=_PAGE,
        parameters=(_text("q", "The question."), _text("under", "As in a search."), _text("file", "As in a search.")),
    ),
    Operation("get", "/docs", "This description as a page", "", "Pages", media=_PAGE),
    Operation("get", "/demo", "A page with the widget", "", "Pages", media=_PAGE),
)  # fmt: skip
GROUPS = tuple(dict.fromkeys(operation.group for operation in OPERATIONS))
