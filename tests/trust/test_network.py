"""The network half of what Trellis promises, at the size of CI; `make trust-network` runs the same suites at full size."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from bench.browser import chromium_path
from bench.trust import cross_site, framing, headers, hosts, limits, mutated, paths, slow, soak, stopping
from bench.trust.finding import Finding
from bench.trust.routes import ROUTES
from bench.trust.running import SHORT, Running, configure, prepare, running, trellis, wait_for
from service.config import Config
from service.http.web import create_app
from service.http.web_chat import STREAMS
from tests.conftest import TINY_MODEL, Workshop
from tests.stand_in import stand_in

LIMIT = 2


def holds(finding: Finding) -> None:
    assert finding.holds, f"{finding.figure}\n{finding.shortfall}"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = prepare(tmp_path_factory.mktemp("trust") / "service")
    paths.plant(folder)
    return folder


@pytest.fixture(scope="module")
def service(prepared: Path) -> Iterator[Running]:
    """On a loopback address, with limits of two seconds for slow peers."""
    with running(prepared, before=SHORT.format(seconds=LIMIT)) as service:
        yield service


@pytest.fixture(scope="module")
def keys(prepared: Path, service: Running) -> dict[str, str]:
    """`service` is asked for so that the index is there."""
    return headers.make_keys(prepared)


@pytest.fixture(scope="module")
def guarded(prepared: Path, keys: dict[str, str]) -> Iterator[Running]:
    """On all addresses, with keys."""
    with running(prepared, "--host", "0.0.0.0", "--no-watch") as service:
        yield service


def test_every_route_is_in_the_tables(workshop: Workshop) -> None:
    from service.snapshot import Current

    workshop.write("Bread\n  rises\n")
    workshop.build()
    current = Current(workshop.index, TINY_MODEL, workshop.encoder)
    rules = {str(rule) for rule in create_app(current, Config()).url_map.iter_rules()}
    listed = {route.rule for route in ROUTES}
    assert rules <= listed
    assert {rule for rule in listed if not rule.startswith("/p/")} <= rules


def test_no_foreign_host_is_served(service: Running) -> None:
    holds(hosts.suite(service))


def test_requests_that_can_be_read_in_two_ways_are_refused(service: Running) -> None:
    assert len(framing.CASES) >= 52
    holds(framing.suite(service))


def test_who_does_not_read_is_cut_though_the_system_took_the_answer(prepared: Path) -> None:
    """Small answers fit into what the system holds for a reader: to the server they are sent, and the connection idle."""
    limits = "import service.http.channels as c; c.STALL = 1; c.AGE = c.IDLE = 600; "
    with running(prepared, before=limits) as service, slow.opened(service, "reads nothing") as peer:
        assert wait_for(lambda: slow.is_cut(peer), 60)
        assert wait_for(lambda: 'trellis_refusals_total{reason="unread"} 1.0' in metrics_of(service), 10)


def metrics_of(service: Running) -> str:
    return service.send("GET", "/metrics").body.decode()


def test_slow_connections_are_cut_and_cost_little(service: Running) -> None:
    holds(slow.suite(service, 30, LIMIT, timed=False))


def test_every_answer_is_closed(service: Running) -> None:
    holds(headers.headers(service))


def test_nothing_outside_the_notes_is_served_and_no_log_line_forged(service: Running) -> None:
    holds(paths.suite(service, 300))


def test_mutated_requests_break_nothing(service: Running) -> None:
    holds(mutated.suite(service, 60, share=0.1, timed=False))


def test_pages_of_other_sites_read_and_change_nothing(service: Running) -> None:
    found = chromium_path()

    def visit() -> Finding:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
            try:
                return cross_site.suite(service, browser)
            finally:
                browser.close()

    with ThreadPoolExecutor(1) as apart:  # the browser of other tests holds this thread's event loop
        holds(apart.submit(visit).result())


def test_every_route_with_every_key(guarded: Running, keys: dict[str, str]) -> None:
    holds(headers.matrix(guarded, keys))


def test_every_answer_is_closed_where_keys_are_needed(guarded: Running, keys: dict[str, str]) -> None:
    holds(headers.headers(guarded, keys))


def test_limits_are_exact_with_threads(guarded: Running) -> None:
    holds(limits.suite(guarded, 5_000))


def test_no_log_line_holds_a_key(guarded: Running, keys: dict[str, str]) -> None:
    log = guarded.log
    assert '"key":"' in log  # which key it was, by its id
    assert not [name for name, key in keys.items() if name != "id" and key in log]


def test_no_other_address_without_a_key(prepared: Path) -> None:
    (prepared / "bare.yaml").write_text(json.dumps({"keys": "none.json"}), "utf-8")
    command = ("--config", "bare.yaml", "serve", "notes", "--index", "index", "--port", "0")
    for address in ("0.0.0.0", "::"):
        ran = trellis(prepared, *command, "--host", address)
        assert ran.returncode == 2
        assert "keys add" in ran.stderr
    with running(prepared, "--host", "0.0.0.0", "--no-watch", "--access", "open") as service:
        assert "WARNING" in service.log
        assert service.ask().status == 200
        assert service.send("GET", "/metrics").status == 401


def test_a_stop_under_load_loses_no_answer(prepared: Path, service: Running) -> None:
    holds(stopping.suite(prepared, 2))


def test_a_second_signal_ends_it_at_once(prepared: Path, service: Running) -> None:
    with running(prepared) as waiting:
        status, _ = stopping.second_signal(waiting)
    assert status in (0, 1)


def test_edits_under_load_cost_no_answer(prepared: Path, service: Running, tmp_path: Path) -> None:
    folder = prepare(tmp_path / "soak")
    with running(folder, "--watch") as watching:
        soak.prepare_facts(watching)
        deadline = time.monotonic() + 60
        while b"Marguerite" not in watching.send("GET", "/api/search?q=who+winds+the+clock").body:
            assert time.monotonic() < deadline
        holds(soak.suite(watching, 8, 10, timed=False))


def test_streams_have_a_bound_and_end_with_their_readers(prepared: Path, service: Running) -> None:
    with stand_in() as model:
        configure(prepared, language_model={"url": model.url, "name": "m"})
        try:
            with running(prepared) as talking:
                before = talking.threads()
                holds(slow.streams(talking, STREAMS, model, timed=False))
                deadline = time.monotonic() + 30
                while talking.figure("trellis_streams") and time.monotonic() < deadline:
                    time.sleep(0.1)
                assert talking.figure("trellis_streams") == 0
                assert talking.threads() <= before + 2
                talking.process.send_signal(signal.SIGTERM)
                assert talking.process.wait(40) == 0
        finally:
            configure(prepared)
