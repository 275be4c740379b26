"""Edits, runs, kills and questions in any order, against what is simply read from the notes: requirement 7.

The truth is a dictionary of files to lines, kept beside the notes, and what of it was last indexed. Nothing of Trellis is used
to tell it: a line of the notes is a node, its ancestors are the lines of less depth above it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bench.trust.calls import Fault
from bench.trust.workplace import Workplace

_THINGS = ("kettle", "lantern", "orchard", "harbour", "saddle", "granite", "meadow", "thistle", "compass", "anchor")
_DOINGS = ("is cleaned", "was sold", "needs oil", "stands outside", "costs little", "leaks again", "came by post")
_CALLS = 45
"""About as many calls as an update makes: kills fall anywhere among them, some behind the last."""

Line = tuple[int, str]
Notes = dict[str, list[Line]]


@dataclass(slots=True)
class Walked:
    """The steps that were taken, how often each, and what was wrong, with the step."""

    steps: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    compared: int = 0
    bad: list[str] = field(default_factory=list)


class Walk:
    """One machine. `now` is what the notes say, `indexed` what they said when they were indexed, {} before that."""

    def __init__(self, work: Workplace, seed: int) -> None:
        self._work = work
        self._chance = random.Random(seed)
        self._serial = 0
        self.now: Notes = {}
        self.indexed: Notes = {}
        self.found = Walked()
        self._add()
        self._steps: dict[str, tuple[int, Callable[[], None]]] = {
            "edit": (5, self._edit),
            "add": (2, self._add),
            "delete": (1, self._delete),
            "rename": (1, self._rename),
            "index": (4, self._index),
            "kill": (3, self._kill),
            "index again": (1, self._again),
            "ask": (6, self._ask),
            "check": (2, self._check),
        }

    def take(self, steps: int) -> Walked:
        names = list(self._steps)
        weights = [weight for weight, _ in self._steps.values()]
        for _ in range(steps):
            (name,) = self._chance.choices(names, weights)
            self.found.steps += 1
            self.found.kinds[name] = self.found.kinds.get(name, 0) + 1
            self._steps[name][1]()
        self._index()
        self._check()
        return self.found

    def _wrong(self, what: str) -> None:
        self.found.bad.append(f"step {self.found.steps}: {what}"[:400])

    # The notes

    def _line(self, depth: int) -> Line:
        self._serial += 1
        return depth, f"The {self._chance.choice(_THINGS)} {self._serial} {self._chance.choice(_DOINGS)}"

    def _write(self, file: str) -> None:
        text = "".join("\t" * depth + f"{words}\n" for depth, words in self.now[file])
        (self._work.notes / file).write_text(text)

    def _add(self) -> None:
        if len(self.now) >= 12:
            return
        self._serial += 1
        file = f"file-{self._serial}.txt"
        lines = [self._line(0)]
        for _ in range(self._chance.randrange(6)):
            lines.append(self._line(self._chance.randint(0, lines[-1][0] + 1)))
        self.now[file] = lines
        self._write(file)

    def _edit(self) -> None:
        file = self._chance.choice(sorted(self.now))
        lines = self.now[file]
        at = self._chance.randrange(len(lines))
        depth = lines[at][0]
        if self._chance.random() < 0.3 and len(lines) < 20:
            lines.insert(at + 1, self._line(depth))
        elif self._chance.random() < 0.2 and at + 1 == len(lines) > 1:
            lines.pop()
        else:
            lines[at] = self._line(depth)
        self._write(file)

    def _delete(self) -> None:
        if len(self.now) > 1:
            file = self._chance.choice(sorted(self.now))
            del self.now[file]
            (self._work.notes / file).unlink()

    def _rename(self) -> None:
        self._serial += 1
        old, new = self._chance.choice(sorted(self.now)), f"file-{self._serial}.txt"
        self.now[new] = self.now.pop(old)
        (self._work.notes / old).rename(self._work.notes / new)

    # The commands

    def _index(self) -> None:
        run = self._work.trellis("index", "--json").last
        if run.status != 0:
            self._wrong(f"index: {run.err}")
        self._take_over()
        nodes = sum(map(len, self.now.values()))
        if run.status == 0 and run.json["nodes"] != nodes:
            self._wrong(f"{run.json['nodes']} nodes where the notes have {nodes} lines")

    def _take_over(self) -> None:
        self.indexed = {file: list(lines) for file, lines in self.now.items()}

    def _kill(self) -> None:
        fault = Fault(str(self._work.index), self._chance.randint(1, _CALLS), "KILL")
        self._work.trellis("index", fault=fault)
        self._settle()

    def _settle(self) -> None:
        """After a run that may or may not have come to its end: which of the two states the index has."""
        told = self._work.check().json
        if not told["whole"] and (self.indexed or not told["problem"].startswith("There is no index")):
            self._wrong(f"not whole: {told['problem']}")
        elif told["current"]:
            self._take_over()

    def _again(self) -> None:
        """The second and the third have nothing to do, and make no other index."""
        outcome = self._work.runner.run(*[self._work.command("index", "--json")] * 3)
        if any(run.status != 0 for run in outcome.runs):
            self._wrong(f"index again: {[run.err for run in outcome.runs]}")
        elif len({run.json["generation"] for run in outcome.runs}) != 1:
            self._wrong("nothing changed, and another index was made")
        self._settle()

    def _check(self) -> None:
        told = self._work.check().json
        if not self.indexed:
            return
        expected = (True, self.indexed == self.now)
        if (told["whole"], told["current"]) != expected:
            self._wrong(f"check says {told}, expected whole and current: {expected}")

    def _ask(self) -> None:
        if not self.indexed:
            run = self._work.trellis("ask", "anything").last
            if run.status != 2 or "There is no index" not in run.err:
                self._wrong(f"asked without an index: {run}")
            return
        file = self._chance.choice(sorted(self.indexed))
        at = self._chance.randrange(len(self.indexed[file]))
        words = self.indexed[file][at][1]
        run = self._work.trellis("ask", words, "--top", "50", "--json").last
        if run.status not in (0, 1):
            self._wrong(f"ask: {run.err}")
            return
        self._compare(run.json["results"], file, at, words)

    def _compare(self, results: list[dict[str, Any]], file: str, at: int, words: str) -> None:
        """All that is shown stands in the notes as indexed, word for word, under its headings; what was asked for is shown."""
        self.found.compared += 1
        shown = set()
        for result in results:
            name, line = result["source"]["file"], result["source"]["line"]
            changed = self.now.get(name) != self.indexed.get(name)
            if bool(result.get("stale")) != changed:
                self._wrong(
                    f"{name} {'changed' if changed else 'did not change'}, but it is marked {result.get('stale')!r}"
                )
            if changed:
                self._marked(name, result)
                continue
            lines = self.indexed[name]
            if not 0 < line <= len(lines) or lines[line - 1][1] != result["text"]:
                self._wrong(f"{name}:{line} does not say {result['text']!r}")
            elif result["path"] != path_of(lines, line - 1):
                self._wrong(f"{name}:{line} does not stand under {result['path']}")
            for each in result["excerpt"]:
                if not 0 < each["line"] <= len(lines) or lines[each["line"] - 1][1] != each["text"]:
                    self._wrong(f"{name}:{each['line']} does not say {each['text']!r}")
                shown.add((name, each["line"]))
        if self.now.get(file) == self.indexed[file] and (file, at + 1) not in shown:
            self._wrong(f"{file}:{at + 1} is not found by its own words, {words!r}")

    def _marked(self, name: str, result: dict[str, Any]) -> None:
        """Of a file that changed, what is shown may be of the index or of the file, and nothing else."""
        known = {words for lines in (self.indexed.get(name, []), self.now.get(name, [])) for _, words in lines}
        for words in [result["text"], *(each["text"] for each in result["excerpt"])]:
            if words not in known:
                self._wrong(f"{name} never said {words!r}")


def path_of(lines: list[Line], at: int) -> list[str]:
    """The lines above of ever less depth, outermost first."""
    path: list[str] = []
    depth = lines[at][0]
    for above, words in reversed(lines[:at]):
        if above < depth:
            path.append(words)
            depth = above
    return path[::-1]


def walk(work: Workplace, steps: int, seed: int) -> Walked:
    return Walk(work, seed).take(steps)
