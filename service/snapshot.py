"""One build of the index with the model that made it, shared read-only by every thread; replaced whole, never changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from indexer.encoder import Encoder, Model
from indexer.engine import Opened
from indexer.generation import Generation, current_name, open_generation
from indexer.numbering import Mask, SparseMask
from indexer.store import Store

if TYPE_CHECKING:
    from indexer.milvus.opened import Published

GoneMask = Mask | SparseMask
"""True for each node that does not stand in its file any more."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Snapshot:
    """collection: the name of the collection that this is; "" for the only one of a service, and for publications."""

    generation: Opened
    encoder: Encoder
    collection: str = ""

    @property
    def store(self) -> Store:
        return self.generation.store

    @property
    def name(self) -> str:
        return self.generation.name

    @property
    def published(self) -> Published | None:
        """What is behind it where Milvus is."""
        return None if isinstance(self.generation, Generation) else cast("Published", self.generation)


OneOrMore = Snapshot | Sequence[Snapshot]
"""A collection, or several that are asked as one."""


def several(asked: OneOrMore) -> Sequence[Snapshot]:
    return [asked] if isinstance(asked, Snapshot) else asked


class Answering(Protocol):
    """Where the snapshot comes from that answers now. A question takes it once and keeps it to its end."""

    model: Model
    encoder: Encoder

    @property
    def folder(self) -> Path:
        """Of the index."""
        ...

    @property
    def built(self) -> Generation | None:
        """The generation in the folder, if it is open."""
        ...

    def get(self) -> Snapshot: ...

    def refresh(self) -> bool: ...


class Current:
    """The snapshot of the index folder that answers now."""

    def __init__(self, folder: Path, model: Model, encoder: Encoder, collection: str = "") -> None:
        self.model = model
        self.encoder = encoder
        self._folder = folder
        self._collection = collection
        self._generation = open_generation(folder, model)
        self._snapshot = Snapshot(self._generation, encoder, collection)

    @property
    def folder(self) -> Path:
        return self._folder

    @property
    def built(self) -> Generation:
        """The generation of the snapshot."""
        return self._generation

    def get(self) -> Snapshot:
        return self._snapshot

    def refresh(self) -> bool:
        """Swaps in a newer generation if there is one. Raises IndexFolderError; the old one then goes on answering."""
        if current_name(self._folder) == self._snapshot.name:
            return False
        self._generation = open_generation(self._folder, self.model, like=self._generation)
        self._snapshot = Snapshot(self._generation, self.encoder, self._collection)
        return True
