"""What in a notes folder is passed over, and why: ignore files, editors' temporary files, copies that a sync left behind."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.errors import PatternNotUnderstood

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILES = (".gitignore", ".trellisignore")
"""Read in this order in each folder; what is said later or deeper holds."""
_MOST_ABOVE = 100
"""Ignore files that hold in one folder: each of them is asked about every file in it."""

_TEMPORARY = re.compile(
    r"~\$.*|#.*#|.*~|4913|.*\.(?:te?mp|swp|swo|bak|orig|rej|part|partial|crdownload|kate-swp|___jb_(?:tmp|old)___)|.*\.tmp\.\w+",
    re.IGNORECASE,
)
_CONFLICT = re.compile(
    r"\.sync-conflict-\d{8}-\d{6}|\([^()]*(?:conflicted copy|case conflict|SFConflict|in conflict)[^()]*\)|"
    r"_conflict-\d{8}-\d{6}|"
    r"\[conflict(?:ed)?\b[^\]]*\]|_conf\(\d+\)|\.conflict(?:ed)?\d*(?=\.|$)|conflicted copy \d{4}-\d{2}-\d{2}",
    re.IGNORECASE,
)
_DRAWING = re.compile(r".*\.(?:canvas|excalidraw|tldr|drawio)", re.IGNORECASE)
_PROGRAMS = frozenset({"node_modules", "__pycache__", "__MACOSX"})


@dataclass(frozen=True, slots=True)
class Rules:
    """The ignore files that hold in a folder: (folder, name of the ignore file, its patterns), the outermost first. unused:
    what is to be told of those that were read last.
    """

    specs: tuple[tuple[Path, str, GitIgnoreSpec], ...] = ()
    unused: tuple[str, ...] = ()

    def inside(self, folder: Path) -> Rules:
        """The rules in a folder below: these, and those that lie in it. Raises OSError or ValueError, with the file's name."""
        found = list(self.specs)
        unused: list[str] = []
        for name in IGNORE_FILES:
            path = folder / name
            if path.is_file():
                if len(found) >= _MOST_ABOVE:
                    raise ValueError(
                        f"{name} in '{folder.name}' is not read: there are {_MOST_ABOVE} such files above it"
                    )
                from indexer.globs import read_usable  # who only asks needs none

                try:
                    lines = path.read_text("utf-8-sig", "replace").splitlines()
                    spec, left_out = read_usable(lines)
                except (OSError, ValueError) as error:
                    raise ValueError(f"{name} in '{folder.name}' cannot be used: {error}") from error
                found.append((folder, name, spec))
                unused += [
                    f"'{line[:80]}' in {name} is no pattern as in .gitignore and was not used" for line in left_out
                ]
        return Rules(tuple(found), tuple(unused))

    @classmethod
    def above(cls, place: Path) -> Rules:
        """The rules of the git repository that a notes folder lies in, from the repository's root down to the folder above it.
        None hold if they pass over the folder itself: it was named, so it is wanted. Raises as `inside` does.
        """
        folders = list(place.parents)
        root = next((at for at, folder in enumerate(folders) if (folder / ".git").exists()), None)
        rules = cls()
        if root is None or (place / ".git").exists():
            return rules
        unused: list[str] = []
        for folder in reversed(folders[: root + 1]):
            rules = rules.inside(folder)
            unused += rules.unused
        passed_over = any(rules.reason(folder, folder=True) for folder in (place, *folders[:root]))
        return cls() if passed_over else cls(rules.specs, tuple(unused))

    def reason(self, path: Path, *, folder: bool = False) -> str:
        """Which ignore file passes this path over, or ""."""
        for base, name, spec in reversed(self.specs):
            asked = path.relative_to(base).as_posix() + ("/" if folder else "")
            said = spec.check_file(_as_matched(asked)).include
            if said is not None:
                return f"ignored by {name}" if said else ""
        return ""


def _as_matched(name: str) -> str:
    """A name as RE2 takes it (see `indexer.globs`): it may be bytes that are no text."""
    return name if name.isascii() else name.encode("utf-8", "replace").decode()


def given_rules(patterns: Sequence[str]) -> Callable[[Path], Rules]:
    """The rules that these patterns of the settings make in the folder that is searched. Raises PatternNotUnderstood."""
    if not patterns:
        return lambda folder: Rules()
    from indexer.globs import read_globs  # who only asks needs none

    try:
        spec = read_globs(patterns)
    except ValueError as error:
        raise PatternNotUnderstood(patterns, error) from error
    return lambda folder: Rules(((folder, "the settings", spec),))


def file_reason(name: str) -> str:
    """Why a file is passed over by its name alone, or ""."""
    if name.startswith("."):
        return "hidden"
    if _CONFLICT.search(name):
        return "a copy that a sync conflict left behind"
    if _TEMPORARY.fullmatch(name):
        return "an editor's temporary file or backup"
    if _DRAWING.fullmatch(name):
        return "a drawing"
    return ""


def folder_reason(name: str, notebook: str) -> str:
    """The same of a folder. notebook: the program whose folder it lies in, where that is known."""
    if name.startswith("."):
        return "hidden"
    if name in _PROGRAMS:
        return "files of a program"
    if name == "logseq" and notebook == "logseq":
        return "Logseq's own files"
    return ""
