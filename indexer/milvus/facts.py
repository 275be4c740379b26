"""What a record is filtered by: facts about a node, its own and those it inherits, as numbers.

Each fact is a hash of a few words, so that any text can be one, of any length and with any sign in it, and a filter is a
handful of numbers. What holds for what is exactly what `service.search.scope` says: tags add up down the tree, of
everything else the nearest says what holds. A date is its digits from the first on ("2", "20", "202", ...), so that a span
of time is a few of these.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from indexer.attributes import DATES, OWN, TAG, Attribute
from indexer.quoting import plain

MOST = 4000
"""Facts of one node: Milvus' arrays hold 4,096. Only nodes below more than a thousand others lose any, of the middle levels."""
ANY = "*"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_DIGITS = 8

Said = Mapping[str, frozenset[str]]
"""Values by name."""


def fact(kind: str, *words: str) -> int:
    """A number of 63 bits that is the same for the same words."""
    digest = hashlib.blake2b("\0".join((kind, *words)).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def under(segments: Sequence[str]) -> int:
    """The fact of standing below this path, or being its last node."""
    place = 0
    for segment in segments:
        place = _below(place, plain(segment))
    return place


def _below(place: int, text: str) -> int:
    return fact("under", str(place), text)


def tagged(tag: str) -> int:
    return fact("tag", tag.casefold())


def said(name: str, value: str) -> int:
    return fact("said", name, value.casefold())


def inside(node_id: str) -> int:
    """Of a node and all that stands below it."""
    return fact("inside", node_id)


def child_of(node_id: str) -> int:
    return fact("child", node_id)


def worded(digest: str) -> int:
    """Of the nodes whose text has this hash (see `indexer.quoting`)."""
    return fact("worded", digest)


def formerly(node_id: str) -> int:
    """Of the node that had this id before its file was renamed."""
    return fact("formerly", node_id)


def days(first: str, end: str) -> list[int]:
    """The facts one of which a node has that has a date from the day `first` on and before the day `end` (YYYY-MM-DD)."""
    return [fact("date", digits) for digits in _between(first.replace("-", ""), end.replace("-", ""))]


def _between(low: str, high: str) -> Iterator[str]:
    """The shortest beginnings of numbers of eight digits that cover all from `low` on and below `high`."""

    def cover(start: str) -> Iterator[str]:
        least, most = start.ljust(_DIGITS, "0"), start.ljust(_DIGITS, "9")
        if most < low or least >= high:
            return
        if least >= low and most < high:
            yield start
        else:
            for digit in "0123456789":
                yield from cover(start + digit)

    for digit in "0123456789":
        yield from cover(digit)


class FileFacts:
    """The facts of the nodes of one file, which are asked for in reading order, parents first."""

    def __init__(self, stated: Iterable[tuple[str, str]]) -> None:
        """stated: what holds for all of the file."""
        values = list(stated)
        self._base = _by_name(values)
        self._base_days = _days_of(values)
        self._titles = [_below(0, plain(value)) for name, value in values if name == "title"]
        self._known: dict[int, _Node] = {}

    def of(
        self, at: int, parent: int, node_id: str, text: str, own: Sequence[Attribute], more: Iterable[int]
    ) -> list[int]:
        """at: the node's place in its file; parent: that of its parent, -1 for none. more: facts that are its alone."""
        above = self._known.get(parent)
        places = [_below(place, plain(text)) for place in (above.places if above else [0, *self._titles])]
        values = _by_name(own)
        node = self._known[at] = _Node(
            places,
            {*(above.inherited if above else self._titles), *places, inside(node_id)},
            (above.tags if above else self._base.get(TAG, frozenset())) | values.get(TAG, frozenset()),
            (above.said if above else self._base) | {name: some for name, some in values.items() if name not in OWN},
            _days_of(own) or (above.days if above else self._base_days),
        )
        stated = self._base | node.said | values
        found = {tagged(beginning) for tag in node.tags for beginning in _beginnings(tag)}
        found |= {said(name, value) for name, some in stated.items() for value in (*some, ANY)}
        found |= {fact("date", day[:length]) for day in node.days for length in range(1, _DIGITS + 1)}
        if above:
            found.add(child_of(above.id))
        node.id = node_id
        return [*found, *more, *sorted(node.inherited)][:MOST]


class _Node:
    """What those below a node inherit. `said` has nothing in it that is true of a node alone."""

    __slots__ = ("days", "id", "inherited", "places", "said", "tags")

    def __init__(
        self, places: list[int], inherited: set[int], tags: frozenset[str], said: Said, days: frozenset[str]
    ) -> None:
        self.places, self.inherited, self.tags, self.said, self.days = places, inherited, tags, dict(said), days
        self.id = ""


def _by_name(pairs: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for name, value in pairs:
        found[name].add(value)
    return {name: frozenset(values) for name, values in found.items()}


def _days_of(pairs: Iterable[tuple[str, str]]) -> frozenset[str]:
    return frozenset(
        value[:10].replace("-", "") for name, value in pairs if name in DATES and _DAY.match(value) is not None
    )


def _beginnings(tag: str) -> Iterator[str]:
    """Of "work/apollo" itself and "work"."""
    parts = tag.split("/")
    for count in range(1, len(parts) + 1):
        yield "/".join(parts[:count])
