"""Whether what the index says still stands in the notes. The files of what is shown are looked at when it is shown: what was
deleted since the index was made is never taken for current, whether changes are followed or not.

A file that is as it was indexed costs one look at its size and time; it is read when these are new, and taken apart only when
its contents are.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from weakref import WeakKeyDictionary

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from indexer.node import Node
from indexer.sources import read_whole, source_path
from indexer.store import StoredNode
from service.snapshot import GoneMask, Snapshot

FileState = Literal["same", "changed", "deleted", "unreachable"]

_SETTLED = 2_000_000_000
"""Nanoseconds after which a file that is written again surely has another time."""
_FILES_KNOWN = 10_000
_BORROWED = re.compile(r"\(\(|\{{2,3}\s*embed\b")
"""Where begins what a block borrows from another, which may stand in another file."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """How one file stands to its part of the index.

    gone: True for the nodes, counted from the file's first, that do not stand in it any more under their headings.
    lines: for the others, where each of their lines stands now. new: whether the file holds text that the index does not have.
    """

    state: FileState
    gone: NDArray[np.bool_] | None = None
    lines: Mapping[int, int] = field(default_factory=dict)
    new: bool = False


_SAME, _DELETED, _UNREACHABLE = Look("same"), Look("deleted"), Look("unreachable")

Signature = tuple[int, int, int]
_lock, _comparing = threading.Lock(), threading.Lock()
_digests: LRUCache[Path, tuple[Signature, str]] = LRUCache(_FILES_KNOWN)
_changed: WeakKeyDictionary[Snapshot, dict[str, tuple[str, Look]]] = WeakKeyDictionary()


def look(snapshot: Snapshot, file: str) -> Look:
    """At one file of a collection as it is now."""
    manifest = snapshot.generation.manifest
    places = [Path(place) for place in manifest.notes]
    if snapshot.published and not any(place.exists() for place in places):
        return _SAME  # the notes are on another machine: nothing can be said of them here
    path = source_path(places, file)
    if path is None:
        return _UNREACHABLE
    try:
        digest, content = _digest(path)
        if digest == manifest.sources.get(file):
            return _SAME
        return _known(snapshot, file, digest) or _compared_once(snapshot, file, path, digest, content)
    except (FileNotFoundError, NotADirectoryError):
        return _DELETED if _is_there(path, places) else _UNREACHABLE
    except OSError:
        return _UNREACHABLE


def _compared_once(snapshot: Snapshot, file: str, path: Path, digest: str, content: bytes | None) -> Look:
    """One file at a time is compared: whoever asks for the same meanwhile waits for what is found. Raises OSError."""
    with _comparing:
        found = _known(snapshot, file, digest)
        if found is None:
            found = _compared(snapshot, file, read_whole(path) if content is None else content)
            with _lock:
                _changed.setdefault(snapshot, {})[file] = digest, found
        return found


def _known(snapshot: Snapshot, file: str, digest: str) -> Look | None:
    """What was found of a file when it had these contents, if anything was."""
    with _lock:
        known, found = _changed.get(snapshot, {}).get(file, ("", _SAME))
    return found if known == digest else None


def _digest(path: Path) -> tuple[str, bytes | None]:
    """The SHA-256 of a file, and its contents where it had to be read. It is not as long as its size, time and inode are known,
    unless it was written a moment ago and may be written again within the same tick of the clock. Raises OSError.
    """
    status = path.stat()
    signature = status.st_mtime_ns, status.st_size, status.st_ino
    with _lock:
        known, digest = _digests.get(path, (None, ""))
    if known == signature:
        return digest, None
    content = read_whole(path)
    digest = hashlib.sha256(content).hexdigest()
    if time.time_ns() - status.st_mtime_ns > _SETTLED:
        with _lock:
            _digests[path] = signature, digest
    return digest, content


def gone_rows(snapshot: Snapshot, files: Iterable[str]) -> GoneMask | None:
    """True for each node of these files that does not stand there any more; None when all do."""
    gone = []
    for file in files:
        found = look(snapshot, file)
        first, end = _rows(snapshot, file)
        if found.state == "deleted":
            gone.append(np.arange(first, end))
        elif found.gone is not None:
            gone.append(first + np.flatnonzero(found.gone))
    return snapshot.store.marked(gone) if any(map(len, gone)) else None


def _is_there(path: Path, places: Sequence[Path]) -> bool:
    """Whether what a file would lie in is there. A folder of notes that is away or empty is more likely a disk that is not
    mounted than a wish to forget them all.
    """
    place = next(place for place in places if path == place or place in path.parents)
    if place == path:
        return place.parent.is_dir()
    try:
        return any(place.iterdir())
    except OSError:
        return False


def _compared(snapshot: Snapshot, file: str, content: bytes) -> Look:
    """What a file that was changed still holds."""
    from indexer.readers import read_with_account  # only a changed file needs the readers

    outline, _ = read_with_account(file, content, snapshot.generation.manifest.notebooks.get(file, ""))
    first, end = _rows(snapshot, file)
    stored = snapshot.store.run(first, end - 1)
    places = _places_now(stored, outline.nodes)
    lines: dict[int, int] = {}
    for row, at in places.items():
        lines |= zip(stored[row - first].line_numbers, outline.nodes[at].line_numbers, strict=False)
    gone = np.array([row not in places for row in range(first, end)], np.bool_)
    return Look("changed", gone, lines, new=len(set(places.values())) < len(outline.nodes))


def _places_now(stored: Sequence[StoredNode], nodes: Sequence[Node]) -> dict[int, int]:
    """For each row that still stands in the file, under the headings that it stood under, which node it is now."""
    below: defaultdict[tuple[int, str], list[int]] = defaultdict(list)
    anywhere: defaultdict[str, list[int]] = defaultdict(list)
    for at, node in enumerate(nodes):
        below[-1 if node.parent is None else node.parent, _key(node.lines)].append(at)
        anywhere[_key(node.lines)].append(at)
    places: dict[int, int] = {}
    seen: defaultdict[tuple[int, str], int] = defaultdict(int)
    for old in stored:
        words = _key(old.lines)
        if old.parent < 0:  # in a publication the headings above are unknown
            equal = below.get((-1, words)) or anywhere.get(words, [])
        else:
            equal = below.get((places[old.parent], words), []) if old.parent in places else []
        if equal:
            places[old.row] = equal[min(seen[old.parent, words], len(equal) - 1)]
            seen[old.parent, words] += 1
    return places


def _key(lines: Sequence[str]) -> str:
    """A node's own words: what it borrows from other blocks is theirs. That may hold the signs around it, so all from the
    first to the last of them is left out.
    """
    text = " ".join(lines)
    first, last = _BORROWED.search(text), max(text.rfind("))"), text.rfind("}}"))
    return text[: first.start()] + text[last + 2 :] if first and first.end() <= last else text


def _rows(snapshot: Snapshot, file: str) -> tuple[int, int]:
    """The rows of a file: the first, and the one after the last."""
    first, last = snapshot.store.rows_of(snapshot.store.file_order[file])
    return first, last + 1
