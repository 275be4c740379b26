"""Feeds mutated notes to every reader and holds it to its promises: python -m bench.fuzz [FORMAT ...] --inputs 1000000

Inputs come from `bench.fuzz_inputs`, in blocks, the same for the same --seed, one block of each format after the other, on as
many cores as there are, so that a run that is stopped has asked all of them alike. Figures go to --out after every block; a run
that finds figures there of the same code and inputs goes on behind them. Each input that breaks a promise is written to
--found. With --atheris (`pip install atheris`) inputs are guided by coverage instead, one format a run.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import multiprocessing
import os
import platform
import random
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.conditions import commit, fingerprint
from bench.fuzz_inputs import FILES, ROOT, mutated, seeds
from indexer.account import Account
from indexer.chunks import cut_chunks
from indexer.machine import usable_cores
from indexer.node import Outline
from indexer.readers import read_with_account
from indexer.references import resolve

BLOCK = 25_000
MOST_KEPT = 20
"""Inputs of one format that broke a promise; more would hardly tell more."""
INSTRUMENTED = frozenset({"indexer", "markdown_it", "mdit_py_plugins"})
LIBRARIES = ("markdown-it-py", "mdit-py-plugins", "defusedxml")
READ_AGAIN = 8
"""One input in so many is read twice; a reader that keeps something between two files shows it soon."""
SLOWEST = 5.0
"""Seconds of the processor for an input of a few kilobytes: more is a reader that does not end."""


class PromiseBroken(Exception):
    pass


def fewest(results: Path) -> tuple[int, int]:
    """How many inputs each format had at least, and how many broke a promise, by the figures of a run; 0 without figures."""
    formats = json.loads(results.read_text("utf-8"))["formats"] if results.exists() else {}
    inputs = [formats.get(name, {}).get("inputs", 0) for name in FILES]
    return min(inputs), sum(len(figures["faults"]) for figures in formats.values())


def check(file: str, notebook: str, data: bytes) -> None:
    """Raises PromiseBroken when the reader loses a line, misplaces one, makes no tree, fails, is slow, or reads the same bytes
    in two ways.
    """
    started = time.process_time()
    outline, account = read_with_account(file, data, notebook)
    list(cut_chunks(resolve([outline])[0]))
    require(time.process_time() - started < SLOWEST, "slow")
    require(account.adds_up, str(account))
    require(not any(" failed (" in problem.message for problem in outline.problems), str(outline.problems))
    check_tree(outline, account)
    if zlib.crc32(data) % READ_AGAIN == 0:
        require(read_with_account(file, data, notebook) == (outline, account), "two readings differ")


def check_tree(outline: Outline, account: Account) -> None:
    before, open_nodes = 0, []
    for at, node in enumerate(outline.nodes):
        require(before <= node.line <= node.end_line <= account.lines, f"line {node.line} after {before}")
        before = node.line
        require(bool(node.text.strip()), f"an empty node at line {node.line}")
        while open_nodes and open_nodes[-1] != node.parent:
            open_nodes.pop()
        require(node.depth == len(open_nodes) and (node.parent is None) == (not open_nodes), f"no tree at {node.line}")
        open_nodes.append(at)
    require(len(set(outline.ids())) == len(outline.nodes), "two nodes of one id")


def require(holds: bool, what: str) -> None:
    if not holds:
        raise PromiseBroken(what)


@dataclass(frozen=True, slots=True)
class Block:
    """Inputs for one reader. seed: what they are drawn from. found: where those go that broke a promise."""

    name: str
    seed: str
    inputs: int
    found: Path


def run(block: Block) -> tuple[float, list[str]]:
    """Feeds one block to one reader. Answers the seconds of the processor, and what broke, each with the file that holds it."""
    started = time.process_time()
    chance = random.Random(block.seed)
    pool = seeds(block.name)
    lines = [line for data in pool for line in data.split(b"\n")]
    file, notebook = FILES[block.name]
    faults = []
    for number in range(block.inputs):
        data = mutated(pool, lines, chance)
        try:
            check(file, notebook, data)
        except Exception as error:  # whatever it is, it is what this run is for
            block.found.mkdir(parents=True, exist_ok=True)
            kept = block.found / f"{block.seed.replace(' ', '-')}-{number}"
            kept.write_bytes(data)
            faults.append(f"{kept.name}: {type(error).__name__}: {error}")
            if len(faults) >= MOST_KEPT:
                break
    return time.process_time() - started, faults


def run_atheris(name: str, inputs: int) -> None:
    """Never returns: atheris ends the process, with its statistics on standard error."""
    import atheris

    for module in [each for each in sys.modules if each.split(".")[0] in INSTRUMENTED]:
        del sys.modules[module]
    with atheris.instrument_imports(include=list(INSTRUMENTED)):
        for module, function in (("readers", "read_with_account"), ("chunks", "cut_chunks"), ("references", "resolve")):
            globals()[function] = getattr(importlib.import_module(f"indexer.{module}"), function)
    file, notebook = FILES[name]
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(seeds(name)):
            Path(folder, str(number)).write_bytes(seed)
        flags = [f"-runs={inputs}", "-max_len=2000", "-rss_limit_mb=4096", folder]
        atheris.Setup([sys.argv[0], *flags], lambda data: check(file, notebook, data))
        atheris.Fuzz()


class Figures:
    """What is known so far, kept in a file after every block."""

    def __init__(self, out: Path | None, seed: int) -> None:
        self._out = out
        self.about: dict[str, Any] = {
            "date": datetime.now(UTC).date().isoformat(),
            "python": platform.python_version(),
            "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
            "libraries": {name: version(name) for name in LIBRARIES},
            "commit": commit(ROOT),
            "code": fingerprint([ROOT / "indexer" / "readers"]),
            "inputs": hashlib.sha256((ROOT / "bench" / "fuzz_inputs.py").read_bytes()).hexdigest()[:12],
            "seed": seed,
            "block": BLOCK,
        }
        self.formats: dict[str, dict[str, Any]] = {}
        if out and out.is_file():
            kept = json.loads(out.read_text("utf-8"))
            if all(kept.get(name) == self.about[name] for name in ("code", "inputs", "seed", "block")):
                self.formats = kept["formats"]

    def of(self, name: str) -> dict[str, Any]:
        return self.formats.setdefault(name, {"inputs": 0, "processor_seconds": 0.0, "faults": []})

    def add(self, name: str, inputs: int, seconds: float, faults: list[str]) -> None:
        figures = self.of(name)
        figures["inputs"] += inputs
        figures["processor_seconds"] = round(figures["processor_seconds"] + seconds, 1)
        figures["faults"] += faults
        if self._out:
            text = json.dumps({**self.about, "formats": self.formats}, indent=1) + "\n"
            self._out.write_text(text, "utf-8")


def _left(figures: Figures, names: Sequence[str], options: argparse.Namespace) -> Iterator[Block]:
    """What is still to be fed, in the order in which figures are kept."""
    done = {name: figures.of(name)["inputs"] for name in names}
    while left := [name for name in names if done[name] < options.inputs]:
        for name in left:
            count = min(BLOCK, options.inputs - done[name])
            yield Block(name, f"{name} {options.seed} {done[name] // BLOCK}", count, options.found)
            done[name] += count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("formats", nargs="*", metavar="FORMAT", help=f"of {', '.join(FILES)}; all when none is named")
    parser.add_argument("--inputs", type=int, default=1_000_000, help="for each format")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=usable_cores(), help="processes")
    parser.add_argument("--found", type=Path, default=ROOT / "bench" / "found")
    parser.add_argument("--out", type=Path, help="where to keep the figures as JSON")
    parser.add_argument("--atheris", action="store_true", help="guided by coverage; one format a run")
    options = parser.parse_args()
    names = options.formats or list(FILES)
    if unknown := set(names) - set(FILES):
        parser.error(f"no such format: {', '.join(sorted(unknown))}")
    if options.atheris:
        run_atheris(names[0], options.inputs)
    figures = Figures(options.out, options.seed)
    left = list(_left(figures, names, options))
    with multiprocessing.get_context("spawn").Pool(options.jobs) as pool:
        for block, (seconds, faults) in zip(left, pool.imap(run, left), strict=True):
            figures.add(block.name, block.inputs, seconds, faults)
            print(
                f"{block.name}: {figures.of(block.name)['inputs']:,} inputs, {1000 * seconds / block.inputs:.2f} ms each",
                *faults,
                sep="\n  ",
                flush=True,
            )
    raise SystemExit(any(figures.of(name)["faults"] for name in names))


if __name__ == "__main__":
    main()
