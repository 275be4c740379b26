"""Which files are the notes, and what each is called in results."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer.errors import NoNotesInside, NotesNameClash, NotesNotFound
from indexer.node import Problem
from indexer.readers import SUFFIXES


@dataclass(frozen=True, slots=True)
class Source:
    """file: its name in results, relative to the notes folder, with forward slashes. path: where it is."""

    file: str
    path: Path


@dataclass(frozen=True, slots=True)
class Found:
    sources: Sequence[Source]
    problems: Sequence[Problem]


def find_sources(notes: Sequence[Path]) -> Found:
    """The files under `notes`, sorted by name. A folder is searched for files of a known suffix; a file is taken as it is.

    With several places given, each folder's own name comes first in the names of its files. Hidden files and folders are
    passed over, and so is a link that leads out of its notes folder: it is reported, and nothing beyond it is read.
    """
    sources: dict[str, Source] = {}
    problems: list[Problem] = []
    for place in notes:
        if not place.exists():
            raise NotesNotFound(place)
        root = place.resolve()
        prefix = f"{root.name}/" if len(notes) > 1 and root.is_dir() else ""
        for path in [root] if root.is_file() else _walk(root, problems):
            name = prefix + (path.name if path == root else path.relative_to(root).as_posix())
            name = name.encode("utf-8", "backslashreplace").decode()  # a file name may be bytes that are no text
            if path != root and (reason := _unusable(path, root)):
                problems.append(Problem(name, 1, reason))
                continue
            if name in sources and sources[name].path != path:
                raise NotesNameClash(name, sources[name].path, path)
            sources[name] = Source(name, path)
    if not sources:
        raise NoNotesInside(notes, SUFFIXES, [str(problem) for problem in problems])
    return Found([sources[name] for name in sorted(sources)], problems)


def _walk(root: Path, problems: list[Problem]) -> Iterator[Path]:
    def unreadable(error: OSError) -> None:
        folder = Path(error.filename).relative_to(root).as_posix()
        problems.append(Problem(folder, 1, f"this folder cannot be read: {error.strerror}"))

    for folder, folders, files in os.walk(root, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        linked = (path for name in folders if (path := Path(folder, name)).is_symlink())
        yield from (path for path in linked if not Path(os.path.realpath(path)).is_relative_to(root))
        for name in sorted(files):
            path = Path(folder, name)
            if not name.startswith(".") and path.suffix.lower() in SUFFIXES:
                yield path


def _unusable(path: Path, root: Path) -> str:
    """Why a path is not read, or "". A pipe or a device would hang the reader."""
    if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(root):
        return "a link that leads out of the notes folder; it was not followed"
    if not path.is_file():
        return "a link to nothing" if path.is_symlink() else "not a regular file"
    return ""
