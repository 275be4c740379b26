"""/docs: the description as a page, made of the same document, whole without a script and without any other host."""

from __future__ import annotations

import json
import shlex
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

from flask import Flask, render_template, request

from service.http.described import GROUPS, OPERATIONS, Operation
from service.http.openapi import describe, examples, operation_id

_PYTHON = {
    "post /api/ask": "trellis.ask({question!r}, top=1)",
    "get /api/search": "trellis.search({q!r}, top=1)",
    "post /api/chat": "for event in trellis.chat({question!r}):\n        print(event)",
    "get /api/nodes/{id}": "trellis.node({id!r})",
    "get /api/place": "trellis.node_at({file!r}, {line})",
    "get /api/nodes/{id}/related": "trellis.related({id!r}, top=1)",
    "get /api/nodes/{id}/outline": "trellis.outline({id!r}, start=0, top=2)",
    "get /api/citations": "trellis.citation({note!r}, {hash!r}, {quote!r})",
    "get /api/filters": "trellis.filters()",
    "get /api/scopes": "trellis.scopes({q!r}, top=1)",
    "get /api/map": "trellis.map()",
    "get /api/collections": "trellis.collections()",
    "get /healthz": "trellis.health()",
    "get /livez": "trellis.alive()",
    "get /metrics": "trellis.metrics()",
    "get /openapi.json": "trellis.description()",
}

_TRIED = ("application/json", "text/event-stream", "text/plain")
"""What is worth showing as text. A page is opened instead."""
_MCP_ACCEPT = "application/json, text/event-stream"


def add_docs(app: Flask) -> None:
    @app.get("/docs")
    def docs() -> str:
        here = request.host_url.rstrip("/")
        return render_template("docs.html", here=here, groups=_groups(here), types=_types(), about=describe()["info"])


def _groups(here: str) -> list[tuple[str, list[dict[str, Any]]]]:
    paths = describe()["paths"]
    return [
        (
            group,
            [_shown(each, paths[each.path][each.method], here) for each in OPERATIONS if each.group == group],
        )
        for group in GROUPS
    ]


def _shown(operation: Operation, described: dict[str, Any], here: str) -> dict[str, Any]:
    known = examples().get(operation.key, {})
    answer = described["responses"]["200"]
    return {
        "id": operation_id(operation),
        "method": operation.method.upper(),
        "path": operation.path,
        "summary": operation.summary,
        "description": operation.description,
        "scope": next((scope for each in described.get("security", []) for scope in each.get("key", [])), ""),
        "parameters": [{**each, "kind": _kind(each["schema"])} for each in described["parameters"]],
        "body": _named(described.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")),
        "gives": _named(answer["content"][operation.media]["schema"]),
        "media": operation.media,
        "errors": [
            (status, each["description"], each["content"])
            for status, each in sorted(described["responses"].items())
            if status.isdecimal() and status not in ("200", "202")
        ],
        "curl": _curl(operation, known.get("parameters", {}), here),
        "python": _python(operation, known.get("parameters", {}), here),
        "target": _target(operation, known.get("parameters", {})),
        "tried": operation.media in _TRIED,
        "accept": _MCP_ACCEPT if operation.path == "/mcp" else operation.media,
        "request": json.dumps(operation.body, indent=2, ensure_ascii=False) if operation.body is not None else "",
        "example": json.dumps(known["answer"], indent=2, ensure_ascii=False) if "answer" in known else "",
    }


def _target(operation: Operation, given: dict[str, Any]) -> str:
    path = operation.path
    for each in operation.parameters:
        if each.place == "path":
            path = path.replace(f"{{{each.name}}}", quote(str(given.get(each.name, "")), safe=""))
    asked = {
        each.name: given[each.name] for each in operation.parameters if each.place == "query" and each.name in given
    }
    return f"{path}?{urlencode(asked)}" if asked else path


def _curl(operation: Operation, given: dict[str, Any], here: str) -> str:
    words = ["curl", here + _target(operation, given)]
    if operation.body is not None:
        words += ["--json", json.dumps(operation.body, ensure_ascii=False)]
    if operation.path == "/mcp":
        words += ["-H", f"Accept: {_MCP_ACCEPT}"]
    if operation.media == "text/event-stream":
        words.insert(1, "--no-buffer")
    return shlex.join(words)


def _python(operation: Operation, given: dict[str, Any], here: str) -> str:
    template = _PYTHON.get(operation.key)
    if not template:
        return ""
    body = operation.body or {}
    question = body.get("question") or (body.get("messages") or [{}])[-1].get("content", "")
    call = template.format(**{"question": question, **given})
    call = call if call.startswith("for ") else f"print({call})"
    return f"from service.client import Trellis\n\nwith Trellis({here!r}) as trellis:\n    {call}"


@cache
def _types() -> list[dict[str, Any]]:
    """The named schemas, each field with what it is."""
    shown = []
    for name, schema in sorted(describe()["components"]["schemas"].items()):
        required = set(schema.get("required", ()))
        fields = [
            {"name": field, "kind": _kind(each), "types": _named(each), "required": field in required,
             "about": each.get("description", "")}
            for field, each in schema.get("properties", {}).items()
        ]  # fmt: skip
        about = schema.get("description", "").split("\n")[0]
        shown.append({"name": name, "about": about, "fields": fields, "kind": "" if fields else _kind(schema)})
    return shown


def _named(schema: dict[str, Any] | None) -> list[str]:
    """The named types that a schema refers to; of server-sent events those of their data."""
    if not schema:
        return []
    if "data" in schema.get("properties", {}):
        return _named(schema["properties"]["data"]["contentSchema"])
    if "$ref" in schema:
        return [schema["$ref"].rpartition("/")[2]]
    inner = [*schema.get("anyOf", ()), *([schema["items"]] if isinstance(schema.get("items"), dict) else ())]
    return list(dict.fromkeys(name for each in inner for name in _named(each)))


def _kind(schema: dict[str, Any]) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(_kind(each) for each in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return " | ".join(json.dumps(each) for each in schema.get("enum", [schema.get("const")]))
    items = schema.get("items")
    if schema.get("type") == "array":
        return f"list of {_plural(_kind(items))}" if isinstance(items, dict) else "list"
    return " ".join([str(schema.get("type", "any")), *_limits(schema)])


def _limits(schema: dict[str, Any]) -> list[str]:
    if schema.get("additionalProperties"):
        return ["of strings"]
    if "minimum" not in schema:
        return []
    return [f"{schema['minimum']} to {schema['maximum']}" if "maximum" in schema else f"{schema['minimum']} or more"]


def _plural(kind: str) -> str:
    return f"{kind}s" if kind in ("string", "integer", "number", "object") else kind
