"""Writes a generation: aside, every byte hashed on its way, then swapped in whole."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import msgspec

from indexer.durable import folder_mode, make_folder, replace_file, sync_folder, write_bytes
from indexer.errors import IndexBusy, IndexUnwritable
from indexer.generation import (
    FILE_LIST,
    GENERATIONS,
    MANIFEST,
    MODELS,
    PROJECTION,
    SEGMENTS,
    STRUCTURE,
    Extras,
    Generation,
    Manifest,
    require_index_folder,
)
from indexer.late import Projection
from indexer.pointer import CURRENT
from indexer.store.segment import Segment, SegmentRecord
from indexer.store.structure import FileList, Structure

_LOCK = ".lock"
_KEEP = 2
_KEEP_FOR, _KEEP_MOST = 60.0, 8
"""Seconds for which earlier generations stay after they were replaced, and how many at most: a service on another machine may
still read them, and on a disk of the network a file that is removed is gone for whoever has it open.
"""


@contextmanager
def write_lock(folder: Path, patience: float = 0) -> Iterator[None]:
    """One writer at a time; another is waited for so many seconds. Raises IndexBusy, NotAnIndex or IndexUnwritable."""
    from filelock import FileLock, Timeout

    require_index_folder(folder)
    try:
        make_folder(folder)
        with FileLock(folder / _LOCK, timeout=patience):
            yield
    except Timeout:
        raise IndexBusy(folder) from None
    except OSError as error:
        raise IndexUnwritable(folder, error.strerror or error) from error


def write_generation(
    folder: Path,
    manifest: Manifest,
    structure: Structure,
    files: FileList,
    projection: Projection,
    segments: Sequence[Segment],
    extras: Extras | None = None,
) -> Generation:
    """Makes a new generation current and answers it. Call it under `write_lock`; OSError leaves the old one current.

    segments: written and opened already. manifest.files and manifest.segments are filled in here.
    """
    generations = folder / GENERATIONS
    make_folder(generations)
    aside = Path(tempfile.mkdtemp(prefix=".new-", dir=generations))
    try:
        data: dict[str, bytes] = {
            STRUCTURE: structure.to_bytes(),
            FILE_LIST: files.to_bytes(),
            PROJECTION: projection.to_bytes(),
        }
        written = Generation(aside.name, manifest, structure, files, projection, segments)
        kept: Mapping[str, bytes] = extras(written) if extras else MappingProxyType({})
        records = {name: write_bytes(aside / name, content) for name, content in (data | dict(kept)).items()}
        manifest = msgspec.structs.replace(manifest, files=records, segments=[segment.record for segment in segments])
        digest = write_bytes(aside / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=1)).sha256
        aside.chmod(folder_mode())
        sync_folder(aside)
        aside.rename(generations / digest[:16])
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    sync_folder(generations)
    replace_file(folder / CURRENT, f"{digest}\n".encode())
    _clear_away(folder, keep=digest[:16])
    _clear_models(folder, manifest.converted)
    written.name, written.manifest, written.extras = digest[:16], manifest, kept
    return written


def _clear_models(folder: Path, keep: str) -> None:
    """Removes converted models of earlier generations: a reader that still needs one has read it, or makes its own."""
    for place in (folder / MODELS).glob("*"):
        if place.name != keep[:16]:
            shutil.rmtree(place, ignore_errors=True)


def _clear_away(folder: Path, keep: str) -> None:
    """Removes what an interrupted run left behind, all but the newest generations (a reader may still open the last one) and
    those that were replaced a moment ago, and the segments that none of these has.
    """
    generations = folder / GENERATIONS
    for left in [*generations.glob(".new-*"), *(folder / SEGMENTS).glob(".new-*")]:
        shutil.rmtree(left, ignore_errors=True)
    others = [path for path in generations.iterdir() if path.name != keep and not path.name.startswith(".")]
    made = {path: path.stat().st_mtime for path in [generations / keep, *others]}
    others.sort(key=lambda path: made[path], reverse=True)
    # When one was replaced is when the next was made, told by the clock of the disk they lie on.
    replaced = [made[generations / keep] - made[newer] for newer in [generations / keep, *others]]
    kept = [
        path
        for at, path in enumerate(others)
        if at < _KEEP - 1 or (at < _KEEP_MOST - 1 and replaced[at] < _KEEP_FOR and (path / MANIFEST).is_file())
    ]
    used = {name for path in [generations / keep, *kept] for name in _segments_of(path / MANIFEST)}
    unused = [path for path in (folder / SEGMENTS).iterdir() if path.name not in used]
    for old in [*(path for path in others if path not in kept), *unused]:
        try:
            shutil.rmtree(old)
        except OSError as error:  # open in another process on a system that locks open files: the next run removes it
            warnings.warn(f"{old.name} could not be removed yet: {error}", stacklevel=2)


class _Listed(msgspec.Struct):
    segments: list[SegmentRecord] = []


def _segments_of(manifest: Path) -> set[str]:
    """The names of the segments of a generation; none if its manifest is damaged, or of an older format."""
    try:
        return {record.name for record in msgspec.json.decode(manifest.read_bytes(), type=_Listed).segments}
    except (OSError, msgspec.DecodeError):
        return set()
