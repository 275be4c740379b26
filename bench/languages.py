"""What search finds in notes that are not English: python -m bench.languages [--model MODEL] [--out FILE]

Nine small outlines (bench/languages), one a language, lie in one index and are asked 99 short questions in their own
languages; two a language have no answer. Each way of ranking is read line by line: whether the right line is the first, and
among the first five. "dense" is the cosine of the same vectors alone, "BM25" the lexical view alone; of Trellis the lines that
it marks are read.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.conditions import commit, fingerprint
from indexer.encoder import load, locate
from indexer.generation import open_generation
from indexer.prompts import DEFAULT_MODEL
from indexer.vectors import nearest
from service.answering import ask
from service.indexing import update
from service.measure.evaluate import Question, read_questions
from service.search.query import read_query
from service.snapshot import Snapshot

ROOT = Path(__file__).parent.parent
NOTES = ROOT / "bench" / "languages"
DEPTH = 5

Ranker = Callable[[Snapshot, str], list[int]]


def dense(snapshot: Snapshot, question: str) -> list[int]:
    """Rows by the cosine of their vector and the question's."""
    _, chunks = nearest(snapshot.generation.vectors, read_query(snapshot, question).vector, DEPTH, None)
    return [int(snapshot.store.chunk_node[chunk]) for chunk in chunks]


def lexical(snapshot: Snapshot, question: str) -> list[int]:
    """Rows by BM25 over the question's words."""
    chunks, _ = snapshot.store.match(read_query(snapshot, question).words, DEPTH)
    return [int(snapshot.store.chunk_node[chunk]) for chunk in chunks]


def trellis(snapshot: Snapshot, question: str) -> list[int]:
    """The rows that the results mark, the best of each result before the others."""
    rows: list[int] = []
    for result in ask(snapshot, question).results:
        marked = [line.line for line in result.excerpt if line.hit]
        for line in sorted(marked, key=lambda line: line != result.source.line):
            row = snapshot.store.row_at(result.source.file, line)
            if row is not None and row not in rows:
                rows.append(row)
    return rows


RANKERS: dict[str, Ranker] = {"dense": dense, "BM25": lexical, "Trellis": trellis}


def measure(snapshot: Snapshot, questions: Sequence[Question]) -> Iterator[tuple[str, str, float]]:
    """(language, measure, value) for each question and measure."""
    for question in questions:
        language = (question.file or "").partition(".")[0]
        right = {snapshot.store.row_at(question.file or "", line) for line, _ in question.gold}
        confidence = ask(snapshot, question.q).confidence
        yield language, "answered" if right else "answered without cause", float(confidence >= 0.5)
        for name, ranker in RANKERS.items() if right else ():
            found = ranker(snapshot, question.q)
            yield language, f"{name} s1", float(bool(right.intersection(found[:1])))
            yield language, f"{name} s5", float(bool(right.intersection(found[:DEPTH])))


def run(model_name: str) -> dict[str, Any]:
    model = locate(model_name)
    encoder = load(model)
    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder)
        update(sorted(NOTES.glob("*.txt")), index, model, lambda _: encoder)
        snapshot = Snapshot(open_generation(index, model), encoder)
        for language, name, value in measure(snapshot, read_questions(NOTES / "questions.jsonl")):
            for group in (language, "all"):
                values[group][name].append(value)
        snapshot.generation.close()
    shares = {
        group: {name: round(sum(v) / len(v), 3) for name, v in sorted(of.items())} for group, of in values.items()
    }
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "model": {"name": model.name, "sha256": model.digest},
        "commit": commit(ROOT),
        "code": fingerprint([ROOT / "indexer", ROOT / "service"]),
        "shares": dict(sorted(shares.items(), key=lambda item: item[0] != "all")),
    }


def table(shares: dict[str, dict[str, float]]) -> str:
    names = [*(f"{name} {depth}" for name in RANKERS for depth in ("s1", "s5")), "answered", "answered without cause"]
    lines = [f"| | {' | '.join(names)} |", f"| --- |{' ---: |' * len(names)}"]
    for group, of in shares.items():
        lines.append(f"| {group} | {' | '.join(f'{of[name]:.2f}' for name in names)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    measured = run(options.model)
    print(table(measured["shares"]))
    if options.out:
        options.out.write_text(json.dumps(measured, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
