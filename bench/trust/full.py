"""A disk that is really full, and an index that goes away while it is served: requirement 3."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.trust.crashes import ASKED, Found, Scene, Stage, set_up
from bench.trust.runner import ROOT, Outcome
from bench.trust.workplace import AFTER, BEFORE, Workplace

MAIN = (sys.executable, "-c", "from service.cli import main; main()")
_SCENES = (Scene("build", [], AFTER), Scene("update", [BEFORE], AFTER))


def sizes(work: Workplace, count: int) -> Found:
    """No file may grow beyond a size: at `count` sizes, from none to more than the largest file needs."""
    found = Found()
    for scene in _SCENES:
        stage = set_up(work, scene)
        largest = max(path.stat().st_size for path in work.files() if "models" not in path.parts)
        share = count // len(_SCENES)
        for step in range(share):
            limit = round((largest + 1) ** (step / max(1, share - 1))) - 1
            found.points += 1
            found.runs += 1
            work.restore(stage.copy)
            outcome = work.trellis("index", largest=limit)
            found.bad += [f"{scene.name}, {limit:,} bytes: {what}" for what in _judge(stage, outcome, found)]
    return found


def _judge(stage: Stage, outcome: Outcome, found: Found) -> Iterator[str]:
    work, run = stage.work, outcome.last
    if outcome.signal or "Traceback" in run.err:
        yield f"signal {outcome.signal}, {run.err[-300:]}"
    if run.status and "File too large" not in run.err:
        yield f"the cause is not named: {run.err!r}"
    answers = work.answers(ASKED)
    if answers == stage.after:
        found.new += 1
    elif run.status and answers == stage.before:
        found.old += 1
    else:
        yield f"neither the old nor the new index: {run} {answers}"[:400]
    again = work.runner.run(work.command("index"), work.command("check", "--json")).runs
    if again[0].status != 0 or not again[1].json["ok"] or work.answers(ASKED) != stage.after:
        yield f"the next run did not repair it: {again}"


def can_mount() -> bool:
    """Whether this user may mount a file system of their own, in a room of their own."""
    if not shutil.which("unshare"):
        return False
    command = ["unshare", "-rm", "sh", "-c", "mount -t tmpfs tmpfs /mnt"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def small_disks(work: Workplace, kilobytes: Sequence[int]) -> Found:
    """An update on a file system of so many kilobytes beyond what the index takes already, by the command itself."""
    found = Found()
    stage = set_up(work, _SCENES[1])
    used = sum(-(-path.stat().st_size // 4096) * 4 + 4 for path in stage.copy.rglob("*"))
    for more in kilobytes:
        found.points += 1
        found.runs += 1
        script = (
            f"mkdir -p {work.index} && mount -t tmpfs -o size={used + more}k tmpfs {work.index}"
            f" && cp -a {stage.copy}/. {work.index}"
            f' && "$@" index 2>&1; echo "status $?"; "$@" check --json; "$@" ask "{ASKED[0]}" --json --top 50'
        )
        work.restore(work.folder / "nothing")
        command = [*MAIN, "--config", str(work.config)]
        run = subprocess.run(
            ["unshare", "-rm", "sh", "-c", script, "sh", *command], cwd=ROOT, capture_output=True, text=True, check=False,
            env={**os.environ, "XDG_CACHE_HOME": str(work.folder.parent / "cache")},
        )  # fmt: skip
        found.bad += [
            f"a disk with {more:,} kB left: {what}" for what in _judge_disk(stage, run.stdout + run.stderr, found)
        ]
    return found


def _judge_disk(stage: Stage, told: str, found: Found) -> Iterator[str]:
    head, _, rest = told.partition("status ")
    status, _, rest = rest.partition("\n")
    decoder = json.JSONDecoder()
    try:
        checked, end = decoder.raw_decode(rest)
        answer, _ = decoder.raw_decode(rest[end:].lstrip())
    except ValueError:
        yield f"no answer: {told[-500:]}"
        return
    answers = [answer["question"], answer["results"]]
    if not checked["whole"] or answers not in (stage.before[0], stage.after[0]):
        yield f"neither the old nor the new index: {checked['problem']}"
    found.new += status == "0"
    found.old += status != "0"
    if status == "0" and answers != stage.after[0]:
        yield "it said that it was done"
    if status != "0" and "No space left on device" not in head:
        yield f"the cause is not named: {head!r}"
    if "Traceback" in told:
        yield f"a traceback: {head[-300:]}"


class Served:
    """The service over a workplace, as a process of its own."""

    def __init__(self, work: Workplace, *arguments: str) -> None:
        environment = {**os.environ, "XDG_CACHE_HOME": str(work.folder.parent / "cache")}
        self.log = work.folder / "served.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*MAIN, "--config", str(work.config), "serve", "--port", "0", *arguments],
                stdout=subprocess.PIPE, stderr=log, text=True, env=environment, cwd=ROOT,
            )  # fmt: skip
        assert self.process.stdout
        self.url = self.process.stdout.readline().strip()
        if not self.url:
            raise RuntimeError(f"the service did not start: {self.log.read_text()}")

    def get(self, path: str, **parameters: str | int) -> Any:
        asked = f"{self.url}{path}?{urllib.parse.urlencode(parameters)}" if parameters else f"{self.url}{path}"
        with urllib.request.urlopen(asked, timeout=60) as response:
            return json.load(response)

    def ask(self, question: str) -> Any:
        body = json.dumps({"question": question}).encode()
        request = urllib.request.Request(f"{self.url}api/ask", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)

    def stop(self) -> int:
        self.process.terminate()
        self.process.communicate(timeout=60)
        return self.process.returncode

    def wait_for(self, question: str, line: str, seconds: float = 60) -> float | None:
        """How long until the first result shows this line; None when it never does."""
        started = time.monotonic()
        while time.monotonic() < started + seconds:
            if any(
                line in shown["text"] for result in self.ask(question)["results"][:1] for shown in result["excerpt"]
            ):
                return time.monotonic() - started
            time.sleep(0.1)
        return None


@dataclass(slots=True)
class Withdrawn:
    """What the service did while its index was gone or could not be written."""

    asked: int = 0
    marked: int = 0
    bad: list[str] = field(default_factory=list)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Nobody can change anything in the folder, not even root."""
    paths = [folder, *folder.rglob("*")]
    modes = {path: path.stat().st_mode for path in paths}
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    for path in reversed(paths):
        path.chmod(modes[path] & ~0o222)
    if root:
        subprocess.run(["chattr", "-R", "+i", str(folder)], check=True, capture_output=True)
    try:
        yield
    finally:
        if root:
            subprocess.run(["chattr", "-R", "-i", str(folder)], check=True, capture_output=True)
        for path, mode in modes.items():
            path.chmod(mode)


def can_lock() -> bool:
    return os.geteuid() != 0 or bool(shutil.which("chattr"))


def withdrawn(work: Workplace, questions: int) -> Withdrawn:
    """The index folder is taken away, and is made read-only, while notes change and questions are asked."""
    found = Withdrawn()
    edited = {**BEFORE, "garden.txt": BEFORE["garden.txt"].replace("February", "June")}
    for name, harm in (("read-only", _locked), ("removed", _removed)):
        if name == "read-only" and not can_lock():
            continue
        work.put(BEFORE)
        work.build()
        served = Served(work)
        try:
            before = served.ask(ASKED[0])
            with harm(work.index):
                work.put(edited)
                time.sleep(3)  # long enough for the follower to have tried and failed
                for _ in range(questions):
                    _ask_once(served, name, before, found)
            if served.wait_for(ASKED[0], "June") is None:
                found.bad.append(f"{name}: the change was never taken up again: {served.log.read_text()[-500:]}")
        finally:
            if served.stop() != 0 or "Traceback" in served.log.read_text():
                found.bad.append(f"{name}: {served.log.read_text()[-500:]}")
    return found


def _ask_once(served: Served, name: str, before: Any, found: Withdrawn) -> None:
    found.asked += 1
    try:
        answer = served.ask(ASKED[0])
    except OSError as error:
        found.bad.append(f"{name}: no answer: {error}")
        return
    results = answer["results"]
    stands = any("June" in line["text"] for result in results for line in result["excerpt"] if not result.get("stale"))
    ours = [result for result in results if result["source"]["file"] == "garden.txt"]
    left_out = [each for each in answer.get("outdated", []) if "garden.txt" in str(each)]
    found.marked += stands or bool(ours and all(each.get("stale") for each in ours)) or bool(left_out and not ours)
    others = [_others(each) for each in (answer, before)]
    if not stands and others[0] != others[1]:
        found.bad.append(f"{name}: another answer from files that did not change: {others[0]}"[:300])


def _others(answer: Any) -> set[str]:
    return {result["text"] for result in answer["results"] if result["source"]["file"] != "garden.txt"}


_locked: Callable[[Path], Any] = read_only


@contextmanager
def _removed(folder: Path) -> Iterator[None]:
    """The folder is gone, and a file stands in its place, so that it cannot be made again."""
    aside = folder.with_name("taken-away")
    folder.rename(aside)
    folder.write_text("in the way")
    try:
        yield
    finally:
        folder.unlink()
        aside.rename(folder)
