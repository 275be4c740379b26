"""How long full ranking takes beside dense ranking alone, without and with the encoding of the question.

    python bench/ranking_time.py [--nodes 2000 100000]

The notes are the outline that ships, repeated under numbered headings up to the number of nodes, with random unit vectors in
place of the model's (the time does not depend on them); the question's encoding is timed with the real model. Medians over the
questions of `bench/questions/notes.jsonl`, one at a time, one process.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import numpy as np

from indexer.build import build
from indexer.encoder import Encoded, load, locate
from indexer.vectors import nearest
from service.measure.evaluate import read_questions
from service.search.query import Query, read_queries
from service.search.ranking import rank
from service.snapshot import Current

HERE = Path(__file__).parent
NOTES = HERE.parent / "notes"


class RandomEncoder:
    """A random vector for each text, and one for each of its words."""

    dimension = 384

    def __init__(self) -> None:
        self._random = np.random.default_rng(1)

    def reads(self, text: str) -> float:
        return 1.0

    def knows(self, word: str) -> bool:
        return True

    def encode(self, texts: Sequence[str], *, query: bool = False) -> Encoded:
        spans = [_word_spans(text) for text in texts]
        counts = np.array([len(some) for some in spans], np.int64)
        every = [span for some in spans for span in some]
        return Encoded(self._unit(len(texts)), self._unit(len(every)), counts, np.array(every, np.int64).reshape(-1, 2))

    def _unit(self, rows: int) -> np.ndarray:
        vectors = self._random.standard_normal((rows, self.dimension), np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _word_spans(text: str) -> list[tuple[int, int]]:
    spans, start = [], 0
    for word in text.split(" "):
        if word:
            spans.append((start, start + len(word)))
        start += len(word) + 1
    return spans


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, nargs="+", default=[2000, 100_000])
    options = parser.parse_args()
    texts = [question.q for question in read_questions(HERE / "questions" / "notes.jsonl")]
    encoder = load(locate())
    encoding = _milliseconds([lambda text=text: encoder.encode([text], query=True) for text in texts])
    print(f"encoding a question: {encoding:.2f} ms")
    for nodes in options.nodes:
        _measure(nodes, texts, encoding)


def _measure(nodes: int, texts: Sequence[str], encoding: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        notes, index = Path(folder, "notes.txt"), Path(folder, "index")
        _repeat(notes, nodes)
        model, random = locate(), RandomEncoder()
        build([notes], index, model, loader=lambda _: random)
        snapshot = Current(index, model, random).get()
        queries = read_queries(snapshot, texts)
        dense = _milliseconds([lambda q=q: nearest(snapshot.generation.vectors, q.vector, 10) for q in queries])
        full = _milliseconds([_ranking(snapshot, query) for query in queries])
        ratio = (encoding + full) / (encoding + dense)
        tokens = snapshot.generation.tokens.codes.nbytes / len(snapshot.store)
        print(
            f"{len(snapshot.store):,} nodes: dense {dense:.2f} ms, full ranking {full:.2f} ms, {full / dense:.1f} times; with "
            f"encoding {ratio:.2f} times; token vectors {tokens:,.0f} bytes a node"
        )


def _ranking(snapshot: object, query: Query) -> Callable[[], object]:
    return lambda: rank(snapshot, query, 8)  # type: ignore[arg-type]


def _repeat(path: Path, nodes: int) -> None:
    lines = [
        line for file in sorted(NOTES.glob("*.txt")) for line in file.read_text("utf-8").splitlines() if line.strip()
    ]
    with path.open("w") as file:
        for copy in range(max(1, round(nodes / len(lines)))):
            file.write(f"Part {copy}\n")
            file.writelines(f"    {line}\n" for line in lines)


def _milliseconds(calls: Sequence[Callable[[], object]]) -> float:
    times = []
    for call in calls:
        started = time.perf_counter()
        call()
        times.append((time.perf_counter() - started) * 1000)
    return median(times)


if __name__ == "__main__":
    main()
