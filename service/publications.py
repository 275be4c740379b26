"""Parts of the notes that other sites may ask: each an index of its own, made anew when the notes change, and nothing else is
reachable through it.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np

from indexer.derive import derive
from indexer.errors import ConfigError, NotWithEngine
from indexer.generation import Generation
from indexer.numbering import Mask
from indexer.store import Store
from service.collections import Collections, OpenCollection
from service.config import Config, Publication
from service.errors import CollectionUnavailable, PublicationNotFound, PublicationUnavailable, ScopeNotFound
from service.judge.background import FILE, measure
from service.search.query_syntax import Filters, split_path
from service.search.scope import node_mask
from service.snapshot import Snapshot

FOLDER = ".publications"
"""Inside the index folder."""


class Publications:
    """The publications of the settings, each over the index that answers now for its collection."""

    def __init__(self, notes: Collections, config: Config, scratch: Path | None = None) -> None:
        """Makes all of them, inside the index folder or, where nothing may be written there, in `scratch`, which is made if it
        is not given. Raises ConfigError for one that holds nothing, and IndexFolderError. Those of a collection that
        cannot be asked are made when it can.
        """
        self._notes = notes
        self._settings = config.publications
        self._scratch = (scratch or _of_this_run()) if config.read_only else None
        self._lock = threading.Lock()
        self._made: dict[str, tuple[str, Snapshot | None]] = {}
        for name in self._settings:
            try:
                made = self._snapshot(name)
            except CollectionUnavailable:
                continue
            if made is None:
                raise ConfigError(f"publications: nothing in the notes belongs to '{name}'.")

    def get(self, name: str) -> Snapshot:
        """Raises PublicationNotFound, also for one of which nothing is left in the notes; and PublicationUnavailable without
        telling why.
        """
        try:
            snapshot = self._snapshot(name) if name in self._settings else None
        except CollectionUnavailable:
            raise PublicationUnavailable from None
        if snapshot is None:
            raise PublicationNotFound
        return snapshot

    def is_behind(self, name: str) -> bool:
        """Whether notes have changed that it does not have yet. Which, and whether they belong to it, is not known before."""
        return self._notes.chosen(self._settings[name].collection)[0].is_behind()

    def _snapshot(self, name: str) -> Snapshot | None:
        with self._lock:
            collection = self._notes.chosen(self._settings[name].collection)[0]
            base = collection.get()
            made_from, snapshot = self._made.get(name, ("", None))
            if made_from != base.name:
                snapshot = self._make(name, collection, base)
                self._made[name] = base.name, snapshot
            return snapshot

    def _make(self, name: str, collection: OpenCollection, base: Snapshot) -> Snapshot | None:
        settings = self._settings[name]
        mask = _mask(base.store, settings)
        if not mask.any():
            return None
        label = {f"publication {name}": msgspec.json.encode(settings).decode()}
        folder, encoder = (self._scratch or collection.folder) / FOLDER / name, base.encoder

        def calibrate(new: Generation, _old: Generation | None, _changed: int) -> Mapping[str, bytes]:
            return {FILE: msgspec.json.encode(measure(Snapshot(new, encoder)))}

        if not isinstance(base.generation, Generation):
            raise NotWithEngine("publications")
        folder.parent.mkdir(parents=bool(self._scratch), exist_ok=True)
        made = derive(base.generation, mask, folder, collection.current.model, encoder, label, calibrate)
        return Snapshot(made, encoder)


def _of_this_run() -> Path:
    """A folder that goes when this process ends."""
    folder = Path(tempfile.mkdtemp(prefix="trellis-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _mask(store: Store, settings: Publication) -> Mask:
    """The nodes of a publication."""
    mask = np.zeros(len(store), np.bool_)
    for path in settings.under or [""]:
        try:
            some = node_mask(store, Filters(tuple(split_path(path)), settings.file))
        except ScopeNotFound:
            continue
        mask |= np.ones(len(store), np.bool_) if some is None else some
    return mask
