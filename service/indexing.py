"""Indexing as the service needs it: the index built or brought up to date, with what tells answers from non-answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from indexer.build import MakeExtras, Progress, Report, build, ignore
from indexer.device import Device
from indexer.encoder import Encoder, Model
from indexer.generation import Generation, open_generation
from indexer.generation_writing import write_lock
from indexer.merge import Merged
from indexer.merge import merge as merge_parts
from indexer.milvus.publication import Publication
from indexer.milvus.settings import Milvus
from indexer.shards import Shard
from service.judge.background import FILE, carried_over, measure
from service.snapshot import Answering, Snapshot

_AT_ONCE = 1000


def update(
    notes: Sequence[Path],
    folder: Path,
    model: Model,
    loader: Callable[[Model], Encoder],
    progress: Progress = ignore,
    at_most: int | None = None,
    current: Generation | None = None,
    leave_out: Sequence[str] = (),
    shard: Shard | None = None,
    milvus: Milvus | None = None,
    anew: bool = False,
    device: Device = "cpu",
) -> Report:
    """Brings the index up to date with the notes and calibrates it to them. `loader` may be called more than once. at_most,
    current, leave_out, shard, device: as in `indexer.build.build`. milvus: where to publish it, if anywhere; anew: compare all
    that is there.

    Raises NotesError, ModelError or IndexFolderError; the index is then as it was before. Raises EngineError when it could not
    be published; the next call then publishes what is left of it.
    """
    report = build(
        notes,
        folder,
        model,
        loader=loader,
        progress=progress,
        extras=_calibration(model, loader),
        at_most=at_most,
        current=current,
        leave_out=leave_out,
        shard=shard,
        device=device,
    )
    if milvus is None:
        return report
    return msgspec.structs.replace(report, published=publish(folder, model, milvus, progress, anew=anew))


def publish(
    folder: Path, model: Model, milvus: Milvus, progress: Progress = ignore, *, anew: bool = False
) -> Publication:
    """Brings what Milvus holds up to date with the index in `folder`. Raises EngineError or IndexFolderError."""
    from indexer.milvus.connection import Connection  # only those who have Milvus need it
    from indexer.milvus.publish import publish as publish_generation

    connection = Connection(milvus)
    generation = open_generation(folder, model)
    try:
        with write_lock(folder):
            return publish_generation(generation, connection, progress, anew=anew)
    finally:
        generation.close()
        connection.close()


def merge(
    parts: Sequence[Path],
    notes: Sequence[Path],
    folder: Path,
    model: Model,
    loader: Callable[[Model], Encoder],
    progress: Progress = ignore,
    leave_out: Sequence[str] = (),
) -> Merged:
    """As `indexer.merge.merge`, and calibrates the index to the notes."""
    return merge_parts(
        parts,
        notes,
        folder,
        model,
        loader=loader,
        progress=progress,
        extras=_calibration(model, loader),
        leave_out=leave_out,
    )


def _calibration(model: Model, loader: Callable[[Model], Encoder]) -> MakeExtras:
    """Keeps with a generation what tells answers from non-answers."""

    def calibrate(new: Generation, old: Generation | None, changed: int) -> Mapping[str, bytes]:
        anchors = carried_over(old, changed, len(new.store)) or measure(Snapshot(new, loader(model)))
        return {FILE: msgspec.json.encode(anchors)}

    return calibrate


def follow(
    notes: Sequence[Path],
    folder: Path,
    current: Answering,
    tell: Callable[[str], None],
    leave_out: Sequence[str] = (),
    milvus: Milvus | None = None,
) -> None:
    """Brings the index and what is served from it up to date while questions go on being answered.

    What came under other headings answers to them at once: by words, by the vectors of the headings, and by those it had. It is
    embedded anew in steps, each of which is swapped in, and between which further changes come in. `tell` hears how far it is.
    """
    total = 0
    while True:
        served = current.built
        report = update(
            notes,
            folder,
            current.model,
            lambda _: current.encoder,
            at_most=_AT_ONCE,
            current=served,
            leave_out=leave_out,
            milvus=milvus,
        )
        current.refresh()
        total = max(total, report.borrowed)
        if total:
            tell(f"under new headings: {total - report.borrowed:,} of {total:,} notes embedded anew")
        if not report.borrowed:
            return
