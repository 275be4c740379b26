"""Which files are the notes, what each is called in results, and what was passed over."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from indexer.errors import NoNotesInside, NotesNameClash, NotesNotFound
from indexer.ignore import Rules, file_reason, folder_reason, given_rules
from indexer.node import Problem
from indexer.readers import suffixes

_TRIES = 5
_PAUSE = 0.05
"""Seconds between two looks at a file that is being written."""


@dataclass(frozen=True, slots=True)
class Source:
    """file: its name in results, relative to the notes folder, with forward slashes. path: where it is.
    notebook: the program whose folder it lies in ("logseq", "obsidian"), or "".
    """

    file: str
    path: Path
    notebook: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """skipped: (name, why) of the files and folders that were passed over; a name of a folder ends in a slash."""

    sources: Sequence[Source]
    problems: Sequence[Problem]
    skipped: Sequence[tuple[str, str]] = ()


def find_sources(notes: Sequence[Path], leave_out: Sequence[str] = ()) -> Found:
    """The files under `notes`, sorted by name. A folder is searched for files of a known suffix; a file is taken as it is.

    With several places given, each folder's own name comes first in the names of its files. Passed over are hidden files,
    what ignore files name, and what editors and syncs leave behind; so is a link that leads out of its notes folder: it is
    reported, and nothing beyond it is read. leave_out: patterns as in .gitignore of what to pass over in each folder besides.

    Raises NotesError, also for a pattern that is none.
    """
    rules = given_rules(leave_out)
    sources: dict[str, Source] = {}
    problems: list[Problem] = []
    skipped: list[tuple[str, str]] = []
    for place in notes:
        if not place.exists():
            raise NotesNotFound(place)
        root = place.resolve()
        walk = _Walk(root, f"{root.name}/" if len(notes) > 1 and root.is_dir() else "", problems, skipped, rules)
        for source in walk.sources():
            if source.file in sources and sources[source.file].path != source.path:
                raise NotesNameClash(source.file, sources[source.file].path, source.path)
            sources[source.file] = source
    if not sources:
        raise NoNotesInside(notes, suffixes(), [str(problem) for problem in problems])
    return Found([sources[name] for name in sorted(sources)], problems, sorted(set(skipped)))


def source_path(notes: Sequence[Path], file: str) -> Path | None:
    """Where a file of this name would lie; the reverse of what `find_sources` calls it. None when it cannot be told: its name
    holds bytes that are no text, or it is of none of these places.
    """
    if "\\x" in file:
        return None
    for place in notes:
        if place.name == file and not place.is_dir():
            return place
        if len(notes) == 1:
            return place / file
        if file.startswith(f"{place.name}/"):
            return place / file.removeprefix(f"{place.name}/")
    return None


@dataclass(slots=True)
class _Walk:
    """The search of one place."""

    root: Path
    prefix: str
    problems: list[Problem]
    skipped: list[tuple[str, str]]
    given: Callable[[Path], Rules]
    rules: dict[Path, Rules] = field(default_factory=dict)
    notebooks: dict[Path, str] = field(default_factory=dict)

    def sources(self) -> Iterator[Source]:
        around = _notebook_around(self.root)
        if self.root.is_file():
            yield Source(self.prefix + _text(self.root.name), self.root, around)
            return
        self.notebooks[self.root.parent] = around
        self.rules[self.root.parent] = Rules(self._rules_above().specs + self.given(self.root).specs)
        for folder, folders, files in os.walk(self.root, onerror=self._unreadable):
            here = Path(folder)
            notebook = self.notebooks[here] = _notebook_of(folders, files) or self.notebooks[here.parent]
            self.rules[here] = self._rules_in(here)
            folders[:] = [name for name in sorted(folders) if self._enters(here / name, notebook)]
            inside = self.prefix if here == self.root else f"{self._name(here)}/"
            for name in sorted(files):
                path = here / name
                if self._takes(path):
                    yield Source(inside + _text(name), path, notebook)

    def _rules_above(self) -> Rules:
        return self._read_rules(".", lambda: Rules.above(self.root), Rules())

    def _rules_in(self, folder: Path) -> Rules:
        above = self.rules[folder.parent]
        name = self._name(folder) if folder != self.root else "."
        return self._read_rules(name, lambda: above.inside(folder), above)

    def _read_rules(self, name: str, read: Callable[[], Rules], otherwise: Rules) -> Rules:
        """What is wrong with ignore files is told at `name`."""
        try:
            found = read()
        except (OSError, ValueError) as error:
            self.problems.append(Problem(name, 1, str(error)))
            return otherwise
        self.problems += [Problem(name, 1, told) for told in found.unused]
        return found

    def _enters(self, folder: Path, notebook: str) -> bool:
        reason = folder_reason(folder.name, notebook) or self.rules[folder.parent].reason(folder, folder=True)
        try:
            linked = not reason and folder.is_symlink()
        except OSError as error:  # a path may be longer than the system takes
            self.problems.append(Problem(self._name(folder), 1, f"this folder cannot be read: {error.strerror}"))
            return False
        if linked:
            if Path(os.path.realpath(folder)).is_relative_to(self.root):
                reason = "a link to a folder that is read in its own place"
            else:
                self.problems.append(Problem(self._name(folder), 1, _LEADS_OUT))
                return False
        if reason:
            self.skipped.append((f"{self._name(folder)}/", reason))
        return not reason

    def _takes(self, path: Path) -> bool:
        reason = file_reason(path.name) or self.rules[path.parent].reason(path)
        if not reason and path.suffix.lower() not in suffixes():
            reason = f"not in a format that is read ({path.suffix.lower() or 'no suffix'})"
        if reason:
            self.skipped.append((self._name(path), reason))
            return False
        if problem := _unusable(path, self.root):
            self.problems.append(Problem(self._name(path), 1, problem))
            return False
        return True

    def _name(self, path: Path) -> str:
        return self.prefix + _text(path.relative_to(self.root).as_posix())

    def _unreadable(self, error: OSError) -> None:
        folder = self._name(Path(error.filename))
        self.problems.append(Problem(folder, 1, f"this folder cannot be read: {error.strerror}"))


def _text(name: str) -> str:
    """A file name may be bytes that are no text."""
    return name.encode("utf-8", "backslashreplace").decode()


_LEADS_OUT = "a link that leads out of the notes folder; it was not followed"


def _unusable(path: Path, root: Path) -> str:
    """Why a path is not read, or "". A pipe or a device would hang the reader. All notes are looked at every few seconds, so a
    plain file costs one call.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return "went away while the notes were looked through"
    except OSError as error:
        return f"cannot be looked at: {error.strerror}"
    if stat.S_ISREG(mode):
        return ""
    if not stat.S_ISLNK(mode):
        return "not a regular file"
    if not Path(os.path.realpath(path)).is_relative_to(root):
        return _LEADS_OUT
    return "" if path.is_file() else "a link to nothing"


def _notebook_of(folders: Sequence[str], files: Sequence[str]) -> str:
    """The program that keeps its notes in a folder with these things in it, or ""."""
    if ".obsidian" in folders:
        return "obsidian"
    pages = "pages" in folders or "journals" in folders
    return "logseq" if pages and ("logseq" in folders or {"pages", "journals"} <= set(folders)) else ""


def _notebook_around(place: Path) -> str:
    """The same of the folders that a place lies in: a part of a vault is read as such."""
    for folder in place.parents:
        if (folder / ".obsidian").is_dir():
            return "obsidian"
        if (folder / "logseq" / "config.edn").is_file():
            return "logseq"
    return ""


def read_sources(sources: Sequence[Source]) -> tuple[dict[str, bytes], list[Problem]]:
    """The bytes of each file by its name. A file that cannot be read, or went away meanwhile, is a problem and no more."""
    data: dict[str, bytes] = {}
    problems: list[Problem] = []
    for source in sources:
        try:
            data[source.file] = read_whole(source.path)
        except FileNotFoundError:
            problems.append(Problem(source.file, 1, "this file went away while the notes were being read"))
        except OSError as error:
            problems.append(Problem(source.file, 1, f"this file cannot be read: {error.strerror}"))
    return data, problems


def read_whole(path: Path) -> bytes:
    """A file as it is between two writes. Editors write in steps, or put a new file in the place of the old one: what
    changes while it is read, or was emptied a moment ago, is read again. Raises OSError.
    """
    for left in reversed(range(_TRIES)):
        try:
            before, content, after = _read_once(path)
        except FileNotFoundError:
            if not left:
                raise
        else:
            unchanged = (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size)
            steady = unchanged and after.st_size == len(content)
            emptied = not content and abs(time.time() - after.st_mtime) < 1
            if (steady and not emptied) or not left:
                return content
        time.sleep(_PAUSE)
    raise AssertionError("not reached")


def _read_once(path: Path) -> tuple[os.stat_result, bytes, os.stat_result]:
    """Never waits for a pipe that took the file's place since it was looked at."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        before = os.fstat(file.fileno())
        if not stat.S_ISREG(before.st_mode):
            raise OSError(0, "not a regular file")
        return before, file.read(), os.fstat(file.fileno())
