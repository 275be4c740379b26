"""Who needs a key, what each may, and how often publications answer one caller."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from service.config import Config, Publication
from service.errors import OpenToAll
from service.http.access import require_closed
from service.http.guards import is_loopback
from service.http.web import OPERATIONS, create_app
from service.keys import add_key
from service.presence import made
from service.snapshot import Current
from tests.conftest import TINY_MODEL, Workshop

NOTES = """
    Kitchen
      Bread
        bake it at 220 degrees
    Garden
      sow beans in May
"""


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


def client_of(workshop: Workshop, keys: Path, **settings: Any) -> FlaskClient:
    workshop.write(NOTES)
    workshop.build()
    current = Current(workshop.index, TINY_MODEL, workshop.encoder)
    return create_app(current, Config(index=str(workshop.index), keys=str(keys), **settings)).test_client()


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


LOOPBACK = ["127.0.0.1", "localhost", "LOCALHOST", "localhost.", "::1", "[::1]", "0:0:0:0:0:0:0:1", "127.8.9.10"]
ELSEWHERE = [
    "0.0.0.0",
    "::",
    "",
    "192.168.0.5",
    "notes.example.org",
    "localhost.example.org",
    "::ffff:192.168.0.5",
    "127.1",
]


@pytest.mark.parametrize(
    ("host", "near"), [*((host, True) for host in LOOPBACK), *((host, False) for host in ELSEWHERE)]
)
def test_which_addresses_only_this_machine_reaches(host: str, near: bool, keys: Path) -> None:
    assert is_loopback(host) is near
    if near:
        assert require_closed(Config(host=host, keys=str(keys))) == ""
    else:
        with pytest.raises(OpenToAll):
            require_closed(Config(host=host, keys=str(keys)))
        with pytest.raises(OpenToAll):
            require_closed(Config(host=host, keys=str(keys), access="key"))
        assert "WARNING" in require_closed(Config(host=host, keys=str(keys), access="open"))
        add_key(keys, "phone", ["ask"])
        assert "key" in require_closed(Config(host=host, keys=str(keys)))


def test_off_loopback_the_page_comes_empty_and_its_answer_needs_a_key(workshop: Workshop, keys: Path) -> None:
    _, secret = add_key(keys, "phone", ["ask"])
    client = client_of(workshop, keys, host="0.0.0.0")
    assert b"220" not in client.get("/?q=bake+bread").data
    assert b"220" in client.get("/?q=bake+bread", headers=bearer(secret)).data
    refused = client.get("/api/search?q=bread")
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, 'Bearer realm="trellis"')
    assert client.get("/api/filters", headers=bearer(secret)).status_code == 403


def test_on_loopback_a_key_that_is_presented_is_held_to(workshop: Workshop, keys: Path) -> None:
    _, secret = add_key(keys, "phone", ["read"])
    client = client_of(workshop, keys)
    assert client.get("/api/search?q=bread").status_code == 200
    assert client.get("/api/search?q=bread", headers=bearer(secret)).status_code == 403
    assert client.get("/api/search?q=bread", headers=bearer("trellis_0_0")).status_code == 401
    assert client.get("/api/search?q=bread", headers={"Authorization": "Basic cHJveHk6aXRz"}).status_code == 200
    assert client.get("/metrics").status_code == 200


def test_with_access_key_this_machine_needs_one_too(workshop: Workshop, keys: Path) -> None:
    client = client_of(workshop, keys, access="key")
    assert client.get("/api/search?q=bread").status_code == 401
    assert client.get("/metrics").status_code == 401
    assert client.get("/nowhere").status_code == 401
    assert client.get("/healthz").status_code == 200


def test_open_to_all_is_not_open_to_those_who_watch(workshop: Workshop, keys: Path) -> None:
    client = client_of(workshop, keys, host="0.0.0.0", access="open")
    assert client.get("/api/search?q=bread").status_code == 200
    assert client.get("/metrics").status_code == 401


def test_a_key_has_limits_of_its_own(workshop: Workshop, keys: Path) -> None:
    _, few = add_key(keys, "few", ["read"], limits="2/hour")
    _, more = add_key(keys, "more", ["read"])
    client = client_of(workshop, keys, key_limit="4/hour")
    statuses = [client.get("/api/filters", headers=bearer(few)).status_code for _ in range(4)]
    assert statuses == [200, 200, 429, 429]
    assert [client.get("/api/filters", headers=bearer(more)).status_code for _ in range(5)].count(200) == 4
    refused = client.get("/api/filters", headers=bearer(few))
    assert int(refused.headers["Retry-After"]) > 0
    assert client.get("/api/filters").status_code == 200  # without a key: this machine


PUBLISHED = {"garden": Publication(under=["Garden"])}


def statuses_of(client: FlaskClient, times: int, address: str, **headers: str) -> list[int]:
    options = {
        "environ_overrides": {"REMOTE_ADDR": address},
        "headers": {n.replace("_", "-"): v for n, v in headers.items()},
    }
    return [client.get("/p/garden/api/search?q=beans", **options).status_code for _ in range(times)]


def test_a_publication_counts_each_caller(workshop: Workshop, keys: Path) -> None:
    client = client_of(workshop, keys, host="0.0.0.0", publications=PUBLISHED, public_limit="3/hour")
    assert statuses_of(client, 4, "203.0.113.5") == [200, 200, 200, 429]
    assert statuses_of(client, 1, "203.0.113.6", X_Forwarded_For="203.0.113.5") == [200]  # anybody can say so
    assert statuses_of(client, 2, "2001:db8::1") + statuses_of(client, 2, "2001:db8::2") == [200, 200, 200, 429]
    assert statuses_of(client, 1, "2001:db8:0:1::1") == [200]


def test_callers_by_ipv4_are_told_apart_where_ipv6_is_listened_on(workshop: Workshop, keys: Path) -> None:
    client = client_of(workshop, keys, host="::", access="open", publications=PUBLISHED, public_limit="1/hour")
    assert statuses_of(client, 2, "::ffff:203.0.113.5") == [200, 429]
    assert statuses_of(client, 1, "203.0.113.5") == [429]
    assert statuses_of(client, 1, "::ffff:203.0.113.6") == [200]
    assert statuses_of(client, 2, "::ffff:127.0.0.1") == [200, 200]  # a proxy on this machine that says nothing


def test_a_proxy_on_this_machine_says_who_asks(workshop: Workshop, keys: Path) -> None:
    client = client_of(workshop, keys, publications=PUBLISHED, public_limit="1/hour")
    assert statuses_of(client, 3, "127.0.0.1") == [200, 200, 200]
    assert statuses_of(client, 2, "127.0.0.1", X_Forwarded_For="1.2.3.4, 203.0.113.5") == [200, 429]
    assert statuses_of(client, 1, "127.0.0.1", X_Forwarded_For="5.6.7.8, 203.0.113.5") == [429]
    assert statuses_of(client, 1, "127.0.0.1", X_Forwarded_For="203.0.113.5:8080") == [429]
    assert statuses_of(client, 1, "127.0.0.1", X_Forwarded_For="::ffff:203.0.113.5") == [429]
    assert statuses_of(client, 2, "127.0.0.1", X_Forwarded_For="[2001:db8::1]:8080") == [200, 429]
    assert statuses_of(client, 2, "127.0.0.1", X_Forwarded_For="unix:") == [200, 429]


def test_a_service_that_ends_is_alive_but_not_ready(workshop: Workshop, keys: Path) -> None:
    client = client_of(workshop, keys)
    client.application.config[OPERATIONS].leaving = lambda: True
    refused = client.get("/healthz")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert client.get("/livez").status_code == 200


def test_figures_tell_of_questions_without_their_words(workshop: Workshop, keys: Path) -> None:
    client = client_of(workshop, keys)
    for _ in range(2):
        client.post("/api/ask", json={"question": "how hot for bread"}).close()
    client.get("/api/nodes/hippopotamus").close()
    client.get("/hippopotamus", headers={"Host": "evil.example"}).close()
    text = client.get("/metrics").get_data(as_text=True)
    for line in (
        'trellis_requests_total{method="POST",route="/api/ask",status="200"} 2.0',
        'trellis_answers_total{cache="hit"} 1.0',
        'trellis_stage_seconds_count{stage="rank"} 1.0',
        'trellis_refusals_total{reason="host"} 1.0',
        'trellis_index_nodes{collection=""} 5.0',
    ):
        assert line in text
    assert "hippopotamus" not in text
    assert "bread" not in text


def test_tools_that_read_need_the_scope_that_reading_needs(workshop: Workshop, keys: Path) -> None:
    """At /mcp every tool has one address, so the tools ask themselves."""
    secrets = {scope: add_key(keys, scope, [scope])[1] for scope in ("ask", "read", "admin")}
    client = client_of(workshop, keys, access="key")
    accepted = {"Accept": "application/json, text/event-stream"}

    def call(name: str, arguments: dict[str, Any], scope: str) -> Any:
        told = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}}
        reply = client.post("/mcp", json=told, headers=accepted | bearer(secrets[scope]))
        return reply.json["result"] if reply.status_code == 200 else reply.status_code

    for scope in ("ask", "admin"):
        assert not call("search_notes", {"query": "bread"}, scope)["isError"]
    refused = call("list_collections", {}, "ask")
    assert refused["isError"]
    assert "the scope 'read'" in refused["content"][0]["text"]
    assert not call("list_collections", {}, "admin")["isError"]
    assert call("list_collections", {}, "read") == 403
    assert client.post("/mcp", json={}, headers=accepted).status_code == 401


def test_the_key_of_the_command_line_may_ask_and_read_and_no_more(workshop: Workshop, keys: Path) -> None:
    presence = made("http://127.0.0.1:1/")
    workshop.write(NOTES)
    workshop.build()
    config = Config(index=str(workshop.index), keys=str(keys), access="key", key_limit="1/day")
    client = create_app(Current(workshop.index, TINY_MODEL, workshop.encoder), config, presence=presence).test_client()
    own = bearer(presence.key)
    for _ in range(3):  # the limit of keys is not for it
        assert client.get("/api/search?q=bread", headers=own).status_code == 200
    assert client.get("/api/filters", headers=own).status_code == 200
    assert client.get("/metrics", headers=own).status_code == 403
    for other in (made("http://127.0.0.1:1/").key, presence.key[:-1], presence.key + "0", presence.secret):
        assert client.get("/api/filters", headers=bearer(other)).status_code == 401
    assert len(client.get("/api/presence?challenge=0123456789abcdef").json["codes"]) == 1
    assert client.get("/api/presence?challenge=x").status_code == 400


@pytest.mark.parametrize(
    ("given", "kept"), [("abc-1.2_3", True), ("", False), ("a b", False), ("a" * 65, False), ("é", False)]
)
def test_every_answer_has_an_id(workshop: Workshop, keys: Path, given: str, kept: bool) -> None:
    answered = client_of(workshop, keys).get("/livez", headers={"X-Request-Id": given})
    known = answered.headers["X-Request-Id"]
    assert (known == given) is kept
    assert known
