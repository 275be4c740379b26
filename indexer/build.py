"""From notes to a new generation: find, read, cut, decide, embed, write. Nothing to do costs nothing."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path

import msgspec
import numpy as np

from indexer import late
from indexer.assemble import assemble, manifest_of
from indexer.chunks import Chunk, cut_chunks, too_long
from indexer.converted import keep_copy
from indexer.device import Device, device_for
from indexer.draft import Draft, ReadFile, draft
from indexer.embed import Embedded, embed, journal_key, projection_of, take_over
from indexer.encoder import Encoder, Model, check_weights, load
from indexer.errors import (
    IndexDamaged,
    IndexFolderError,
    IndexMismatch,
    IndexMissing,
    NoNotesInside,
    NotThisShard,
)
from indexer.gathered import Gathered
from indexer.generation import (
    Generation,
    Manifest,
    current_name,
    model_place,
    open_generation,
    read_manifest,
    require_kept_model,
)
from indexer.generation_writing import write_lock
from indexer.journal import Journal, remove_journal
from indexer.machine import give_back_memory
from indexer.node import Outline, Problem
from indexer.plan import Plan, borrow, plan_vectors
from indexer.readers import read_with_account, suffixes
from indexer.references import is_linked, resolve
from indexer.renames import former_names
from indexer.report import Progress, Report, Skipped, by_reason, ignore
from indexer.shards import FILE as SHARD_FILE
from indexer.shards import Shard, shard_of
from indexer.sources import find_sources, read_sources
from indexer.store import Rows
from indexer.store.segment import short

__all__ = ["MakeExtras", "Progress", "Report", "Skipped", "build", "build_on", "ignore", "no_extras"]

MakeExtras = Callable[[Generation, Generation | None, int], Mapping[str, bytes]]
"""Asked for what else to keep with a new generation, given the one before and how many nodes came or went since."""


def no_extras(new: Generation, old: Generation | None, changed: int) -> Mapping[str, bytes]:
    return {}


def build(
    notes: Sequence[Path],
    folder: Path,
    model: Model,
    *,
    loader: Callable[[Model], Encoder] = load,
    progress: Progress = ignore,
    extras: MakeExtras = no_extras,
    at_most: int | None = None,
    current: Generation | None = None,
    leave_out: Sequence[str] = (),
    shard: Shard | None = None,
    device: Device = "cpu",
) -> Report:
    """Brings the index in `folder` up to date with `notes`. The model is loaded only if something has to be embedded.

    at_most: how many chunks to embed that only came under other headings; the rest is found by its old vectors until a
    later build (a heading above ten thousand nodes can be renamed). None embeds them all. current: an opened generation of
    this folder, which saves opening it if it is still the current one. leave_out: as in `find_sources`.
    shard: make an index of this part of the notes alone, to be merged with others (`indexer.merge`). device: for many texts.

    Raises NotesError, ModelError or IndexFolderError; the index is then as it was before.
    """
    with write_lock(folder):
        old, notice = _open_old(folder, model, current)
        if old and old is not current and (reason := _mend_model(folder, old, model, loader)):
            old.close()
            old, notice = None, reason
        try:
            _require_shard(folder, old, shard)
            before = _manifest_before(folder)
            report = _Build(
                notes, folder, model, loader, progress, extras, at_most, old, notice, before, leave_out, shard, device
            ).run()
            remove_journal(folder)
            return report
        finally:
            if old and old is not current:
                old.close()


def build_on(
    old: Generation,
    notes: Sequence[Path],
    folder: Path,
    model: Model,
    *,
    loader: Callable[[Model], Encoder],
    progress: Progress,
    extras: MakeExtras,
    leave_out: Sequence[str],
) -> Report:
    """As `build`, out of what another index has whose segments lie in `folder`. Call it under `write_lock`."""
    before = _manifest_before(folder)
    made = _Build(notes, folder, model, loader, progress, extras, None, old, "", before, leave_out, joined=True)
    report = made.run()
    remove_journal(folder)
    return report


def _require_shard(folder: Path, old: Generation | None, shard: Shard | None) -> None:
    """A part does not take the place of another index by oversight. Raises NotThisShard."""
    found = shard_of(old) if old else None
    if old and shard and found != shard:
        raise NotThisShard(folder, f"part {found}" if found else "a whole index", shard)


def _open_old(folder: Path, model: Model, current: Generation | None) -> tuple[Generation | None, str]:
    """The generation to build on, or none and the reason why everything is built anew."""
    try:
        if current and current.name == current_name(folder):
            return current, ""
        return open_generation(folder, model), ""
    except IndexMissing:
        return None, ""
    except (IndexDamaged, IndexMismatch) as error:
        return None, _anew(folder, error)


def _anew(folder: Path, error: IndexFolderError) -> str:
    return f"{str(error).removesuffix(IndexFolderError.rebuild.format(folder)).strip()} Building it anew."


def _mend_model(folder: Path, old: Generation, model: Model, loader: Callable[[Model], Encoder]) -> str:
    """Puts the converted model beside the index again when it is gone or damaged there. Answers why everything has to be built
    anew, which is when no other copy of it is to be had, or "".
    """
    try:
        require_kept_model(folder, old.manifest)
    except IndexDamaged as error:
        kept = getattr(loader(model), "kept", None)
        if kept is None or kept.digest != old.manifest.converted:
            return _anew(folder, error)
        keep_copy(kept, model_place(folder, kept.digest))
    return ""


def _state_of(manifest: Manifest) -> tuple[dict[str, str], list[str], dict[str, str], int]:
    """What has to be as it was for a build to have nothing to do."""
    return manifest.sources, manifest.notes, manifest.notebooks, manifest.borrowed


def _manifest_before(folder: Path) -> Manifest | None:
    """What the folder was last built from, also when another model did it: what a renamed file was called is not forgotten."""
    try:
        return read_manifest(folder)[1]
    except IndexFolderError:
        return None


@dataclass(slots=True)
class _Build:
    """One run from notes to a generation. joined: `old` is not on the disk, and its files were read at different times.
    projection_from: all notes, of which a part takes what its token vectors have to have in common with the others'.
    """

    notes: Sequence[Path]
    folder: Path
    model: Model
    loader: Callable[[Model], Encoder]
    progress: Progress
    extras: MakeExtras
    at_most: int | None
    old: Generation | None
    notice: str
    before: Manifest | None = None
    leave_out: Sequence[str] = ()
    shard: Shard | None = None
    device: Device = "cpu"
    joined: bool = False
    projection_from: Sequence[Outline] = ()
    skipped: list[Skipped] = field(default_factory=list)
    started: float = field(default_factory=time.perf_counter)

    def run(self) -> Report:
        found = find_sources(self.notes, self.leave_out)
        self.skipped = by_reason(found.skipped)
        data, unreadable = read_sources(found.sources)
        sources = Gathered(
            data,
            {file: hashlib.sha256(content).hexdigest() for file, content in data.items()},
            {source.file: source.notebook for source in found.sources if source.notebook},
            [str(place.resolve()) for place in self.notes],
        )
        problems = [*found.problems, *unreadable]
        everything = sources
        if self.shard:
            sources = sources.only(self.shard)
        if (
            self.old
            and not self.joined
            and _state_of(self.old.manifest) == (sources.digests, sources.places, sources.notebooks, 0)
        ):
            known = self.old.store.problems()
            if set(problems) == {problem for problem in known if problem.file not in sources.digests}:
                return self._report(self.old, 0, 0, 0, known)
        former = former_names(self.before.sources, self.before.former, sources.digests) if self.before else {}
        if self.old and late.outgrown(self.old.tokens):
            self.old = None
        read = self._read_beside(everything, sources) if self.shard else self._read(sources)
        problems += self._known_problems(read)
        problems += chain.from_iterable([*each.outline.problems, *too_long(each.outline)] for each in read.values())
        order = self.old.store.file_order if self.old else {}
        made = draft(
            (
                replace(read[file], former=former.get(file, ())) if file in read else order[file]
                for file in sources.data
            ),
            self.old.store if self.old else None,
        )
        if not len(made.ids):
            raise NoNotesInside(self.notes, suffixes(), [str(problem) for problem in problems])
        return self._finish(sources, former, made, problems)

    def _finish(self, sources: Gathered, former: dict[str, list[str]], made: Draft, problems: list[Problem]) -> Report:
        """Embeds what a draft lacks and writes the generation."""
        rows = np.flatnonzero(made.chunks_from < 0)
        chunks = [made.chunks[row] for row in rows.tolist()]
        plan, borrowed = self._plan(made, rows, chunks)
        fresh, converted = self._embed(plan, chunks, lasting=len(rows) < len(made.chunks_from))
        manifest = manifest_of(
            self.model,
            converted,
            made,
            fresh,
            borrowed,
            notes=sources.places,
            sources=sources.digests,
            notebooks=sources.notebooks,
            former=former,
        )
        nodes = made.chunk_nodes[rows]
        embedded = _distinct(nodes, chain.from_iterable(plan.embed))
        resumed = _distinct(nodes, chain.from_iterable(plan.embed[i] for i in fresh.resumed))
        removed = len(np.setdiff1d(self.old.store.structure.ids, made.ids)) if self.old else 0
        written = assemble(
            self.folder,
            manifest,
            made,
            fresh,
            borrowed,
            problems,
            self.old,
            lambda new: self._extras(new, embedded + removed),
        )
        return self._report(written, embedded, removed, resumed, problems)

    def _extras(self, new: Generation, changed: int) -> Mapping[str, bytes]:
        if self.shard:
            return {SHARD_FILE: msgspec.json.encode(self.shard)}
        return self.extras(new, self.old, changed)

    def _report(
        self, generation: Generation, embedded: int, removed: int, resumed: int, problems: list[Problem]
    ) -> Report:
        nodes = len(generation.store)
        return Report(
            generation.name,
            len(generation.store.files),
            nodes,
            embedded,
            nodes - embedded,
            removed,
            resumed,
            generation.manifest.borrowed,
            problems,
            self.notice,
            round(time.perf_counter() - self.started, 3),
            self.skipped,
            generation.store.accounts(),
        )

    def _read(self, sources: Gathered) -> dict[str, ReadFile]:
        """The files that have changed, and with a linked one among them all that are linked with any."""
        old = self.old
        read = self._read_files(sources, self._changed(sources, old) if old else sources.data)
        linked = [entry.name for entry in old.store.entries if entry.linked] if old else []
        touched = self.joined or any(file in read or file not in sources.data for file in linked)
        if touched or any(is_linked(each.outline) for each in read.values()):
            read |= self._read_files(sources, [file for file in linked if file in sources.data and file not in read])
        resolved = resolve([each.outline for each in read.values()])
        return {
            file: replace(each, outline=outline) for (file, each), outline in zip(read.items(), resolved, strict=True)
        }

    def _read_beside(self, everything: Gathered, sources: Gathered) -> dict[str, ReadFile]:
        """The files of a part, with the blocks that they borrow from files of others."""
        read = self._read_files(everything, everything.data)
        outlines = resolve([each.outline for each in read.values()])
        self.projection_from = outlines
        whole = dict(zip(read, outlines, strict=True))
        return {file: replace(read[file], outline=whole[file]) for file in sources.data}

    def _changed(self, sources: Gathered, old: Generation) -> list[str]:
        """Files that are not as they were, and those in which a chunk waits for a vector of its own."""
        store, then = old.store, old.manifest
        borrowed = {store.files[number] for number in np.unique(store.file[store.chunk_node[store.structure.borrowed]])}
        return [
            file
            for file, digest in sources.digests.items()
            if (then.sources.get(file), then.notebooks.get(file)) != (digest, sources.notebooks.get(file))
            or file in borrowed
        ]

    def _read_files(self, sources: Gathered, files: Collection[str]) -> dict[str, ReadFile]:
        read: dict[str, ReadFile] = {}
        for file in files:
            outline, account = read_with_account(file, sources.data[file], sources.notebooks.get(file, ""))
            read[file] = ReadFile(outline, account)
            self.progress("reading", len(read), len(files))
        return read

    def _known_problems(self, read: Container[str]) -> list[Problem]:
        """Those of the files that have not changed."""
        if self.old is None:
            return []
        unchanged = {file for file in self.old.store.files if file not in read}
        return [problem for problem in self.old.store.problems() if problem.file in unchanged]

    def _plan(self, made: Draft, rows: Rows, chunks: Sequence[Chunk]) -> tuple[Plan, Mapping[int, bytes]]:
        """Where the vector of each new chunk comes from, and by row the hash of what was embedded for the borrowed ones.
        rows: of the new chunks.
        """
        store = self.old.store if self.old else None
        known = store.chunk_rows() if store and chunks else {}
        plan = plan_vectors(known, [short(chunk.hash) for chunk in chunks])
        if store is None or self.at_most is None or len(plan.embed) <= self.at_most:
            return plan, {}
        taken = made.chunks_from[made.chunks_from >= 0]
        gone = np.setdiff1d(np.arange(len(store.chunk_node)), taken)
        lent = zip(gone.tolist(), store.own_hashes()[gone].tolist(), strict=True)
        plan = borrow(plan, lent, [short(chunk.own_hash) for chunk in chunks], self.at_most)
        made_of = store.made_of()
        return plan, {int(rows[at]): made_of[lender].tobytes() for at, lender in plan.borrowed}

    def _embed(self, plan: Plan, chunks: Sequence[Chunk], lasting: bool) -> tuple[Embedded, str]:
        """The vectors of new chunks, and the digest of the converted model that made them, which is kept beside the index.
        lasting: whether any of the old ones stay, so that the new ones have to be like them.
        """
        if self.old and not plan.embed:
            return take_over(plan, self.old), self.old.manifest.converted
        encoder = self._encoder(len(plan.embed))
        kept = getattr(encoder, "kept", None)
        converted: str = kept.digest if kept else ""
        if kept:
            keep_copy(kept, model_place(self.folder, converted))
        old = self.old if lasting or plan.taken else None
        projection = old.tokens_projection if old else None
        if self.projection_from and not projection:
            texts = [chunk for outline in self.projection_from for chunk in cut_chunks(outline)]
            projection = projection_of(texts, encoder)
        journal = Journal(self.folder, journal_key(self.model, converted, projection))
        try:
            progress = partial(self.progress, "embedding")
            return embed(plan, chunks, old, encoder, journal, progress, projection), converted
        finally:
            journal.close()
            getattr(encoder, "rest", give_back_memory)()

    def _encoder(self, texts: int) -> Encoder:
        device = device_for(self.device, texts)
        if device == "cpu":
            return self.loader(self.model)
        from indexer.torch_encoder import load_original

        check_weights(self.model)
        return load_original(self.model, device=device)


def _distinct(nodes: Rows, chunks: Iterable[int]) -> int:
    """How many nodes some of the new chunks belong to. nodes: of each new chunk."""
    return len(np.unique(nodes[list(chunks)]))
