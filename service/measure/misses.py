"""Why a node was not found, although it was asked for by its own words."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from indexer.store import Store, StoredNode
from service.judge.known_items import KnownItem, Style
from service.search.excerpt import LINE_LIMIT, path_texts
from service.search.query import Query
from service.search.ranking import rank
from service.search.windows import Window
from service.search.words import content_stems
from service.snapshot import Snapshot

TOP = 10
_FAR = 100
_HEADING_WORDS = 2

Reason = Literal["duplicate", "heading only", "outranked", "not a candidate"]
REASONS: dict[Reason, str] = {
    "outranked": "Other notes match the question better.",
    "duplicate": "Another note with the same text is shown instead.",
    "heading only": "A short heading: what is below it, or another heading, matches better.",
    "not a candidate": f"Not even among the first {_FAR} results.",
}
"""Each reason, as it is told to people."""


class Place(msgspec.Struct, frozen=True):
    """A node of the notes and where it stands. path: its ancestors' texts, outermost first. line: 1-based."""

    id: str
    file: str
    line: int
    path: list[str]
    text: str


class Miss(msgspec.Struct, frozen=True):
    """A node that its question did not find among the first ten results."""

    node: Place
    question: str
    style: Style
    reason: Reason
    rank: Annotated[int, Meta(description=f"Its place among the first {_FAR} results, 0 when it is not there.")]
    instead: Annotated[Place | None, Meta(description="The duplicate that is shown, else the first result.")]


def explain_miss(snapshot: Snapshot, item: KnownItem, query: Query, windows: list[Window]) -> Miss:
    """`windows`: the first ten, none of which shows the node."""
    store, node = snapshot.store, item.node
    twin = _twin(store, node, windows)
    first = store.node(windows[0].hits[0]) if windows else None
    place = shown_at(
        node.row, rank(snapshot, query, _FAR).windows
    )  # of more candidates, so now and then a little higher
    place = max(place, TOP + 1) if place else 0
    if twin:
        reason: Reason = "duplicate"
    elif node.last > node.row and len(content_stems(node.text)) <= _HEADING_WORDS:
        reason = "heading only"
    else:
        reason = "outranked" if place else "not a candidate"
    instead = twin or first
    return Miss(
        place_of(store, node), item.question, item.style, reason, place, place_of(store, instead) if instead else None
    )


def shown_at(row: int, windows: list[Window]) -> int:
    """The 1-based place of the window that shows a node, 0 when none does."""
    return next((place for place, window in enumerate(windows, start=1) if window.first <= row <= window.last), 0)


def place_of(store: Store, node: StoredNode) -> Place:
    return Place(node.id, node.file, node.line, path_texts(store, node.row), node.text[:LINE_LIMIT])


def _twin(store: Store, node: StoredNode, windows: list[Window]) -> StoredNode | None:
    """The first node in the windows with the same text but for case and space, one under the same path before others."""
    twins = [
        other
        for window in windows
        for other in store.run(window.first, window.last)
        if _plain(other.text) == _plain(node.text)
    ]
    path = [_plain(text) for text in path_texts(store, node.row)]
    same = (other for other in twins if [_plain(text) for text in path_texts(store, other.row)] == path)
    return next(same, twins[0] if twins else None)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
