"""The rooms in which harm is done, each made once: see `bench.trust.workplace`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.trust.calls import can_watch
from bench.trust.runner import Runner
from bench.trust.workplace import Workplace, workshop

Shop = tuple[Path, Runner, Path]


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A folder, a runner and a tiny model, with the model loaded once for all runs."""
    if not can_watch():
        pytest.skip("only Linux lets one process decide over the system calls of another")
    with workshop(tmp_path_factory.mktemp("trust")) as made:
        yield made


@pytest.fixture
def work(shop: Shop, request: pytest.FixtureRequest) -> Workplace:
    folder, runner, model = shop
    return Workplace(folder / request.node.name, runner, model)
