"""From notes to a new generation: find, read, cut, decide, embed, write. Nothing to do costs nothing."""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from pathlib import Path

import msgspec

from indexer.account import Account
from indexer.chunks import CHUNKING, Chunk, cut_chunks, too_long
from indexer.converted import keep_copy
from indexer.embed import Embedded, embed, journal_key, take_over
from indexer.encoder import Encoder, Model, load
from indexer.errors import IndexDamaged, IndexFolderError, IndexMismatch, IndexMissing, NoNotesInside
from indexer.generation import (
    FORMAT,
    Generation,
    Manifest,
    model_place,
    open_generation,
    read_manifest,
    write_generation,
    write_lock,
)
from indexer.journal import Journal, remove_journal
from indexer.machine import give_back_memory
from indexer.node import Outline, Problem
from indexer.picture import draw
from indexer.plan import Plan, borrow, plan_vectors
from indexer.readers import read_with_account, suffixes
from indexer.references import resolve
from indexer.renames import former_names
from indexer.sources import find_sources, read_sources
from indexer.store_writing import store_bytes
from indexer.vectors import build_index

_NAMES_SHOWN = 20

Progress = Callable[[str, int, int], None]
"""Hears what is being done, how much of it is done, and how much there is."""


class Report(msgspec.Struct, frozen=True):
    """What a build did. embedded: nodes with a new vector. kept: nodes whose vectors were taken over.
    removed: nodes of the old index that are gone. resumed: of the embedded ones, those that an earlier run that was stopped had
    left. borrowed: chunks that are found by a vector made under other headings, for now; the next build makes more of theirs.
    notice: why everything was built anew, or "". skipped: what in the notes folders was passed over, by why.
    accounts: where the lines of each file went.
    """

    generation: str
    files: int
    nodes: int
    embedded: int
    kept: int
    removed: int
    resumed: int
    borrowed: int
    problems: list[Problem]
    notice: str
    seconds: float
    skipped: list[Skipped] = []
    accounts: list[Account] = []


class Skipped(msgspec.Struct, frozen=True):
    """Files and folders that were passed over for one reason. names: the first of them."""

    reason: str
    count: int
    names: list[str]


def ignore(what: str, done: int, total: int) -> None:
    """For those who need not hear of progress."""


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
) -> Report:
    """Brings the index in `folder` up to date with `notes`. The model is loaded only if something has to be embedded.

    at_most: how many chunks to embed that only came under other headings; the rest is found by its old vectors until a later
    build (a heading above ten thousand nodes can be renamed). None embeds them all.

    Raises NotesError, ModelError or IndexFolderError; the index is then as it was before.
    """
    with write_lock(folder):
        old, notice = _open_old(folder, model)
        try:
            before = _manifest_before(folder)
            report = _Build(notes, folder, model, loader, progress, extras, at_most, old, notice, before).run()
            remove_journal(folder)
            return report
        finally:
            if old:
                old.close()


def _open_old(folder: Path, model: Model) -> tuple[Generation | None, str]:
    """The generation to build on, or none and the reason why everything is built anew."""
    try:
        return open_generation(folder, model), ""
    except IndexMissing:
        return None, ""
    except (IndexDamaged, IndexMismatch) as error:
        reason = str(error).removesuffix(IndexFolderError.rebuild.format(folder)).strip()
        return None, f"{reason} Building it anew."


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
    """One run from notes to a generation."""

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
    skipped: list[Skipped] = field(default_factory=list)
    started: float = field(default_factory=time.perf_counter)

    def run(self) -> Report:
        found = find_sources(self.notes)
        self.skipped = _by_reason(found.skipped)
        data, unreadable = read_sources(found.sources)
        notebooks = {source.file: source.notebook for source in found.sources if source.notebook}
        digests = {file: hashlib.sha256(content).hexdigest() for file, content in data.items()}
        problems = [*found.problems, *unreadable]
        places = [str(place.resolve()) for place in self.notes]
        former = former_names(self.before.sources, self.before.former, digests) if self.before else {}
        if self.old and _state_of(self.old.manifest) == (digests, places, notebooks, 0):
            known = self.old.store.problems()
            if set(problems) == {problem for problem in known if problem.file not in digests}:
                accounts = self.old.store.accounts()
                return self._report(self.old.name, len(data), len(self.old.store), 0, 0, 0, 0, known, accounts)
        outlines, accounts = self._read_outlines(data, notebooks)
        outlines = resolve(outlines)
        problems += chain.from_iterable([*outline.problems, *too_long(outline)] for outline in outlines)
        nodes = sum(len(outline.nodes) for outline in outlines)
        if not nodes:
            raise NoNotesInside(self.notes, suffixes(), [str(problem) for problem in problems])
        chunks = all_chunks(outlines)
        plan, borrowed = self._plan(chunks)
        fresh, converted = self._embed(plan, chunks)
        manifest = Manifest(
            format=FORMAT,
            chunking=CHUNKING,
            model=self.model.name,
            model_digest=self.model.digest,
            converted=converted,
            dimension=fresh.vectors.shape[1],
            nodes=nodes,
            chunks=len(chunks),
            borrowed=len(borrowed),
            created=datetime.now(UTC).isoformat(timespec="microseconds"),
            notes=places,
            sources=digests,
            notebooks=notebooks,
            former=former,
            files={},
        )
        embedded = _nodes_of(plan.embed, chunks)
        resumed = _nodes_of([plan.embed[i] for i in fresh.resumed], chunks)
        ids = set(chain.from_iterable(outline.ids() for outline in outlines))
        removed = len(self.old.store.ids() - ids) if self.old else 0
        picture = draw(fresh.vectors, plan.taken, self.old.store.places() if self.old else None)
        name = write_generation(
            self.folder,
            manifest,
            store_bytes(outlines, chunks, problems, borrowed, accounts, former, picture),
            build_index(fresh.vectors, self.old.vectors if self.old else None),
            fresh.tokens,
            lambda new: self.extras(new, self.old, embedded + removed),
        )
        return self._report(name, len(data), nodes, embedded, removed, resumed, len(borrowed), problems, accounts)

    def _report(
        self,
        generation: str,
        files: int,
        nodes: int,
        embedded: int,
        removed: int,
        resumed: int,
        borrowed: int,
        problems: list[Problem],
        accounts: list[Account],
    ) -> Report:
        return Report(
            generation,
            files,
            nodes,
            embedded,
            nodes - embedded,
            removed,
            resumed,
            borrowed,
            problems,
            self.notice,
            round(time.perf_counter() - self.started, 3),
            self.skipped,
            accounts,
        )

    def _read_outlines(
        self, data: Mapping[str, bytes], notebooks: Mapping[str, str]
    ) -> tuple[list[Outline], list[Account]]:
        outlines, accounts = [], []
        for file, content in data.items():
            outline, account = read_with_account(file, content, notebooks.get(file, ""))
            outlines.append(outline)
            accounts.append(account)
            self.progress("reading", len(outlines), len(data))
        return outlines, accounts

    def _plan(self, chunks: Sequence[Chunk]) -> tuple[Plan, dict[int, bytes]]:
        """Where each chunk's vector comes from, and for the borrowed ones the hash of what that vector was made of."""
        store = self.old.store if self.old else None
        plan = plan_vectors(store.chunk_rows() if store else {}, [chunk.hash for chunk in chunks])
        if store is None or self.at_most is None or len(plan.embed) <= self.at_most:
            return plan, {}
        plan = borrow(plan, store.own_hashes(), [chunk.own_hash for chunk in chunks], self.at_most)
        return plan, {row: store.chunk_hash(lender) for row, lender in plan.borrowed}

    def _embed(self, plan: Plan, chunks: Sequence[Chunk]) -> tuple[Embedded, str]:
        """The vectors, and the digest of the converted model that made them, which is kept beside the index."""
        if self.old and not plan.embed:
            return take_over(plan, self.old), self.old.manifest.converted
        encoder = self.loader(self.model)
        kept = getattr(encoder, "kept", None)
        converted: str = kept.digest if kept else ""
        if kept:
            keep_copy(kept, model_place(self.folder, converted))
        journal = Journal(self.folder, journal_key(self.model, converted, self.old if plan.taken else None))
        try:
            progress = partial(self.progress, "embedding")
            return embed(plan, chunks, self.old, encoder, journal, progress), converted
        finally:
            journal.close()
            getattr(encoder, "rest", give_back_memory)()


def _nodes_of(groups: Iterable[Sequence[int]], chunks: Sequence[Chunk]) -> int:
    return len({chunks[row].node for rows in groups for row in rows})


def _by_reason(skipped: Sequence[tuple[str, str]]) -> list[Skipped]:
    """The commonest reason first."""
    names: defaultdict[str, list[str]] = defaultdict(list)
    for name, reason in skipped:
        names[reason].append(name)
    groups = [Skipped(reason, len(some), some[:_NAMES_SHOWN]) for reason, some in names.items()]
    return sorted(groups, key=lambda group: -group.count)


def all_chunks(outlines: Sequence[Outline]) -> list[Chunk]:
    """The chunks of all outlines, their nodes numbered over all of them."""
    chunks: list[Chunk] = []
    first = 0
    for outline in outlines:
        chunks.extend(replace(chunk, node=first + chunk.node) for chunk in cut_chunks(outline))
        first += len(outline.nodes)
    return chunks
