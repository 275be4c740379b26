"""Why two notes are related: the lines of them that are closest, and the words that both have."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from indexer.store import Store
from indexer.words import stem
from service.search.words import content_stems, content_words
from service.snapshot import Snapshot
from service.types import PATH_ENDS, LinePair, Reason

_LINES_READ = 40
"""So many lines of a note are compared: itself and the first that stand below it."""
_ABOVE_READ = 12
"""So many headings above a note are searched for words, the nearest ones: an outline can be thousands of levels deep."""
_LINES_SHOWN = 2
_TERMS_SHOWN = 5
_LINE_LENGTH = 300
_CLOSE = 0.45
"""Lines less similar than this are no reason."""


def reason(snapshot: Snapshot, row: int, other: int) -> Reason:
    """Why the node at row `other` is related to the one at `row`."""
    store = snapshot.store
    above, beyond = store.ancestors(row), store.ancestors(other)
    shared = [a for a, b in zip(above, beyond, strict=False) if a == b]
    mine, theirs = (some[len(shared) :][-_ABOVE_READ:] for some in (above, beyond))
    here = _stems(_wording(store, mine)) | _stems(_wording(store, _lines(store, row)))
    return Reason(
        [node.text[:_LINE_LENGTH] for node in store.nodes(_shown(shared))],
        _closest_lines(snapshot, row, other),
        _shared_terms(store, here, [*theirs, *_lines(store, other)]),
    )


def _shown(shared: Sequence[int]) -> Sequence[int]:
    """Those of the shared headings that an answer shows, and one that stands for all between them (see `types.Path`)."""
    return shared if len(shared) <= 2 * PATH_ENDS else [*shared[: PATH_ENDS + 1], *shared[-PATH_ENDS:]]


def _closest_lines(snapshot: Snapshot, row: int, other: int) -> list[LinePair]:
    store = snapshot.store
    here, there = _lines(store, row), _lines(store, other)
    similarity = _vectors(snapshot, here) @ _vectors(snapshot, there).T
    pairs: list[LinePair] = []
    while len(pairs) < _LINES_SHOWN:
        i, j = np.unravel_index(int(similarity.argmax()), similarity.shape)
        nearness = float(similarity[i, j])
        if nearness < _CLOSE:
            break
        mine, theirs = store.nodes([int(here[i]), int(there[j])])
        pairs.append(
            LinePair(mine.text[:_LINE_LENGTH], theirs.text[:_LINE_LENGTH], round(min(max(nearness, 0.0), 1.0), 4))
        )
        similarity[i, :] = similarity[:, j] = -1  # each line is shown once
    return pairs


def _lines(store: Store, row: int) -> range:
    return range(row, min(int(store.last[row]), row + _LINES_READ - 1) + 1)


def _vectors(snapshot: Snapshot, rows: range) -> np.ndarray:
    """Shape (len(rows), dimension): of each node its first chunk, which holds its path and the beginning of its text."""
    first, _ = snapshot.store.chunks_of(np.array(rows))
    return snapshot.generation.vectors.vectors(first)


def _shared_terms(store: Store, here: frozenset[str], there: Sequence[int]) -> list[str]:
    """The words of these rows whose stems are `here` too, in the form that they have there, rarest in the notes first."""
    words_there = reversed(content_words(_wording(store, there)))
    shared = {root: word for word in words_there if (root := stem(word)) in here}
    words = [word for word in shared.values() if len(word) > 1 and not word.isdigit()]
    return sorted(words, key=lambda word: (store.chunks_with(word), word))[:_TERMS_SHOWN]


_stems = lru_cache(maxsize=32)(content_stems)
"""The reasons of all that is related to a note compare its own words: they are stemmed once."""


def _wording(store: Store, rows: Sequence[int]) -> str:
    return " ".join(node.text[:_LINE_LENGTH] for node in store.nodes(rows))
