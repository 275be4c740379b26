"""Prints one table: Trellis beside grep, BM25, the same model alone, both fused, and txtai, on notes and two collections.

    python -m bench.quality [--only aws,stackfaq,scifact] [--shared FOLDER] [--cache DIR]
    python -m bench.quality --questions FILE --notes FOLDER      other notes
    python -m bench.quality --render                             the table of the last run once more

bench/README.md says how to make the environment that it needs, and what is measured how.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.conditions import conditions, fingerprint
from bench.intervals import Bootstrap
from bench.material import Collection, Groups, Notes, Trellis
from bench.table import render
from indexer.encoder import Encoder, Model, load, locate
from indexer.errors import TrellisError

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results" / "quality.json"
COLLECTIONS = {"scifact": "scifact-train", "stackfaq": "stackfaq-dev"}
OURS = "Trellis"


def main() -> None:
    options = _options()
    if not options.render:
        if missing := [name for name in ("bm25s", "txtai") if importlib.util.find_spec(name) is None]:
            raise SystemExit(
                f"{' and '.join(missing)} not installed here: bench/README.md says how to make the environment."
            )
        model = locate()
        bench = _Bench(options, model, load(model))
        document = {"conditions": conditions(ROOT, model), "sets": {name: bench.measure(name) for name in options.only}}
        options.results.parent.mkdir(parents=True, exist_ok=True)
        options.results.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    print(render(json.loads(options.results.read_text("utf-8"))))


@dataclass(frozen=True, slots=True)
class _Bench:
    options: argparse.Namespace
    model: Model
    encoder: Encoder

    def measure(self, name: str) -> dict[str, Any]:
        """All systems on one set: means by group, system and measure, and Trellis less each peer with its interval."""
        seconds: dict[str, float] = {}
        with self._folder(name) as folder:
            material = self._material(name, folder)
            with _timed(seconds, f"{name}, Trellis, index"):
                trellis = Trellis.over(material.folder, folder / "index", self.model, self.encoder)
            material.require_whole(trellis)
            with _timed(seconds, f"{name}, Trellis, {len(material.questions)} questions"):
                values = {OURS: material.ask(trellis)}
            passages = material.passages(trellis)
            with _timed(seconds, f"{name}, peers, all"):
                rankings, agreement = self._peers(passages, material.questions, folder)
            values |= {peer: material.judge(trellis, ranked) for peer, ranked in rankings.items()}
            return {
                "passages": len(passages),
                "groups": _compare(values, material.needs(trellis)),
                "weights": trellis.weights(material.questions),
                "least cosine of the peers' vectors with ours": agreement,
                "seconds": seconds,
            }

    def _material(self, name: str, folder: Path) -> Notes | Collection:
        if name in COLLECTIONS:
            return Collection.read(self._place(name), folder / "notes")
        return Notes.read(self.options.notes, self.options.questions)

    def _place(self, name: str) -> Path:
        shared: Path = self.options.shared
        return shared / "collections" / COLLECTIONS[name] if name in COLLECTIONS else self.options.notes

    def _peers(
        self, passages: Sequence[str], questions: Sequence[str], folder: Path
    ) -> tuple[dict[str, list[list[int]]], float]:
        """The peers' rankings, and the least cosine similarity of their vectors with Trellis's over some passages: they say
        that they have the same weights, and this says so too.
        """
        from bench.peers import all_peers  # not needed to print a table

        rankings, vectors = all_peers(
            self.model.folder, passages, questions, folder / "txtai" if self.options.cache else None
        )
        some = slice(None, None, max(1, len(passages) // 50))
        ours = self.encoder.encode(passages[some]).vectors
        return rankings, round(float((ours * vectors[some]).sum(axis=1).min()), 6)

    @contextmanager
    def _folder(self, name: str) -> Iterator[Path]:
        """Where the indexes of one set go. With --cache they stay, under a name that changes with the text, the model and the
        indexer's code.
        """
        if not self.options.cache:
            with tempfile.TemporaryDirectory() as folder:
                yield Path(folder)
            return
        key = fingerprint([ROOT / "indexer", self._place(name)])
        folder = self.options.cache / f"{name}-{key}-{self.model.digest[:12]}"
        folder.mkdir(parents=True, exist_ok=True)
        yield folder


def _compare(values: dict[str, Groups], needs: dict[str, list[str]]) -> dict[str, Any]:
    groups = {}
    for group, measures in values[OURS].items():
        bootstrap = Bootstrap(needs[group])
        groups[group] = {
            "questions": len(needs[group]),
            "needs": len(bootstrap),
            "means": {
                system: {measure: round(sum(each) / len(each), 4) for measure, each in theirs[group].items()}
                for system, theirs in values.items()
            },
            "differences": {
                system: {
                    measure: bootstrap.interval(ours, theirs[group][measure]) for measure, ours in measures.items()
                }
                for system, theirs in values.items()
                if system != OURS
            },
        }
    return groups


@contextmanager
def _timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    """Notes how long a step took, and says so on standard error."""
    started = time.perf_counter()
    yield
    seconds[step.partition(", ")[2]] = round(time.perf_counter() - started, 1)
    print(f"{step}: {time.perf_counter() - started:.1f} s", file=sys.stderr)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.quality", description="Answer quality beside peers.")
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared", help="notes, questions and collections")
    parser.add_argument("--only", help="some of aws, stackfaq, scifact, parted by commas")
    parser.add_argument("--notes", type=Path, help="other notes, with --questions; alone unless --only says more")
    parser.add_argument("--questions", type=Path, help="questions on them, as for 'trellis eval'")
    parser.add_argument("--cache", type=Path, help="keep the indexes here, so that the next run need not embed")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the JSON goes, or comes from")
    parser.add_argument("--render", action="store_true", help="only print the table of the JSON")
    options = parser.parse_args()
    if (options.notes is None) != (options.questions is None):
        parser.error("--notes and --questions go together")
    outline = "notes" if options.notes else "aws"
    known = [outline, "stackfaq", "scifact"]
    options.only = options.only.split(",") if options.only else known[:1] if options.notes else known
    if unknown := set(options.only) - set(known):
        parser.error(f"--only takes {', '.join(known)}, not {', '.join(sorted(unknown))}")
    options.notes = options.notes or options.shared / "notes"
    options.questions = options.questions or options.shared / "questions" / "aws-dev.jsonl"
    return options


if __name__ == "__main__":
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        main()
    except TrellisError as error:
        raise SystemExit(str(error)) from error
