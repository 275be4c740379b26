"""What a cold `trellis ask` costs with a service running on the same index, without one, and beside a bare start of Python.

    python -m bench.instant [--notes FOLDER] [--rounds N]
    python -m bench.instant --render                    the table of the last run once more

Processor time of the process (user and system) and time by the clock, each the median of rounds in which all take turns.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from bench.conditions import short_conditions
from bench.serving import ROOT, TRELLIS, run, served

RESULTS = ROOT / "bench" / "results" / "instant.json"
QUESTION = "How long can a Lambda function run?"
_ROWS = {
    "python": "`python -c pass`",
    "running": "`trellis ask` with a service running",
    "alone": "`trellis ask --no-server`",
}


def measure(notes: Path, rounds: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        index = str(Path(folder) / "index")
        run([*TRELLIS, "index", str(notes), "--index", index])
        ask = [*TRELLIS, "ask", QUESTION, "--index", index]
        commands = {
            "python": [sys.executable, "-c", "pass"],
            "running": ask,
            "alone": [*ask, "--no-server"],
        }
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
        with served(notes, index, "--no-watch"):
            for turn in range(rounds + 1):
                for name, command in commands.items():
                    spent = _spent(command, folder)
                    if turn:  # the first round warms the file cache
                        taken[name].append(spent)
    medians = {
        name: {"cpu s": median(cpu for cpu, _ in each), "clock s": median(clock for _, clock in each)}
        for name, each in taken.items()
    }
    bare = medians["python"]["cpu s"]
    ratios = {name: each["cpu s"] / bare for name, each in medians.items()}
    libraries = ("click", "msgspec", "onnxruntime", "faiss-cpu")
    return {"conditions": short_conditions(ROOT, libraries), "rounds": rounds, "medians": medians, "ratios": ratios}


def _spent(command: list[str], folder: str) -> tuple[float, float]:
    """Seconds of processor and clock that a command takes, started where no settings lie."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
    _, status, used = os.wait4(process.pid, 0)
    clock = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise SystemExit(f"{command} ended with {process.returncode}")
    return used.ru_utime + used.ru_stime, clock


def render(document: Mapping[str, Any]) -> str:
    lines = ["| | processor time | times a bare Python | by the clock |", "| --- | ---: | ---: | ---: |"]
    for name, title in _ROWS.items():
        spent, ratio = document["medians"][name], document["ratios"][name]
        lines.append(f"| {title} | {spent['cpu s']:.3f} s | {ratio:.1f} | {spent['clock s']:.3f} s |")
    where = document["conditions"]
    note = (
        f"Medians of {document['rounds']} rounds, measured {where['date']} on {where['machine']} at load {where['load']}, "
        f"Python {where['python']}, code {where['code']}."
    )
    return "\n".join([*lines, "", note])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.instant", description="The command line with a service.")
    parser.add_argument("--notes", type=Path, default=ROOT / "notes")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--render", action="store_true", help="only print the table of the last run")
    options = parser.parse_args()
    if not options.render:
        RESULTS.write_text(json.dumps(measure(options.notes, options.rounds), indent=1) + "\n", "utf-8")
    print(render(json.loads(RESULTS.read_text("utf-8"))))


if __name__ == "__main__":
    main()
