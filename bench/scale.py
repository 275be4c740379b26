"""What Trellis costs with the number of nodes: time to build, time until an edit is found, a question, memory, disk.

    python -m bench.scale --notes DIR [--sizes 1000,10000,100000] [--beyond 300000,1000000] [--cache DIR]
    python -m bench.scale --render                     the table and the plots of the last run once more

DIR holds real notes, of which each size takes the first units; nothing of them is kept but in the cache. Beyond what there is,
sizes given with --beyond are copies with noise (`bench/repeated.py`), built without the model. bench/README.md says what is
measured how.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from bench.conditions import conditions, fingerprint
from bench.repeated import Repeated, write_notes
from bench.scale_plot import draw
from bench.serving import ROOT, TRELLIS, ask_all, edit, run, searchable, served, timed
from bench.speed_peers import resident
from indexer.encoder import load, locate
from indexer.generation import open_generation
from indexer.sources import find_sources
from service.indexing import update
from service.measure.evaluate import read_questions

RESULTS = ROOT / "bench" / "results" / "scale.json"
PLOTS = ROOT / "docs" / "scale.svg"
MEASURES = {
    "build": ("from notes to a finished index", "s"),
    "nothing new": ("`trellis index` when nothing changed", "s"),
    "edit": ("one line edited, until it is found", "s"),
    "p50": ("one question over HTTP: median", "ms"),
    "p99": ("the same, 99th percentile", "ms"),
    "memory": ("resident while serving", "MB"),
    "disk": ("index on disk without the model", "MB"),
}
_NOISE = 0.33
_LINEAR_FROM = 0.85
"""A measure that grows with at least this power of the number of nodes, between the two largest sizes, is called linear."""

Measured = dict[str, Any]


def main() -> None:
    options = _options()
    if not options.render:
        where = conditions(ROOT, locate())  # first: what it needs may be missing
        sizes = [(units, True) for units in options.sizes] + [(units, False) for units in options.beyond]
        with tempfile.TemporaryDirectory() as temporary:
            cache = options.cache or Path(temporary)
            cache.mkdir(parents=True, exist_ok=True)
            originals = cache / f"real-{max(options.sizes)}"
            measured = [_measure(options, cache, units, originals if not real else None) for units, real in sizes]
        document = {
            "sizes": measured,
            "rounds": options.rounds,
            "noise": _NOISE,
            "conditions": where,
        }
        where.pop("bootstrap")
        options.results.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    document = json.loads(options.results.read_text("utf-8"))
    options.plots.write_text(draw(document["sizes"], MEASURES), "utf-8")
    print(table(document))


def _measure(options: argparse.Namespace, cache: Path, units: int, originals: Path | None) -> Measured:
    """originals: the notes and the index that copies are made from; None when the notes are real."""
    print(f"measuring: {units:,} nodes", file=sys.stderr, flush=True)
    place = cache / f"{'real' if originals is None else 'copies'}-{units}"
    measured = _prepare(options.notes, place, units, originals)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        notes, index = _copy(place, Path(folder))
        command = [*TRELLIS, "index", str(notes), "--index", str(index)]
        run(command)  # the notes have moved
        measured["nothing new"] = median(timed(command) for _ in range(options.rounds))
        questions = list(dict.fromkeys(question.q for question in read_questions(options.questions)))
        with served(notes, index) as (url, process):
            ask_all(url, questions[:10])
            milliseconds = [1000 * each for each in ask_all(url, questions)]
            measured["memory"] = resident(process) / 1e6
            path = max((each.path for each in find_sources([notes]).sources), key=lambda path: path.stat().st_size)
            measured["edit"] = median(searchable(url, *edit(path, number)) for number in range(max(3, options.rounds)))
    measured |= {f"p{at}": float(np.percentile(milliseconds, at)) for at in (50, 90, 99)}
    files = [each for each in (place / "index").rglob("*") if each.is_file()]
    measured["disk"] = sum(each.stat().st_size for each in files if "models" not in each.relative_to(place).parts) / 1e6
    measured["bytes a node"] = round(1e6 * measured["disk"] / measured["nodes"])
    return measured


def _prepare(source: Path, place: Path, units: int, originals: Path | None) -> Measured:
    """Notes and index in `place`, and how long it took to build: as it was then, if the cache has them from the same code."""
    kept, code = place / "built.json", fingerprint([ROOT / "indexer", ROOT / "service"])
    if kept.is_file() and (built := json.loads(kept.read_text()))["code"] == code:
        return built["measured"] | {"built before": True}
    shutil.rmtree(place, ignore_errors=True)
    notes, index = place / "notes", place / "index"
    write_notes(source if originals is None else originals / "notes", notes, units)
    if originals is None and (notes / "copy-1").exists():
        raise SystemExit(f"'{source}' has fewer than {units:,} nodes: give this size with --beyond")
    model = locate()
    encoder = load(model)  # its conversion, which happens once, is not part of building
    started = time.perf_counter()
    if originals is None:
        run([*TRELLIS, "index", str(notes), "--index", str(index)])
    else:
        first = open_generation(originals / "index", model)
        repeated = Repeated(encoder, first, originals / "notes", _NOISE)
        started = time.perf_counter()
        update([notes], index, model, lambda _: repeated)
    seconds = round(time.perf_counter() - started, 2)
    manifest = open_generation(index, model).manifest
    measured = {"nodes": manifest.nodes, "chunks": manifest.chunks, "real": originals is None, "build": seconds}
    kept.write_text(json.dumps({"code": code, "measured": measured}))
    return measured


def _copy(place: Path, folder: Path) -> tuple[Path, Path]:
    """The measuring edits notes and index: those of the cache stay as they are."""
    shutil.copytree(place / "notes", folder / "notes")
    shutil.copytree(place / "index", folder / "index")
    return folder / "notes", folder / "index"


def table(document: Measured) -> str:
    """A row a measure, a column a size, and how each grows."""
    sizes = document["sizes"]
    heads = [f"{size['nodes']:,}{'' if size['real'] else ' *'}" for size in sizes]
    lines = [f"| | {' | '.join(heads)} | grows |", f"| --- |{' ---: |' * len(sizes)} --- |"]
    for name, (title, unit) in MEASURES.items():
        cells = [f"{_short(size[name])} {unit}" for size in sizes]
        lines.append(f"| {title} | {' | '.join(cells)} | {_growth(sizes, name)} |")
    lines.append(f"| bytes a node | {' | '.join(format(size['bytes a node'], ',') for size in sizes)} | |")
    where = document["conditions"]
    real = " * copies with noise, built without the model." if not all(size["real"] for size in sizes) else ""
    return "\n".join(
        [*lines, "", f"Measured {where['date']} on {where['machine']['cores']} cores, code {where['code']}.{real}"]
    )


def _growth(sizes: list[Measured], name: str) -> str:
    """The power of the number of nodes by which a measure grows between the two largest sizes of real notes."""
    real = [size for size in sizes if size["real"]][-2:]
    if len(real) < 2:
        return ""
    small, large = real
    power = math.log(large[name] / small[name]) / math.log(large["nodes"] / small["nodes"])
    if power >= _LINEAR_FROM:
        return f"linear (power {power:.2f})"
    return f"less than linear (power {power:.2f})" if power > 0.1 else "hardly"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description="Cost against the number of nodes.")
    parser.add_argument("--notes", type=Path, help="real notes, in any format that Trellis reads")
    parser.add_argument(
        "--sizes", type=_numbers, default=[1000, 3000, 10_000, 30_000, 100_000], help="numbers of nodes"
    )
    parser.add_argument("--beyond", type=_numbers, default=[], help="more nodes than there are: copies with noise")
    parser.add_argument(
        "--questions", type=Path, default=ROOT / "bench" / "questions" / "notes.jsonl", help="to be asked"
    )
    parser.add_argument("--cache", type=Path, help="where to keep notes and indexes for the next run")
    parser.add_argument("--rounds", type=int, default=5, help="how often edits and empty updates are timed")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the JSON goes, or comes from")
    parser.add_argument("--plots", type=Path, default=PLOTS, help="where the plots go")
    parser.add_argument("--render", action="store_true", help="only the table and the plots of the JSON")
    options = parser.parse_args()
    if not options.render and options.notes is None:
        parser.error("--notes is needed: a folder with real notes")
    return options


def _numbers(text: str) -> list[int]:
    return sorted(int(part) for part in text.split(","))


if __name__ == "__main__":
    main()
