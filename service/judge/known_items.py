"""Questions made out of the notes themselves: each is about one node that should then be found ("known-item" questions).

They need no labels and no model. Half are the node's rarest words under its heading, as people type who know what they are
looking for; half are a stretch of its own wording with half of the telling words forgotten. Everything that is left to
chance comes from a hash of the seed and the node's id, so the same notes always give the same questions, and a change
elsewhere hardly moves the sample. After Azzopardi, de Rijke & Balog, "Building simulated queries for known-item topics"
(SIGIR 2007).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache
from heapq import nsmallest
from typing import Literal

import msgspec

from indexer.store import Store, StoredNode
from indexer.words import stem
from service.search.words import content_stems, content_words, words_of

SAMPLE = 1000
_SEED = 1
_HEADING_WORDS, _RARE_WORDS = 3, 2
_STRETCH = 12
_FEWEST_TO_FORGET = 5
_HEADINGS, _LONGEST_READ = 20, 10_000
"""So many headings above a node, and characters of each text, are read: in a file that was made to hurt each node may stand
below thousands.
"""
_LONGEST_WORD = 60
"""A "word" may be a whole sentence in scripts that put no spaces between words."""

Style = Literal["rare words", "words forgotten"]


class KnownItem(msgspec.Struct, frozen=True):
    """A question and the node that it is about."""

    node: StoredNode
    question: str
    style: Style


class Sample(msgspec.Struct, frozen=True):
    """items: questions in reading order. left_out: nodes that say nothing beyond the headings above them, all of them."""

    items: list[KnownItem]
    left_out: list[StoredNode]


def known_items(store: Store, most: int = SAMPLE, seed: int = _SEED) -> Sample:
    """A question for each of at most `most` nodes, drawn evenly from those that have words of their own."""
    nodes = store.run(0, len(store) - 1)
    above = _stems_above(nodes)
    left_out = [node for node in nodes if content_stems(_read(node)) <= above(node.parent)]
    skipped = {node.row for node in left_out}
    drawn = nsmallest(most, (node for node in nodes if node.row not in skipped), lambda node: _lot(seed, node.id))
    count = cache(store.chunks_with)
    items = [
        _item(node, nodes[node.parent].text if node.parent >= 0 else "", above(node.parent), count, seed)
        for node in sorted(drawn, key=lambda node: node.row)
    ]
    return Sample(items, left_out)


def _stems_above(nodes: Sequence[StoredNode]) -> Callable[[int], frozenset[str]]:
    """For a row: the stems of its words and of the headings above it, the nearest ones; nothing for -1."""

    @lru_cache(maxsize=4096)
    def own(row: int) -> frozenset[str]:
        return content_stems(_read(nodes[row]))

    def above(row: int) -> frozenset[str]:
        found: list[frozenset[str]] = []
        while row >= 0 and len(found) < _HEADINGS:
            found.append(own(row))
            row = nodes[row].parent
        return frozenset().union(*found)

    return above


def _read(node: StoredNode) -> str:
    return node.text[:_LONGEST_READ]


def _item(node: StoredNode, heading: str, above: frozenset[str], count: Callable[[str], int], seed: int) -> KnownItem:
    if _lot(seed, node.id, "style") % 2 and (question := _forgetful(node, seed)):
        return KnownItem(node, question, "words forgotten")
    own = {word for word in content_words(_read(node)) if stem(word) not in above}
    rarest = set(nsmallest(_RARE_WORDS, own, lambda word: (count(word), -len(word), word)))
    telling = set(content_words(heading))
    words = _distinct(word for word in words_of(_read(node)) if word.casefold() in rarest)
    headed = _distinct(word for word in words_of(heading) if word.casefold() in telling)
    return KnownItem(node, " ".join(headed[:_HEADING_WORDS] + words), "rare words")


def _forgetful(node: StoredNode, seed: int) -> str:
    """A stretch of the text, of at most 12 words as they are written, without half of the words that carry meaning; ""
    when it has too few of them.
    """
    words = _read(node).split()
    start = _lot(seed, node.id, "start") % max(1, len(words) - _STRETCH + 1)
    stretch = [word[:_LONGEST_WORD] for word in words[start : start + _STRETCH]]
    telling = [at for at, word in enumerate(stretch) if content_words(word)]
    if len(telling) < _FEWEST_TO_FORGET:
        return ""
    forgotten = nsmallest(len(telling) // 2, telling, lambda at: _lot(seed, node.id, at))
    return " ".join(word for at, word in enumerate(stretch) if at not in forgotten)


def _distinct(words: Iterable[str]) -> list[str]:
    """The first of each word, whatever its case, in order."""
    first: dict[str, str] = {}
    for word in words:
        first.setdefault(word.casefold(), word[:_LONGEST_WORD])
    return list(first.values())


def _lot(*parts: object) -> int:
    """A number below 2^64 that is always the same for the same parts."""
    return int.from_bytes(hashlib.blake2b(repr(parts).encode(), digest_size=8).digest())
