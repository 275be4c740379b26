"""Which nodes are asked, told by facts: the engine filters by them, and what was fetched of a node is held against the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from indexer.numbering import Rows, SparseMask

_KEYS_NAMED = 4000
"""So many single records are left out by the engine; if there are more, the rest is passed over when it comes."""


@dataclass(frozen=True, eq=False)
class Scope:
    """A `RowMask` over nodes that are not all here.

    facts_of: fetches the facts of rows. file_of: the number of the file of each row. all_of: facts that a node has to have.
    any_of: of each group one. none_of: facts that it must not have. files: (numbers, keys) of files that it has to stand in.
    keys: (a row, its keys) that are left out by name. gone: more that is left out.
    """

    length: int
    facts_of: Callable[[Rows], Sequence[frozenset[int]]]
    file_of: Callable[[Rows], Rows]
    all_of: frozenset[int] = frozenset()
    any_of: tuple[frozenset[int], ...] = ()
    none_of: frozenset[int] = frozenset()
    files: tuple[frozenset[int], tuple[int, ...]] | None = None
    keys: tuple[int, ...] = ()
    gone: SparseMask | None = None
    _known: dict[int, bool] = field(default_factory=dict)

    def narrowed(self, **changes: Any) -> Scope:
        return replace(self, _known={}, **changes)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, rows: Any) -> Any:
        if isinstance(rows, slice):
            rows = np.arange(*rows.indices(self.length))
        if not isinstance(rows, (np.ndarray, list)):
            return bool(self._held(np.array([rows], np.int64))[0])
        rows = np.asarray(rows, np.int64)
        return self._held(rows.ravel()).reshape(rows.shape)

    def _held(self, rows: Rows) -> Any:
        known = self._known
        unknown = np.array([row for row in np.unique(rows).tolist() if row not in known], np.int64)
        if len(unknown):
            known.update(zip(unknown.tolist(), self._judged(unknown), strict=True))
        return np.array([known[row] for row in rows.tolist()], np.bool_)

    def _judged(self, rows: Rows) -> list[bool]:
        gone = self.gone[rows] if self.gone is not None else np.zeros(len(rows), np.bool_)
        inside = np.isin(self.file_of(rows), list(self.files[0])) if self.files else ~gone
        if not (self.all_of or self.any_of or self.none_of):
            return list(inside & ~gone)
        found = self.facts_of(rows)
        return [
            bool(here) and not away and self._fits(facts) for here, away, facts in zip(inside, gone, found, strict=True)
        ]

    def _fits(self, facts: frozenset[int]) -> bool:
        return facts >= self.all_of and all(facts & group for group in self.any_of) and not facts & self.none_of

    def expression(self) -> str:
        """The same as Milvus filters by."""
        parts = []
        if self.all_of:
            parts.append(f"array_contains_all(facts, {sorted(self.all_of)})")
        parts += [f"array_contains_any(facts, {sorted(group)})" for group in self.any_of]
        if self.none_of:
            parts.append(f"not array_contains_any(facts, {sorted(self.none_of)})")
        if self.files:
            parts.append(f"file in {list(self.files[1])}")
        if self.keys:
            parts.append(f"key not in {list(self.keys[:_KEYS_NAMED])}")
        return " and ".join(parts)


def without(scope: Scope, gone: SparseMask, keys: Iterable[int]) -> Scope:
    """The scope but for the nodes at the rows of `gone`. keys: of their records."""
    return scope.narrowed(gone=gone, keys=(*scope.keys, *keys))
