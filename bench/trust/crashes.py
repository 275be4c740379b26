"""Kills and failing disks at every call with which an index is written: requirements 1 and 2.

A scene is a state of the index to begin from, and a command. It is played once undisturbed, to learn its calls and both
answers: that of the index before and that of the index after. Then it is played once for each call and each kind of harm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

from bench.trust.calls import Fault
from bench.trust.runner import Outcome, Run
from bench.trust.workplace import AFTER, BEFORE, Workplace, plain, tree_hash

ASKED = ("apple tree in the garden", "line 200 on item")
CAUSES = {"ENOSPC": "No space left on device", "EIO": "Input/output error"}
MIDDLE = {**BEFORE, "garden.txt": BEFORE["garden.txt"].replace("monthly", "weekly")}
RENAMED = {"yard.txt": BEFORE["garden.txt"], "vehicles/bicycle.md": BEFORE["bicycle.md"]}
"""The same notes under other names, less one file: nothing is embedded anew, and all is written."""
SHORT = {"list.txt": "".join(f"Line {n} on item {n * 7919 % 1009}\n" for n in range(136))}
LONG = {"list.txt": "".join(f"Line {n} on item {n * 7919 % 1009}\n" for n in range(270))}
"""So many lines more that what is embedded is written to a journal on the way."""


@dataclass(frozen=True, slots=True)
class Scene:
    """states: the notes that are indexed one after another to begin with; the notes of the command are `then`."""

    name: str
    states: Sequence[dict[str, str]]
    then: dict[str, str]
    spoil: Callable[[Workplace], None] | None = None


def _spoil(work: Workplace) -> None:
    """Damages the index, so that the command has to notice it and build anew."""
    largest = max(work.files(), key=lambda path: path.stat().st_size if "model" not in path.as_posix() else 0)
    largest.write_bytes(largest.read_bytes()[:-100])


QUICK = ("build", "update", "swap and clean-up")
SCENES = (
    Scene("build", [], AFTER),
    Scene("update with a journal", [SHORT], LONG),
    Scene("update", [BEFORE], AFTER),
    Scene("swap and clean-up", [MIDDLE, BEFORE, MIDDLE, BEFORE], AFTER),
    Scene("files renamed and gone", [BEFORE], RENAMED),
    Scene("rebuild after damage", [BEFORE], AFTER, _spoil),
)


@dataclass(slots=True)
class Found:
    """What the runs came to. points: calls that were harmed. old, new, none: which index was there afterwards. traced: calls
    that were watched. touched: where notes were written. spoke: where something was sent to an address.
    """

    points: int = 0
    runs: int = 0
    old: int = 0
    new: int = 0
    none: int = 0
    traced: int = 0
    bad: list[str] = field(default_factory=list)
    touched: list[str] = field(default_factory=list)
    spoke: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Stage:
    """A scene set up: the copy of the index to begin from, and what is answered before and after."""

    scene: Scene
    work: Workplace
    copy: Path
    calls: list[str]
    before: list[Any]
    after: list[Any]
    bytes_after: int


def set_up_to(work: Workplace, scene: Scene) -> None:
    """All that stands there before the command of the scene is started."""
    work.restore(work.folder / "nothing")
    for state in scene.states:
        work.put(state)
        work.build()
    if scene.spoil:
        scene.spoil(work)
    work.put(scene.then)


def set_up(work: Workplace, scene: Scene) -> Stage:
    copy = work.folder / "copy"
    set_up_to(work, scene)
    work.keep(copy)
    before = work.answers(ASKED)  # of the old index beside the new notes: it says which files have changed since
    outcome = work.trellis("index", watched=True)
    if outcome.last.status != 0:
        raise AssertionError(f"{scene.name}: {outcome.last.err}")
    calls = [call.name for call in outcome.calls if call.path.startswith(str(work.index))]
    size = sum(path.stat().st_size for path in work.files())
    return Stage(scene, work, copy, calls, before, work.answers(ASKED), size)


def sweep(work: Workplace, kinds: Sequence[str], points: int | None = None, scenes: Sequence[Scene] = SCENES) -> Found:
    """Every kind of harm at every call of the scenes; or, with `points`, the kinds in turn at so many calls, evenly spread."""
    found = Found()
    turn = cycle(kinds)
    for scene in scenes:
        stage = set_up(work, scene)
        count = len(stage.calls)
        share = count if points is None else min(count, -(-points // len(scenes)))
        for at in sorted({1 + round(step * (count - 1) / max(1, share - 1)) for step in range(share)}):
            found.points += 1
            for kind in kinds if points is None else [next(turn)]:
                _harm(stage, at, kind, found)
    return found


def within(path: str, folder: Path) -> bool:
    return path == str(folder) or path.startswith(f"{folder}/")


def _harm(stage: Stage, at: int, kind: str, found: Found) -> None:
    work = stage.work
    work.restore(stage.copy)
    notes = tree_hash(work.notes)
    fault = Fault(str(work.index), at, kind, lasting=kind == "ENOSPC")
    outcome = work.trellis("index", fault=fault)
    found.runs += 1
    where = f"{stage.scene.name}, {kind} at call {at} ({stage.calls[at - 1]})"
    found.bad += [f"{where}: {what}" for what in _wrong(stage, outcome, kind, found)]
    found.traced += len(outcome.calls)
    touched = [call for call in outcome.calls if within(call.path, work.notes) or within(call.source, work.notes)]
    found.spoke += [
        f"{where}: {call.path}" for call in outcome.calls if call.name in ("connect", "sendto") and call.path
    ]
    if touched or tree_hash(work.notes) != notes:
        found.touched.append(f"{where}: {touched[:3]}")


def _wrong(stage: Stage, outcome: Outcome, kind: str, found: Found) -> Iterator[str]:
    work = stage.work
    if kind == "KILL" and not outcome.signal:
        yield "it was not killed"
    if kind != "KILL":
        yield from _badly_told(outcome, kind)
    asked = [work.command("ask", question, "--top", "50", "--json") for question in ASKED]
    check = work.command("check", "--json")
    runs = work.runner.run(check, *asked, work.command("index"), check, *asked).runs
    many = len(asked)
    yield from _neither(stage, outcome.last, runs[0], [plain(run) for run in runs[1 : many + 1]], found)
    repair, checked, *answers = runs[many + 1 :]
    if repair.status != 0 or not checked.json["ok"]:
        yield f"the next run did not repair it: {repair.err} {checked.out}"
    elif [plain(run) for run in answers] != stage.after:
        yield "after the next run the answers are not those of the notes"
    size = sum(path.stat().st_size for path in work.files())
    if size > 1.5 * stage.bytes_after:
        yield f"rubbish is left: {size:,} bytes where {stage.bytes_after:,} are needed"


def _badly_told(outcome: Outcome, kind: str) -> Iterator[str]:
    run = outcome.last
    if outcome.signal:
        yield f"it ended with signal {outcome.signal}"
    elif run.status and CAUSES[kind] not in run.err:
        yield f"it does not name the cause: {run.err!r}"
    if "Traceback" in run.err:
        yield f"a traceback: {run.err[-300:]}"


def _neither(stage: Stage, command: Run, checked: Run, answers: list[Any], found: Found) -> Iterator[str]:
    """The index must be the whole old one or the whole new one; where the command said that it was done, the new one."""
    whole, problem = checked.json["whole"], checked.json["problem"]
    done = command.status == 0
    if answers == stage.after and whole:
        found.new += 1
    elif answers == stage.before and not done and (whole or not stage.scene.states or stage.scene.spoil):
        found.old += bool(stage.scene.states)
        found.none += not stage.scene.states
        if not stage.scene.states and not problem.startswith("There is no index"):
            yield f"neither an index nor none: {problem}"
    else:
        yield f"neither the old nor the new index: done {done}, whole {whole}, {problem}, {answers}"[:600]
