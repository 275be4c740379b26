"""Where one published state is read from: its pages and its records, by key, through the shelf."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from indexer.errors import Republished
from indexer.late import Codes, Projection
from indexer.milvus.collections import Place, index_type, load, search_params
from indexer.milvus.connection import Connection, NotLoaded
from indexer.milvus.pages import Pages
from indexer.milvus.publish import read_files, read_head, read_root
from indexer.milvus.records import page_in
from indexer.milvus.shelf import Shelf
from indexer.milvus.wire import FileState, Head, Layout, Root

_AT_ONCE = 1000
"""Records in one call: some megabytes."""
MOST_FOUND = 16_384
"""As many hits as Milvus gives for one search."""
_FIELDS = ["key", "dense", "facts", "said", "codes"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A record as it is read. vector: shape (dimension,). codes: shape (tokens, d). said: "" but for a node's first chunk."""

    vector: NDArray[np.float32]
    codes: Codes
    said: str
    facts: frozenset[int]


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that a search found. node, file: as they stand there, hashes with a sign."""

    node: int
    part: int
    file: int
    score: float


class Source:
    """One published state. All reading raises Republished when something is gone, which means that another state is current,
    and EngineError.
    """

    def __init__(self, connection: Connection, place: Place, head: Head, shelf: Shelf) -> None:
        self.place = place
        self.connection = connection
        self.shelf = shelf
        self._pages = Pages(connection, place.pages)
        self.root: Root = self._loaded(lambda: read_root(self._pages, head))
        self.files: list[FileState] = read_files(self._pages, self.root)
        self._kind = index_type(connection.settings, self.root.chunks)
        self.projection = Projection.from_bytes(self.root.projection)

    @classmethod
    def current(cls, connection: Connection, place: Place, shelf: Shelf) -> Source:
        head = head_of(connection, place)
        if head is None:
            raise Republished
        return cls(connection, place, head, shelf)

    def layouts(self, files: Iterable[FileState]) -> dict[str, Layout]:
        """By the names of their pages."""

        def fetch(keys: list[str]) -> Mapping[str, tuple[int, Layout]]:
            return {key: (9 * len(data), Layout.unpack(data)) for key, data in self._pages.read(keys).items()}

        return self.shelf.get([file.layout for file in files], fetch)

    def decoded(self, keys: Iterable[str], kind: Any) -> dict[str, Any]:
        """Pages of counts and the like, decoded to this type."""

        def fetch(wanted: list[str]) -> Mapping[str, tuple[int, Any]]:
            found = self._pages.read(wanted)
            return {key: (5 * len(data), msgspec.msgpack.decode(data, type=kind)) for key, data in found.items()}

        return self.shelf.get(keys, fetch)

    def entries(self, keys: Sequence[tuple[str, int]]) -> list[Entry]:
        """Records by the state of their file and their key, in this order."""
        found = self.shelf.get(keys, self._fetch)
        return [found[key] for key in keys]

    def _fetch(self, keys: list[tuple[str, int]]) -> Mapping[tuple[str, int], tuple[int, Entry]]:
        rows: dict[int, dict[str, Any]] = {}
        for at in range(0, len(keys), _AT_ONCE):
            some = [key for _, key in keys[at : at + _AT_ONCE]]
            rows |= {row["key"]: row for row in self.call("get", ids=some, output_fields=_FIELDS)}
        if len(rows) < len(keys):
            raise Republished
        long = [name for row in rows.values() for field in ("said", "codes") if (name := page_in(row[field]))]
        pages = self._pages.read(long) if long else {}
        return {key: self._entry(rows[key[1]], pages) for key in keys}

    def _entry(self, row: Mapping[str, Any], pages: Mapping[str, bytes]) -> tuple[int, Entry]:
        said = pages[name].decode("utf-8") if (name := page_in(row["said"])) else row["said"]
        data = pages[name] if (name := page_in(row["codes"])) else base64.b64decode(row["codes"])
        codes = np.frombuffer(data, np.int8).reshape(-1, self.projection.matrix.shape[1])
        entry = Entry(np.array(row["dense"], np.float32), codes, said, frozenset(row["facts"]))
        return 400 + entry.vector.nbytes + len(data) + 2 * len(said) + 100 * len(entry.facts), entry

    def search(self, field: str, query: Any, top: int, filter: str) -> list[Hit]:
        """The best records by inner product with one vector, of those that the filter lets through."""
        top = min(top, MOST_FOUND)
        found = self.call(
            "search",
            data=[query],
            anns_field=field,
            limit=top,
            filter=filter,
            output_fields=["node", "part", "file"],
            search_params={"metric_type": "IP", "params": search_params(self._kind, top) if field == "dense" else {}},
        )
        return [
            Hit(row["entity"]["node"], row["entity"]["part"], row["entity"]["file"], float(row["distance"]))
            for row in found[0]
        ]

    def query(self, filter: str, fields: Sequence[str], top: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.call("query", filter=filter, output_fields=list(fields), limit=top)
        return found

    def call(self, what: str, **options: Any) -> Any:
        return self._loaded(lambda: self.connection.call(what, self.place.nodes, **options))

    def _loaded(self, do: Any) -> Any:
        """After a restart of the server its collections may have to be loaded again."""
        try:
            return do()
        except NotLoaded:
            load(self.connection, self.place)
            return do()


def head_of(connection: Connection, place: Place) -> Head | None:
    """What is current there, read anew."""
    pages = Pages(connection, place.pages)
    try:
        return read_head(pages)
    except NotLoaded:
        load(connection, place)
        return read_head(pages)
