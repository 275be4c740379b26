"""One build of the index with the model that made it, shared read-only by every thread; replaced whole, never changed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from indexer.encoder import Encoder, Model
from indexer.generation import Generation, current_name, open_generation
from indexer.store import Store


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Snapshot:
    generation: Generation
    encoder: Encoder

    @property
    def store(self) -> Store:
        return self.generation.store

    @property
    def name(self) -> str:
        return self.generation.name


class Current:
    """The snapshot that answers now. A question takes it once and keeps it to its end."""

    def __init__(self, folder: Path, model: Model, encoder: Encoder) -> None:
        self.model = model
        self.encoder = encoder
        self._folder = folder
        self._snapshot = Snapshot(open_generation(folder, model), encoder)

    def get(self) -> Snapshot:
        return self._snapshot

    def refresh(self) -> bool:
        """Swaps in a newer generation if there is one. Raises IndexFolderError; the old one then goes on answering."""
        if current_name(self._folder) == self._snapshot.name:
            return False
        opened = open_generation(self._folder, self.model, like=self._snapshot.generation)
        self._snapshot = Snapshot(opened, self.encoder)
        return True
