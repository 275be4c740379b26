"""What all tests share: notes written in the test, a tiny encoder for what is not about meaning, and the real service."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from indexer.build import Report, build
from indexer.encoder import Encoded, Model, load, locate
from service.indexing import update
from service.snapshot import Current, Snapshot

ROOT = Path(__file__).parent.parent
NOTES = ROOT / "notes"
TRELLIS = (sys.executable, "-c", "from service.cli import main; main()")

settings.register_profile("untimed", deadline=None)  # a slow machine is no failure
settings.load_profile(
    "ci" if "CI" in os.environ else "untimed"
)  # Hypothesis' own "ci" draws the same examples each time


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--shared", type=Path, help="folder with the questions and corpora that are not in this repository"
    )


class TinyEncoder:
    """Words hashed into 64 dimensions: texts are near when they share words. Counts what it is asked to encode."""

    dimension = 64

    def __init__(self) -> None:
        self.encoded: list[str] = []
        self.questions = 0

    def encode(self, texts: Sequence[str], *, query: bool = False) -> Encoded:
        if query:
            self.questions += len(texts)
        else:
            self.encoded += texts
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        spans = []
        for row, text in enumerate(texts):
            words = list(re.finditer(r"\w+", text.casefold()))
            for word in ["", *(found.group() for found in words)]:
                vectors[row, self._place(word)] += 1
            spans.append([found.span() for found in words])
        tokens = np.eye(self.dimension, dtype=np.float32)[
            [
                self._place(text.casefold()[slice(*span)])
                for text, some in zip(texts, spans, strict=True)
                for span in some
            ]
        ]
        return Encoded(
            vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
            tokens.reshape(-1, self.dimension),
            np.array([len(some) for some in spans], np.int64),
            np.array([span for some in spans for span in some], np.int64).reshape(-1, 2),
        )

    def knows(self, word: str) -> bool:
        return False

    def reads(self, text: str) -> float:
        return 1.0

    def _place(self, word: str) -> int:
        return hashlib.sha256(word.encode()).digest()[0] % self.dimension


TINY_MODEL = Model("tiny", Path("nowhere"), "0" * 64)


class Workshop:
    """A notes folder and its index, both empty at first, with a tiny encoder."""

    def __init__(self, folder: Path) -> None:
        self.notes = folder / "notes"
        self.index = folder / "index"
        self.encoder = TinyEncoder()
        self.notes.mkdir()

    def write(self, text: str, file: str = "notes.txt") -> Path:
        """Writes a notes file; the text may be indented with the test around it."""
        path = self.notes / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), "utf-8")
        return path

    def build(self, model: Model = TINY_MODEL) -> Report:
        return build([self.notes], self.index, model, loader=lambda _: self.encoder)

    def calibrate(self, model: Model = TINY_MODEL) -> Report:
        """Builds as `trellis index` does, with the anchors of confidence."""
        return update([self.notes], self.index, model, lambda _: self.encoder)

    def calibrate_with_model(self) -> Report:
        """Builds as `trellis index` does, with the real model."""
        return update([self.notes], self.index, locate(), load)

    def snapshot(self) -> Snapshot:
        return Current(self.index, TINY_MODEL, self.encoder).get()


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def run_trellis(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The real command in a process of its own."""
    return subprocess.run([*TRELLIS, *arguments], capture_output=True, text=True, timeout=300, cwd=cwd, check=False)


class Service:
    """The real service as a process. `url` ends in a slash."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [*TRELLIS, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the service did not start: {self.process.communicate()[1]}")
        self.url = line.strip()

    def stop(self) -> None:
        self.process.terminate()
        self.process.communicate(timeout=30)


@pytest.fixture(scope="session")
def shipped_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real index of the outline that ships, by the real model."""
    folder = tmp_path_factory.mktemp("shipped") / "index"
    made = run_trellis("index", str(NOTES), "--index", str(folder))
    assert made.returncode == 0, made.stderr
    return folder


@pytest.fixture(scope="session")
def served(shipped_index: Path) -> Iterator[str]:
    """The URL of the real service over the outline that ships."""
    service = Service("serve", str(NOTES), "--index", str(shipped_index), "--port", "0", "--no-watch")
    yield service.url
    service.stop()
