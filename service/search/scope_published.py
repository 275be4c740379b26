"""The filters of a question as facts that an engine filters by: the same notes are in scope as with `service.search.scope`."""

from __future__ import annotations

from collections.abc import Iterator

from indexer.attributes import STATE, TODO
from indexer.milvus import facts
from indexer.milvus.reading import PublishedStore
from indexer.milvus.scope import Scope
from indexer.numbering import SparseMask
from service.errors import ScopeNotFound
from service.search.query_syntax import Filters
from service.search.scope import first_day, matching_files


def published_scope(store: PublishedStore, filters: Filters, gone: SparseMask | None) -> Scope | None:
    """None for all nodes. Raises ScopeNotFound as `service.search.scope.node_mask` does."""
    narrowings = list(_narrowings(store, filters))
    scope = store.scope()
    for _, _, change in narrowings:
        scope = change(scope)
    if narrowings and not store.holds(scope):
        raise _nowhere(store, narrowings)
    if gone is not None:
        return store.left_out(scope, gone)
    return scope if narrowings else None


class _Change:
    """Narrows a scope by some facts, or to some files."""

    def __init__(
        self, all_of: int | None = None, any_of: list[int] | None = None, files: list[int] | None = None
    ) -> None:
        self._all_of, self._any_of, self._files = all_of, any_of, files
        self._store: PublishedStore | None = None

    def within(self, store: PublishedStore) -> _Change:
        self._store = store
        return self

    def __call__(self, scope: Scope) -> Scope:
        if self._all_of is not None:
            scope = scope.narrowed(all_of=scope.all_of | {self._all_of})
        if self._any_of is not None:
            scope = scope.narrowed(any_of=(*scope.any_of, frozenset(self._any_of)))
        if self._files is not None and self._store is not None:
            scope = scope.narrowed(files=self._store.files_scope(self._files))
        return scope


def _narrowings(store: PublishedStore, filters: Filters) -> Iterator[tuple[str, str, _Change]]:
    """Each filter that is given, as people name it, with what it does."""
    segments = [segment for segment in filters.under if segment.strip()]
    if segments:
        yield "under", " > ".join(filters.under), _Change(facts.under(segments))
    if filters.file.strip():
        yield "file", filters.file, _Change(files=matching_files(store, filters.file)).within(store)
    for tag in filter(None, (tag.strip().lstrip("#@") for tag in filters.tag)):
        yield "tag", tag, _Change(facts.tagged(tag))
    if wanted := filters.todo.strip().casefold():
        yield "todo", filters.todo, _Change(facts.said(STATE if wanted in {"open", "done"} else TODO, wanted))
    if filters.after or filters.before:
        told = " ".join(
            filter(None, (filters.after and f"from {filters.after}", filters.before and f"before {filters.before}"))
        )
        first, end = first_day(filters.after or "0000"), first_day(filters.before or "9999")
        yield "date", told, _Change(any_of=facts.days(first, end))
    for name, value in filters.where:
        yield "where", f"{name}={value}", _Change(facts.said(name, value))


def _nowhere(store: PublishedStore, narrowings: list[tuple[str, str, _Change]]) -> ScopeNotFound:
    """Names the filter that left nothing."""
    scope, told = store.scope(), ("", "")
    for name, value, change in narrowings:
        scope, told = change(scope), (name, value)
        if not store.holds(scope):
            break
    return ScopeNotFound(*told)
