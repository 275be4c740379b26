"""The description of the HTTP interface: whole, true to the types, and true to what the service answers."""

from __future__ import annotations

import json
import re
import urllib.request
from typing import Any
from urllib.parse import quote, urlencode

import jsonschema
import msgspec
import pytest
from flask.testing import FlaskClient
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from bench.examples import ask_all
from service.config import Config, Publication
from service.http.described import OPERATIONS
from service.http.openapi import describe, examples
from service.http.web import create_app
from service.snapshot import Current
from tests.conftest import TINY_MODEL, Workshop

DOCUMENT = describe()
_REGISTRY: Registry[Any] = Registry().with_resource("urn:it", Resource(contents=DOCUMENT, specification=DRAFT202012))
_PAGES = {"/static/<path:filename>"}
"""What is no part of the interface: files of the pages."""


def check(value: Any, schema: dict[str, Any]) -> None:
    """Raises ValidationError where a value does not fit a schema of the document."""
    whole = json.loads(json.dumps(schema).replace('"#/', '"urn:it#/'))
    jsonschema.Draft202012Validator(whole, registry=_REGISTRY).validate(value)


def client_of(workshop: Workshop, **settings: Any) -> FlaskClient:
    workshop.write("Kitchen\n  Bread\n    bake it at 220 degrees\n")
    workshop.build()
    app = create_app(Current(workshop.index, TINY_MODEL, workshop.encoder), Config(**settings))
    return app.test_client()


def test_it_is_openapi_3_1() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    for name, schema in DOCUMENT["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema.get("description"), name
    identities = [each["operationId"] for path in DOCUMENT["paths"].values() for each in path.values()]
    assert len(set(identities)) == len(identities) == len(OPERATIONS)


def test_every_route_of_the_application_is_described(workshop: Workshop) -> None:
    published = {"kitchen": Publication(file="*.txt")}
    rules = list(client_of(workshop, publications=published).application.url_map.iter_rules())
    routes = {
        (re.sub(r"<\w+>", "{id}", rule.rule), method.lower())
        for rule in rules
        if rule.rule not in _PAGES and not rule.rule.startswith("/p/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert routes == {(path, method) for path, each in DOCUMENT["paths"].items() for method in each}
    below = {re.sub(r"<\w+>", "{id}", rule.rule.removeprefix("/p/<publication>")) for rule in rules}
    assert {"/note"} == {rule for rule in below if rule not in DOCUMENT["paths"] and rule not in _PAGES}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.key)
def test_each_operation_has_examples_that_fit(operation: Any) -> None:
    described = DOCUMENT["paths"][operation.path][operation.method]
    for parameter in described["parameters"]:
        if parameter["required"]:
            assert "example" in parameter
        if "example" in parameter:
            check(parameter["example"], parameter["schema"])
    if operation.takes:
        content = described["requestBody"]["content"]["application/json"]
        check(content["example"], content["schema"])
        msgspec.convert(content["example"], operation.takes)
    for status, response in described["responses"].items():
        for media, content in response.get("content", {}).items():
            if "problem" in media and status != "default":
                assert content["example"]["status"] == int(status)
                check(content["example"], content["schema"])
    if operation.gives and operation.path != "/openapi.json":
        content = described["responses"]["200"]["content"][operation.media]
        example, schema = content["example"], content["schema"]
        check(example, schema)
        if operation.media == "text/event-stream":
            data = schema["properties"]["data"]
            assert data["contentMediaType"] == "application/json"
            name, example, schema = example["event"], json.loads(example["data"]), data["contentSchema"]
            assert example["event"] == name
            check(example, schema)
        msgspec.convert(example, operation.gives, strict=True)


def _shape(value: Any) -> Any:
    """Names and kinds; of a list those of its first item."""
    if isinstance(value, dict):
        return {name: _shape(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_shape(each) for each in value[:1]]
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def test_a_real_service_answers_as_the_examples_say(served: str) -> None:
    live = ask_all(served)
    assert live.keys() == examples().keys()
    for key, kept in examples().items():
        assert _shape(live[key]["answer"]) == _shape(kept["answer"]), key
    first = examples()["post /api/ask"]["answer"]["results"][0]
    assert live["post /api/ask"]["answer"]["results"][0]["text"] == first["text"]


def test_whole_answers_of_a_real_service_fit(served: str) -> None:
    """The examples are cut; here nothing is."""
    for operation in OPERATIONS:
        if operation.method != "get" or operation.media != "application/json":
            continue
        given = examples().get(operation.key, {}).get("parameters", {})
        path = operation.path.replace("{id}", quote(str(given.get("id", ""))))
        asked = {name: value for name, value in given.items() if name != "id"} | {"top": 20, "explain": "true"}
        if operation.key == "get /api/nodes/{id}/outline":
            asked["top"] = 200
        with urllib.request.urlopen(f"{served.rstrip('/')}{path}?{urlencode(asked)}", timeout=60) as reply:
            answer = json.load(reply)
        content = DOCUMENT["paths"][operation.path]["get"]["responses"]["200"]["content"]["application/json"]
        check(answer, content["schema"])
        if operation.path == "/openapi.json":
            assert answer == DOCUMENT


def test_an_example_that_does_not_fit_would_be_found() -> None:
    content = DOCUMENT["paths"]["/api/ask"]["post"]["responses"]["200"]["content"]["application/json"]
    for spoilt in ({**content["example"], "answered": "yes"}, {"question": "x"}):
        with pytest.raises(jsonschema.ValidationError):
            check(spoilt, content["schema"])


# The page


def test_the_page_shows_every_operation_and_type(workshop: Workshop) -> None:
    reply = client_of(workshop).get("/docs")
    html = reply.get_data(as_text=True)
    assert reply.status_code == 200
    for operation in OPERATIONS:
        assert operation.summary in html.replace("&#39;", "'")
    for name in DOCUMENT["components"]["schemas"]:
        assert f'id="type-{name}"' in html
    targets = set(re.findall(r'href="#([^"]+)"', html))
    assert targets <= set(re.findall(r'id="([^"]+)"', html))
    assert not re.search(r"<style|style=|<script>|onclick|https?://(?!localhost|127\.0\.0\.1)", html)


def test_the_page_names_the_host_that_it_was_asked_by_and_nothing_else(workshop: Workshop) -> None:
    html = client_of(workshop, allowed_hosts=["notes.example.org"]).get("/docs", headers={"Host": "notes.example.org"})
    assert "curl http://notes.example.org/api/ask" in html.get_data(as_text=True).replace("&#39;", "'")


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.method == "get"], ids=lambda each: each.key)
def test_the_python_of_the_page_runs(served: str, operation: Any) -> None:
    from service.http.docs_page import _python

    code = _python(operation, examples().get(operation.key, {}).get("parameters", {}), served.rstrip("/"))
    if code:
        exec(compile(code, operation.key, "exec"), {})
