"""Links to notes that survive edits. A link carries the node's id, a hash of its text, the quote, and the id of its parent;
opened later it is told apart whether the note is the same, moved, edited or deleted.

    /?note=<id>&hash=<16 hex digits>&in=<parent's id>&quote=<verbatim>

An id says where a node stands and what it says, so an id that is still there means that nothing changed. One that is gone
may have moved (its text stands elsewhere) or have been edited (a like text stands under the same parent, or a very like one
anywhere). The quote is what was read; the hash covers all of the text, of which the quote may be a part.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

from rapidfuzz import fuzz

from indexer import quoting
from indexer.quoting import content_hash
from indexer.store import Store, StoredNode
from service import recent
from service.chat.types import CitationState, CitedNote, State
from service.errors import InvalidRequest
from service.search.excerpt import LINE_LIMIT, path_texts, to_results
from service.search.windows import window_around
from service.search.words import content_words
from service.snapshot import Snapshot
from service.types import ExcerptLine, Source

QUOTE_LIMIT = 280
"""Characters of a quote: links stay short enough for mail and chat programs, percent signs included."""
_LIKE_BESIDE, _LIKE_ELSEWHERE = 60.0, 78.0
"""Least likeness (Indel similarity of the two texts, 0 to 100) for an edit under the same parent, and anywhere else."""
_PART_FROM = QUOTE_LIMIT - 40
"""A quote of so many characters may be the beginning of a text: it is then compared with the part that is most like it."""
_READ = 2 * QUOTE_LIMIT
"""Characters of a text that a quote is compared with: the cost grows with both."""
_CANDIDATES = 40
_BESIDE = 1000
"""Nodes under the same parent that are compared; of more the likely ones are among those that a search finds."""

_MESSAGES: dict[State, str] = {
    "same": "This note stands as it was quoted.",
    "moved": "This note has moved to {place}. Its text is the same.",
    "edited": "This note was edited since it was quoted.",
    "deleted": "This note is no longer there. What was quoted is kept in the link.",
}


def shown(node: StoredNode) -> str:
    """The node as people read it, markup and all, in one line."""
    return quoting.shown(node.lines)


def quote_of(node: StoredNode) -> str:
    """The node's text, or as many whole words from its beginning as a link can carry. Always an exact part of it."""
    text = "\n".join(node.lines)
    if len(text) <= QUOTE_LIMIT:
        return text
    cut = max(text.rfind(" ", 0, QUOTE_LIMIT), text.rfind("\n", 0, QUOTE_LIMIT))
    return text[: cut if cut > 0 else QUOTE_LIMIT]


def citation_url(snapshot: Snapshot, node: StoredNode, quote: str, page: str = "/") -> str:
    """The link, relative to the service's origin; `page` is the path that opens it. Where collections have names the note's id
    comes with that of its own.
    """
    note = f"{snapshot.collection}:{node.id}" if snapshot.collection else node.id
    carried = {"note": note, "hash": content_hash(shown(node))}
    if node.parent >= 0:
        carried["in"] = snapshot.store.node(node.parent).id
    return f"{page}?{urlencode(carried | {'quote': quote})}"


def check_citation(snapshot: Snapshot, note: str, digest: str, quote: str, parent: str = "") -> CitationState:
    """What has become of a cited note. Raises InvalidRequest for a link that lacks a part or has too long a quote."""
    if not note or not digest or not quote.strip():
        raise InvalidRequest("A citation link carries 'note', 'hash' and 'quote'; this one lacks one of them.")
    if len(quote) > QUOTE_LIMIT:
        raise InvalidRequest(f"The quote has {len(quote):,} characters; a link carries at most {QUOTE_LIMIT}.")
    store = snapshot.store
    state, row = _now(snapshot, note, digest, " ".join(quote.split()), parent)
    found = None if row is None else _cited(snapshot, store.node(row))
    place = "" if found is None else " › ".join(found.path) or found.source.file
    excerpt = [] if row is None else _around(store, row)
    return CitationState(state, _MESSAGES[state].format(place=place), quote, found, excerpt, snapshot.name)


def _around(store: Store, row: int) -> list[ExcerptLine]:
    """The node marked, in as much of its outline as a result shows."""
    window = window_around(store, row)
    window.hits = [row]
    return to_results(store, [window], frozenset())[0].excerpt


def _now(snapshot: Snapshot, note: str, digest: str, quote: str, parent: str) -> tuple[State, int | None]:
    store = snapshot.store
    row = store.row_of(note)
    if row is not None:
        return ("same" if quote in shown(store.node(row)) else "edited"), row
    above = store.row_of(parent) if parent else None
    equal = store.rows_quoted(quote, digest)
    if equal:  # of several places with this text the one in its old company
        return "moved", next((row for row in equal if store.parent[row] == above), equal[0])
    likest = max(_likeness(snapshot, quote, above), default=(0.0, 0))
    return ("edited", -likest[1]) if likest[0] > 0 else ("deleted", None)


def _likeness(snapshot: Snapshot, quote: str, above: int | None) -> Iterator[tuple[float, int]]:
    """(by how much it is more like the quote than it must be, row with the sign turned) of nodes that may be the edited one."""
    store = snapshot.store
    beside = store.children(above)[:_BESIDE] if above is not None else []
    chunks, _ = store.match(list(dict.fromkeys(content_words(quote))), _CANDIDATES)
    near = recent.search(snapshot, quote, 10).results
    rows = {*beside, *store.chunk_node[chunks].tolist(), *(store.row_of(result.id) or 0 for result in near)}
    for node in store.nodes(sorted(rows)):
        needed = _LIKE_BESIDE if node.parent == above else _LIKE_ELSEWHERE
        text = shown(node)[:_READ]
        alike = fuzz.partial_ratio(quote, text) if len(quote) >= _PART_FROM else fuzz.ratio(quote, text)
        if alike >= needed:
            yield alike - needed + 1, -node.row


def _cited(snapshot: Snapshot, node: StoredNode) -> CitedNote:
    source = Source(node.file, node.line, node.line, node.end_line)
    path = path_texts(snapshot.store, node.row)
    return CitedNote(node.id, path, node.text[:LINE_LIMIT], source, snapshot.collection)
