"""What asking several collections at once costs in quality: the shipped questions on the outline that ships, as one index,
parted into three, and beside collections about other things.

    python -m bench.across [INDEX ...]

INDEX: folders of indexes about other things, made by `trellis index` with the default model.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from indexer.encoder import Encoder, Model, load, locate
from service.answering import ask
from service.indexing import update
from service.measure.evaluate import DEPTH, Evaluation, evaluate, read_questions
from service.snapshot import Current, Snapshot

ROOT = Path(__file__).parent.parent
PARTS = 3


def parted(folder: Path) -> list[Path]:
    """The shipped notes in three folders, file by file in turn."""
    places = [folder / f"part-{number}" for number in range(PARTS)]
    for place in places:
        place.mkdir()
    for number, file in enumerate(sorted((ROOT / "notes").glob("*.txt"))):
        shutil.copy(file, places[number % PARTS])
    return places


def opened(notes: Path, index: Path, model: Model, encoder: Encoder) -> Snapshot:
    update([notes], index, model, lambda _: encoder)
    return Current(index, model, encoder, index.name).get()


def row(name: str, found: Evaluation) -> str:
    scores, beyond = found.groups["all"], found.not_in_notes
    refused = sum(not outcome.answered for outcome in found.outcomes if outcome.answerable) / scores.questions
    return (
        f"| {name} | {scores.mrr:.3f} | {scores.s1:.3f} | {scores.s5:.3f} | {beyond['refused_far']:.0%} | "
        f"{beyond['refused_near']:.0%} | {refused:.0%} | {found.calibration.error:.3f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("others", nargs="*", type=Path, metavar="INDEX")
    others = parser.parse_args().others
    questions = read_questions(ROOT / "bench" / "questions" / "notes.jsonl")
    model = locate()
    encoder = load(model)
    print("| | MRR | s1 | s5 | far-off refused | near misses refused | answerable refused | calibration error |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")

    def measure(name: str, snapshots: Sequence[Snapshot]) -> None:
        print(row(name, evaluate(questions, lambda question: ask(snapshots, question, DEPTH))), flush=True)

    with tempfile.TemporaryDirectory() as folder:
        whole = opened(ROOT / "notes", Path(folder, "whole"), model, encoder)
        parts = [opened(place, Path(folder, f"index-{place.name}"), model, encoder) for place in parted(Path(folder))]
        foreign = [Current(index, model, encoder, f"other {index.name}").get() for index in others]
        measure("one index", [whole])
        measure("parted into three collections", parts)
        if foreign:
            nodes = sum(len(snapshot.store) for snapshot in foreign)
            measure(f"one index, beside {len(foreign)} others ({nodes:,} nodes)", [whole, *foreign])
            measure("parted, beside the same", [*parts, *foreign])


if __name__ == "__main__":
    main()
