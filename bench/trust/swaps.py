"""Readers while the index is swapped under them, by the service and by other indexers: requirement 8.

Every line of a file carries the version of that file, so a reader can tell from an answer alone whether it is of one piece: all
lines of a file have one version, and one generation never shows two versions of a file.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.trust.full import Served
from bench.trust.runner import Runner
from bench.trust.workplace import Workplace

_FILES, _LINES = 4, 5
_SAYS = re.compile(r"file (\d+) line (\d+) version (\d+)\Z")


@dataclass(slots=True)
class Swapped:
    """generations: that readers saw. edits: of a file each. busy: runs of other indexers that found one at work."""

    readers: int = 0
    answers: int = 0
    generations: set[str] = field(default_factory=set)
    edits: int = 0
    runs: int = 0
    busy: int = 0
    bad: list[str] = field(default_factory=list)
    versions: dict[tuple[str, str], str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


def write(work: Workplace, file: int, version: int) -> None:
    path = work.notes / f"file-{file}.txt"
    text = "".join("\t" * min(line, 2) + f"file {file} line {line} version {version}\n" for line in range(_LINES))
    aside = path.with_suffix(".new")
    aside.write_text(text)
    aside.replace(path)


def run(work: Workplace, readers: int, indexers: int, swaps: int, patience: float) -> Swapped:
    """Until readers have seen `swaps` generations, or `patience` seconds are over."""
    found = Swapped(readers=readers)
    work.put({})
    for file in range(_FILES):
        write(work, file, 0)
    work.build()
    served = Served(work)
    stopped = threading.Event()
    with ExitStack() as stack:
        cache = {"XDG_CACHE_HOME": str(work.folder.parent / "cache")}
        others = [stack.enter_context(Runner(cache)) for _ in range(indexers)]
        parts: list[Callable[[], None]] = [lambda: _edit(work, found)]
        parts += [lambda number=number: _read(served, number, found) for number in range(readers)]  # type: ignore[misc]
        parts += [lambda other=other: _index(work, other, found) for other in others]  # type: ignore[misc]
        threads = [threading.Thread(target=_until, args=(stopped, part, found), daemon=True) for part in parts]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline and len(found.generations) < swaps:
            time.sleep(0.2)
        stopped.set()
        for thread in threads:
            thread.join(120)
        _ends_up_current(served, found)
        if served.stop() != 0 or "Traceback" in served.log.read_text():
            found.bad.append(f"the service: {served.log.read_text()[-500:]}")
    if not work.whole():
        found.bad.append(f"in the end the index is not whole: {work.check()}")
    return found


def _until(stopped: threading.Event, part: Callable[[], None], found: Swapped) -> None:
    while not stopped.is_set():
        try:
            part()
        except Exception as error:  # whatever it is, it is what this run is for
            with found.lock:
                found.bad.append(f"{type(error).__name__}: {error}")
            time.sleep(0.5)


def _edit(work: Workplace, found: Swapped) -> None:
    found.edits += 1
    write(work, found.edits % _FILES, found.edits)
    time.sleep(0.15)


def _read(served: Served, number: int, found: Swapped) -> None:
    answer = served.get("api/search", q=f"file {number % _FILES} line {number % _LINES}", top=50)
    with found.lock:
        found.answers += 1
        found.generations.add(answer["generation"])
        found.bad += _mixed(answer, found.versions)
    time.sleep(0.05)


def _mixed(answer: dict[str, Any], versions: dict[tuple[str, str], str]) -> list[str]:
    """What in an answer is not of one piece."""
    wrong = []
    for result in answer["results"]:
        file = result["source"]["file"]
        for line in result["excerpt"]:
            said = _SAYS.match(line["text"])
            if said is None or (file, line["line"]) != (f"file-{said[1]}.txt", int(said[2]) + 1):
                wrong.append(f"{file}:{line['line']} says {line['text']!r}")
            elif versions.setdefault((answer["generation"], file), said[3]) != said[3]:
                wrong.append(f"{answer['generation']} has two versions of {file}")
    return wrong


def _index(work: Workplace, runner: Runner, found: Swapped) -> None:
    run = runner.run(work.command("index", "--json"), work.command("ask", "file 1 line 2", "--json")).runs
    with found.lock:
        found.runs += 1
        if run[0].status == 2 and "Another 'trellis index'" in run[0].err:
            found.busy += 1
        elif run[0].status != 0:
            found.bad.append(f"index: {run[0].err}")
        if run[1].status in (0, 1):
            found.bad += _mixed(json.loads(run[1].out), found.versions)
        else:
            found.bad.append(f"ask: {run[1].err}")


def _ends_up_current(served: Served, found: Swapped) -> None:
    """When the edits are over, the service shows the last of them."""
    words = f"file {found.edits % _FILES} line 0 version {found.edits}"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        shown = served.get("api/search", q=words, top=50)["results"]
        if any(line["text"] == words for result in shown for line in result["excerpt"]):
            return
        time.sleep(0.2)
    found.bad.append(f"{words!r} never came in: {Path(served.log).read_text()[-300:]}")
