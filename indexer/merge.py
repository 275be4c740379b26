"""Parts of the notes that were indexed apart, made one index. What a part has embedded is not embedded again.

The segments of the parts are taken over as they are. What stands where is told by the notes as they are now: a file that no
part has, or has in another state, is read and embedded as in any other build.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from indexer.adopting import adopt
from indexer.build import MakeExtras, Progress, Report, build_on, ignore, no_extras
from indexer.converted import keep_copy
from indexer.encoder import Encoder, Model, load
from indexer.errors import IndexFolderError, IndexMismatch, PartIsTheIndex
from indexer.generation import Generation, kept_model, model_place, open_generation
from indexer.generation_writing import write_lock
from indexer.joining import Part, choose, joined
from indexer.late import Projection
from indexer.shards import Shard, shard_of
from indexer.sources import find_sources, read_sources

_NAMES_SHOWN = 5


class Merged(msgspec.Struct, frozen=True):
    """What a merge did. remarks: what was missing, double or not of one piece, and what was done about it."""

    report: Report
    parts: int
    remarks: list[str]


def merge(
    parts: Sequence[Path],
    notes: Sequence[Path],
    folder: Path,
    model: Model,
    *,
    loader: Callable[[Model], Encoder] = load,
    progress: Progress = ignore,
    extras: MakeExtras = no_extras,
    leave_out: Sequence[str] = (),
) -> Merged:
    """Makes the index of `notes` in `folder` out of the indexes in `parts`, and of the one that is there already.

    Raises NotesError, ModelError or IndexFolderError; the index is then as it was before, and the parts are always.
    """
    if any(part.resolve() == folder.resolve() for part in parts):
        raise PartIsTheIndex(folder)
    with write_lock(folder):
        return _Merge(parts, notes, folder, model, loader, progress, extras, leave_out).run()


@dataclass(slots=True)
class _Merge:
    parts: Sequence[Path]
    notes: Sequence[Path]
    folder: Path
    model: Model
    loader: Callable[[Model], Encoder]
    progress: Progress
    extras: MakeExtras
    leave_out: Sequence[str]
    remarks: list[str] = field(default_factory=list)

    def run(self) -> Merged:
        opened = [open_generation(part, self.model) for part in self.parts]
        self._require_one_conversion(opened)
        now = self._digests()
        self._say_what_is_missing(opened)
        base = self._base()
        known = [*([base] if base else []), *opened]
        chosen = choose([each.manifest.sources for each in known], now)
        self._say_what_is_double(opened, chosen[bool(base) :])
        projection = base.tokens_projection if base else _commonest(opened)
        taken = [Part(base, base.store.segments)] if base else []
        for at, (place, part) in enumerate(zip(self.parts, opened, strict=True)):
            self.progress("adopting", at, len(opened))
            if chosen[bool(base) + at]:
                self._adopt(place, part, projection, taken)
        chosen = [files for at, files in enumerate(chosen) if files or (base and not at)]
        self.progress("adopting", len(opened), len(opened))
        old = joined(taken, chosen, projection)
        self._say_what_is_embedded(old, now)
        report = build_on(
            old,
            self.notes,
            self.folder,
            self.model,
            loader=self.loader,
            progress=self.progress,
            extras=self.extras,
            leave_out=self.leave_out,
        )
        return Merged(report, len(opened), self.remarks)

    def _base(self) -> Generation | None:
        """What is in the folder already, if it can go on being used."""
        try:
            return open_generation(self.folder, self.model)
        except IndexFolderError:
            return None

    def _digests(self) -> dict[str, str]:
        data, _ = read_sources(find_sources(self.notes, self.leave_out).sources)
        return {file: hashlib.sha256(content).hexdigest() for file, content in data.items()}

    def _adopt(self, place: Path, part: Generation, projection: Projection, taken: list[Part]) -> None:
        digest = part.manifest.converted
        if kept := kept_model(place):
            keep_copy(kept, model_place(self.folder, digest))
        own = part.tokens_projection
        if own.to_bytes() != projection.to_bytes():
            self.remarks.append(
                f"'{place}' was made when the notes were others than for most parts: its token vectors are carried over "
                "into their projection, with a rounding that embedding it again would not have."
            )
        taken.append(Part(part, [adopt(place, each, self.folder, own, projection) for each in part.store.segments]))

    def _require_one_conversion(self, opened: Sequence[Generation]) -> None:
        first = opened[0].manifest.converted
        for place, part in zip(self.parts, opened, strict=True):
            if part.manifest.converted != first:
                made_by, wanted = (digest[:12] or "none" for digest in (part.manifest.converted, first))
                raise IndexMismatch(place, f"conversion of the model than '{self.parts[0]}'", made_by, wanted)

    def _say_what_is_missing(self, opened: Sequence[Generation]) -> None:
        shards = [shard for part in opened if (shard := shard_of(part))]
        for count in sorted({shard.count for shard in shards}):
            there = {shard.number for shard in shards if shard.count == count}
            missing = [str(Shard(number, count)) for number in range(1, count + 1) if number not in there]
            if missing:
                self.remarks.append(f"not among the parts: {_some(missing)}.")

    def _say_what_is_double(self, opened: Sequence[Generation], chosen: Sequence[Sequence[str]]) -> None:
        times = Counter(file for part in opened for file in part.manifest.sources)
        double = sorted(file for file, count in times.items() if count > 1)
        if double:
            self.remarks.append(f"in several parts, and taken from one: {_some(double)}.")
        for place, files in zip(self.parts, chosen, strict=True):
            if not files:
                self.remarks.append(f"nothing was taken from '{place}'.")

    def _say_what_is_embedded(self, old: Generation, now: dict[str, str]) -> None:
        then = old.manifest.sources
        if absent := sorted(now.keys() - then.keys()):
            self.remarks.append(f"in no part, and embedded now where need be: {_some(absent)}.")
        if changed := sorted(file for file, digest in now.items() if then.get(file, digest) != digest):
            self.remarks.append(
                f"changed since their part was made, and embedded anew where need be: {_some(changed)}."
            )


def _commonest(parts: Sequence[Generation]) -> Projection:
    """The projection of the most chunks."""
    weights: Counter[bytes] = Counter()
    for part in parts:
        weights[part.tokens_projection.to_bytes()] += part.manifest.chunks
    return Projection.from_bytes(weights.most_common(1)[0][0])


def _some(names: Sequence[str]) -> str:
    rest = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {rest:,} more" if rest > 0 else "")
