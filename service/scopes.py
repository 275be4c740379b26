"""Files and headings by what a person types of their names, to keep a search to one of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice

from service.errors import InvalidRequest
from service.search.excerpt import LINE_LIMIT, path_texts
from service.snapshot import OneOrMore, Snapshot, several
from service.types import PATH_ENDS, Heading, NotesFile, Scopes

MOST = 50
_TYPED = 200
"""Characters that are read of what is typed; every word is looked for in every name."""


def find_scopes(asked: OneOrMore, typed: str, top: int = 8) -> Scopes:
    """At most `top` files and `top` headings that hold all that is typed: headings in which it begins words before others, then
    those of the largest parts. Nothing typed: the files in order and the outermost headings. Raises InvalidRequest.
    """
    if not 1 <= top <= MOST:
        raise InvalidRequest(f"'top' is {top}; it must be between 1 and {MOST}.")
    words = list(dict.fromkeys(typed[:_TYPED].casefold().split()))
    snapshots = several(asked)
    files = chain.from_iterable(_files(snapshot, words) for snapshot in snapshots)
    return Scopes(list(islice(files, top)), _headings(snapshots, words, top))


def _files(snapshot: Snapshot, words: list[str]) -> Iterator[NotesFile]:
    store = snapshot.store
    for name, count in zip(store.files, store.file_sizes, strict=True):
        folded = name.casefold()
        if all(word in folded for word in words):
            yield NotesFile(name, count, snapshot.collection)


def _headings(snapshots: Sequence[Snapshot], words: list[str], top: int) -> list[Heading]:
    found = [
        (not all(_begins(word, heading.text) for word in words), -heading.below, at, heading.row)
        for at, snapshot in enumerate(snapshots)
        for heading in snapshot.store.headings
        if (all(word in heading.text for word in words) if words else heading.top)
        and snapshot.store.depth[heading.row] <= 2 * PATH_ENDS  # of a deeper one the path is not told whole
    ]
    return [_heading(snapshots[at], row) for _, _, at, row in sorted(found)[:top]]


def _heading(snapshot: Snapshot, row: int) -> Heading:
    store = snapshot.store
    node = store.node(row)
    return Heading(node.id, node.text[:LINE_LIMIT], path_texts(store, row), node.last - row, snapshot.collection)


def _begins(word: str, text: str) -> bool:
    return text.startswith(word) or f" {word}" in text
