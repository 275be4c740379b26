"""The one interface behind which vectors and nodes are kept: what ranking and answering ask of an index, whoever holds it.

There are two engines. FAISS with SQLite, in this process, over the files of a generation (`indexer.generation.Generation`), is
the default. Milvus, over the network, holds what a generation said (`indexer.milvus.opened.Published`) for as many services as
one likes. Ranking, judging and answering are the same code over both: an engine finds candidates within what is in scope, and
hands out what stands at a row. Rows are numbered alike, over all files in reading order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from indexer.encoder import Vectors
from indexer.numbering import RowMask, Rows

if TYPE_CHECKING:
    from indexer.generation import Manifest
    from indexer.late import Projection, TokenVectors
    from indexer.store import Store
    from indexer.vectors import Scores


class StoredVectors(Protocol):
    """The vectors of chunks, by row."""

    def vectors(self, rows: Rows, /) -> Vectors:
        """Shape (len(rows), dimension), unit length."""
        ...


class StoredTokens(Protocol):
    """The token vectors of chunks, by row; see `indexer.late.TokenVectors`."""

    @property
    def projection(self) -> Projection: ...

    def of_chunks(self, rows: Rows, /) -> TokenVectors: ...

    def best_matches(self, query: Vectors, first: Rows, last: Rows, /) -> Scores: ...


class Opened(Protocol):
    """An index that can be asked: one state of the notes, read-only, for any number of threads.

    name: 16 hexadecimal digits, new with every change. extras: what else was kept with it, by name.
    """

    @property
    def name(self) -> str: ...

    @property
    def manifest(self) -> Manifest: ...

    @property
    def store(self) -> Store: ...

    @property
    def extras(self) -> Mapping[str, bytes]: ...

    @property
    def vectors(self) -> StoredVectors: ...

    @property
    def tokens(self) -> StoredTokens: ...

    @property
    def token_count(self) -> int:
        """How many token vectors there are."""
        ...

    def nearest(self, query: Vectors, top: int, mask: RowMask | None = None) -> tuple[Scores, Rows]:
        """The `top` nearest chunks to one vector of shape (dimension,), nearest first, of the nodes where `mask` is true:
        similarities and rows of chunks. Filtered before the cut.
        """
        ...

    def candidates(
        self, query: Vectors, depth: int, words: Sequence[str], lexical_depth: int, mask: RowMask | None = None
    ) -> tuple[tuple[Scores, Rows], tuple[Rows, Scores]]:
        """Hybrid retrieval: what `nearest` and `Store.match` find. The two are not fused, since ranking weighs them itself."""
        ...

    def close(self) -> None: ...
