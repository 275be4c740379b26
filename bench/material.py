"""What is asked of whom: outline notes with questions, and retrieval collections, each behind the same few fields.

Trellis itself is asked through its real code: the index is built from files and the questions go to `service.answering`.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.intervals import Values, gain
from indexer.build import build
from indexer.encoder import Encoder, Model
from indexer.store import Store
from service import answering
from service.measure.evaluate import Evaluation, Question, evaluate, read_questions
from service.search.windows import Window, window_around
from service.snapshot import Current, Snapshot
from service.types import Answer, ExcerptLine, Result, Source

Groups = dict[str, dict[str, Values]]
"""For each group of questions and each measure, one value a question."""


TOP = 10
_WEIGHTS_FROM = 50
"""Questions whose explanations tell which weights the views had."""


@dataclass(frozen=True, slots=True)
class Trellis:
    """Trellis over one folder of notes."""

    snapshot: Snapshot

    @classmethod
    def over(cls, notes: Path, index: Path, model: Model, encoder: Encoder) -> Trellis:
        build([notes], index, model, loader=lambda _: encoder)
        return cls(Current(index, model, encoder).get())

    @property
    def store(self) -> Store:
        return self.snapshot.store

    def weights(self, questions: Sequence[str]) -> dict[str, tuple[float, float, float]]:
        """The least, the mean and the greatest weight of each view of relevance over a sample of the questions."""
        seen: list[dict[str, float]] = []
        for question in questions[:: max(1, len(questions) // _WEIGHTS_FROM)]:
            results = answering.search(self.snapshot, question, 1, explained=True).results
            seen += [{view.name: view.weight for view in result.why.views} for result in results if result.why]
        weights: dict[str, tuple[float, float, float]] = {}
        for name in dict.fromkeys(name for views in seen for name in views):
            values = [views.get(name, 0.0) for views in seen]
            weights[name] = (round(min(values), 3), round(sum(values) / len(values), 3), round(max(values), 3))
        return weights


@dataclass(frozen=True, slots=True)
class Notes:
    """An outline and questions on it. A right answer is an excerpt of at most twelve lines that shows a gold line."""

    folder: Path
    asked: Sequence[Question]

    @classmethod
    def read(cls, notes: Path, questions: Path) -> Notes:
        return cls(notes, [question for question in read_questions(questions) if question.gold])

    @property
    def questions(self) -> list[str]:
        return [question.q for question in self.asked]

    def require_whole(self, trellis: Trellis) -> None:
        """Nothing: the notes are what the index says they are."""

    def passages(self, trellis: Trellis) -> list[str]:
        """Trellis's own reading of the outline, each node behind its path: the best that a peer could be given."""
        store = trellis.store
        return [" > ".join([*store.path(node.row), node.text]) for node in store.run(0, len(store) - 1)]

    def ask(self, trellis: Trellis) -> Groups:
        evaluation = evaluate(self.asked, lambda text: answering.ask(trellis.snapshot, text, TOP))
        return _values(evaluation, [outcome.lines_read for outcome in evaluation.outcomes])

    def judge(self, trellis: Trellis, rankings: Sequence[Sequence[int]]) -> Groups:
        """A peer's rankings of the passages, each measure taken where the strongest peer is at its best: excerpts are twelve
        lines around each hit inside its parent, no line twice; the lines to read are the passages alone, as many as it takes.
        """
        rows = dict(zip(self.questions, rankings, strict=True))
        evaluation = evaluate(self.asked, lambda text: _as_answer(trellis.store, text, rows[text]))
        return _values(evaluation, [_lines_read(trellis.store, question, rows[question.q]) for question in self.asked])

    def needs(self, trellis: Trellis) -> dict[str, list[str]]:
        """For each group what each question looks for: questions with the same gold lines are paraphrases."""
        gold = {question.id: str((question.file, sorted(question.gold))) for question in self.asked}
        outcomes = evaluate(self.asked, lambda text: _as_answer(trellis.store, text, [])).outcomes
        groups: dict[str, list[str]] = {}
        for outcome in outcomes:
            groups.setdefault(outcome.group, []).append(gold[outcome.id])
        return groups


def _values(evaluation: Evaluation, lines_read: Sequence[int]) -> Groups:
    """The measures of `trellis eval`, one value a question. lines_read: until the first gold line, 0 when it never comes."""
    groups: Groups = {}
    for name in ("natural", "keyword"):
        some = [
            (each.rank, read) for each, read in zip(evaluation.outcomes, lines_read, strict=True) if each.group == name
        ]
        if some:
            groups[name] = {
                "s1": [float(rank == 1) for rank, _ in some],
                "s5": [float(1 <= rank <= 5) for rank, _ in some],
                "MRR": [1 / rank if rank else 0.0 for rank, _ in some],
                "read5": [float(1 <= read <= 5) for _, read in some],
                "read15": [float(1 <= read <= 15) for _, read in some],
            }
    return groups


def _lines_read(store: Store, question: Question, rows: Sequence[int]) -> int:
    read = 0
    for row in rows:
        right = question.file in (None, store.files[store.file[row]])
        for line in range(store.line[row], store.end_line[row] + 1):
            read += 1
            if right and any(first <= line <= last for first, last in question.gold):
                return read
    return 0


def _as_answer(store: Store, text: str, rows: Sequence[int]) -> Answer:
    windows: list[Window] = []
    for row in rows:
        if len(windows) == TOP:
            break
        if not any(window.first <= row <= window.last for window in windows):
            windows.append(window_around(store, row, None, windows))
    return Answer(text, True, 1.0, None, [_as_result(store, window) for window in windows], "", 0.0)


def _as_result(store: Store, window: Window) -> Result:
    lines = [
        ExcerptLine(number, node.depth, line, node.row == window.row, [])
        for node in store.run(window.first, window.last)
        for number, line in zip(node.line_numbers, node.lines, strict=True)
    ]
    hit = store.node(window.row)
    return Result(hit.id, 1.0, [], hit.text, lines, Source(hit.file, hit.line, lines[0].line, lines[-1].line))


@dataclass(frozen=True, slots=True)
class Collection:
    """Documents, queries and judgements in the format of BEIR (Thakur et al. 2021). relevant: grades by query and document.

    For Trellis each document is one top-level line of a text file in `folder`, so that a line number names its document.
    """

    folder: Path
    documents: dict[str, str]
    queries: dict[str, str]
    relevant: dict[str, dict[str, float]]

    @classmethod
    def read(cls, source: Path, folder: Path) -> Collection:
        packed = source / "corpus.jsonl.xz"
        corpus = lzma.decompress(packed.read_bytes()) if packed.exists() else (source / "corpus.jsonl").read_bytes()
        documents = {
            record["_id"]: " ".join(f"{record.get('title', '')} {record['text']}".split())
            for record in map(json.loads, _lines(corpus))
        }
        queries = {
            record["_id"]: record["text"] for record in map(json.loads, _lines((source / "queries.jsonl").read_bytes()))
        }
        relevant: dict[str, dict[str, float]] = {}
        for line in _lines((source / "qrels.tsv").read_bytes())[1:]:
            query, document, grade = line.split("\t")
            if float(grade) > 0:
                relevant.setdefault(query, {})[document] = float(grade)
        collection = cls(folder, documents, queries, relevant)
        collection._write()
        return collection

    @property
    def questions(self) -> list[str]:
        return [self.queries[query] for query in self.relevant]

    def require_whole(self, trellis: Trellis) -> None:
        if trellis.store.line.tolist() != list(range(1, len(self.documents) + 1)):
            raise SystemExit("The documents and the nodes of the index are not the same.")

    def passages(self, trellis: Trellis) -> list[str]:
        return list(self.documents.values())

    def ask(self, trellis: Trellis) -> Groups:
        found = (answering.search(trellis.snapshot, text, TOP).results for text in self.questions)
        return self.judge(trellis, [[result.source.line - 1 for result in results] for results in found])

    def judge(self, trellis: Trellis, rankings: Sequence[Sequence[int]]) -> Groups:
        ids = list(self.documents)
        values = [
            gain([ids[at] for at in ranking], grades, TOP)
            for ranking, grades in zip(rankings, self.relevant.values(), strict=True)
        ]
        return {"all": {f"nDCG@{TOP}": values}}

    def needs(self, trellis: Trellis) -> dict[str, list[str]]:
        """What each query looks for: queries with the same right documents are paraphrases."""
        return {"all": [str(sorted(grades)) for grades in self.relevant.values()]}

    def _write(self) -> None:
        """The bullet keeps the reader from taking two documents for one sentence that was broken by hand."""
        self.folder.mkdir(exist_ok=True)
        text = "".join(f"- {document}\n" for document in self.documents.values())
        (self.folder / "documents.txt").write_text(text, "utf-8")


def _lines(data: bytes) -> list[str]:
    """The lines of a file, parted by newlines only: JSON may hold other separators."""
    return [line.decode() for line in data.split(b"\n") if line.strip()]
