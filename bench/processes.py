"""What more processes on one port bring: questions a second from 16 clients, and memory, by turns in one run.

    python -m bench.processes [--shared FOLDER] [--rounds N]
    python -m bench.processes --render                 the table of the last run once more

All questions are different, so that none is answered from memory. `bench.speed` has one process beside txtai's API.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bench.conditions import short_conditions
from bench.load import CLIENTS, ask_trellis, press
from bench.serving import ROOT, TRELLIS, run, served
from service.measure.evaluate import read_questions

RESULTS = ROOT / "bench" / "results" / "processes.json"
_TURNED = ("please", "today", "exactly", "again", "now", "here")
"""Words that make another question of each, so that there are enough."""


def measure(notes: Path, questions: Sequence[str], rounds: int) -> dict[str, Any]:
    many = [f"{question} {word}" for word in _TURNED for question in questions]
    systems: dict[str, list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "trellis"
        run([*TRELLIS, "index", str(notes), "--index", str(index)])
        for _ in range(rounds):
            for count in (1, 2):
                with served(notes, index, "--no-watch", "--processes", str(count)) as (url, pid):
                    press(url, ask_trellis, questions)  # what is loaded with the first question is loaded
                    found = press(url, ask_trellis, many)
                    name = f"{count} process{'es' * (count > 1)}"
                    systems.setdefault(name, []).append(found | {"MB": _memory(pid)})
    document = {name: _summary(each) for name, each in systems.items()}
    return {"clients": CLIENTS, "questions": len(many), "rounds": rounds, "systems": document}


def _summary(rounds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "a second": median(each["a second"] for each in rounds),
        "p50": median(each["p50"] for each in rounds),
        "p99": median(each["p99"] for each in rounds),
        "MB": median(each["MB"] for each in rounds),
        "refused": sum(each["refused"] for each in rounds),
        "all": [round(each["a second"], 1) for each in rounds],
    }


def _family(pid: int) -> list[int]:
    """A process and those that it started."""
    below = [
        child
        for path in Path(f"/proc/{pid}/task").glob("*/children")
        for number in path.read_text("ascii").split()
        for child in _family(int(number))
    ]
    return [pid, *below]


def _memory(pid: int) -> float:
    """Megabytes of a process and of those that it started, what they share counted once (PSS)."""
    total = 0
    for each in _family(pid):
        text = Path(f"/proc/{each}/smaps_rollup").read_text("ascii")
        total += next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return total / 1000


def render(document: Mapping[str, Any]) -> str:
    first = next(iter(document["systems"].values()))
    lines = [
        f"| | questions a second, {document['clients']} clients | times | median | 99th percentile | MB together |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, found in document["systems"].items():
        lines.append(
            f"| {name} | {found['a second']:.0f} | {found['a second'] / first['a second']:.2f} | {found['p50']:.0f} ms "
            f"| {found['p99']:.0f} ms | {found['MB']:.0f} |"
        )
    where = document["conditions"]
    note = (
        f"{document['questions']:,} different questions, the median of {document['rounds']} rounds by turns. Measured "
        f"{where['date']} on {where['machine']}, of which the clients use a part; load {where['load']} when it ended."
    )
    return "\n".join([*lines, "", note])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.processes", description="More processes on one port.")
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared", help="notes and questions")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--render", action="store_true")
    options = parser.parse_args()
    if not options.render:
        asked = read_questions(options.shared / "questions" / "aws-dev.jsonl")
        questions = list(dict.fromkeys(question.q for question in asked))
        started = time.perf_counter()
        document = measure(options.shared / "notes", questions, options.rounds)
        document["seconds"] = round(time.perf_counter() - started)
        document["conditions"] = short_conditions(ROOT, ("onnxruntime", "waitress"))
        RESULTS.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    print(render(json.loads(RESULTS.read_text("utf-8"))))


if __name__ == "__main__":
    main()
