"""From a question to windows of the outline in the order of their relevance.

Three views of relevance are mixed. Dense: the similarity of the whole question and a node with its path. Lexical: BM25 over
words. Late: for each token of the question the closest token in the window or above it (MaxSim). The best nodes by dense and
lexical ranking are candidates; what is scored is the window that each would be shown in, since a line's meaning comes from
its path, its children and its siblings. docs/ranking.md tells what was tried and measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import log

import numpy as np
from numpy.typing import NDArray

from indexer.late import spread
from indexer.numbering import RowMask
from indexer.store import Rows, Store
from indexer.store.postings import K1
from service.search.intent import asks_amount, gives_amount, wants_list
from service.search.query import Query
from service.search.windows import Window, narrowed, shortened, window_around, windows_around
from service.snapshot import Snapshot

_DENSE_CANDIDATES = 300
_LEXICAL_CANDIDATES = 50
INHERITED = 0.95
"""What a match in an ancestor counts, beside one in the window itself."""
_OUTLINE, _PROSE = 15, 60
"""Tokens a node, on average: at most so many in outlines, at least so many in notes whose nodes are whole texts."""
_GLIMPSE = 0.1
"""What is left to the views by vectors for a question that the model cannot read: letters that it knows still tell a little."""
_DENSE_LINE = 0.4
_AMOUNT = 0.15
"""What a line that gives a number is worth more, when the question asks for one."""
_HIT_MARGIN, _MAX_HITS = 0.06, 4
"""A line is marked as a hit too when it scores at most this much below the best line of its window."""
_HELD, _FEWEST_TOKENS = 2**22, 32
"""Matches of rows and tokens of a question that are in memory at once, but of so many of its tokens at least: each time all
rows are gone through.
"""
_VECTORS = 16_384
"""Vectors of chunks in memory at once: 25 MB."""

Floats = NDArray[np.float32]
_Matched = tuple[Floats, Floats, Floats]
"""In some rows and above them, shape (rows, q) each; the best of all, shape (q,)."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """windows: best first, no two of them share a row, scores 0 to 1. matches: shape (q,), how well each token of the
    question is matched in the first window or above it. reach: the same over all candidates together.
    """

    windows: list[Window]
    matches: Floats
    reach: Floats


def rank(snapshot: Snapshot, query: Query, top: int, mask: RowMask | None = None) -> Ranking:
    """The `top` best windows over nodes where `mask` is true."""
    store = snapshot.store
    depth = max(_DENSE_CANDIDATES, 4 * top)
    (_, chunks), matched = snapshot.generation.candidates(query.vector, depth, query.words, _LEXICAL_CANDIDATES, mask)
    lexical = _lexical_shares(store, query, *matched)
    rows = np.unique(np.concatenate([store.chunk_node[chunks], np.array(list(lexical), np.int64)]))
    if not len(rows):
        nothing = np.zeros(len(query.weights), np.float32)
        return Ranking([], nothing, nothing)
    first, last = windows_around(store, rows, mask)
    field = _Field(snapshot, query, first, last, lexical)
    views = {
        "late": field.late_scores(rows, first, last),
        "dense, node": field.at(field.dense, rows),
        "dense, excerpt": field.window_max(field.dense, first, last),
        "lexical": np.array([lexical.get(row, 0.0) for row in rows.tolist()], np.float32),
    }
    scores = np.clip(_mixed(views, view_weights(snapshot, query.read)), 0, 1)
    windows = _choose(store, rows, scores, top, mask, first, last)
    matches = field.matches(windows[0])
    farther = [window for window in windows if not field.covers(window)]
    beside = _Field(snapshot, query, *_ends(farther), lexical) if farther else field
    for window in windows:
        at = int(np.searchsorted(rows, window.row))
        window.views = {name: float(values[at]) for name, values in views.items()}
        (field if field.covers(window) else beside).mark(window)
    return Ranking(windows, matches, field.reach)


def view_weights(snapshot: Snapshot, read: float = 1.0) -> dict[str, float]:
    """What each view counts, adding up to 1. Where nodes are whole texts, some word of each matches any word of a question,
    so late interaction tells less and the similarity of the whole counts more. `read`: the share of the question that the model
    can read; what it cannot, words alone have to find.
    """
    length = snapshot.generation.token_count / max(len(snapshot.store), 1)
    prose = min(max((length - _OUTLINE) / (_PROSE - _OUTLINE), 0.0), 1.0)
    weights = {"late": 1.0, "dense, node": 0.2 + 1.1 * prose, "dense, excerpt": 0.2}
    weights = {name: weight * max(read, _GLIMPSE) for name, weight in weights.items()} | {"lexical": 0.25}
    return {name: weight / sum(weights.values()) for name, weight in weights.items()}


def _mixed(views: Mapping[str, Floats], weights: Mapping[str, float]) -> Floats:
    return np.asarray(sum(weights[name] * values for name, values in views.items()), np.float32)


def rank_sides(
    snapshot: Snapshot, query: Query, sides: Sequence[Query], top: int, mask: RowMask | None = None
) -> Ranking:
    """As `rank`, for a question that compares: the best window of each side comes among the first, if it is not there."""
    ranking = rank(snapshot, query, top, mask)
    windows = ranking.windows
    place = min(1, len(windows))
    for side in sides:
        for best in rank(snapshot, side, 1, mask).windows:
            hit = best.hits[0]
            if any(window.first <= hit <= window.last for window in windows[:place]):
                continue
            holder = next((window for window in windows if window.first <= hit <= window.last), None)
            if holder is None:  # beside what is already there, never over it: the judgement is about the first window
                holder = window_around(snapshot.store, hit, mask, windows[:place])
                holder.score, holder.views = best.score, best.views
                holder.hits = [row for row in best.hits if holder.first <= row <= holder.last]
            windows[place:] = [w for w in windows[place:] if w.last < holder.first or w.first > holder.last]
            windows.insert(place, holder)
            place += 1
    for before, after in pairwise(windows):
        after.score = min(after.score, before.score)
    return replace(ranking, windows=windows[:top])


def neighbours(snapshot: Snapshot, row: int, top: int, mask: RowMask) -> list[tuple[int, float]]:
    """The `top` nodes nearest in meaning to the node at `row`, as (row, cosine similarity), of those where `mask` is true."""
    vectors, store = snapshot.generation.vectors, snapshot.store
    first, last = store.chunks_of(np.array([row]))
    query = vectors.vectors(np.arange(first[0], last[0] + 1)).mean(axis=0)
    query /= max(float(np.linalg.norm(query)), 1e-9)
    best: dict[int, float] = {}
    depth = 2 * top
    while True:
        scores, chunks = snapshot.generation.nearest(query, depth, mask)
        for other, score in zip(store.chunk_node[chunks].tolist(), scores.tolist(), strict=True):
            best.setdefault(other, min(max(score, 0.0), 1.0))
        if len(best) >= top or len(chunks) < depth:  # a long node has many chunks, which may fill all places
            return list(best.items())[:top]
        depth *= 4


def _lexical_shares(store: Store, query: Query, chunks: Rows, scores: Floats) -> dict[int, float]:
    """The best nodes by BM25, each with its share of the highest score that a text could have for these words."""
    total = len(store.chunk_node)
    counts = [store.chunks_with(word) for word in set(query.words)]
    # No word can add more than (k1 + 1) times its inverse document frequency.
    highest = (K1 + 1) * sum(max(log((total - count + 0.5) / (count + 0.5)), 0.0) for count in counts)
    shares: dict[int, float] = {}
    for chunk, score in zip(chunks.tolist(), scores.tolist(), strict=True):
        shares.setdefault(int(store.chunk_node[chunk]), min(score / max(highest, 1e-9), 1.0))
    return shares


def _choose(
    store: Store, rows: Rows, scores: Floats, top: int, mask: RowMask | None, first: Rows, last: Rows
) -> list[Window]:
    """The best windows, none of which shares a row with another. first, last: of each row's window when it is alone."""
    windows: list[Window] = []
    for at in np.lexsort((rows, -scores)).tolist():
        row = int(rows[at])
        if len(windows) == top:
            break
        if any(window.first <= row <= window.last for window in windows):
            continue
        window = Window(int(first[at]), int(last[at]), row)
        if any(window.first <= other.last and other.first <= window.last for other in windows):
            window = window_around(store, row, mask, windows)
        window.score = float(scores[at])
        windows.append(window)
    return windows


class _Field:
    """The rows that matter for one question (all windows, and every ancestor of their rows unless these are very many), with
    how each token of the question matches there. Arrays by position in `rows`: own, above: shape (rows, q); dense, line: shape
    (rows,). reach: shape (q,), the best match in the windows or above them.
    """

    def __init__(self, snapshot: Snapshot, query: Query, first: Rows, last: Rows, lexical: Mapping[int, float]) -> None:
        """The windows are the rows first[i]..last[i]. lexical: what each row that has any of the words reaches by them."""
        store = snapshot.store
        covered = _covered(first, last)
        every = _with_ancestors(store, covered)
        few = len(every) * len(query.tokens) <= _HELD
        kept: Rows | slice = slice(None) if few else np.searchsorted(every, covered)
        self.rows = every[kept]
        self._store, self._query, self._lexical = store, query, lexical
        self._whole, self._amount = wants_list(query.text), asks_amount(query.text)
        begin, end = store.chunks_of(every)
        self.own, self.above, self.reach = _matched(snapshot, query, every, (begin, end), kept)
        self.dense = _closest_chunks(snapshot, query, begin[kept], (end - begin + 1)[kept])
        self.line: Floats = self._weigh(np.maximum(self.own, INHERITED * self.above)) + _DENSE_LINE * self.dense

    def covers(self, window: Window) -> bool:
        """Whether all rows of a window are here. One that was grown beside others may reach further than it would alone."""
        begin, end = np.searchsorted(self.rows, [window.first, window.last + 1])
        return bool(end - begin == window.last + 1 - window.first)

    def at(self, values: Floats, rows: Rows) -> Floats:
        return values[np.searchsorted(self.rows, rows)]

    def window_max(self, values: Floats, first: Rows, last: Rows) -> Floats:
        """For each window the maximum of `values` over its rows, which stand side by side here."""
        begins = np.searchsorted(self.rows, first)
        padded = np.concatenate([values, np.zeros_like(values[:1])])
        runs = np.stack([begins, begins + last - first + 1], axis=1).ravel()
        return np.asarray(np.maximum.reduceat(padded, runs, axis=0)[::2])

    def late_scores(self, rows: Rows, first: Rows, last: Rows) -> Floats:
        """The weighted MaxSim of the question with each window and the ancestors of its node."""
        inside = self.window_max(self.own, first, last)
        return self._weigh(np.maximum(inside, INHERITED * self.at(self.above, rows)))

    def matches(self, window: Window) -> Floats:
        """How well each token of the question is matched in a window or above it: shape (q,)."""
        above = self.at(self.above, np.array([window.row]))[0]
        inside = self.window_max(self.own, np.array([window.first]), np.array([window.last]))[0]
        return np.asarray(np.maximum(inside, INHERITED * above), np.float32)

    def mark(self, window: Window) -> None:
        """Finds the rows of a window that match best, and cuts it to the lines that a reader needs around them."""
        scores = self._line_scores(window)
        order = np.argsort(-scores, kind="stable")[:_MAX_HITS]
        window.hits = [window.first + int(at) for at in order if scores[at] >= scores[order[0]] - _HIT_MARGIN]
        start = window.first
        if not self._whole:
            shortened(self._store, window, scores)
        narrowed(self._store, window, scores[window.first - start :])

    def _line_scores(self, window: Window) -> Floats:
        rows = np.arange(window.first, window.last + 1)
        scores = self.at(self.line, rows)
        if (read := self._query.read) < 1:
            words = np.array([self._lexical.get(row, 0.0) for row in rows.tolist()], np.float32)
            scores = scores * max(read, _GLIMPSE) + words * (1 - read)
        if self._amount:
            nodes = self._store.run(window.first, window.last)
            scores = scores + np.array([_AMOUNT * gives_amount(node.text) for node in nodes], np.float32)
        return scores

    def _weigh(self, matches: Floats) -> Floats:
        # OpenBLAS looks past the ends of short rows on some processors, and what it finds there can raise a false alarm.
        with np.errstate(invalid="ignore"):
            return np.asarray(matches @ self._query.weights, np.float32)


def _matched(snapshot: Snapshot, query: Query, every: Rows, chunks: tuple[Rows, Rows], kept: Rows | slice) -> _Matched:
    """How each token of the question matches in the rows `every[kept]` and in what stands above them, and the best in any.
    every: sorted, with all that stands above. chunks: the first and the last of each. Where there are very many rows, a few
    tokens of the question are looked at, at a time.
    """
    store = snapshot.store
    parents = np.searchsorted(every, store.parent[every])
    depths = store.depth[every]
    order = np.argsort(depths, kind="stable")
    levels = [some for some in np.split(order, np.flatnonzero(np.diff(depths[order])) + 1) if depths[some[0]] > 0]
    width = max(_HELD // len(every), _FEWEST_TOKENS)
    parts: list[_Matched] = []
    for at in range(0, max(len(query.tokens), 1), width):
        own = snapshot.generation.tokens.best_matches(query.tokens[at : at + width], *chunks)
        above = np.zeros_like(own)
        for here in levels:
            above[here] = np.maximum(above[parents[here]], own[parents[here]])
        parts.append((own[kept], above[kept], own.max(axis=0, initial=0.0)))
    if len(parts) == 1:
        return parts[0]
    inside, above, reach = (np.concatenate(some, axis=-1) for some in zip(*parts, strict=True))
    return inside, above, reach


def _closest_chunks(snapshot: Snapshot, query: Query, begin: Rows, counts: Rows) -> Floats:
    """For each run of chunks, counts[i] of them from begin[i] on, the similarity of the whole question and the nearest."""
    vectors, chunks = snapshot.generation.vectors, spread(begin, counts)
    similarity = [vectors.vectors(chunks[at : at + _VECTORS]) @ query.vector for at in range(0, len(chunks), _VECTORS)]
    whole = similarity[0] if len(similarity) == 1 else np.concatenate(similarity)
    return np.asarray(np.maximum.reduceat(whole, np.cumsum(counts) - counts), np.float32)


def _ends(windows: Sequence[Window]) -> tuple[Rows, Rows]:
    """The first and the last row of each."""
    return np.array([window.first for window in windows]), np.array([window.last for window in windows])


def _covered(first: Rows, last: Rows) -> Rows:
    """The rows of all windows, each once, sorted."""
    order = np.argsort(first, kind="stable")
    first, last = first[order], last[order]
    first[1:] = np.maximum(first[1:], np.maximum.accumulate(last)[:-1] + 1)
    return spread(first, np.maximum(last - first + 1, 0))


def _with_ancestors(store: Store, rows: Rows) -> Rows:
    """The rows and all that stand above them, sorted. Each ancestor is visited once, however deep the notes are."""
    seen: set[int] = {-1}
    parents = store.parent[rows]
    for above in parents[np.diff(parents, prepend=-2) != 0].tolist():
        row = above
        while row not in seen:
            seen.add(row)
            row = int(store.parent[row])
    seen.remove(-1)
    both = np.sort(np.concatenate([rows, np.fromiter(seen, np.int64, len(seen))]), kind="stable")
    return both[np.diff(both, prepend=-1) > 0]
