"""A published state, opened: what ranking asks of an index, answered by Milvus (see `indexer.engine`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec
import numpy as np

from indexer.encoder import Model, Vectors
from indexer.errors import EngineMismatch, NotPublished, Republished
from indexer.generation import Manifest, mismatch
from indexer.late import Codes, Projection, TokenVectors, join, spread
from indexer.milvus.collections import Place, place_now
from indexer.milvus.connection import Connection
from indexer.milvus.reading import PublishedStore
from indexer.milvus.shelf import Shelf
from indexer.milvus.source import Source, head_of
from indexer.numbering import RowMask, Rows
from indexer.vectors import Scores

_SEARCHES = ThreadPoolExecutor(16, "milvus")
"""Threads start when they are needed. Dense and lexical candidates of a question are fetched side by side."""
_TRIES = 5


class Published:
    """See `indexer.engine.Opened`."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.name = source.root.name
        self.store = PublishedStore(source)
        self.extras: Mapping[str, bytes] = source.root.extras
        self.vectors = _Vectors(self.store)
        self.tokens = _Tokens(self.store, source.projection)
        self.token_count = source.root.tokens
        self.manifest = _manifest(source)

    def nearest(self, query: Vectors, top: int, mask: RowMask | None = None) -> tuple[Scores, Rows]:
        rows, scores = self.store.found("dense", np.asarray(query, np.float32), top, mask)
        return scores, rows

    def candidates(
        self, query: Vectors, depth: int, words: Sequence[str], lexical_depth: int, mask: RowMask | None = None
    ) -> tuple[tuple[Scores, Rows], tuple[Rows, Scores]]:
        lexical = _SEARCHES.submit(self.store.match, words, lexical_depth, mask)
        return self.nearest(query, depth, mask), lexical.result()

    def close(self) -> None:
        """Others may be reading by the same connection."""


class _Vectors:
    def __init__(self, store: PublishedStore) -> None:
        self._store = store

    def vectors(self, rows: Rows) -> Vectors:
        return np.stack([entry.vector for entry in self._store.entries_of(rows)])


class _Tokens:
    def __init__(self, store: PublishedStore, projection: Projection) -> None:
        self._store = store
        self.projection = projection

    def of_chunks(self, rows: Rows) -> TokenVectors:
        codes: list[Codes] = [entry.codes for entry in self._store.entries_of(rows)]
        return join(codes, self.projection)

    def best_matches(self, query: Vectors, first: Rows, last: Rows) -> Scores:
        counts = last - first + 1
        ends = np.cumsum(counts)
        return self.of_chunks(spread(first, counts)).best_matches(query, ends - counts, ends - 1)


def _manifest(source: Source) -> Manifest:
    manifest = msgspec.json.decode(source.root.manifest, type=Manifest)
    return msgspec.structs.replace(
        manifest,
        sources={state.name: state.digest for state in source.files},
        notebooks={state.name: state.notebook for state in source.files if state.notebook},
    )


class Reader:
    """What is published now, for as long as a service runs."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._shelf = Shelf(connection.settings.cache)

    def now(self) -> tuple[Place, str]:
        """Where the published notes lie, and the name of the state that is current. Raises NotPublished or EngineError."""
        place = place_now(self.connection)
        head = head_of(self.connection, place) if place else None
        if place is None or head is None:
            raise NotPublished(self.connection.settings.place, self.connection.settings.collection)
        return place, head.name

    def open(self, model: Model) -> Published:
        """Raises EngineMismatch for what another model made, NotPublished or EngineError."""
        for tries_left in reversed(range(_TRIES)):
            place, _ = self.now()
            try:
                published = Published(Source.current(self.connection, place, self._shelf))
            except (Republished, NotPublished):
                if not tries_left:
                    raise
                continue
            if difference := mismatch(published.manifest, model):
                raise EngineMismatch(self.connection.settings.place, *difference)
            return published
        raise Republished
