"""What the page gets: every node at its place in the picture of the vectors, with its section and with names of regions."""

from __future__ import annotations

import numpy as np

from indexer.store import Rows, Store
from service.map.layout import EDGE, Places
from service.map.types import MapLabel, MapView
from service.snapshot import Snapshot

_LABELS = 400
_LABEL_FROM = 5
"""A heading with fewer notes below it is no region."""
_SPREAD = 0.3
"""A heading whose notes lie further apart than this share of the map, at the median, has no one place to stand at."""
_LABEL_LENGTH = 60


def view_map(snapshot: Snapshot, chunks: Places) -> MapView:
    """chunks: the place of each chunk."""
    store = snapshot.store
    first, _ = store.chunks_of(np.arange(len(store)))
    places = chunks[first]
    section, names = _sections(store)
    return MapView(
        edge=EDGE,
        x=places[:, 0].tolist(),
        y=places[:, 1].tolist(),
        ids="".join(store.ids_in_order()),
        section=section.tolist(),
        sections=[name[:_LABEL_LENGTH] for name in names],
        by_file=len(store.files) > 1,
        labels=_labels(store, places),
        generation=snapshot.name,
        collection=snapshot.collection,
    )


def _sections(store: Store) -> tuple[Rows, list[str]]:
    """For each node the number of its section, and the sections' names. A section is a file; where there is one file, an
    outermost heading; where there is one of these, a child of it.
    """
    if len(store.files) > 1:
        return store.file, store.files
    heads = np.flatnonzero(store.depth == 0)
    if len(heads) == 1:
        heads = np.flatnonzero(store.depth <= 1)
    names = [node.text for node in store.nodes(heads.tolist())]
    return np.searchsorted(heads, np.arange(len(store)), "right") - 1, names


def _labels(store: Store, places: np.ndarray) -> list[MapLabel]:
    sizes = store.last - np.arange(len(store))
    rows = np.flatnonzero(sizes >= _LABEL_FROM)
    rows = rows[np.argsort(-sizes[rows], kind="stable")][:_LABELS]
    labels = []
    for node in store.nodes(rows.tolist()):
        own = places[node.row : node.last + 1].astype(np.float64)
        middle = np.median(own, axis=0)
        if np.median(np.abs(own - middle).max(axis=1)) <= _SPREAD * EDGE:
            x, y = np.rint(middle).astype(int).tolist()
            labels.append(MapLabel(node.id, node.text[:_LABEL_LENGTH], x, y, node.last - node.row))
    return labels
