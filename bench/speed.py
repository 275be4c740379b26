"""How fast Trellis is beside peers with the same weights and the same notes, all in one run.

    python -m bench.speed [--shared FOLDER] [--only "cold ask,indexing"] [--rounds N]
    python -m bench.speed --render                     the table of the last run once more

Each part is a function of `Bench` that answers a unit and, for each system, what was measured; a new part is one more
function in `PARTS`. Systems take turns within a part, so that a busy machine slows all of them. bench/README.md says what is
measured how.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from bench.conditions import conditions
from bench.load import CLIENTS, ask_trellis, ask_txtai, press, txtai_api
from bench.serving import ROOT, TRELLIS, ask_all, edit, run, searchable, served, timed
from bench.speed_peers import PEERS, resident
from bench.speed_table import render
from indexer.chunks import cut_chunks
from indexer.encoder import Model, load, locate
from indexer.generation import open_generation
from indexer.machine import usable_cores
from indexer.readers import read_outline
from indexer.sources import find_sources
from service.judge.known_items import known_items
from service.measure.evaluate import read_questions

RESULTS = ROOT / "bench" / "results" / "speed.json"
OURS = "Trellis"
_MULTIPLY_ADDS_A_TOKEN = 6 * (4 * 384 * 384 + 2 * 384 * 1536)
"""Of the default model: six layers, each with four square products and two with the wide inner layer."""

_REPEATED = 8

Part = dict[str, Any]


@dataclass
class Bench:
    """notes: a copy, which may be edited. folder: where all indexes lie."""

    notes: Path
    questions: Sequence[str]
    passages: Sequence[str]
    folder: Path
    model: Model
    rounds: int
    _indexed: bool = field(default=False, init=False)

    def indexing(self) -> Part:
        """Seconds from the command to the finished index, loading of the model included; the conversion of the model, which
        happens once, is not.
        """
        load(self.model)
        taken: dict[str, list[float]] = {name: [] for name in (OURS, *PEERS)}
        for _ in range(self.rounds):
            shutil.rmtree(self.folder / "trellis", ignore_errors=True)
            taken[OURS].append(timed([*TRELLIS, "index", str(self.notes), "--index", self._index]))
            for peer in PEERS:
                taken[peer].append(timed(self._peer(peer, "index")))
        self._indexed = True
        systems = {name: {"median": median(each), "all": each} for name, each in taken.items()}
        return {"unit": "s", "texts": len(self.passages), "systems": systems} | self._peak(systems[OURS]["median"])

    def cold_ask(self) -> Part:
        """Seconds from the command to the answer, in a new process, with the index there."""
        self._need_indexes()
        taken: dict[str, list[float]] = {name: [] for name in (OURS, *PEERS)}
        for _ in range(self.rounds):
            command = [*TRELLIS, "ask", self.questions[0], "--index", self._index]
            taken[OURS].append(timed(command, allowed=(0, 1)))
            for peer in PEERS:
                taken[peer].append(timed(self._peer(peer, "ask")))
        return {"unit": "s", "systems": {name: {"median": median(each), "all": each} for name, each in taken.items()}}

    def question(self) -> Part:
        """Milliseconds for one question after the other, all different: Trellis over HTTP with full ranking, excerpts and
        confidence; the peers in their own process, the ranking alone.
        """
        return {
            "unit": "ms",
            "questions": len(self.questions),
            "systems": {
                name: {f"p{at}": float(np.percentile(np.array(seconds) * 1000, at)) for at in (50, 90, 99)}
                for name, (seconds, _) in self._asked.items()
            },
        }

    def memory(self) -> Part:
        """Megabytes resident after all questions were asked."""
        return {
            "unit": "MB",
            "systems": {name: {"median": held / 1e6} for name, (_, held) in self._asked.items()},
        }

    @cached_property
    def _asked(self) -> dict[str, tuple[list[float], int]]:
        """For each system, seconds for each question, and the bytes that it held afterwards."""
        self._need_indexes()
        with served(self.notes, self._index, "--no-watch") as (url, process):
            asked = {OURS: (ask_all(url, self.questions), resident(process))}
        for peer in PEERS:
            measured = json.loads(run(self._peer(peer, "questions")).splitlines()[-1])
            asked[peer] = (measured["seconds"], measured["resident"])
        return asked

    def edit(self) -> Part:
        """Seconds from saving one changed line to a search that shows it, while serving; the peers know no edit, so theirs is
        the time of indexing everything again.
        """
        self._need_indexes()
        path = sorted(path for path in self.notes.rglob("*") if path.is_file())[0]
        with served(self.notes, self._index) as (url, _):
            taken = [searchable(url, *edit(path, number)) for number in range(max(5, self.rounds))]
        return {"unit": "s", "nodes": len(self.passages), "systems": {OURS: {"median": median(taken), "all": taken}}}

    def load(self) -> Part:
        """Questions a second from many clients at once: all different, made out of the notes themselves; and the same ones over
        and over, which Trellis remembers.
        """
        self._need_indexes()
        store = open_generation(self.folder / "trellis", self.model).store
        different = [*self.questions, *(item.question for item in known_items(store).items)]
        different = list(dict.fromkeys(question for question in different if question.strip()))
        repeated = [*self.questions] * _REPEATED
        systems: dict[str, Any] = {}
        with served(self.notes, self._index, "--no-watch") as (url, _):
            systems[OURS] = {
                "different": press(url, ask_trellis, different),
                "repeated": press(url, ask_trellis, repeated),
            }
        with txtai_api(self.folder / "txtai", self.model.folder) as url:
            press(url, ask_txtai, self.questions[:CLIENTS])
            systems["txtai"] = {
                "different": press(url, ask_txtai, different),
                "repeated": press(url, ask_txtai, repeated),
            }
        counts = {"different": len(different), "repeated": len(repeated)}
        return {"unit": "a second", "clients": CLIENTS, "questions": counts, "systems": systems}

    @property
    def _index(self) -> str:
        return str(self.folder / "trellis")

    def _need_indexes(self) -> None:
        if not self._indexed:
            run([*TRELLIS, "index", str(self.notes), "--index", self._index])
            for peer in PEERS:
                run(self._peer(peer, "index"))
            self._indexed = True

    def _peer(self, peer: str, action: str) -> list[str]:
        return [sys.executable, "-m", "bench.speed_peers", peer, action, str(self.folder), str(self.model.folder)]

    def _peak(self, seconds: float) -> dict[str, Any]:
        """What the model's products need at the measured peak of this machine in int8, beside the time that indexing took."""
        encoder = load(self.model)
        tokens = sum(len(each.ids) for each in encoder._tokenizer.encode_batch(list(self.passages)))  # type: ignore[attr-defined]
        operations, peak = 2 * tokens * _MULTIPLY_ADDS_A_TOKEN, int8_peak()
        return {
            "tokens": tokens,
            "int8 peak": {
                "operations a second": peak,
                "seconds": operations / peak,
                "share": operations / peak / seconds,
            },
        }


def int8_peak(size: int = 1536, seconds: float = 2.0) -> float:
    """The most whole-number operations a second that ONNX Runtime reaches in one large product, on all cores."""
    import onnxruntime
    from onnx import TensorProto, helper

    shape = {name: (kind, [size, size]) for name, kind in (("a", TensorProto.UINT8), ("b", TensorProto.INT8))}
    given = [helper.make_tensor_value_info(name, *what) for name, what in shape.items()]
    made = [helper.make_tensor_value_info("c", TensorProto.INT32, [size, size])]
    weights = helper.make_tensor(
        "b", TensorProto.INT8, [size, size], np.ones((size, size), np.int8).tobytes(), raw=True
    )
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["a", "b"], ["c"])], "peak", given[:1], made, [weights]
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = usable_cores()
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    feed, best, until = {"a": np.ones((size, size), np.uint8)}, float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < until:
        started = time.perf_counter()
        session.run(None, feed)
        best = min(best, time.perf_counter() - started)
    return 2 * size**3 / best


PARTS: dict[str, Callable[[Bench], Part]] = {
    "indexing": Bench.indexing,
    "cold ask": Bench.cold_ask,
    "question": Bench.question,
    "memory": Bench.memory,
    "edit": Bench.edit,
    "load": Bench.load,
}


def main() -> None:
    options = _options()
    if not options.render:
        with tempfile.TemporaryDirectory() as folder:
            bench = _prepare(options, Path(folder))
            measured = {name: PARTS[name](_told(bench, name)) for name in options.only}
        document = json.loads(options.results.read_text("utf-8")) if options.results.is_file() else {"parts": {}}
        document["conditions"] = conditions(ROOT, bench.model)
        document["conditions"].pop("bootstrap")
        document["parts"] |= measured
        options.results.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    print(render(json.loads(options.results.read_text("utf-8"))))


def _told(bench: Bench, name: str) -> Bench:
    print(f"measuring: {name}", file=sys.stderr, flush=True)
    return bench


def _prepare(options: argparse.Namespace, folder: Path) -> Bench:
    notes = folder / "notes"
    shutil.copytree(options.notes, notes)
    notes.chmod(0o755)
    for path in notes.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    outlines = [read_outline(source.file, source.path.read_bytes()) for source in find_sources([notes]).sources]
    passages = [chunk.text for outline in outlines for chunk in cut_chunks(outline)]
    questions = list(dict.fromkeys(question.q for question in read_questions(options.questions)))
    for name, value in (("passages", passages), ("questions", questions)):
        (folder / f"{name}.json").write_text(json.dumps(value))
    return Bench(notes, questions, passages, folder, locate(), options.rounds)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.speed", description="Speed beside peers.")
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared", help="notes and questions")
    parser.add_argument("--notes", type=Path, help="other notes, with --questions")
    parser.add_argument("--questions", type=Path, help="questions on them, as for 'trellis eval'")
    parser.add_argument("--only", help=f"some of {', '.join(PARTS)}, parted by commas; the others stay as they were")
    parser.add_argument("--rounds", type=int, default=3, help="how often each system takes its turn")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the JSON goes, or comes from")
    parser.add_argument("--render", action="store_true", help="only print the table of the JSON")
    options = parser.parse_args()
    options.notes = options.notes or options.shared / "notes"
    options.questions = options.questions or options.shared / "questions" / "aws-dev.jsonl"
    options.only = [name.strip() for name in options.only.split(",")] if options.only else list(PARTS)
    if unknown := set(options.only) - set(PARTS):
        parser.error(f"--only takes {', '.join(PARTS)}, not {', '.join(sorted(unknown))}")
    return options


if __name__ == "__main__":
    main()
