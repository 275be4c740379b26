"""Both engines over the same notes: Milvus is a real Milvus Lite server in a process of its own, spoken to over gRPC."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.lite import Lite
from indexer.build import Report
from indexer.milvus.settings import Milvus
from service.collections import Collections, Encoders, OpenCollection
from service.config import Config
from service.snapshot import Snapshot

ENGINES = ("faiss", "milvus")
ENCODERS = Encoders()
"""The real model, in memory once."""


@pytest.fixture(scope="session")
def lite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lite]:
    server = Lite(tmp_path_factory.mktemp("lite") / "data")
    server.start()
    yield server
    server.kill()


class House:
    """Notes, their index, and what is asked of them: the files of the index, or Milvus."""

    def __init__(self, folder: Path, milvus: Milvus | None = None) -> None:
        self.notes = folder / "notes"
        self.notes.mkdir(parents=True, exist_ok=True)
        self.milvus = milvus
        self.config = Config(notes=[str(self.notes)], index=str(folder / "index"), milvus=milvus)
        self.collections = Collections.of(self.config, ENCODERS)

    @property
    def member(self) -> OpenCollection:
        return self.collections.members[0]

    def write(self, file: str, text: str) -> Path:
        path = self.notes / file
        path.write_text(textwrap.dedent(text).lstrip("\n"), "utf-8")
        return path

    def index(self, *, anew: bool = False) -> Report:
        return self.member.update(anew=anew)

    def snapshot(self) -> Snapshot:
        """What is there now, as a service would see it in a moment."""
        self.member.current.refresh()
        return self.member.get()

    def row(self, text: str) -> int:
        store = self.snapshot().store
        return next(node.row for node in store.run(0, len(store) - 1) if node.text == text)

    def id(self, text: str) -> str:
        return self.snapshot().store.id_of(self.row(text))


@pytest.fixture(params=ENGINES)
def house(request: pytest.FixtureRequest, tmp_path: Path) -> House:
    """Empty notes, over each engine."""
    milvus = request.getfixturevalue("lite").settings() if request.param == "milvus" else None
    return House(tmp_path, milvus)


@pytest.fixture
def milvus_house(lite: Lite, tmp_path: Path) -> House:
    return House(tmp_path, lite.settings())
