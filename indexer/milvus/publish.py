"""Brings what Milvus holds up to date with a generation. Safe to break off anywhere: the next run does what is left.

    1  the page `underway` says that what is there may be neither the old state nor the new one
    2  records that are new or changed are upserted by key, and pages of new contents are written: readers of the old state
       pass both over, since its pages do not name them
    3  the head is replaced, in one step: from here on the new state is read
    4  records and pages that only the old state had are deleted, `underway` last of all

As long as `underway` is not there, what the head says is what there is, and only files that differ are looked at. Where it is
there, a run was broken off, and every key is compared. What cannot lie in one collection with what is there (another model,
other chunking rules, another schema) goes into a new one, to which the alias is moved when it is complete; the old one is
dropped then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec

from indexer.errors import EngineRefused
from indexer.generation import Generation
from indexer.milvus import collections
from indexer.milvus.collections import Place
from indexer.milvus.connection import Connection
from indexer.milvus.decide import decide
from indexer.milvus.draft import draft
from indexer.milvus.pages import HEAD, UNDERWAY, Pages, key_of, scan
from indexer.milvus.publication import Publication
from indexer.milvus.records import Record, file_key, page_in, records_of
from indexer.milvus.wire import Drafted, FileState, Head, Root

RECORDS_AT_ONCE = 500
"""Records in one call, which is at most some megabytes."""
_KEYS_AT_ONCE = 1000
_FILES_AT_ONCE = 200
_ALL = "key >= -9223372036854775807"
_FLUSHED_FROM = 2000
"""Records after which the server is asked to store what it holds in memory; clusters limit how often that may be asked."""
_LONGER = 0.1
"""Once chunks are longer or shorter by this share on average, the weights of words are made anew."""


Progress = Callable[[str, int, int], None]


def publish(generation: Generation, connection: Connection, progress: Progress, *, anew: bool = False) -> Publication:
    """anew: compare everything, whatever the server says is there. Raises EngineError; the next call then does the rest."""
    manifest, settings = generation.manifest, connection.settings
    before, place = collections.place_now(connection), collections.place_for(generation, settings)
    pages = collections.bring_up(connection, place, manifest.dimension, manifest.chunks)
    head, broken_off = read_head(pages), bool(pages.marked(UNDERWAY))
    if head and head.name == generation.name and not broken_off and before == place and not anew:
        return Publication(generation.name, manifest.chunks, 0, 0)
    run = _Run(generation, connection, place, pages, progress, head, broken_off or anew or head is None)
    done = run.do()
    if before != place:
        collections.point_to(connection, place, before)
    collections.drop_others(connection, place)
    pages.unmark(UNDERWAY)
    return msgspec.structs.replace(done, repaired=broken_off, moved=bool(before and before != place))


def read_head(pages: Pages) -> Head | None:
    text = pages.marked(HEAD)
    return msgspec.json.decode(text, type=Head) if text else None


def read_root(pages: Pages, head: Head) -> Root:
    """Raises Republished."""
    return msgspec.msgpack.decode(pages.read([head.root])[head.root], type=Root)


def read_files(pages: Pages, root: Root) -> list[FileState]:
    """Raises Republished."""
    found = pages.read(root.files)
    return [state for key in root.files for state in msgspec.msgpack.decode(found[key], type=list[FileState])]


@dataclass(slots=True)
class _Run:
    generation: Generation
    connection: Connection
    place: Place
    pages: Pages
    progress: Progress
    head: Head | None
    everything: bool
    upserted: int = 0
    deleted: list[int] = field(default_factory=list)
    overflow: set[str] = field(default_factory=set)
    """Pages that records name which are to go."""
    written: set[str] = field(default_factory=set)
    """Pages that records name which are to stay, of the files that were looked at."""

    def do(self) -> Publication:
        self.pages.mark(UNDERWAY, self.generation.name)
        root = read_root(self.pages, self.head) if self.head and not self.everything else None
        before = {state.name: state for state in read_files(self.pages, root)} if root else {}
        mean_length = self._mean_length(root)
        if root and mean_length != root.mean_length:
            root, before, self.everything = None, {}, True
        drafted = draft(self.generation, mean_length, root)
        self._put_records(drafted, before)
        key = self._put_pages(drafted, root, before)
        self.pages.mark(HEAD, msgspec.json.encode(Head(self.generation.name, key)).decode())
        self._delete_records()
        self._delete_pages(drafted, root, before, key)
        chunks = self.generation.manifest.chunks
        return Publication(self.generation.name, chunks, self.upserted, len(self.deleted))

    def _mean_length(self, root: Root | None) -> float:
        now = self.generation.store.mean_length
        return root.mean_length if root and abs(now / root.mean_length - 1) <= _LONGER else now

    def _put_records(self, drafted: Drafted, before: Mapping[str, FileState]) -> None:
        """Upserts what differs, file by file, and notes what there is too much of."""
        changed = [
            number
            for number, state in enumerate(drafted.files)
            if self.everything or state.name not in before or before[state.name].state != state.state
        ]
        gone = before.keys() - {state.name for state in drafted.files}
        names = [drafted.files[number].name for number in changed]
        held = self._held([*names, *gone])
        done, total = 0, sum(drafted.files[number].chunks for number in changed)
        for batch in _batches(self._records(changed, drafted.root.mean_length)):
            decision = decide(
                {record.key: held[record.key] for record in batch if record.key in held},
                {record.key: record.hash for record in batch},
            )
            wanted = set(decision.upsert)
            self._upsert([record for record in batch if record.key in wanted])
            for record in batch:
                held.pop(record.key, None)
                self.overflow.difference_update(record.pages)
                self.written.update(record.pages)
            done += len(batch)
            self.progress("publishing", done, total)
        self.deleted = list(held)  # what no batch wanted
        if self.upserted >= _FLUSHED_FROM:
            with suppress(
                EngineRefused
            ):  # what was written is safe and seen without it, only slower to search for a while
                self.connection.write("flush", self.place.nodes)

    def _records(self, files: Iterable[int], mean_length: float) -> Iterator[Record]:
        for number in files:
            yield from records_of(self.generation, number, mean_length)

    def _upsert(self, records: Sequence[Record]) -> None:
        pages = {key: data for record in records for key, data in record.pages.items()}
        self.pages.write(pages)
        if records:
            self.connection.write("upsert", self.place.nodes, [record.fields for record in records])
        self.upserted += len(records)

    def _held(self, files: Sequence[str]) -> dict[int, int]:
        """The hash of each record that is there of these files, or of all; and notes which pages they name."""
        keys = [file_key(name) for name in files]
        parts = [keys[at : at + _FILES_AT_ONCE] for at in range(0, len(keys), _FILES_AT_ONCE)]
        held: dict[int, int] = {}
        for scope in [_ALL] if self.everything else [f"file in {some}" for some in parts]:
            rows = scan(self.connection, self.place.nodes, ["key", "hash"], scope)
            held |= {row["key"]: row["hash"] for row in rows}
            for name in ("said", "codes"):
                long = scan(self.connection, self.place.nodes, ["key", name], f'({scope}) and {name} like "page:%"')
                self.overflow |= {page_in(row[name]) for row in long}
        return held

    def _put_pages(self, drafted: Drafted, root: Root | None, before: Mapping[str, FileState]) -> str:
        """Writes the pages that are not there, and answers the name of the root's."""
        data = msgspec.msgpack.encode(drafted.root)
        key = key_of(data)
        there = _named(root, before.values()) if root else set()
        self.pages.write({name: page for name, page in (drafted.pages | {key: data}).items() if name not in there})
        return key

    def _delete_records(self) -> None:
        for at in range(0, len(self.deleted), _KEYS_AT_ONCE):
            self.connection.write("delete", self.place.nodes, ids=self.deleted[at : at + _KEYS_AT_ONCE])

    def _delete_pages(self, drafted: Drafted, root: Root | None, before: Mapping[str, FileState], key: str) -> None:
        """Those that only the old state names; after a run that was broken off, all that nobody names."""
        wanted = _named(drafted.root, drafted.files) | {key}
        if root and self.head:
            self.pages.delete((_named(root, before.values()) | {self.head.root} | self.overflow) - wanted)
        else:
            self.pages.delete(self.pages.keys() - wanted - self.written)


def _named(root: Root, files: Iterable[FileState]) -> set[str]:
    """All pages of a state but that of the root, and those of records."""
    return root.pages | {name for state in files for name in (state.layout, state.headings) if name}


def _batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    batch: list[Record] = []
    for record in records:
        batch.append(record)
        if len(batch) == RECORDS_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch
