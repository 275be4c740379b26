"""What to embed and what to write: pure functions of the old index and the new chunks. Deciding stands apart from doing."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

_SMALL = 2500
"""Chunks. A segment of fewer is merged with whatever is new: it is written in less time than a file is opened."""
_GROWTH = 4
"""A segment is merged with the new ones behind it once these are more than its share of this."""
_MOST = 8
"""Segments. Edits never make so many; an index that is merged from more parts becomes one, since a question looks into each."""
_MOSTLY_LIVE = 0.7
"""A segment of which less is still in use is merged, whatever its size."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the vector of every new chunk comes from.

    kept: (new chunk, old chunk) pairs whose vector is taken over.
    embed: for each text to embed, all new chunks that have it; equal chunks share one run of the model, never one row.
    borrowed: as kept, but the old chunk stood under other headings: its vector serves until there is time for the right one.
    """

    kept: Sequence[tuple[int, int]]
    embed: Sequence[Sequence[int]]
    borrowed: Sequence[tuple[int, int]] = ()

    @property
    def taken(self) -> Sequence[tuple[int, int]]:
        """Kept and borrowed, in the order of the new chunks."""
        return sorted([*self.kept, *self.borrowed])

    @property
    def to_embed(self) -> int:
        """How many new chunks get a new vector."""
        return sum(map(len, self.embed))


def plan_vectors(old: Mapping[bytes, int], new: Sequence[bytes]) -> Plan:
    """`old` maps the hash of each indexed chunk to its row; `new` has one hash a new chunk, in row order."""
    kept: list[tuple[int, int]] = []
    embed: dict[bytes, list[int]] = {}
    for row, digest in enumerate(new):
        if (old_row := old.get(digest)) is not None:
            kept.append((row, old_row))
        else:
            embed.setdefault(digest, []).append(row)
    return Plan(kept, list(embed.values()))


def borrow(plan: Plan, old: Iterable[tuple[int, bytes]], new: Sequence[bytes], at_most: int) -> Plan:
    """Leaves all but `at_most` of what would be embedded to the vectors of old chunks that have the same words of their own.

    old: the row and the hash of the own words of each old chunk, in row order; only those that would be dropped are taken, each
    once, in their order. new: the same hash for each new chunk. What has new words is always embedded.
    """
    taken = {row for _, row in plan.kept}
    dropped: defaultdict[bytes, deque[int]] = defaultdict(deque)
    for row, digest in old:
        if row not in taken:
            dropped[digest].append(row)
    embed: list[Sequence[int]] = []
    borrowed: list[tuple[int, int]] = []
    for rows in plan.embed:
        lenders = dropped[new[rows[0]]]
        if lenders and at_most <= 0:
            lender = lenders.popleft()
            borrowed += [(row, lender) for row in rows]
        else:
            at_most -= bool(lenders)
            embed.append(rows)
    return Plan(plan.kept, embed, borrowed)


def segments_to_keep(sizes: Sequence[int], live: Sequence[int], new: int) -> int:
    """How many of the first segments stay as they are; those behind them and the new chunks become one segment.

    sizes, live: the chunks of each segment, and those still in use. So a node is written again only a few times, however often
    the notes are changed, and there are never many segments (O'Neil et al. 1996).
    """
    worn = (at for at, size in enumerate(sizes) if live[at] < _MOSTLY_LIVE * size)
    keep = next(worn, len(sizes))
    if keep > _MOST:
        return 0
    growing = new + sum(live[keep:])
    while keep and (live[keep - 1] < _SMALL or live[keep - 1] < _GROWTH * growing):
        keep -= 1
        growing += live[keep]
    return keep
