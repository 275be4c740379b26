"""Flipped bits and cuts in every file of an index and of the model: requirement 5. Old formats: requirement 11."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.trust.runner import Outcome
from bench.trust.workplace import AFTER, BEFORE, Workplace, plain

ASKED = ("apple tree in the garden", "oil the chain")
_HEAD = 400
"""Bytes at the beginning of a file, where half of all damage is done: sizes, types and counts stand there."""


@dataclass(slots=True)
class Damaged:
    """What the runs came to. idle: files of the index that the current generation is not made of, and damage to those."""

    files: int = 0
    runs: int = 0
    named: int = 0
    refused: int = 0
    idle_files: list[str] = field(default_factory=list)
    idle: int = 0
    bad: list[str] = field(default_factory=list)


def set_up(work: Workplace) -> list[Any]:
    """An index that was updated once, and its answers."""
    for state in (BEFORE, AFTER):
        work.put(state)
        work.build()
    return work.answers(ASKED)


def damage(work: Workplace, cache: Path, count: int, seed: int) -> Damaged:
    """`count` damages spread over all files below the index and in the user's cache of models, one file at a time. The runner
    must be a cold one, so that each run loads the model from the disk.
    """
    expected = set_up(work)
    found, chance = Damaged(), random.Random(seed)
    files = [path for path in work.files() if path.stat().st_size]
    idle = {path for path in files if _is_idle(work, path, expected, found)}
    found.idle_files = sorted(path.relative_to(work.index).as_posix() for path in idle)
    files += sorted(path for path in cache.rglob("*") if path.is_file() and path.stat().st_size)
    found.files = len(files)
    for number in range(count):
        path = files[number % len(files)]
        whole = path.read_bytes()
        how = _harm(path, whole, chance)
        try:
            where = f"{path.relative_to(work.folder.parent)}, {how}"
            found.bad += [f"{where}: {what}" for what in _judge(work, path, path in idle, expected, found)]
        finally:
            _put(path, whole)
    if work.answers(ASKED) != expected:
        found.bad.append("the index does not answer as before when all damage is undone")
    return found


def _is_idle(work: Workplace, path: Path, expected: list[Any], found: Damaged) -> bool:
    """Whether the current generation does without this file: `check` misses nothing without it, and all is answered."""
    aside = path.rename(path.with_name(f"{path.name}.aside"))
    try:
        outcome = _look(work)
        idle = bool(outcome.runs[0].json["whole"])
        if idle and [plain(run) for run in outcome.runs[1:]] != expected:
            found.bad.append(f"{path.relative_to(work.index)} is missed by answers and not by check")
        return idle
    finally:
        aside.rename(path)


def _look(work: Workplace) -> Outcome:
    asked = [work.command("ask", question, "--top", "50", "--json") for question in ASKED]
    return work.runner.run(work.command("check", "--json"), *asked)


def _harm(path: Path, whole: bytes, chance: random.Random) -> str:
    """Flips a bit, or cuts the file short; half of it in its first bytes."""
    end = min(len(whole), _HEAD) if chance.random() < 0.5 else len(whole)
    at = chance.randrange(end)
    if chance.random() < 0.3:
        _put(path, whole[:at])
        return f"cut to {at:,} bytes"
    bit = chance.randrange(8)
    _put(path, whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :])
    return f"bit {bit} of byte {at:,} flipped"


def _put(path: Path, data: bytes) -> None:
    """In the place of the file: its contents may have a second name, as a converted model has one in the user's cache."""
    aside = path.with_name(f"{path.name}.aside")
    aside.write_bytes(data)
    aside.replace(path)


def _judge(work: Workplace, path: Path, idle: bool, expected: list[Any], found: Damaged) -> Iterator[str]:
    found.runs += 1
    outcome = _look(work)
    if outcome.signal or len(outcome.runs) < 1 + len(ASKED):
        yield f"ended by signal {outcome.signal}"
        return
    checked, *asked = outcome.runs
    answers = [plain(run) for run in asked]
    if any("Traceback" in run.err for run in outcome.runs):
        yield f"a traceback: {outcome.runs[-1].err[-300:]}"
    if idle:
        found.idle += 1
        if answers != expected:
            yield "other answers, from a file that should not matter"
        return
    ours = path.is_relative_to(work.index)
    problem = checked.json["problem"]
    named = path.name in problem if ours else "A converted model is damaged and not used" in asked[0].err
    if checked.json["whole"] == ours or not named:
        yield f"it is not named: {problem!r} {asked[0].err!r}"
    else:
        found.named += 1
    if "models" not in path.parts:
        refused = all(run.status == 2 and path.name in run.err for run in asked)
    else:
        refused = answers == expected  # not used: there is a second copy
    found.refused += refused
    if not refused:
        yield f"not refused on open: {[(run.status, run.err) for run in asked]}"
