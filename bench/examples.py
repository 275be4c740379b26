"""Asks a real service on the notes that ship for the examples of the description, into service/http/examples.json.

    .venv/bin/python -m bench.examples

Lists are cut to a few items, so that a reader sees the shape; times and generations are what they were.
"""

from __future__ import annotations

import json
import tempfile
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from bench.serving import ROOT, served
from service.http.described import OPERATIONS, QUESTION, Operation
from service.http.openapi import _EXAMPLES

_ITEMS = 4
_LONG = 600


def ask_all(url: str) -> dict[str, Any]:
    """Every operation that answers something worth showing, by its key."""
    talk = _send(url, "post", "/api/chat", {"messages": [{"role": "user", "content": QUESTION}]})
    source = _events(talk)[0]["sources"][0]
    known = {"{node}": source["id"], "{hash}": source["hash"], "{quote}": source["quote"]}
    return {each.key: _example(url, each, known) for each in OPERATIONS if _is_shown(each)}


def _is_shown(operation: Operation) -> bool:
    return operation.media in ("application/json", "text/event-stream") and operation.path != "/openapi.json"


def _example(url: str, operation: Operation, known: dict[str, str]) -> dict[str, Any]:
    given = {
        each.name: known.get(each.example, each.example) for each in operation.parameters if each.example is not None
    }
    path = operation.path
    for each in operation.parameters:
        if each.place == "path":
            path = path.replace(f"{{{each.name}}}", quote(given[each.name], safe=""))
    asked = {
        each.name: given[each.name] for each in operation.parameters if each.place == "query" and each.name in given
    }
    text = _send(url, operation.method, f"{path}?{urlencode(asked)}" if asked else path, operation.body)
    if operation.media == "text/event-stream":
        return {"parameters": given, "answer": _cut(_events(text)[0])}
    return {"parameters": given, "answer": _cut(json.loads(text))}


def _send(url: str, method: str, path: str, body: Any) -> str:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    request = urllib.request.Request(url.rstrip("/") + path, data, headers, method=method.upper())
    with urllib.request.urlopen(request, timeout=60) as reply:
        return str(reply.read().decode())


def _events(stream: str) -> list[Any]:
    return [json.loads(line.removeprefix("data: ")) for line in stream.splitlines() if line.startswith("data: ")]


def _cut(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _cut(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_cut(each) for each in value[:_ITEMS]]
    return value[:_LONG] if isinstance(value, str) else value


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        served(ROOT / "notes", Path(folder) / "index", "--no-watch") as (url, _),
    ):
        _EXAMPLES.write_text(json.dumps(ask_all(url), indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
