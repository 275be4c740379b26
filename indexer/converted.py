"""A converted model on disk: a graph for ONNX Runtime, the tokenizer, and a manifest that names both by size and hash.

    <folder>/  manifest.json  manifest.sha256  graph.onnx  tokenizer.json

Nothing is handed to ONNX Runtime before its bytes were verified.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from indexer.durable import (
    FileRecord,
    NotAsWritten,
    folder_mode,
    make_folder,
    read_verified,
    sync_folder,
    verify,
    write_bytes,
)

GRAPH, TOKENIZER = "graph.onnx", "tokenizer.json"
_MANIFEST, _DIGEST = "manifest.json", "manifest.sha256"

Precision = Literal["int8", "mixed", "fp32"]


class Damaged(Exception):
    """The folder does not hold what it was written with. Never shown: what is damaged is made again."""


class Padding(msgspec.Struct, frozen=True):
    """What short texts are filled up with, behind them, to the longest of a batch."""

    id: int
    type_id: int


class Proof(msgspec.Struct, frozen=True):
    """A precision held against the original: the cosine similarity of its vectors with the original's over the proving texts,
    and mean reciprocal ranks (0 to 1) over known-item questions, by whole vectors (dense) and by token vectors (late).
    """

    precision: Precision
    passed: bool
    least_cosine: float
    mean_cosine: float
    least_token_cosine: float
    dense: float
    late: float
    original_dense: float
    original_late: float


class Converted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a converted model is. version: of the rules of conversion. inputs: the graph's, in order. proofs: every precision
    that was tried, the one taken last. reason: why the model cannot be converted; there are then no files, or "".
    """

    version: int
    model: str
    model_digest: str
    reason: str = ""
    precision: Precision = "fp32"
    dimension: int = 0
    max_length: int = 0
    query_prompt: str = ""
    document_prompt: str = ""
    inputs: list[str] = []
    padding: Padding = Padding(0, 0)
    proofs: list[Proof] = []
    files: dict[str, FileRecord] = {}


@dataclass(frozen=True, slots=True)
class Kept:
    """A converted model in a folder. digest: SHA-256 of its manifest, which covers every byte."""

    folder: Path
    digest: str
    converted: Converted

    def read(self, name: str) -> bytes:
        """A file's bytes, verified. Raises Damaged."""
        try:
            return read_verified(self.folder / name, self.converted.files[name])
        except (KeyError, NotAsWritten) as error:
            raise Damaged(f"{name} {error}") from error

    def verify(self, *, thorough: bool = False) -> None:
        """Compares every file with what was written; thorough as in `indexer.durable.verify`. Raises Damaged."""
        for name, record in self.converted.files.items():
            try:
                verify(self.folder / name, record, thorough=thorough)
            except NotAsWritten as error:
                raise Damaged(f"{name} {error}") from error


def open_kept(folder: Path, digest: str | None = None) -> Kept | None:
    """What is kept in this folder, or None when there is nothing. `digest`: what its manifest must have, if that is known from
    elsewhere. Raises Damaged. The files are verified when they are read.
    """
    try:
        data = (folder / _MANIFEST).read_bytes()
        expected = f"{digest}\n".encode() if digest else (folder / _DIGEST).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Damaged(f"{_MANIFEST} cannot be read ({error})") from error
    found = hashlib.sha256(data).hexdigest()
    if f"{found}\n".encode() != expected:
        raise Damaged(f"{_MANIFEST} does not have the contents it was written with")
    try:
        return Kept(folder, found, msgspec.json.decode(data, type=Converted))
    except msgspec.DecodeError as error:
        raise Damaged(f"{_MANIFEST}: {error}") from error


def write_kept(folder: Path, converted: Converted, files: dict[str, bytes]) -> Kept:
    """Fills an empty folder. `converted.files` is filled in here, from the bytes as they go to the disk."""
    records = {name: write_bytes(folder / name, data) for name, data in files.items()}
    converted = msgspec.structs.replace(converted, files=records)
    digest = write_bytes(folder / _MANIFEST, msgspec.json.format(msgspec.json.encode(converted), indent=1)).sha256
    write_bytes(folder / _DIGEST, f"{digest}\n".encode())
    sync_folder(folder)
    return Kept(folder, digest, converted)


def keep_copy(kept: Kept, place: Path) -> None:
    """Keeps a converted model at `place` too, without a second copy where the file system can link. Raises OSError."""
    try:
        if there := open_kept(place, kept.digest):
            there.verify()
            return
    except Damaged:
        pass
    shutil.rmtree(place, ignore_errors=True)
    make_folder(place.parent)
    aside = Path(tempfile.mkdtemp(prefix=".new-", dir=place.parent))
    try:
        for name in (_MANIFEST, _DIGEST, *kept.converted.files):
            _link_or_copy(kept.folder / name, aside / name)
        sync_folder(aside)
        aside.chmod(folder_mode())
        aside.rename(place)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    sync_folder(place.parent)


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another disk, or a file system without hard links
        write_bytes(target, source.read_bytes())
