"""The Model Context Protocol as its official client speaks it, over both transports, with real processes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import mcp_types
import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.shared.exceptions import MCPError

from service.mcp.words import MOST_TEXT
from service.presence import FILE
from tests.aside import run_aside
from tests.conftest import NOTES, TRELLIS, Service

QUESTION = "What is the maximum timeout of a Lambda function?"
TEMPLATE = mcp_types.ResourceTemplateReference(uri="trellis://{collection}/file/{+file}")


@pytest.fixture(scope="module")
def index(shipped_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mcp") / "index"
    shutil.copytree(shipped_index, folder, ignore=shutil.ignore_patterns(FILE))
    return folder


@pytest.fixture(scope="module")
def url(index: Path) -> Iterator[str]:
    service = Service("serve", str(NOTES), "--index", str(index), "--port", "0", "--no-watch")
    yield f"{service.url}mcp"
    service.stop()


def command(index: Path, *options: str) -> StdioServerParameters:
    return StdioServerParameters(command=TRELLIS[0], args=[*TRELLIS[1:], "mcp", "--index", str(index), *options])


Talk = Callable[[Client], Awaitable[None]]


def talk(server: Any, conversation: Talk, **options: Any) -> None:
    async def run() -> None:
        async with Client(server, **options) as client:
            await conversation(client)

    run_aside(run())


def text(result: Any) -> str:
    (content,) = result.content
    assert isinstance(content, mcp_types.TextContent)
    return content.text


async def everything(client: Client) -> None:
    """A walk that calls each tool with what the one before gave, and holds each answer against what the tool declares."""
    tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert list(tools) == ["ask_notes", "search_notes", "read_note", "related_notes", "list_collections"]
    for tool in tools.values():
        jsonschema.Draft202012Validator.check_schema(tool.input_schema)
        assert tool.annotations
        assert tool.annotations.read_only_hint
        assert tool.description

    async def call(name: str, **arguments: object) -> tuple[Any, str]:
        jsonschema.validate(arguments, tools[name].input_schema)
        result = await client.call_tool(name, arguments)
        assert not result.is_error, text(result)
        jsonschema.validate(result.structured_content, tools[name].output_schema or {})
        assert len(text(result)) <= MOST_TEXT
        return result.structured_content, text(result)

    answer, told = await call("ask_notes", question=QUESTION, top=3)
    assert answer["answered"]
    assert answer["quote"]
    assert answer["quote"] in told
    place = answer["places"][0]
    line = next(each for each in place["lines"] if each.get("hit"))
    in_file = (NOTES / place["source"]["file"]).read_text("utf-8").splitlines()[line["line"] - 1]
    assert line["text"] in in_file
    assert f"{place['source']['file']}:{place['source']['line']}" in told
    assert place["uri"] == f"trellis://notes/{place['node']}"
    assert place["uri"] in told

    absent, told = await call("ask_notes", question="How many moons has Jupiter?")
    assert not absent["answered"]
    assert not absent["quote"]
    assert "do not answer" in told

    found, _ = await call("search_notes", query="NAT gateway", file="*.txt", top=2)
    assert len(found["places"]) == 2
    by_id, told = await call("read_note", node=place["node"], rows=5)
    by_uri, _ = await call("read_note", node=place["uri"], rows=5)
    by_place, _ = await call("read_note", node=f"{place['source']['file']}:{place['source']['line']}", rows=5)
    assert by_id == by_uri == by_place
    assert len(by_id["outline"]) <= 5
    assert by_id["text"] in told
    page, told = await call("read_note", node="trellis://notes/file/dns.txt", rows=7)
    further, _ = await call("read_note", node=page["node"], start=7, rows=3)
    assert "'start': 7 reads on" in told
    assert [row["line"] for row in page["outline"] + further["outline"]] == sorted(
        {row["line"] for row in page["outline"] + further["outline"]}
    )
    assert (len(page["outline"]), len(further["outline"])) == (7, 3)
    related, _ = await call("related_notes", node=place["uri"], top=4)
    assert place["node"] not in [note["node"] for note in related["notes"]]
    collections, _ = await call("list_collections")
    assert collections["collections"][0]["nodes"] > 1000

    files = (await client.list_resources()).resources
    assert {file.name for file in files} == {path.name for path in NOTES.glob("*.txt")}
    whole = (await client.read_resource(files[0].uri)).contents[0]
    assert isinstance(whole, mcp_types.TextResourceContents)
    assert (NOTES / files[0].name).read_text("utf-8").splitlines()[0].strip() in whole.text
    note = (await client.read_resource(place["uri"])).contents[0]
    assert isinstance(note, mcp_types.TextResourceContents)
    assert by_id["text"] in note.text
    templates = (await client.list_resource_templates()).resource_templates
    assert {template.uri_template for template in templates} >= {TEMPLATE.uri}
    completed = await client.complete(ref=TEMPLATE, argument={"name": "file", "value": "dns"})
    assert completed.completion.values == ["dns.txt"]
    names = await client.complete(ref=TEMPLATE, argument={"name": "collection", "value": ""})
    assert names.completion.values == ["notes"]


def test_over_http(url: str) -> None:
    talk(url, everything)


def test_over_http_with_the_handshake_of_earlier_versions(url: str) -> None:
    talk(url, everything, mode="legacy")


def test_over_stdio_without_a_service(index: Path) -> None:
    talk(command(index, "--no-server"), everything)


def test_over_stdio_through_a_service(index: Path, url: str) -> None:
    """In one conversation with a service, and after it has gone."""

    async def outlive(client: Client) -> None:
        await everything(client)
        service.stop()
        await everything(client)

    own = index.with_name("own")
    shutil.copytree(index, own, ignore=shutil.ignore_patterns(FILE))
    service = Service("serve", str(NOTES), "--index", str(own), "--port", "0", "--no-watch")
    try:
        talk(command(own), outlive, mode="legacy")
    finally:
        service.process.kill()


async def mistakes(client: Client) -> None:
    for name, arguments, says in [
        ("ask_notes", {}, "missing required field `question`"),
        ("ask_notes", {"question": ""}, "question"),
        ("ask_notes", {"question": " "}, "The question is empty"),
        ("ask_notes", {"question": 5}, "Expected `str`"),
        ("ask_notes", {"question": "x", "top": 1000}, "top"),
        ("ask_notes", {"question": "x", "colour": "red"}, "colour"),
        ("ask_notes", {"question": "x", "after": "soon"}, "must be a date"),
        ("ask_notes", {"question": "x" * 5000}, "at most 4,000"),
        ("search_notes", {"query": "x", "collection": "nowhere"}, "no collection 'nowhere'"),
        ("search_notes", {"query": "x", "file": "nowhere.*"}, "Nothing in the notes matches"),
        ("read_note", {"node": "0" * 16}, "no node"),
        ("read_note", {"node": "../../etc/passwd:1"}, "no node"),
        ("read_note", {"node": "trellis://notes/file/../../etc/passwd"}, "no node"),
        ("read_note", {"node": "trellis://"}, "no address of a note"),
        ("related_notes", {"node": "dns.txt:99999"}, "no node"),
        ("list_collections", {"x": 1}, "It takes nothing"),
    ]:
        result = await client.call_tool(name, arguments)
        assert result.is_error, (name, arguments)
        assert says in text(result), text(result)
        assert "Traceback" not in text(result)
    for wrong in (
        lambda: client.call_tool("drop_notes", {}),
        lambda: client.read_resource("file:///etc/passwd"),
        lambda: client.read_resource("trellis://notes/file/nowhere.txt"),
        lambda: client.complete(ref=TEMPLATE, argument={"name": "colour", "value": ""}),
        lambda: client.get_prompt("x"),
    ):
        with pytest.raises(MCPError):
            await wrong()


def test_mistakes_come_back_as_sentences(index: Path, url: str) -> None:
    talk(url, mistakes)
    talk(command(index), mistakes)


LINES = [
    b"{not json",
    b"[]",
    b'[{"jsonrpc": "2.0", "id": 1, "method": "ping"}]',
    b'{"jsonrpc": "1.0", "id": 1, "method": "ping"}',
    b'{"jsonrpc": "2.0", "id": {}, "method": "ping"}',
    b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": []}',
    b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "ask_notes", "arguments": "x"}}',
    b'{"jsonrpc": "2.0", "id": 1, "method": "no/such"}',
    b'{"jsonrpc": "2.0", "id": 1, "result": {}}',
    b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": ' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    b"\xff\xfe\x00",
    b"null",
    b"1e999999",
]


def post(url: str, body: bytes, **headers: str) -> tuple[int, Any, bytes]:
    given = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, body, given)
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.status, reply.headers, reply.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


@pytest.mark.parametrize("version", ["", "2025-06-18", "2026-07-28", "1999-01-01", "x" * 200])
def test_what_is_no_message_is_refused_over_http(url: str, version: str) -> None:
    headers = {"Mcp_Protocol_Version": version} if version else {}
    for line in LINES:
        status, kept, body = post(url, line, **headers)
        assert status < 500, (line[:80], status, body)
        assert b"Traceback" not in body
        assert kept["Content-Security-Policy"]
        assert status == 202 or body


def test_the_guards_of_all_routes_stand_before_it(url: str) -> None:
    ping = b'{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}'
    assert post(url, ping)[0] == 200
    assert post(url, ping, Host="evil.example")[0] == 421
    assert post(url, ping, Origin="https://evil.example")[0] == 403
    assert post(url, ping, Sec_Fetch_Site="cross-site")[0] == 403
    assert post(url, ping, Content_Type="text/plain")[0] == 415
    assert post(url, b" " * 70_000 + ping)[0] == 413
    for method in ("GET", "DELETE", "PUT"):
        request = urllib.request.Request(url, method=method, headers={"Accept": "text/event-stream"})
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=30)
        with refused.value as error:
            assert error.code == 405
            assert "POST" in error.headers["Allow"]
    assert b'route="/mcp"' in urllib.request.urlopen(url.replace("/mcp", "/metrics"), timeout=30).read()


def test_stdio_carries_nothing_but_the_protocol(index: Path) -> None:
    """Whatever comes in; and it ends when its input does."""
    hello = {
        "jsonrpc": "2.0",
        "id": "a",
        "method": "initialize",
        "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
    }
    asked = {"name": "ask_notes", "arguments": {"question": QUESTION}}
    messages = [
        json.dumps(hello).encode(),
        b'{"jsonrpc": "2.0", "method": "notifications/initialized"}',
        *[line for line in LINES if b"\n" not in line],
        json.dumps({"jsonrpc": "2.0", "id": "b", "method": "tools/call", "params": asked}).encode(),
    ]
    process = subprocess.Popen(
        [*TRELLIS, "mcp", "--index", str(index), "--no-server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin
    assert process.stdout
    process.stdin.write(b"\n".join(messages) + b"\n")
    process.stdin.flush()
    heard: dict[object, Any] = {}
    while "b" not in heard:
        message = json.loads(process.stdout.readline())
        heard[message.get("id")] = message
    rest, errors = process.communicate(timeout=60)
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in rest.splitlines())
    assert heard["a"]["result"]["serverInfo"]["name"] == "trellis"
    assert heard["b"]["result"]["structuredContent"]["answered"]
    assert process.returncode == 0
    assert b"Traceback" not in errors


def test_an_index_that_is_missing_is_told_with_what_to_do(tmp_path: Path) -> None:
    async def ask(client: Client) -> None:
        result = await client.call_tool("ask_notes", {"question": QUESTION})
        assert result.is_error
        assert "trellis index" in text(result)

    talk(command(tmp_path / "nowhere"), ask)


def test_without_the_sdk_the_command_says_what_to_install(tmp_path: Path) -> None:
    script = "import sys; sys.modules['mcp'] = None; from service.cli import main; main(['mcp'])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "pip install 'trellis[mcp]'" in done.stderr
    assert "Traceback" not in done.stderr
