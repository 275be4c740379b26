"""The server is killed and started again while a service answers and notes change: clear errors meanwhile, and nothing lost or
double afterwards.
"""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.lite import Lite
from tests.conftest import Service, run_trellis
from tests.engines.conftest import House
from tests.engines.test_publishing import in_order

_PATIENCE = 60.0


class Reply:
    def __init__(self, status: int, headers: Any, body: Any) -> None:
        self.status, self.headers, self.body = status, headers, body


def get(url: str) -> Reply:
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return Reply(answer.status, answer.headers, json.load(answer))
    except urllib.error.HTTPError as error:
        with error:
            return Reply(error.code, error.headers, json.load(error))


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.1)


class Street:
    """A server of its own, notes that a real service follows, and a second service that only asks."""

    def __init__(self, folder: Path) -> None:
        self.lite = Lite(folder / "data")
        self.lite.start()
        self.house = House(folder / "house", self.lite.settings(timeout=20))
        for number in range(5):
            self.write(number, 0)
        for name, reads in (("one", "false"), ("two", "true")):
            (folder / name).mkdir()
            milvus = self.house.milvus
            assert milvus is not None
            (folder / name / "trellis.yaml").write_text(
                f"notes: {self.house.notes}\nindex: {folder / 'house' / 'index' if name == 'one' else folder / 'none'}\n"
                f'milvus: {{uri: "{milvus.uri}", collection: {milvus.collection}, timeout: 20}}\n'
                f"read_only: {reads}\n",
                "utf-8",
            )
        self.settings = folder / "one" / "trellis.yaml"
        self.services = [
            Service("--config", str(folder / name / "trellis.yaml"), "serve", "--port", "0") for name in ("one", "two")
        ]

    def write(self, number: int, version: int) -> None:
        lines = "".join(
            f"  Drawer {n} of cabinet {number} holds the files of year {1900 + version + n}\n" for n in range(6)
        )
        self.house.write(f"cabinet{number}.txt", f"Cabinet {number} in version {version}\n{lines}")

    def finds(self, service: int, text: str) -> bool:
        found = get(f"{self.services[service].url}api/search?q={text.replace(' ', '+')}&top=3")
        return found.status == 200 and text in json.dumps(found.body["results"])

    def end(self) -> None:
        for service in self.services:
            service.stop()
        self.lite.kill()


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    street = Street(tmp_path_factory.mktemp("street"))
    yield street
    street.end()


def test_services_share_what_is_published_and_see_it_change(street: Street) -> None:
    one, two = (get(f"{service.url}healthz").body for service in street.services)
    assert one["generation"] == two["generation"]
    assert (one["nodes"], two["nodes"]) == (35, 35)
    street.write(0, 1)
    for service in (0, 1):
        wait_until(lambda service=service: street.finds(service, "Cabinet 0 in version 1"))  # type: ignore[misc]
    health = [get(f"{service.url}healthz").body["generation"] for service in street.services]
    assert health[0] == health[1] != one["generation"]


def test_the_map_is_not_to_be_had_and_says_so(street: Street) -> None:
    refused = get(f"{street.services[0].url}api/map")
    assert refused.status == 501
    assert "'milvus'" in refused.body["detail"]


def test_errors_are_clear_while_the_server_is_away_and_all_is_well_afterwards(street: Street) -> None:
    url = street.services[0].url
    street.lite.kill()
    away = get(f"{url}api/search?q=drawer")
    assert away.status == 503
    assert away.headers["Content-Type"] == "application/problem+json"
    assert int(away.headers["Retry-After"]) > 0
    assert "does not answer" in away.body["detail"]
    assert str(street.lite.port) not in json.dumps(away.body)
    assert get(f"{url}healthz").status == 503
    assert get(f"{url}livez").status == 200
    asked = run_trellis("--config", str(street.settings), "ask", "drawer?")
    assert asked.returncode == 2
    assert len(asked.stderr.strip().splitlines()) == 1
    assert f"Milvus at 127.0.0.1:{street.lite.port} does not answer" in asked.stderr
    street.write(1, 2)  # an edit that nobody can take now
    street.lite.start()
    for service in (0, 1):
        wait_until(lambda service=service: street.finds(service, "Cabinet 1 in version 2"))  # type: ignore[misc]
    assert in_order(street.house)


def test_nothing_is_lost_or_double_when_it_is_killed_during_updates_and_questions(street: Street) -> None:
    statuses: list[Reply] = []
    over = threading.Event()

    def ask_on(url: str) -> None:
        while not over.is_set():
            statuses.append(get(f"{url}api/search?q=files+of+the+year"))
            time.sleep(0.02)

    threads = [threading.Thread(target=ask_on, args=(service.url,)) for service in street.services]
    for thread in threads:
        thread.start()
    for version in range(3, 6):
        for number in range(5):
            street.write(number, version)
        time.sleep(0.9 + 0.2 * (version % 3))  # about when the follower writes
        street.lite.kill()
        time.sleep(0.3)
        street.lite.start()
    for service in (0, 1):
        for number in range(5):
            wait_until(lambda s=service, n=number: street.finds(s, f"Cabinet {n} in version 5"))  # type: ignore[misc]
    over.set()
    for thread in threads:
        thread.join()
    assert {reply.status for reply in statuses} <= {200, 503}
    assert any(reply.status == 200 for reply in statuses)
    assert all(reply.headers["Retry-After"] for reply in statuses if reply.status == 503)
    wait_until(lambda: all(get(f"{service.url}healthz").body.get("nodes") == 35 for service in street.services))
    assert in_order(street.house)
