"""Feeds mutated notes to a reader and holds it to its promises: python -m bench.fuzz [FORMAT ...] --inputs 1000000

With atheris (`pip install atheris`) and --atheris inputs are guided by coverage, one format a run; without it, they come from a
mutator over seeds from tests/data, the same for the same --seed. The first input that breaks a promise is written to --found.
"""

from __future__ import annotations

import argparse
import importlib
import json
import multiprocessing
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from indexer.chunks import cut_chunks
from indexer.readers import read_with_account
from indexer.references import resolve

ROOT = Path(__file__).parent.parent
DATA = ROOT / "tests" / "data"
FILES = {
    "markdown": ("notes.md", ""),
    "obsidian": ("notes.md", "obsidian"),
    "logseq": ("pages/notes.md", "logseq"),
    "org": ("notes.org", ""),
    "opml": ("notes.opml", ""),
    "vimoutliner": ("notes.otl", ""),
    "taskpaper": ("notes.taskpaper", ""),
    "text": ("notes.txt", ""),
    "content": ("notes", ""),
}
SUFFIXES = {
    "markdown": (".md",), "obsidian": (".md",), "logseq": (".md",), "org": (".org",), "opml": (".opml",),
    "vimoutliner": (".otl",), "taskpaper": (".taskpaper",), "text": (".txt",), "content": (".md", ".org", ".opml", ".otl"),
}  # fmt: skip
INSTRUMENTED = frozenset({"indexer", "markdown_it", "mdit_py_plugins"})
SLOWEST = 5.0
"""Seconds for an input of a few kilobytes: more is a reader that does not end."""


class PromiseBroken(Exception):
    pass


def check(file: str, notebook: str, data: bytes) -> None:
    """Raises PromiseBroken when the reader loses a line, misplaces one, makes no tree, fails, or is slow."""
    started = time.perf_counter()
    outline, account = read_with_account(file, data, notebook)
    list(cut_chunks(resolve([outline])[0]))
    _require(time.perf_counter() - started < SLOWEST, "slow")
    _require(account.adds_up, str(account))
    _require(not any(" failed (" in problem.message for problem in outline.problems), str(outline.problems))
    before, open_nodes = 0, []
    for at, node in enumerate(outline.nodes):
        _require(before <= node.line <= node.end_line <= account.lines, f"line {node.line} after {before}")
        before = node.line
        _require(bool(node.text.strip()), f"an empty node at line {node.line}")
        while open_nodes and open_nodes[-1] != node.parent:
            open_nodes.pop()
        _require(node.depth == len(open_nodes) and (node.parent is None) == (not open_nodes), f"no tree at {node.line}")
        open_nodes.append(at)
    _require(len(set(outline.ids())) == len(outline.nodes), "two nodes of one id")


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise PromiseBroken(what)


def seeds(name: str) -> list[bytes]:
    """Small files of the format from the tests' data."""
    paths = [path for folder in ("awkward", "same") for path in sorted((DATA / folder).rglob("*"))]
    return [path.read_bytes() for path in paths if path.suffix in SUFFIXES[name] and path.is_file()]


def mutated(pool: Sequence[bytes], lines: Sequence[bytes], chance: random.Random) -> bytes:
    """A few lines of the seeds, with some of them moved, indented, doubled, cut or spoilt."""
    chosen = [chance.choice(lines) for _ in range(chance.randrange(12))]
    if chance.random() < 0.3:
        whole = chance.choice(pool).split(b"\n")
        start = chance.randrange(len(whole))
        chosen += whole[start : start + chance.randrange(30)]
    for _ in range(chance.randrange(6)):
        if not chosen:
            break
        at = chance.randrange(len(chosen))
        chosen[at] = spoilt(chosen[at], lines, chance)
    return chance.choice((b"\n", b"\n", b"\n", b"\r\n", b"\r")).join(chosen)


def spoilt(line: bytes, lines: Sequence[bytes], chance: random.Random) -> bytes:
    """The line with one thing done to it."""
    cut = chance.randrange(len(line) + 1)
    match chance.randrange(9):
        case 0:
            return b" " * chance.randrange(9) + line
        case 1:
            return b"\t" * chance.randrange(4) + line.lstrip()
        case 2:
            return line[:cut]
        case 3:
            return line[cut:]
        case 4:
            return line[:cut] + chance.choice(lines) + line[cut:]
        case 5:
            return line[:cut] + bytes([chance.randrange(256)]) + line[cut + 1 :]
        case 6:
            return line * chance.randrange(1, 4)
        case 7:
            return line[:cut] + chance.choice(SIGNS) * chance.randrange(1, 9) + line[cut:]
        case _:
            return b""


SIGNS = (
    b"`", b"*", b"_", b"[", b"]", b"(", b")", b"<", b">", b"|", b"#", b"-", b":", b"{{", b"}}", b"((", b"))", b"\\", b"~", b"=",
    b"&", b'"', b"'", b"%%", b"[[", b"]]", b"<!--", b"-->", b"\xef\xbb\xbf", b"\x00", b"\xff", b"\xe2\x80\xa8", b"\x0c",
)  # fmt: skip


def run(job: tuple[str, int, int, Path]) -> tuple[str, int, float, str]:
    """Feeds one format. Answers (format, inputs, seconds, what broke)."""
    name, inputs, seed, found = job
    chance = random.Random(f"{name} {seed}")
    pool = seeds(name)
    lines = [line for data in pool for line in data.split(b"\n")]
    file, notebook = FILES[name]
    started = time.perf_counter()
    for done in range(inputs):
        data = mutated(pool, lines, chance)
        try:
            check(file, notebook, data)
        except Exception as error:  # whatever it is, it is what this run is for
            found.mkdir(parents=True, exist_ok=True)
            (found / f"{name}-{seed}-{done}").write_bytes(data)
            return name, done + 1, time.perf_counter() - started, f"{type(error).__name__}: {error}"
    return name, inputs, time.perf_counter() - started, ""


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


def jobs(
    names: Sequence[str], inputs: int, seed: int, found: Path, processes: int
) -> Iterator[tuple[str, int, int, Path]]:
    for name in names:
        for part in range(processes):
            yield name, inputs // processes, seed * 1000 + part, found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("formats", nargs="*", metavar="FORMAT", help=f"of {', '.join(FILES)}; all when none is named")
    parser.add_argument("--inputs", type=int, default=1_000_000, help="for each format")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--found", type=Path, default=ROOT / "bench" / "found")
    parser.add_argument("--out", type=Path, help="where to write the figures as JSON")
    parser.add_argument("--atheris", action="store_true", help="guided by coverage; one format a run")
    options = parser.parse_args()
    names = options.formats or list(FILES)
    if unknown := set(names) - set(FILES):
        parser.error(f"no such format: {', '.join(sorted(unknown))}")
    if options.atheris:
        run_atheris(names[0], options.inputs)
    figures: dict[str, dict[str, float]] = {}
    broken = False
    with multiprocessing.Pool(options.processes) as workers:
        for name, inputs, seconds, what in workers.imap(
            run, jobs(names, options.inputs, options.seed, options.found, options.processes)
        ):
            about = figures.setdefault(name, {"inputs": 0, "seconds": 0.0, "broken": 0})
            about["inputs"] += inputs
            about["seconds"] = round(about["seconds"] + seconds, 1)
            about["broken"] += bool(what)
            broken = broken or bool(what)
            print(f"{name}: {inputs:,} inputs in {seconds:.0f} s{': ' + what if what else ''}", flush=True)
    if options.out:
        options.out.write_text(json.dumps({"seed": options.seed, "formats": figures}, indent=1) + "\n", "utf-8")
    raise SystemExit(broken)


if __name__ == "__main__":
    main()
