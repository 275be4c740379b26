"""The filters of a question as facts that an engine filters by: the same notes are in scope as with `service.search.scope`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from indexer.milvus import facts
from indexer.milvus.reading import PublishedStore
from indexer.milvus.scope import Scope
from indexer.numbering import SparseMask
from service.errors import ScopeNotFound
from service.search.query_syntax import Filters
from service.search.scope import matching_files, narrowings

_Change = Callable[[Scope], Scope]


def published_scope(store: PublishedStore, filters: Filters, gone: SparseMask | None) -> Scope | None:
    """None for all nodes. Raises ScopeNotFound as `service.search.scope.node_mask` does."""
    changes = list(narrowings(filters, _ByFacts(store)))
    scope = store.scope()
    for _, _, change in changes:
        scope = change(scope)
    if changes and not store.holds(scope):
        raise _nowhere(store, changes)
    if gone is not None:
        return store.left_out(scope, gone)
    return scope if changes else None


@dataclass(frozen=True, slots=True)
class _ByFacts:
    """Changes of a scope."""

    store: PublishedStore

    def under(self, segments: Sequence[str]) -> _Change:
        return _having(facts.under(segments))

    def file(self, glob: str) -> _Change:
        files = self.store.files_scope(matching_files(self.store, glob))
        return lambda scope: scope.narrowed(files=files)

    def tag(self, tag: str) -> _Change:
        return _having(facts.tagged(tag))

    def todo(self, name: str, wanted: str) -> _Change:
        return _having(facts.said(name, wanted))

    def dated(self, first: str, end: str) -> _Change:
        group = frozenset(facts.days(first, end))
        return lambda scope: scope.narrowed(any_of=(*scope.any_of, group))

    def said(self, name: str, value: str) -> _Change:
        return _having(facts.said(name, value))


def _having(fact: int) -> _Change:
    return lambda scope: scope.narrowed(all_of=scope.all_of | {fact})


def _nowhere(store: PublishedStore, changes: Sequence[tuple[str, str, _Change]]) -> ScopeNotFound:
    """Names the filter that left nothing."""
    scope, told = store.scope(), ("", "")
    for name, value, change in changes:
        scope, told = change(scope), (name, value)
        if not store.holds(scope):
            break
    return ScopeNotFound(*told)
