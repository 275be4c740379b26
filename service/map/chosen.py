"""Which notes have a point on the map: all, or of very many some, so that a map costs no more than a browser can show."""

from __future__ import annotations

import numpy as np

from indexer.store import Rows, Store

MOST = 50_000
"""Points of a map. They are 2 MB as JSON, and more would hide one another."""


def sections(store: Store) -> tuple[Rows, Rows]:
    """For each node the number of its section, and the first row of each section. A section is a file; where there is one file,
    an outermost heading; where there is one of these, a child of it.
    """
    if len(store.files) > 1:
        return store.file, np.searchsorted(store.file, np.arange(len(store.files)))
    heads = np.flatnonzero(store.depth == 0)
    if len(heads) == 1:
        heads = np.flatnonzero(store.depth <= 1)
    return np.searchsorted(heads, np.arange(len(store)), "right") - 1, heads


def shown_rows(store: Store) -> Rows:
    """The rows that have a point, sorted. Of very many those of the lowest ids: ids are hashes, so these lie evenly over the
    notes, and an edit elsewhere does not choose others. Each section that is seen is seen with its first row, by which the page
    opens it.
    """
    if len(store) <= MOST:
        return np.arange(len(store))
    rows = np.sort(np.argsort(store.structure.ids, kind="stable")[:MOST])
    section, heads = sections(store)
    begins = np.flatnonzero(np.diff(section[rows], prepend=-1))
    rows[begins] = heads[section[rows[begins]]]
    return rows


def drawn_chunks(store: Store) -> Rows:
    """The chunks that the picture is of, sorted: all, or of very many those that points stand at."""
    if len(store.chunk_node) <= 2 * MOST and len(store) <= MOST:
        return np.arange(len(store.chunk_node))
    return store.chunks_of(shown_rows(store))[0]
