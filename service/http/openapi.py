"""The HTTP contract as OpenAPI 3.1, made from the classes that requests and answers are made of."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from service import errors
from service.http.access import is_open, needed
from service.http.described import OPERATIONS, Operation, Parameter
from service.http.guards import OriginRefused
from service.types import Problem
from service.version import VERSION

_ABOUT = (
    "Ask your outline. The same paths below /p/{publication}/ reach that publication of the notes and nothing else. Errors are "
    "problem documents (RFC 9457) whose detail says what to change."
)
_KEY = {
    "type": "http",
    "scheme": "bearer",
    "description": "A key made by 'trellis keys add', with its scope; needed on any address but a loopback one.",
}
_REF = "#/components/schemas/{name}"
_PROBLEM = "application/problem+json"
_EXAMPLES = Path(__file__).with_name("examples.json")
_FREE = {"type": "object"}
"""The schema of a document that another standard describes."""

_EVERYWHERE = (403, 421)
"""Any request may come from a page, or for a host, that is none of ours."""
_BEHIND_KEYS = (401, 429)
ERRORS: dict[int, tuple[str, Problem]] = {
    400: ("The request has to change", Problem("Out of range", 400, str(errors.TopOutOfRange(1000, 50)))),
    401: ("A key is needed", Problem("A key is needed", 401, str(errors.KeyRefused()))),
    403: ("Not with this key, or not from this origin", Problem(OriginRefused.title, 403, str(OriginRefused("another site")))),
    404: ("No such thing", Problem("No such node", 404, str(errors.NodeNotFound("0000000000000000")))),
    409: ("Several collections have it", Problem("Several such nodes", 409, str(errors.NodeAmbiguous("0", ["work", "home"])))),
    413: ("Too large", Problem("Request Entity Too Large", 413, "At most 64 kB can be sent.")),
    415: (
        "Not declared as JSON",
        Problem("Unsupported Media Type", 415, "Send the question as JSON, with 'Content-Type: application/json'."),
    ),
    421: (
        "Called by a name that is not its own",
        Problem("Misdirected request", 421, "This service is not called by that host name. List the name under "
                "'allowed_hosts' in trellis.yaml."),
    ),
    429: ("Too often", Problem("Too many requests", 429, str(errors.TooOften("600 per 1 minute", 12)))),
    501: ("Not installed", Problem("Not installed", 501, str(errors.McpMissing()))),
    503: ("Not now; Retry-After says when", Problem("Too many questions at once", 503, str(errors.Overloaded(65)))),
}  # fmt: skip


@cache
def examples() -> dict[str, Any]:
    """By `Operation.key`: parameters and the answer that the service gave to them."""
    found: dict[str, Any] = json.loads(_EXAMPLES.read_text("utf-8"))
    return found


def describe() -> dict[str, Any]:
    """The document that GET /openapi.json answers with."""
    kinds = [kind for each in OPERATIONS for kind in (each.takes, each.gives) if kind not in (None, dict[str, Any])]
    kinds = list(dict.fromkeys([*kinds, Problem]))
    made, schemas = msgspec.json.schema_components(kinds, ref_template=_REF)
    refs = dict(zip(kinds, made, strict=True)) | {dict[str, Any]: _FREE}
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation, refs)
    info = {"title": "Trellis", "version": VERSION, "description": _ABOUT}
    tags = [{"name": name} for name in dict.fromkeys(each.group for each in OPERATIONS)]
    components = {"schemas": schemas, "securitySchemes": {"key": _KEY}}
    return {"openapi": "3.1.0", "info": info, "tags": tags, "paths": paths, "components": components}


def _operation(operation: Operation, refs: dict[Any, Any]) -> dict[str, Any]:
    known = examples().get(operation.key, {})
    schema = refs[operation.gives] if operation.gives else {"type": "string"}
    content = {"schema": schema} | ({"example": known["answer"]} if "answer" in known else {})
    if operation.media == "text/event-stream":
        content = _streamed(content)
    described: dict[str, Any] = {
        "operationId": operation_id(operation),
        "tags": [operation.group],
        "summary": operation.summary,
        "parameters": [_parameter(each, known.get("parameters", {})) for each in operation.parameters],
        "responses": {"200": {"description": "The answer", "content": {operation.media: content}}},
    }
    if operation.description:
        described["description"] = operation.description
    if operation.takes:
        content = {"schema": refs[operation.takes], "example": operation.body}
        described["requestBody"] = {"required": True, "content": {"application/json": content}}
    scope = None if is_open(operation.path) else needed(operation.path)
    if scope:
        described["security"] = [{}, {"key": [scope]}]
    statuses = sorted({*operation.refuses, *_EVERYWHERE, *(_BEHIND_KEYS if scope else ())})
    for status in statuses:
        meaning, problem = ERRORS[status]
        described["responses"][str(status)] = _problem(meaning, refs[Problem], problem)
    described["responses"]["default"] = _problem("An error", refs[Problem])
    if operation.path == "/mcp":
        described["responses"]["202"] = {"description": "A notification was taken"}
        for status in ("400", "404", "406"):
            content = {"application/json": {"schema": _FREE}}
            described["responses"][status] = {"description": "The message is refused (JSON-RPC)", "content": content}
    return described


def _streamed(content: dict[str, Any]) -> dict[str, Any]:
    """The same as the data of server-sent events: text of a schema of its own, as OpenAPI 3.2 describes each event."""
    data = {"type": "string", "contentMediaType": "application/json", "contentSchema": content["schema"]}
    example = content["example"]
    return {
        "schema": {
            "type": "object",
            "properties": {"event": {"type": "string"}, "data": data},
            "required": ["event", "data"],
        },
        "example": {"event": example["event"], "data": json.dumps(example, ensure_ascii=False)},
    }


def operation_id(operation: Operation) -> str:
    """A name for programs that are made from the document, and for the page's addresses."""
    words = [part.strip("{}") for part in operation.path.replace(".", "/").split("/") if part not in ("", "api")]
    return "-".join([operation.method, *words]) if words else f"{operation.method}-page"


def _problem(meaning: str, schema: Any, example: Problem | None = None) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": schema}
    if example:
        content["example"] = msgspec.to_builtins(example)
    return {"description": meaning, "content": {_PROBLEM: content}}


def _parameter(parameter: Parameter, given: dict[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.required,
        "description": parameter.description,
        "schema": parameter.schema,
    }
    example = given.get(parameter.name, parameter.example)
    if example is not None:
        described["example"] = example
    return described
