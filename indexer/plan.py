"""What to embed: a pure function of the old index and the new chunks. Deciding stands apart from doing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the vector of every new chunk comes from.

    kept: (new chunk, old chunk) pairs whose vector is taken over.
    embed: for each text to embed, all new chunks that have it; equal chunks share one run of the model, never one row.
    """

    kept: Sequence[tuple[int, int]]
    embed: Sequence[Sequence[int]]

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
