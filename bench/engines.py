"""Both engines in one run: what they answer, and what they cost.

    python -m bench.engines quality [--notes FOLDER] [--questions FILE]       the same questions to both
    python -m bench.engines scale --notes DIR [--sizes 1000,10000]            build, questions, memory, disk, side by side
    python -m bench.engines render                                            the tables of the last runs once more

Milvus is a Milvus Lite server in a process of its own, which is made for development: what it costs says what the protocol and
this program cost, and nothing of what a cluster does. bench/README.md says how it is measured.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from bench.conditions import short_conditions
from bench.lite import Lite
from bench.repeated import write_notes
from bench.serving import ROOT, TRELLIS, ask_all, environment, timed
from bench.speed_peers import resident
from indexer.encoder import load, locate
from indexer.generation import open_generation
from indexer.milvus.connection import Connection
from indexer.milvus.publish import publish
from service.answering import ask
from service.indexing import update
from service.measure.evaluate import DEPTH, evaluate, read_questions
from service.published import PublishedCurrent
from service.snapshot import Current, Snapshot
from service.types import Answer

RESULTS = ROOT / "bench" / "results" / "engines.json"
PAGE = ROOT / "docs" / "engines.md"
LIBRARIES = ("faiss-cpu", "pymilvus", "milvus-lite", "onnxruntime", "numpy")
NAMES = {"embedded": "FAISS and SQLite", "milvus": "Milvus Lite over gRPC"}
SHOWN = {"s1": "first is right", "s5": "among five", "mrr": "MRR", "ndcg": "nDCG@10", "recall": "gold lines shown"}
MEASURES = {
    "build": ("from notes to an index", "s"),
    "publish": ("from the index to Milvus", "s"),
    "edit": ("one line edited: `trellis index`", "s"),
    "p50": ("a question not asked before: median", "ms"),
    "p95": ("the same, 95th percentile", "ms"),
    "service": ("memory of the service", "MB"),
    "server": ("memory of the server", "MB"),
    "disk": ("on disk without the model", "MB"),
}

Measured = dict[str, Any]


def main() -> None:
    options = _options()
    document: Measured = json.loads(options.results.read_text("utf-8")) if options.results.is_file() else {}
    if options.what == "quality":
        document.setdefault("quality", {})[options.name] = _quality(options)
    elif options.what == "scale":
        for size in _scale(options):  # each is kept as soon as it is there: the largest may take hours
            sizes = [*document.get("scale", {}).get("sizes", []), size]
            kept = {each["nodes"]: each for each in sizes}
            told = {"sizes": [kept[nodes] for nodes in sorted(kept)], "conditions": short_conditions(ROOT, LIBRARIES)}
            document["scale"] = told
            options.results.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    if options.what == "quality":
        options.results.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    if options.page.is_file():
        options.page.write_text(placed(options.page.read_text("utf-8"), document), "utf-8")
    print(render(document))


def placed(page: str, document: Measured) -> str:
    """The page with these tables between its marks."""
    for name, table in (("quality", _quality_table(document)), ("scale", _scale_table(document))):
        begin, end = f"<!-- {name} -->\n", f"\n<!-- end of {name} -->"
        head, _, rest = page.partition(begin)
        page = f"{head}{begin}{table}{end}{rest.partition(end)[2]}" if rest else page
    return page


# ---- What they answer ----


def _quality(options: argparse.Namespace) -> Measured:
    questions = read_questions(options.questions)
    with tempfile.TemporaryDirectory() as temporary, _lite(Path(temporary)) as lite:
        embedded, published = _pair(options.notes, Path(temporary) / "index", lite)
        answers: dict[str, list[Answer]] = {name: [] for name in NAMES}

        def asked(name: str, snapshot: Snapshot, question: str) -> Answer:
            answers[name].append(ask(snapshot, question, DEPTH))
            return answers[name][-1]

        scores = {
            name: evaluate(questions, lambda question, name=name, of=of: asked(name, of, question))  # type: ignore[misc]
            for name, of in zip(NAMES, (embedded, published), strict=True)
        }
    pairs = list(zip(*answers.values(), strict=True))
    return {
        "questions": len(questions),
        "same": sum([r.id for r in one.results] == [r.id for r in other.results] for one, other in pairs),
        "furthest": round(max(_distance(one, other) for one, other in pairs), 6),
        "scores": {name: _told(each.groups["all"]) for name, each in scores.items()},
        "conditions": short_conditions(ROOT, LIBRARIES),
    }


def _told(scores: Any) -> dict[str, float]:
    return {name: round(float(getattr(scores, name)), 4) for name in scores.__struct_fields__}


def _distance(one: Answer, other: Answer) -> float:
    """By how much scores and confidence differ at most."""
    pairs = [(one.confidence, other.confidence)]
    pairs += [(a.score, b.score) for a, b in zip(one.results, other.results, strict=False)]
    return max(abs(a - b) for a, b in pairs)


def _pair(notes: Path, index: Path, lite: Lite) -> tuple[Snapshot, Snapshot]:
    model = locate()
    encoder = load(model)
    update([notes], index, model, lambda _: encoder)
    settings = lite.settings()
    publish(open_generation(index, model), Connection(settings), lambda *_: None)
    return Current(index, model, encoder).get(), PublishedCurrent(settings, index, model, encoder).get()


@contextmanager
def _lite(folder: Path) -> Iterator[Lite]:
    lite = Lite(folder / "milvus")
    lite.start()
    try:
        yield lite
    finally:
        lite.kill()


# ---- What they cost ----


def _scale(options: argparse.Namespace) -> Iterator[Measured]:
    for units in options.sizes:
        print(f"measuring: {units:,} nodes", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(dir=options.cache) as temporary:
            yield _at_size(options, Path(temporary), units)


def _at_size(options: argparse.Namespace, folder: Path, units: int) -> Measured:
    notes, index = folder / "notes", folder / "index"
    if write_notes(options.notes, notes, units) < units or (notes / "copy-1").exists():
        raise SystemExit(f"'{options.notes}' has fewer than {units:,} nodes")
    questions = list(dict.fromkeys(question.q for question in read_questions(options.questions)))[: options.asked]
    command = [*TRELLIS, "index", str(notes), "--index", str(index)]
    build = timed(command)
    manifest = open_generation(index, locate()).manifest
    embedded = {"build": build, "disk": _disk(index)} | _asked(_settings(folder, notes, index), questions)
    with _lite(folder) as lite:
        settings = _settings(folder, notes, index, lite)
        published = timed([*TRELLIS, "--config", str(settings), "index"])
        milvus = {"build": build, "publish": published, **_asked(settings, questions, lite)}
        milvus["disk"] = _disk(index) + _disk(lite.folder)
        path = max(notes.rglob("*.txt"), key=lambda each: each.stat().st_size)
        milvus["edit"] = statistics.median(_edited(path, settings, number) for number in range(3))
    plain = _settings(folder, notes, index)
    embedded["edit"] = statistics.median(_edited(path, plain, number) for number in range(3, 6))
    return {"nodes": manifest.nodes, "chunks": manifest.chunks, "embedded": embedded, "milvus": milvus}


def _settings(folder: Path, notes: Path, index: Path, lite: Lite | None = None) -> Path:
    path = folder / f"{'milvus' if lite else 'embedded'}.yaml"
    milvus = f'milvus: {{uri: "{lite.uri}", timeout: 120}}\n' if lite else ""
    path.write_text(f"notes: {notes}\nindex: {index}\nwatch: false\n{milvus}", "utf-8")
    return path


def _asked(settings: Path, questions: list[str], lite: Lite | None = None) -> Measured:
    """Each question once over HTTP; the first ones, which warm up the service, do not count."""
    command = [*TRELLIS, "--config", str(settings), "serve", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT, env=environment()
    ) as process:
        assert process.stdout
        try:
            url = process.stdout.readline().strip()
            milliseconds = [1000 * each for each in ask_all(url, questions)[10:]]
            memory = {"service": resident(process.pid) / 1e6} | (
                {"server": resident(lite.process) / 1e6} if lite else {}
            )
        finally:
            process.terminate()
    return memory | {f"p{at}": float(np.percentile(milliseconds, at)) for at in (50, 95)} | {"asked": len(milliseconds)}


def _edited(path: Path, settings: Path, number: int) -> float:
    lines = path.read_text("utf-8").split("\n")
    lines[len(lines) // 2] += f" changed {number}"
    path.write_text("\n".join(lines), "utf-8")
    return timed([*TRELLIS, "--config", str(settings), "index"])


def _disk(folder: Path) -> float:
    files = [each for each in folder.rglob("*") if each.is_file() and "models" not in each.relative_to(folder).parts]
    return sum(each.stat().st_size for each in files) / 1e6


# ---- Tables ----


def render(document: Measured) -> str:
    return "\n\n".join(part for part in (_quality_table(document), _scale_table(document)) if part)


def _quality_table(document: Measured) -> str:
    sets = document.get("quality", {})
    if not sets:
        return ""
    lines = [
        f"| notes | engine | {' | '.join(SHOWN.values())} | same ten results | scores differ by at most |",
        f"| --- | --- |{' ---: |' * (len(SHOWN) + 2)}",
    ]
    for name, found in sets.items():
        for engine, title in NAMES.items():
            cells = [f"{found['scores'][engine][measure]:.3f}" for measure in SHOWN]
            last = f"{found['same']} of {found['questions']} | {found['furthest']:.4f}" if engine == "milvus" else " | "
            lines.append(f"| {name if engine == 'embedded' else ''} | {title} | {' | '.join(cells)} | {last} |")
    return "\n".join(lines)


def _scale_table(document: Measured) -> str:
    sizes = document.get("scale", {}).get("sizes", [])
    if not sizes:
        return ""
    heads = [
        f"{size['nodes']:,} {'Milvus Lite' if engine == 'milvus' else 'FAISS'}" for size in sizes for engine in NAMES
    ]
    lines = [f"| | {' | '.join(heads)} |", f"| --- |{' ---: |' * len(heads)}"]
    for name, (title, unit) in MEASURES.items():
        cells = [
            f"{_short(size[engine][name])} {unit}" if name in size[engine] else "" for size in sizes for engine in NAMES
        ]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    where = document["scale"]["conditions"]
    return "\n".join(
        [*lines, "", f"Measured {where['date']} on {where['machine']}, load {where['load']}, code {where['code']}."]
    )


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.engines", description="Both engines in one run.")
    parser.add_argument("what", choices=["quality", "scale", "render"])
    parser.add_argument("--notes", type=Path, default=ROOT / "notes", help="the notes to ask")
    parser.add_argument(
        "--questions", type=Path, default=ROOT / "bench" / "questions" / "notes.jsonl", help="what to ask"
    )
    parser.add_argument("--name", default="the notes that ship", help="what the table calls these notes")
    parser.add_argument("--sizes", type=lambda text: sorted(map(int, text.split(","))), default=[1000, 10_000])
    parser.add_argument(
        "--asked", type=int, default=110, help="how many questions are timed at each size, and ten more"
    )
    parser.add_argument("--cache", type=Path, help="where to put notes and indexes while it runs")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the JSON goes, or comes from")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page whose tables are brought up to date")
    return parser.parse_args()


if __name__ == "__main__":
    main()
