"""One build of the index with the model that made it, shared read-only by every thread; replaced whole, never changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer.encoder import Encoder, Model
from indexer.generation import Generation, current_name, open_generation
from indexer.store import Store


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Snapshot:
    """collection: the name of the collection that this is; "" for the only one of a service, and for publications."""

    generation: Generation
    encoder: Encoder
    collection: str = ""

    @property
    def store(self) -> Store:
        return self.generation.store

    @property
    def name(self) -> str:
        return self.generation.name


OneOrMore = Snapshot | Sequence[Snapshot]
"""A collection, or several that are asked as one."""


def several(asked: OneOrMore) -> Sequence[Snapshot]:
    return [asked] if isinstance(asked, Snapshot) else asked


class Current:
    """The snapshot that answers now. A question takes it once and keeps it to its end."""

    def __init__(self, folder: Path, model: Model, encoder: Encoder, collection: str = "") -> None:
        self.model = model
        self.encoder = encoder
        self._folder = folder
        self._collection = collection
        self._snapshot = self._opened()

    @property
    def folder(self) -> Path:
        return self._folder

    def get(self) -> Snapshot:
        return self._snapshot

    def refresh(self) -> bool:
        """Swaps in a newer generation if there is one. Raises IndexFolderError; the old one then goes on answering."""
        if current_name(self._folder) == self._snapshot.name:
            return False
        self._snapshot = self._opened(self._snapshot.generation)
        return True

    def _opened(self, like: Generation | None = None) -> Snapshot:
        return Snapshot(open_generation(self._folder, self.model, like=like), self.encoder, self._collection)
