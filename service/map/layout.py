"""A picture of the vectors: a place on a plane for each chunk, near to what is near in meaning.

The reduction is t-SNE (van der Maaten & Hinton 2008) by openTSNE, started from the principal components so that one set of
vectors always gives one picture (Kobak & Linderman 2021). It needs no compiler at run time, unlike UMAP's usual package.
What has a place keeps it: after an edit only what is new is placed, beside its nearest neighbours.
"""

from __future__ import annotations

from collections.abc import Callable

import faiss
import numpy as np
from numpy.typing import NDArray

from indexer.encoder import Vectors
from indexer.machine import usable_cores
from indexer.numbering import Rows
from service.map.tsne import Floats, lay_out

Places = NDArray[np.int16]
"""Shape (chunks, 2), each number from -EDGE to EDGE."""

Take = Callable[[Rows], Vectors]
"""From rows to their vectors: shape (len(rows), dimension), unit length."""

EDGE = 32_000
_SAMPLE = 2000
"""So many vectors are laid out by t-SNE, in about a second; all others are placed beside them. This bounds the cost."""
_FEWEST = 40
"""Fewer vectors have no neighbourhoods to show: their principal components are the picture."""
_COMPONENTS = 50
_NEIGHBOURS = 6
_AT_ONCE = 20_000
"""Vectors in memory, where all are too many."""


def draw(count: int, take: Take) -> Places:
    """The picture of `count` vectors. Raises MapNotDrawn."""
    sample = np.linspace(0, count - 1, min(count, _SAMPLE)).astype(np.int64)
    drawn = np.zeros((count, 2), np.int16)
    vectors = take(sample)
    drawn[sample] = _fit_page(_lay_out(vectors))
    place_all(drawn, np.setdiff1d(np.arange(count), sample), take, vectors, drawn[sample])
    return drawn


def place_all(places: Places, rows: Rows, take: Take, around: Vectors, near: Places) -> None:
    """Fills in the places of these rows, beside the vectors `around`, whose places are `near`."""
    for at in range(0, len(rows), _AT_ONCE):
        some = rows[at : at + _AT_ONCE]
        places[some] = place_beside(take(some), around, near)


def _lay_out(vectors: Vectors) -> Floats:
    """Shape (n, 2), around the origin."""
    components = _principal(vectors)
    if len(vectors) < _FEWEST:
        return components[:, :2]
    return lay_out(components, usable_cores())


def _principal(vectors: Vectors) -> Floats:
    """The principal components, each with the sign that makes its largest weight positive; at least two columns."""
    centred = np.asarray(vectors - vectors.mean(axis=0), np.float64)
    axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :_COMPONENTS]
    axes *= np.where(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])] < 0, -1, 1)
    components = centred @ axes
    missing = max(2 - components.shape[1], 0)
    return np.pad(components, ((0, 0), (0, missing)))


def _fit_page(layout: Floats) -> Places:
    """Stretched to the page. A few points far out must not press all others together."""
    middle = np.median(layout, axis=0)
    reach = float(np.percentile(np.abs(layout - middle), 99.5)) if len(layout) else 0.0
    scaled = (layout - middle) * (0.95 * EDGE / max(reach, 1e-9))
    return np.asarray(np.clip(np.rint(scaled), -EDGE, EDGE), np.int16)


def place_beside(vectors: Vectors, around: Vectors, places: Places) -> Places:
    """The mean place of the nearest neighbours of each vector among `around`, weighted by similarity, with a little of its
    own so that not all neighbours of one point fall together. places: those of `around`.
    """
    if not len(vectors):
        return np.empty((0, 2), np.int16)
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(np.ascontiguousarray(around))
    similarity, near = index.search(np.ascontiguousarray(vectors), min(_NEIGHBOURS, len(around)))
    weights = np.exp(20 * (similarity - similarity[:, :1]))[:, :, None]
    middle = (places[near] * weights).sum(axis=1) / weights.sum(axis=1)
    own = vectors[:, :2] * np.sqrt(vectors.shape[1])
    return np.asarray(np.clip(np.rint(middle + 0.01 * EDGE * own), -EDGE, EDGE), np.int16)
