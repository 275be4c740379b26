"""The snapshot of what Milvus holds, in the place of that of an index folder."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from indexer.encoder import Encoder, Model
from indexer.errors import Republished
from indexer.milvus.connection import Connection
from indexer.milvus.opened import Reader
from indexer.milvus.settings import Milvus
from service.snapshot import Snapshot

_LOOK_EVERY = 1.0
"""Seconds after which it is asked again whether something newer is published."""


class PublishedCurrent:
    """See `service.snapshot.Answering`. Whoever asks first after a while looks whether what is published has changed; the
    others go on with what they have.
    """

    def __init__(self, settings: Milvus, folder: Path, model: Model, encoder: Encoder, collection: str = "") -> None:
        """Raises EngineError."""
        self.model = model
        self.encoder = encoder
        self.folder = folder
        self.built = None
        self._collection = collection
        self._reader = Reader(Connection(settings))
        self._looking = threading.Lock()
        self._snapshot = self._opened()
        self._looked = time.monotonic()

    def get(self) -> Snapshot:
        """Raises EngineError when what is current cannot be told."""
        away = self._reader.connection.away
        due = away or time.monotonic() - self._looked > _LOOK_EVERY
        if due and self._looking.acquire(blocking=away):
            try:
                self.refresh()
            finally:
                self._looking.release()
        return self._snapshot

    def refresh(self) -> bool:
        """Opens what is published now, if it is new. Raises EngineError."""
        try:
            now = self._reader.now()
            if new := (now[0], now[1]) != (self._snapshot_place, self._snapshot.name):
                self._snapshot = self._opened()
        except Republished:
            return False  # it changes right now: the next look sees it
        self._looked = time.monotonic()
        return new

    def _opened(self) -> Snapshot:
        published = self._reader.open(self.model)
        self._snapshot_place = published.source.place
        return Snapshot(published, self.encoder, self._collection)
