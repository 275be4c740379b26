"""What the notes offer to filter by, for those who offer completion: tags, TODO states, properties, files, headings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain

from msgspec.structs import astuple

from indexer.attributes import ALIAS, DATES, EMBED, ID, REFERENCE, STATE, TAG, TODO
from indexer.store import Store
from service.types import Choice, Choices

_MOST = 200
_LONGEST = 80
"""A name or a value of so many characters or more is nothing to pick from a list, and two hundred of them are no list."""
_NO_PROPERTIES = DATES | {ALIAS, EMBED, ID, REFERENCE, STATE, TAG, TODO, "title"}


def choices(stores: Sequence[Store]) -> Choices:
    """The commonest values of each filter in all of these notes."""
    all_of = [_choices(store) for store in stores]
    return (
        all_of[0] if len(all_of) == 1 else Choices(*(_added(kind) for kind in zip(*map(astuple, all_of), strict=True)))
    )


def _added(choices: Sequence[Sequence[Choice]]) -> list[Choice]:
    """Those of several notes together, the commonest first."""
    counts = Counter[str]()
    for choice in chain.from_iterable(choices):
        counts[choice.value] += choice.count
    return [Choice(*pair) for pair in counts.most_common(_MOST)]


def _choices(store: Store) -> Choices:
    """The commonest values of each filter, as `service.search.query_syntax` takes them; count: how often they are stated."""
    stated = store.attribute_values()
    tags = Counter[str]()
    for name, value, count in stated:
        if name == TAG and len(value) < _LONGEST:
            tags[value.casefold()] += count
    todo = [Choice(value, count) for name, value, count in stated if name in {STATE, TODO} and len(value) < _LONGEST]
    properties = [
        Choice(f"{name}={value}", count)
        for name, value, count in stated
        if name not in _NO_PROPERTIES and len(name) < _LONGEST and len(value) < _LONGEST
    ]
    tops = store.nodes(store.tops(_MOST))
    return Choices(
        tag=[Choice(*pair) for pair in tags.most_common(_MOST)],
        todo=todo[:_MOST],
        where=properties[:_MOST],
        file=[Choice(name, count) for name, count in zip(store.files, store.file_sizes, strict=True) if count][:_MOST],
        under=[Choice(node.text[:200], node.last - node.row + 1) for node in tops],
    )
