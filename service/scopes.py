"""Files and headings by what a person types of their names, to keep a search to one of them."""

from __future__ import annotations

from service.errors import InvalidRequest
from service.search.excerpt import LINE_LIMIT
from service.snapshot import Snapshot
from service.types import Heading, NotesFile, Scopes

MOST = 50


def find_scopes(snapshot: Snapshot, typed: str, top: int = 8) -> Scopes:
    """At most `top` files and `top` headings that hold all that is typed: headings in which it begins words before others, then
    those of the largest parts. Nothing typed: the files in order and the outermost headings. Raises InvalidRequest.
    """
    if not 1 <= top <= MOST:
        raise InvalidRequest(f"'top' is {top}; it must be between 1 and {MOST}.")
    words = typed.casefold().split()
    store = snapshot.store
    counts: dict[int, int] = dict(enumerate([0] * len(store.files)))
    for number in store.file.tolist():
        counts[number] += 1
    files = [
        NotesFile(name, counts[number])
        for number, name in enumerate(store.files)
        if all(word in name.casefold() for word in words)
    ]
    return Scopes(files[:top], _headings(snapshot, words, top))


def _headings(snapshot: Snapshot, words: list[str], top: int) -> list[Heading]:
    store = snapshot.store
    found = [
        (not all(_begins(word, text) for word in words), int(row - store.last[row]), row)
        for row, text in store.headings
        if (all(word in text for word in words) if words else store.parent[row] < 0)
    ]
    rows = [row for _, _, row in sorted(found)[:top]]
    return [
        Heading(
            node.id,
            node.text[:LINE_LIMIT],
            [text[:LINE_LIMIT] for text in store.path(node.row)],
            node.last - node.row,
        )
        for node in store.nodes(rows)
    ]


def _begins(word: str, text: str) -> bool:
    return text.startswith(word) or f" {word}" in text
