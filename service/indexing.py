"""Indexing as the service needs it: the index built or brought up to date, with what tells answers from non-answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from indexer.build import Progress, Report, build, ignore
from indexer.encoder import Encoder, Model
from indexer.generation import Generation
from service.background import FILE, carried_over, measure
from service.snapshot import Snapshot


def update(
    notes: Sequence[Path],
    folder: Path,
    model: Model,
    loader: Callable[[Model], Encoder],
    progress: Progress = ignore,
) -> Report:
    """Brings the index up to date with the notes and calibrates it to them. `loader` may be called more than once.

    Raises NotesError, ModelError or IndexFolderError; the index is then as it was before.
    """

    def calibrate(new: Generation, old: Generation | None, changed: int) -> Mapping[str, bytes]:
        anchors = carried_over(old, changed, len(new.store)) or measure(Snapshot(new, loader(model)))
        return {FILE: msgspec.json.encode(anchors)}

    return build(notes, folder, model, loader=loader, progress=progress, extras=calibrate)
