"""One generation of the index on disk: written aside, swapped in whole, verified before anything reads it.

    index/CURRENT                         "<SHA-256 of the manifest>\\n"
    index/generations/<first 16 digits>/  manifest.json  nodes.sqlite  vectors.faiss  tokens.npz  extras
    index/models/<first 16 digits>/       the converted model, shared by all generations that it made

CURRENT names the manifest by its hash, the manifest names every file by size and hash, and the converted model by the hash of
its own manifest: one chain covers every byte.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from indexer.chunks import CHUNKING
from indexer.converted import Damaged, Kept, open_kept
from indexer.durable import FileRecord, replace_file, sync_folder, write_bytes, write_file
from indexer.encoder import Model
from indexer.errors import (
    IndexBusy,
    IndexDamaged,
    IndexFolderError,
    IndexMismatch,
    IndexMissing,
    IndexUnwritable,
    NotAnIndex,
)
from indexer.late import TokenVectors
from indexer.store import Store
from indexer.vectors import read_index, write_index

FORMAT = 4
"""Version of everything on disk. Raised whenever an older Trellis could misread what a newer one wrote, or the reverse."""

_CURRENT = "CURRENT"
_GENERATIONS = "generations"
_MODELS = "models"
_LOCK = ".lock"
_KEEP = 2
_NODES = "nodes.sqlite"
_VECTORS = "vectors.faiss"
_TOKENS = "tokens.npz"


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a generation is made of. sources: SHA-256 of each notes file by its name. notes: the places that were indexed.
    converted: SHA-256 of the manifest of the converted model that made the vectors; "" when the model ran as it is.
    notebooks: the program whose folder a file lies in. former: the names that renamed files had before, the latest first.
    """

    format: int
    chunking: int
    model: str
    model_digest: str
    converted: str
    dimension: int
    nodes: int
    chunks: int
    borrowed: int
    created: str
    notes: list[str]
    sources: dict[str, str]
    files: dict[str, FileRecord]
    notebooks: dict[str, str] = {}
    former: dict[str, list[str]] = {}


class Generation:
    """An opened generation: verified, read-only, safe to share between threads. extras: what else was kept, by file name."""

    def __init__(
        self,
        name: str,
        manifest: Manifest,
        store: Store,
        vectors: Any,
        tokens: TokenVectors,
        extras: Mapping[str, bytes] = MappingProxyType({}),
    ) -> None:
        self.name = name
        self.manifest = manifest
        self.store = store
        self.vectors = vectors
        self.tokens = tokens
        self.extras = extras

    def close(self) -> None:
        self.store.close()


Extras = Callable[[Generation], Mapping[str, bytes]]
"""Asked, before a generation is committed, for small files to keep with it."""


def current_name(folder: Path) -> str:
    """Which generation is current, read anew from the disk: cheap enough to ask often. Raises IndexMissing or NotAnIndex."""
    return _current_hash(folder)[:16]


def _current_hash(folder: Path) -> str:
    try:
        text = (folder / _CURRENT).read_bytes().decode("ascii")
    except FileNotFoundError:
        require_index_folder(folder)
        raise IndexMissing(folder) from None
    except NotADirectoryError:
        raise NotAnIndex(folder, "a file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise IndexDamaged(folder, f"CURRENT cannot be read ({error})") from error
    if not re.fullmatch(r"[0-9a-f]{64}\n", text):
        raise IndexDamaged(folder, "CURRENT does not hold the name of a generation")
    return text.strip()


def require_index_folder(folder: Path) -> None:
    """Raises NotAnIndex when the folder is there and holds something else. Hidden files and a README do not count."""
    if folder.is_file():
        raise NotAnIndex(folder, "a file")
    if not folder.is_dir():
        return
    known = {_CURRENT, _GENERATIONS, _MODELS, "README.md"}
    foreign = sorted(
        entry.name for entry in folder.iterdir() if not entry.name.startswith(".") and entry.name not in known
    )
    if foreign:
        raise NotAnIndex(folder, foreign[0])


def read_manifest(folder: Path) -> tuple[str, Manifest]:
    """The name and the manifest of the current generation; its hash is checked, its files are not."""
    expected = _current_hash(folder)
    path = folder / _GENERATIONS / expected[:16] / "manifest.json"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise IndexDamaged(folder, f"{_inside(path, folder)} cannot be read ({error.strerror})") from error
    if hashlib.sha256(data).hexdigest() != expected:
        raise IndexDamaged(folder, f"{_inside(path, folder)} and CURRENT do not belong together")
    try:
        version = msgspec.json.decode(data, type=_Version).format
        if version != FORMAT:
            raise IndexMismatch(folder, "format version", version, FORMAT)
        return expected[:16], msgspec.json.decode(data, type=Manifest)
    except msgspec.DecodeError as error:
        raise IndexDamaged(folder, f"{_inside(path, folder)}: {error}") from error


class _Version(msgspec.Struct):
    format: int


def require_match(folder: Path, manifest: Manifest, model: Model) -> None:
    """Raises IndexMismatch unless this model and these chunking rules made the index."""
    if manifest.chunking != CHUNKING:
        raise IndexMismatch(folder, "version of the chunking rules", manifest.chunking, CHUNKING)
    if manifest.model_digest != model.digest:
        made_by = f"'{manifest.model}' ({manifest.model_digest[:12]}, {manifest.dimension} dimensions)"
        raise IndexMismatch(folder, "model", made_by, f"'{model.name}' ({model.digest[:12]})")


def model_place(folder: Path, digest: str) -> Path:
    """Where the converted model with this manifest is kept beside the index."""
    return folder / _MODELS / digest[:16]


def kept_model(folder: Path) -> Kept | None:
    """The converted model that is kept beside the index, its files unread; None when there is none, whatever the reason."""
    try:
        digest = read_manifest(folder)[1].converted
        return open_kept(model_place(folder, digest), digest) if digest else None
    except (IndexFolderError, Damaged):
        return None


def open_generation(folder: Path, model: Model) -> Generation:
    """The current generation, every byte verified. Raises an IndexFolderError that names what is wrong.

    A generation that a newer one replaced and cleared away while it was being opened is tried again.
    """
    for _ in range(3):
        name, manifest = read_manifest(folder)
        require_match(folder, manifest, model)
        try:
            return _open(folder, name, manifest)
        except IndexDamaged:
            if current_name(folder) == name:
                raise
    raise IndexBusy(folder)


def _open(folder: Path, name: str, manifest: Manifest) -> Generation:
    place = folder / _GENERATIONS / name
    data = {file: _verified(folder, place / file, record) for file, record in manifest.files.items()}
    if not set(data) >= {_NODES, _VECTORS, _TOKENS}:
        raise IndexDamaged(folder, f"{name} lists fewer files than it should")
    vectors = read_index(data.pop(_VECTORS))
    tokens = TokenVectors.from_bytes(data.pop(_TOKENS))
    del data[_NODES]
    store = Store(place / _NODES)
    if vectors.d != manifest.dimension:
        raise IndexMismatch(folder, "dimension", vectors.d, manifest.dimension)
    counts = {len(store.chunk_node), vectors.ntotal, len(tokens.offsets) - 1, manifest.chunks}
    if len(counts) != 1 or len(store) != manifest.nodes:
        raise IndexDamaged(folder, f"{name} holds {vectors.ntotal} vectors for {len(store.chunk_node)} chunks")
    return Generation(name, manifest, store, vectors, tokens, data)


def _verified(folder: Path, path: Path, record: FileRecord) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise IndexDamaged(folder, f"{_inside(path, folder)} cannot be read ({error.strerror})") from error
    if len(data) != record.bytes:
        raise IndexDamaged(folder, f"{_inside(path, folder)} has {len(data):,} bytes instead of {record.bytes:,}")
    if hashlib.sha256(data).hexdigest() != record.sha256:
        raise IndexDamaged(folder, f"{_inside(path, folder)} does not have the contents it was written with")
    return data


def _inside(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


@contextmanager
def write_lock(folder: Path) -> Iterator[None]:
    """One writer at a time. Raises IndexBusy, NotAnIndex or IndexUnwritable."""
    from filelock import FileLock, Timeout

    require_index_folder(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / _LOCK, timeout=0):
            yield
    except Timeout:
        raise IndexBusy(folder) from None
    except OSError as error:
        raise IndexUnwritable(folder, error.strerror or error) from error


def write_generation(
    folder: Path, manifest: Manifest, nodes: bytes, vectors: Any, tokens: TokenVectors, extras: Extras | None = None
) -> str:
    """Makes a new generation current and answers its name. Call it under `write_lock`; OSError leaves the old one current.

    manifest.files is filled in here, from the bytes as they go to the disk.
    """
    generations = folder / _GENERATIONS
    generations.mkdir(exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".new-", dir=generations))
    try:
        files = {
            _NODES: FileRecord(*write_bytes(aside / _NODES, nodes)),
            _VECTORS: FileRecord(*write_file(aside / _VECTORS, lambda writer: write_index(vectors, writer))),
            _TOKENS: FileRecord(*write_bytes(aside / _TOKENS, tokens.to_bytes())),
        }
        if extras:
            with closing(Generation(aside.name, manifest, Store(aside / _NODES), vectors, tokens)) as written:
                files |= {name: FileRecord(*write_bytes(aside / name, data)) for name, data in extras(written).items()}
        data = msgspec.json.format(msgspec.json.encode(msgspec.structs.replace(manifest, files=files)), indent=1)
        digest = write_bytes(aside / "manifest.json", data)[1]
        aside.chmod(0o755 & ~_umask())
        sync_folder(aside)
        aside.rename(generations / digest[:16])
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    sync_folder(generations)
    replace_file(folder / _CURRENT, f"{digest}\n".encode())
    _clear_away(generations, keep=digest[:16])
    _clear_models(folder, manifest.converted)
    return digest[:16]


def _clear_models(folder: Path, keep: str) -> None:
    """Removes converted models of earlier generations: a reader that still needs one has read it, or makes its own."""
    for place in (folder / _MODELS).glob("*"):
        if place.name != keep[:16]:
            shutil.rmtree(place, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _clear_away(generations: Path, keep: str) -> None:
    """Removes what an interrupted run left behind and all but the newest generations: a reader may still open the last one."""
    for left in generations.glob(".new-*"):
        shutil.rmtree(left, ignore_errors=True)
    others = [path for path in generations.iterdir() if path.name != keep and not path.name.startswith(".")]
    for old in sorted(others, key=lambda path: path.stat().st_mtime, reverse=True)[_KEEP - 1 :]:
        try:
            shutil.rmtree(old)
        except OSError as error:  # open in another process on a system that locks open files: the next run removes it
            warnings.warn(f"{old.name} could not be removed yet: {error}", stacklevel=2)
