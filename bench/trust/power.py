"""Power cuts, after Lucene's `crash()`: what was not synced is lost or spoilt. Requirement 4.

A run of `trellis index` is killed at a call; the log of its calls tells what had reached the disk for certain. Files whose
data was not synced are deleted, zeroed, halved, emptied, or get a bit flipped; names that were not synced with their folder go
back to what they were. Each is drawn by chance, for a disk may do any part of it. The rules are stricter than those of most
file systems: a new name lasts only when its folder was synced, and the order of renames is not kept.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.trust.calls import Call, Fault
from bench.trust.crashes import ASKED, SCENES, Found, Scene, Stage, set_up, set_up_to
from bench.trust.workplace import Workplace, plain

_WRITES = {"write", "pwrite64", "writev", "pwritev", "pwritev2", "ftruncate", "truncate", "fallocate", "sendfile",
           "copy_file_range"}  # fmt: skip


@dataclass(slots=True)
class Disk:
    """What may still be lost. dirty: files with unsynced data. names: unsynced changes of names, the earliest first, as
    (kind, folder that has to be synced, path, the other path of a rename).
    """

    root: str
    dirty: dict[str, None] = field(default_factory=dict)
    names: list[tuple[str, str, str, str]] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    violations: list[str] = field(default_factory=list)

    def play(self, call: Call) -> None:
        if not within(call.path, self.root) and call.path != str(Path(self.root).parent):
            return  # where the root itself stands matters: its name has to last, too
        path, folder = call.path, str(Path(call.path).parent)
        match call.name:
            case "open" | "openat" | "creat":
                if call.creates and path not in self.known:
                    self.known.add(path)
                    self.dirty[path] = None
                    self.names.append(("made", folder, path, ""))
            case "mkdir" | "mkdirat":
                if path not in self.known:
                    self.known.add(path)
                    self.names.append(("made", folder, path, ""))
            case "link" | "linkat":
                self.names.append(("made", folder, path, ""))
            case "fsync" | "fdatasync":
                self.dirty.pop(path, None)
                self.names = [change for change in self.names if change[1] != path]
            case "unlink" | "unlinkat" | "rmdir":
                self.known.discard(path)
                self.dirty.pop(path, None)
                self.names = [change for change in self.names if change[2] != path]
                self.names.append(("gone", folder, path, ""))
            case "rename" | "renameat" | "renameat2":
                self._rename(call.source, path, folder)
            case name if name in _WRITES:
                self.dirty[path] = None

    def _rename(self, source: str, path: str, folder: str) -> None:
        inside = [*self.dirty, *(change[1] for change in self.names if change[0] != "gone")]
        self.violations += [f"{source} was renamed before {each} was synced" for each in inside if within(each, source)]
        if folder == self.root:
            self.violations += [f"{path} was published before {each} was synced" for each in self.lasting(source)]
        self.dirty = {moved(each, source, path): None for each in self.dirty}
        self.known = {moved(each, source, path) for each in self.known}
        self.names = [(k, moved(f, source, path), moved(p, source, path), o) for k, f, p, o in self.names]
        made_here = [change for change in self.names if change[0] == "made" and change[2] == path]
        self.names = [change for change in self.names if change not in made_here]
        self.names.append(("renamed", folder, path, source))

    def lasting(self, but: str = "") -> Iterator[str]:
        """Unsynced files and names other than hidden ones, which are locks and leftovers, and other than `but`."""
        made = [change[2] for change in self.names if change[0] in ("made", "renamed")]
        for each in dict.fromkeys([*self.dirty, *made]):
            if each not in (but, self.root) and not Path(each).name.startswith("."):
                yield each


def within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def moved(path: str, source: str, target: str) -> str:
    return target + path[len(source) :] if within(path, source) else path


def order(work: Workplace, scenes: Sequence[Scene] = SCENES) -> list[str]:
    """What is wrong with the order of syncs: renames ahead of what they publish, and what stays unsynced at the end."""
    wrong = []
    for scene in scenes:
        set_up_to(work, scene)
        disk = disk_of(work)
        for call in work.trellis("index", watched=True).calls:
            disk.play(call)
        wrong += [f"{scene.name}: {what}" for what in disk.violations]
        wrong += [f"{scene.name}: {each} was never synced" for each in disk.lasting()]
    return wrong


def disk_of(work: Workplace) -> Disk:
    """All that is there now counts as synced."""
    there = [work.index, *work.index.rglob("*")] if work.index.exists() else []
    return Disk(str(work.index), known={str(path) for path in there})


def cuts(work: Workplace, count: int, seed: int, scenes: Sequence[Scene] = SCENES) -> Found:
    """`count` power cuts, at random calls of the scenes in turn."""
    found = Found()
    chance = random.Random(seed)
    for at, scene in enumerate(scenes):
        stage = set_up(work, scene)
        for _ in range(count // len(scenes) + (at < count % len(scenes))):
            found.points += 1
            found.runs += 1
            where = chance.randint(1, len(stage.calls) + 1)
            found.bad += [f"{scene.name}, cut at call {where}: {what}" for what in _cut(stage, where, chance, found)]
    return found


def _cut(stage: Stage, at: int, chance: random.Random, found: Found) -> Iterator[str]:
    work = stage.work
    work.restore(stage.copy)
    disk = disk_of(work)
    ended = at > len(stage.calls)
    outcome = work.trellis("index", fault=None if ended else Fault(str(work.index), at, "KILL"), watched=True)
    for call in outcome.calls:
        disk.play(call)
    done = _spoil(work, disk, stage.copy, chance)
    asked = [work.command("ask", question, "--top", "50", "--json") for question in ASKED]
    check = work.command("check", "--json")
    runs = work.runner.run(check, *asked, work.command("index"), check, *asked).runs
    many = len(asked)
    answers = [plain(run) for run in runs[1 : many + 1]]
    whole, problem = runs[0].json["whole"], runs[0].json["problem"]
    if answers == stage.after and whole:
        found.new += 1
    elif not ended and answers == stage.before and (whole or stage.scene.spoil):
        found.old += 1
    elif not ended and not stage.scene.states and problem.startswith("There is no index"):
        found.none += 1
    else:
        yield f"neither the old nor the new index ({done}): {problem} {answers}"[:500]
    if runs[many + 1].status != 0 or [plain(run) for run in runs[many + 3 :]] != stage.after:
        yield f"the next run did not repair it ({done}): {runs[many + 1].err}"


def _spoil(work: Workplace, disk: Disk, before: Path, chance: random.Random) -> list[str]:
    """Does to the index what the cut may do to it. Answers what was done."""
    done = []
    for name in disk.dirty:
        path = Path(name)
        if path.is_file():
            how = chance.choice(["kept", "deleted", "zeroed", "halved", "emptied", "flipped"])
            _harm(path, how, chance)
            done.append(f"{path.relative_to(work.index)} {how}")
    for kind, _, name, source in reversed(disk.names):
        path = Path(name)
        if chance.random() < 0.5:
            continue
        done.append(f"{path.relative_to(work.index.parent)} not {kind}")
        old = before / path.relative_to(work.index)
        if kind == "made":
            _remove(path)
        elif kind == "renamed" and path.exists() and Path(source).parent.is_dir():
            _remove(Path(source))
            path.rename(source)
        if kind in ("gone", "renamed") and old.exists() and path.parent.is_dir() and not path.exists():
            if old.is_dir():
                path.mkdir()
            else:
                shutil.copy2(old, path)
    return done


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _harm(path: Path, how: str, chance: random.Random) -> None:
    data = bytearray(path.read_bytes())
    match how:
        case "deleted":
            path.unlink()
        case "zeroed":
            path.write_bytes(bytes(len(data)))
        case "halved":
            path.write_bytes(data[: len(data) // 2])
        case "emptied":
            path.write_bytes(b"")
        case "flipped" if data:
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            path.write_bytes(data)
