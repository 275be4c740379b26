"""What the page gets: nodes at their places in the picture of the vectors, with their sections and with names of regions."""

from __future__ import annotations

import numpy as np

from indexer.store import Rows, Store
from service.map.chosen import drawn_chunks, sections, shown_rows
from service.map.layout import EDGE, Places
from service.map.types import MapLabel, MapView
from service.snapshot import Snapshot

_LABELS = 400
_LABEL_FROM = 5
"""A heading with fewer notes below it is no region."""
_SPREAD = 0.3
"""A heading whose notes lie further apart than this share of the map, at the median, has no one place to stand at."""
_LABEL_LENGTH = 60
_MEASURED, _SAMPLE = 2_000_000, 2_000
"""Places that medians are taken of, over all headings: a quarter of a second. Where deep headings stand over more, so many
speak for each.
"""


def view_map(snapshot: Snapshot, drawn: Places) -> MapView:
    """drawn: the place of each of `drawn_chunks`."""
    store = snapshot.store
    rows = shown_rows(store)
    places = drawn[np.searchsorted(drawn_chunks(store), store.chunks_of(rows)[0])]
    section, names = _sections(store, rows)
    return MapView(
        edge=EDGE,
        x=places[:, 0].tolist(),
        y=places[:, 1].tolist(),
        ids=store.structure.ids[rows].astype(">u8").tobytes().hex(),
        section=section.tolist(),
        sections=[name[:_LABEL_LENGTH] for name in names],
        by_file=len(store.files) > 1,
        labels=_labels(store, rows, places),
        generation=snapshot.name,
        collection=snapshot.collection,
        notes=len(store) if len(rows) < len(store) else 0,
    )


def _sections(store: Store, rows: Rows) -> tuple[Rows, list[str]]:
    """For each of these rows the number of its section, and the sections' names: of all, or of those that have a point."""
    section, heads = sections(store)
    numbers = np.arange(len(heads))
    if len(rows) < len(store):
        numbers, section = np.unique(section[rows], return_inverse=True)
    if len(store.files) > 1:
        return section, [store.files[number] for number in numbers.tolist()]
    return section, [node.text for node in store.nodes(heads[numbers].tolist())]


def _labels(store: Store, shown: Rows, places: Places) -> list[MapLabel]:
    """The largest headings amid what stands below them. places: of the rows `shown`."""
    sizes = store.last - np.arange(len(store))
    rows = np.flatnonzero(sizes >= _LABEL_FROM)
    rows = rows[np.argsort(-sizes[rows], kind="stable")][:_LABELS]
    begins, ends = np.searchsorted(shown, rows), np.searchsorted(shown, store.last[rows], "right")
    most = _SAMPLE if int((ends - begins).sum()) > _MEASURED else len(shown)
    labels = []
    for node, begin, end in zip(store.nodes(rows.tolist()), begins.tolist(), ends.tolist(), strict=True):
        if begin == end:
            continue
        own = places[_evenly(begin, end, most)].astype(np.float64)
        middle = np.median(own, axis=0)
        if np.median(np.abs(own - middle).max(axis=1)) <= _SPREAD * EDGE:
            x, y = np.rint(middle).astype(int).tolist()
            labels.append(MapLabel(node.id, node.text[:_LABEL_LENGTH], x, y, node.last - node.row))
    return labels


def _evenly(begin: int, end: int, most: int) -> Rows:
    """The numbers from `begin` to before `end`, or so many of them, evenly spread."""
    return np.linspace(begin, end - 1, min(end - begin, most)).astype(np.int64)
