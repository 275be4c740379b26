"""The words of a segment's chunks: an inverted file, from each stem to the chunks that hold it and how often.

It is kept apart from SQLite's full-text search for two reasons: BM25 has to count over several segments at once and without
what was deleted, and the words are the same stems that the rest of Trellis counts.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from indexer.numbering import Mask
from indexer.words import stems_of, texts_of

TRAIL_WEIGHT = 0.5
"""What a word in a chunk's trail counts, beside one in its own text (Robertson & Zaragoza 2009, BM25F)."""
K1, B = 1.2, 0.75
_MOST = 255
_SHORTEST = 3
"""Letters of the words among which the spelling of a question is looked up."""

Slots = NDArray[np.int64]


@dataclass(frozen=True)
class Postings:
    """stems: sorted. starts: shape (stems + 1,), where the postings of each begin. chunks, own, trail: shape (postings,),
    the slot of a chunk, and how often the stem stands in its own text and in its trail. lengths: shape (chunks,), words of
    each. words, counts: the words as they stand in the texts, without case, and how often each does.
    """

    stems: Sequence[str]
    starts: Slots
    chunks: NDArray[np.int32]
    own: NDArray[np.uint8]
    trail: NDArray[np.uint8]
    lengths: NDArray[np.int32]
    words: Sequence[str]
    counts: NDArray[np.int32]

    @cached_property
    def _places(self) -> dict[str, int]:
        return {stem: at for at, stem in enumerate(self.stems)}

    def of(self, stem: str) -> slice:
        """Where the postings of a stem lie."""
        at = self._places.get(stem)
        return slice(0, 0) if at is None else slice(int(self.starts[at]), int(self.starts[at + 1]))

    def holders(self, stem: str, live: Mask | None) -> int:
        """How many chunks hold it. live: shape (chunks,), which of them count; None for all."""
        where = self.of(stem)
        return where.stop - where.start if live is None else int(np.count_nonzero(live[self.chunks[where]]))

    def vocabulary(self, live: Mask | None) -> dict[str, int]:
        """The words of the texts and how often each was there when this was written; only those that are still there."""
        if live is not None and not live.all():
            left = {stem for stem in self.stems if self.holders(stem, live)}
            pairs = zip(self.words, self.counts.tolist(), strict=True)
            return {word: count for word, count in pairs if left.issuperset(stems_of(word))}
        return dict(zip(self.words, self.counts.tolist(), strict=True))

    def to_bytes(self) -> bytes:
        buffer = io.BytesIO()
        np.savez(
            buffer,
            stems=_packed(self.stems),
            starts=self.starts,
            chunks=self.chunks,
            own=self.own,
            trail=self.trail,
            lengths=self.lengths,
            words=_packed(self.words),
            counts=self.counts,
        )
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Postings:
        """`data` must have been verified."""
        with np.load(io.BytesIO(data), allow_pickle=False) as a:
            stems, words = _unpacked(a["stems"]), _unpacked(a["words"])
            return cls(stems, a["starts"], a["chunks"], a["own"], a["trail"], a["lengths"], words, a["counts"])


def count_words(trails: Sequence[str], pieces: Sequence[str], tags: Sequence[str]) -> Postings:
    """The postings of these chunks: of each its trail, its own text, and the tags by which it is found too."""
    numbers: dict[str, int] = {}
    known: dict[str, NDArray[np.int64]] = {}

    def numbered(text: str) -> NDArray[np.int64]:
        return np.array([numbers.setdefault(stem, len(numbers)) for stem in stems_of(text)], np.int64)

    own = [numbered(f"{piece} {tag}") for piece, tag in zip(pieces, tags, strict=True)]
    above = [known[trail] if trail in known else known.setdefault(trail, numbered(trail)) for trail in trails]
    spelt = (word for piece in pieces for word in texts_of(piece))
    words = Counter(word for word in spelt if len(word) >= _SHORTEST and word.isalpha())
    parts = [_keys(own), _keys(above)]
    stems = sorted(numbers)
    alphabet = np.empty(len(stems), np.int64)
    alphabet[[numbers[stem] for stem in stems]] = np.arange(len(stems))
    keyed = [alphabet[each] * len(pieces) + chunks for each, chunks in parts]
    keys, where = np.unique(np.concatenate(keyed), return_inverse=True)
    ours = len(parts[0][0])
    times = [np.bincount(some, minlength=len(keys)) for some in (where[:ours], where[ours:])]
    lengths = np.array([len(a) + len(b) for a, b in zip(own, above, strict=True)], np.int32)
    return _made(stems, keys, times[0], times[1], lengths, words)


def _keys(parts: Sequence[NDArray[np.int64]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The numbers of all parts, and of which part each is."""
    return (
        np.concatenate([np.empty(0, np.int64), *parts]),
        np.repeat(np.arange(len(parts)), [len(part) for part in parts]),
    )


def _made(
    stems: Sequence[str], keys: Slots, own: Slots, trail: Slots, lengths: NDArray[np.int32], words: Counter[str]
) -> Postings:
    """keys: sorted, stem * chunks + chunk of every posting."""
    stem, chunk = np.divmod(keys, max(len(lengths), 1))
    starts = np.searchsorted(stem, np.arange(len(stems) + 1))
    told = sorted(words.items())
    return Postings(
        stems,
        starts,
        chunk.astype(np.int32),
        np.minimum(own, _MOST).astype(np.uint8),
        np.minimum(trail, _MOST).astype(np.uint8),
        lengths,
        [word for word, _ in told],
        np.array([count for _, count in told], np.int32),
    )


def merge(parts: Sequence[tuple[Postings, Slots]]) -> Postings:
    """One for several, of the chunks at these slots of each, in their order; stems that none of them holds are left out."""
    lengths = np.concatenate([np.empty(0, np.int32), *(part.lengths[slots] for part, slots in parts)])
    known: dict[str, int] = {}
    found: list[tuple[Slots, Slots, Slots, Slots]] = []
    words: Counter[str] = Counter()
    first = 0
    for part, slots in parts:
        new = np.full(len(part.lengths), -1, np.int64)
        new[slots] = np.arange(first, first + len(slots))
        kept = new[part.chunks] >= 0
        stem = np.repeat(np.arange(len(part.stems)), np.diff(part.starts))[kept]
        numbers = np.array([known.setdefault(each, len(known)) for each in part.stems], np.int64)
        found.append(
            (numbers[stem], new[part.chunks[kept]], part.own[kept].astype(np.int64), part.trail[kept].astype(np.int64))
        )
        live = np.zeros(len(part.lengths), np.bool_)
        live[slots] = True
        words.update(part.vocabulary(live))
        first += len(slots)
    stem, chunk, own, trail = (np.concatenate(column) for column in zip(*found, strict=True))
    used = np.unique(stem)
    names = np.array(list(known), dtype=object)[used]
    alphabet = np.argsort(names)
    place = np.zeros(len(known), np.int64)
    place[used[alphabet]] = np.arange(len(used))
    keys = place[stem] * max(first, 1) + chunk
    order = np.argsort(keys, kind="stable")
    return _made(names[alphabet].tolist(), keys[order], own[order], trail[order], lengths, words)


def _packed(texts: Sequence[str]) -> NDArray[np.uint8]:
    """Words hold no line breaks."""
    return np.frombuffer("\n".join(texts).encode(), np.uint8)


def _unpacked(data: NDArray[np.uint8]) -> list[str]:
    return data.tobytes().decode().split("\n") if len(data) else []
