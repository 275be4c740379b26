"""The maps that people have opened, one for each collection."""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec

from indexer.errors import NotWithEngine
from indexer.generation import Generation
from service.map.picture import Picture, keep_picture, load_picture, picture_of
from service.map.view import view_map
from service.snapshot import Snapshot


class Maps:
    """Drawn when somebody opens one first, and kept beside the index, so that an edit or a new start moves nothing."""

    def __init__(self, *, keep: bool) -> None:
        """keep: whether anything may be written beside the index."""
        self._keep = keep
        self._lock = threading.Lock()
        self._pictures: dict[Path, Picture] = {}
        self._views: dict[Path, tuple[str, bytes]] = {}

    def view(self, snapshot: Snapshot, folder: Path) -> bytes:
        """A MapView as JSON. folder: of the index. Raises MapNotDrawn, or NotWithEngine where Milvus is."""
        generation = snapshot.generation
        if not isinstance(generation, Generation):
            raise NotWithEngine("the map")
        with self._lock:
            name, data = self._views.get(folder, ("", b""))
            if name != snapshot.name:
                places = self._picture(generation, folder).places
                data = msgspec.json.encode(view_map(snapshot, places))
                self._views[folder] = snapshot.name, data
            return data

    def _picture(self, generation: Generation, folder: Path) -> Picture:
        before = self._pictures.get(folder) or load_picture(folder)
        picture = picture_of(generation, before)
        self._pictures[folder] = picture
        if self._keep and picture is not before:
            keep_picture(folder, picture)
        return picture
