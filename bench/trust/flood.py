"""Tens of thousands of changes at once, while nobody takes the system's word for them: requirement 9.

The service is stopped for as long as the files are written, so that what the system has to tell of them does not fit in its
queue and is lost. Then it goes on. From its first answer on, whatever does not stand in the notes any more has to be left out
or marked; half a minute later nothing that was written may be missing.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.trust.full import Served
from bench.trust.workplace import Workplace

_QUEUE = Path("/proc/sys/fs/inotify/max_queued_events")
DEADLINE = 30.0
"""Seconds after the last change."""
_FOLDER = 500
"""Files in one folder. Every tenth folder comes with the flood, so that nobody can have watched it before."""
_KINDS = ("rewritten", "deleted", "renamed", "added")


@dataclass(slots=True)
class Flooded:
    """What became of the changes. seconds: that they took. overflowed: whether the system said that it lost some of what it had
    to tell. behind: seconds from the last change until it was found. missing, unmarked: of the changes looked for after the
    deadline, how many were not found, and how many had an answer that does not stand in the notes and does not say so. at_once:
    as `unmarked`, right after the flood.
    """

    changes: int = 0
    seconds: float = 0.0
    overflowed: bool = False
    looked: int = 0
    missing: int = 0
    unmarked: int = 0
    looked_at_once: int = 0
    at_once: int = 0
    behind: float = 0.0
    bad: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Note:
    """A file with one line. Its word is in no other file."""

    number: int
    kind: str

    def place(self, notes: Path, after: bool) -> Path | None:
        """Where it lies before or after the flood, if anywhere."""
        if self.kind == ("deleted" if after else "added"):
            return None
        folder = f"new{self.number // _FOLDER}" if self.kind == "added" else f"{self.number // _FOLDER}"
        name = "moved" if self.kind == "renamed" and after else "note"
        return notes / folder / f"{name}{self.number}.txt"

    def text(self, after: bool) -> str:
        """Of the same length before and after."""
        said = "later" if after and self.kind in ("rewritten", "added") else "first"
        return f"{self.word} is what was {said} written\n"

    @property
    def word(self) -> str:
        return "word" + "".join(chr(ord("a") + int(digit)) for digit in f"{self.number:06}")


def notes_of(changes: int) -> list[Note]:
    return [Note(number, _KINDS[number % len(_KINDS)]) for number in range(changes)]


def can_overflow() -> bool:
    return _QUEUE.exists()


def flood(work: Workplace, changes: int, samples: int, seed: int = 1, waits: bool = True) -> Flooded:
    """So many files are written anew, deleted, renamed and added at once; `samples` of each kind are looked for. waits: until
    the deadline, also when the last change is found before.
    """
    found, notes = Flooded(changes), notes_of(changes)
    work.put({"rest.txt": "What stays as it is\n"})
    for note in notes:
        _write(note, work.notes, after=False)
    work.build()
    chance = random.Random(seed)
    chosen = [note for kind in _KINDS for note in chance.sample([each for each in notes if each.kind == kind], samples)]
    served = Served(work, "--watch")
    try:
        started = time.monotonic()
        with held_up(served.process.pid):
            _fill_queue(work.notes)
            for note in notes:
                _change(note, work.notes)
            found.seconds = time.monotonic() - started
        ended = time.monotonic()
        for note in chosen[:: max(1, len(chosen) // 40)]:
            found.looked_at_once += 1
            found.at_once += _unmarked(served, note)
        if served.wait_for(notes[-1].word, notes[-1].text(True).strip(), ended + DEADLINE - time.monotonic()) is None:
            found.bad.append("the last change was not found in time")
        found.behind = time.monotonic() - ended
        time.sleep(max(0.0, ended + DEADLINE - time.monotonic()) if waits else 0.0)
        for note in chosen:
            found.looked += 1
            found.missing += _missing(served, note)
            found.unmarked += _unmarked(served, note)
        found.bad += _new_folders_are_followed(served, work.notes)
    finally:
        if served.stop() != 0 or "Traceback" in served.log.read_text("utf-8"):
            found.bad.append(served.log.read_text("utf-8")[-500:])
    found.overflowed = "overflow" in served.log.read_text("utf-8")
    return found


@contextmanager
def held_up(process: int) -> Iterator[None]:
    """No thread of the process runs meanwhile."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def _fill_queue(notes: Path) -> None:
    """Gives the system more to tell than it keeps, so that it has no room for what comes next. No two of it are alike: those
    would count as one.
    """
    one, other = notes / ".one", notes / ".other"
    one.write_text("", "utf-8")
    for _ in range(int(_QUEUE.read_text("ascii")) // 4 + 1):  # of each renaming it tells twice
        one.rename(other)
        other.rename(one)
    one.unlink()


def _write(note: Note, notes: Path, after: bool) -> None:
    if place := note.place(notes, after):
        place.parent.mkdir(exist_ok=True)
        place.write_text(note.text(after), "utf-8")


def _change(note: Note, notes: Path) -> None:
    before, after = note.place(notes, False), note.place(notes, True)
    if note.kind == "renamed" and before and after:
        before.rename(after)
    elif note.kind == "deleted" and before:
        before.unlink()
    else:
        _write(note, notes, after=True)


def _shown(served: Served, note: Note) -> list[tuple[bool, Any]]:
    """What the service shows of a note: whether it says that its file has changed, the file, and the line."""
    results = served.get("api/search", q=note.word, top=3)["results"]
    return [
        (bool(result.get("stale")), (result["source"]["file"], line["text"]))
        for result in results
        for line in result["excerpt"]
        if note.word in line["text"]
    ]


def _expected(note: Note) -> list[tuple[str, str]]:
    place = note.place(Path(), True)
    return [(place.as_posix(), note.text(True).strip())] if place else []


def _missing(served: Served, note: Note) -> bool:
    return [what for _, what in _shown(served, note)] != _expected(note)


def _unmarked(served: Served, note: Note) -> bool:
    """Whether something is shown as it stands in the notes that does not."""
    return any(not marked and what not in _expected(note) for marked, what in _shown(served, note))


def _new_folders_are_followed(served: Served, notes: Path) -> Iterator[str]:
    """The system lost what it had to say of the folders that came with the flood. A change in one of them is noticed, too."""
    (notes / "new0" / "late.txt").write_text("Afterthought is what came last\n", "utf-8")
    if served.wait_for("afterthought", "Afterthought is what came last", DEADLINE) is None:
        yield "a change in a new folder was not noticed"
