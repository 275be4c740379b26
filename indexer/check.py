"""Is the index whole, current, and made by this model?"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from indexer.encoder import Model
from indexer.errors import IndexFolderError, NotesError
from indexer.generation import Manifest, open_generation, read_manifest, require_kept_model
from indexer.sources import find_sources, read_whole


class Verdict(msgspec.Struct, frozen=True):
    """ok: whole, made by this model, and current. problem: what is wrong with the index itself, or "".
    changed, added, removed: notes files that differ from what was indexed.
    """

    ok: bool
    whole: bool
    current: bool
    problem: str
    generation: str
    nodes: int
    model: str
    created: str
    changed: list[str]
    added: list[str]
    removed: list[str]

    def lines(self) -> list[str]:
        if not self.whole:
            return [self.problem]
        head = f"generation {self.generation}: {self.nodes:,} nodes, {self.model}, made {self.created}"
        states = [("changed", self.changed), ("added", self.added), ("removed", self.removed)]
        stale = [f"{state} since: {file}" for state, files in states for file in files]
        return [
            head,
            *([self.problem] if self.problem else []),
            *(stale or ([] if self.problem else ["whole and current"])),
        ]


def check_index(folder: Path, model: Model, leave_out: Sequence[str] = ()) -> Verdict:
    """Reads and verifies everything, embeds nothing. What is wrong comes in the verdict, not as an error. leave_out: as in
    `find_sources`.
    """
    try:
        name, manifest = read_manifest(folder)
        require_kept_model(folder, manifest, thorough=True)
        opened = open_generation(folder, model, thorough=True)
    except IndexFolderError as error:
        return Verdict(False, False, False, str(error), "", 0, "", "", [], [], [])
    opened.close()
    problem = ""
    try:
        now = _digests([Path(place) for place in manifest.notes], leave_out)
    except NotesError as error:
        now, problem = {}, str(error)
    changed, added, removed = _differences(manifest, now)
    current = not (problem or changed or added or removed)
    return Verdict(
        current, True, current, problem, name, manifest.nodes, manifest.model, manifest.created, changed, added, removed
    )


def _digests(notes: list[Path], leave_out: Sequence[str]) -> dict[str, str]:
    digests = {}
    for source in find_sources(notes, leave_out).sources:
        try:
            digests[source.file] = hashlib.sha256(read_whole(source.path)).hexdigest()
        except OSError:
            continue  # unreadable now, so it counts as removed
    return digests


def _differences(manifest: Manifest, now: dict[str, str]) -> tuple[list[str], list[str], list[str]]:
    then = manifest.sources
    changed = sorted(file for file in then.keys() & now.keys() if then[file] != now[file])
    return changed, sorted(now.keys() - then.keys()), sorted(then.keys() - now.keys())
