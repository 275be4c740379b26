"""The words of a segment's chunks: an inverted file, from each stem to the chunks that hold it and how often.

It is kept apart from SQLite's full-text search for two reasons: BM25 has to count over several segments at once and without
what was deleted, and the words are the same stems that the rest of Trellis counts.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

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
class TermLists:
    """Terms and the chunks that hold them. terms: sorted. starts: shape (terms + 1,), where the postings of each begin. chunks:
    shape (postings,), slots, rising within a term. times: shape (postings, fields), how often the term stands in each field.
    """

    terms: Sequence[str]
    starts: Slots
    chunks: NDArray[np.int32]
    times: NDArray[np.uint8]

    @cached_property
    def _places(self) -> dict[str, int]:
        return {term: at for at, term in enumerate(self.terms)}

    def of(self, term: str) -> slice:
        """Where the postings of a term lie."""
        at = self._places.get(term)
        return slice(0, 0) if at is None else slice(int(self.starts[at]), int(self.starts[at + 1]))

    def of_postings(self) -> Slots:
        """The number of the term that each posting is of."""
        return np.repeat(np.arange(len(self.terms)), np.diff(self.starts))

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        return {
            name: _packed(self.terms),
            f"{name}_starts": self.starts,
            f"{name}_chunks": self.chunks,
            f"{name}_times": self.times,
        }

    @classmethod
    def of_arrays(cls, name: str, arrays: Mapping[str, NDArray[Any]]) -> TermLists:
        terms = _unpacked(arrays[name])
        return cls(terms, arrays[f"{name}_starts"], arrays[f"{name}_chunks"], arrays[f"{name}_times"])


@dataclass(frozen=True)
class Postings:
    """stems: by which chunks are found; their fields are a chunk's own text and its trail. words: as they stand in the own
    texts, without case. lengths: shape (chunks,), words of each in both fields.
    """

    stems: TermLists
    words: TermLists
    lengths: NDArray[np.int32]

    def holders(self, stem: str, live: Mask | None) -> int:
        """How many chunks hold it. live: shape (chunks,), which of them count; None for all."""
        where = self.stems.of(stem)
        return where.stop - where.start if live is None else int(np.count_nonzero(live[self.stems.chunks[where]]))

    def weights(self, where: slice | Slots, mean_length: float) -> NDArray[np.float32]:
        """What each of these postings of stems adds to the BM25 score of its chunk, for a stem whose rarity is 1."""
        counts = self.stems.times[where, 0] + TRAIL_WEIGHT * self.stems.times[where, 1]
        lengths = self.lengths[self.stems.chunks[where]] / mean_length
        return np.asarray(counts * (K1 + 1) / (counts + K1 * (1 - B + B * lengths)))

    def all_holders(self, live: Mask | None) -> dict[str, int]:
        """The same for every stem that any chunk holds."""
        terms = self.stems.of_postings() if live is None else self.stems.of_postings()[live[self.stems.chunks]]
        counts = np.bincount(terms, minlength=len(self.stems.terms)).tolist()
        return {stem: count for stem, count in zip(self.stems.terms, counts, strict=True) if count}

    def vocabulary(self, live: Mask | None) -> dict[str, int]:
        """The words of the texts that count, and how often each stands there."""
        times = self.words.times[:, 0] if live is None else self.words.times[:, 0] * live[self.words.chunks]
        counts = np.bincount(self.words.of_postings(), times, len(self.words.terms)).astype(np.int64).tolist()
        return {word: count for word, count in zip(self.words.terms, counts, strict=True) if count}

    def to_bytes(self) -> bytes:
        buffer = io.BytesIO()
        arrays: dict[str, Any] = self.stems.arrays("stems") | self.words.arrays("words")
        np.savez(buffer, lengths=self.lengths, **arrays)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Postings:
        """`data` must have been verified."""
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return cls(TermLists.of_arrays("stems", arrays), TermLists.of_arrays("words", arrays), arrays["lengths"])


def count_words(trails: Sequence[str], pieces: Sequence[str], tags: Sequence[str]) -> Postings:
    """The postings of these chunks: of each its trail, its own text, and the tags by which it is found too."""
    stems, words = _Numbers(), _Numbers()
    known: dict[str, Slots] = {}

    def stems_above(trail: str) -> Slots:
        return known[trail] if trail in known else known.setdefault(trail, stems.of(stems_of(trail)))

    own = [stems.of(stems_of(f"{piece} {tag}")) for piece, tag in zip(pieces, tags, strict=True)]
    above = [stems_above(trail) for trail in trails]
    spelt = [words.of(word for word in texts_of(piece) if _is_spelt(word)) for piece in pieces]
    lengths = np.array([len(a) + len(b) for a, b in zip(own, above, strict=True)], np.int32)
    return Postings(stems.term_lists([own, above]), words.term_lists([spelt]), lengths)


def _is_spelt(word: str) -> bool:
    return len(word) >= _SHORTEST and word.isalpha()


class _Numbers(dict[str, int]):
    """Terms, numbered as they come."""

    def of(self, terms: Iterable[str]) -> Slots:
        return np.array([self.setdefault(term, len(self)) for term in terms], np.int64)

    def term_lists(self, fields: Sequence[Sequence[Slots]]) -> TermLists:
        """fields: for each the numbers of the terms of every chunk, in their order."""
        count = len(fields[0])
        term = np.concatenate([np.empty(0, np.int64), *(each for field in fields for each in field)])
        chunk = np.concatenate([np.repeat(np.arange(count), [len(each) for each in field]) for field in fields])
        ends = np.cumsum([sum(map(len, field)) for field in fields])
        field = np.searchsorted(ends, np.arange(len(term)), "right")
        return _term_lists(list(self), term, chunk.astype(np.int64), np.eye(len(fields), dtype=np.int64)[field])


def _term_lists(terms: Sequence[str], term: Slots, chunk: Slots, times: Slots) -> TermLists:
    """term, chunk: shape (n,), numbers of terms and slots in any order, also more than once; what falls together is added up.
    times: shape (n, fields). Terms without any are left out.
    """
    used = np.unique(term)
    names = np.array(terms, dtype=object)[used]
    alphabet = np.argsort(names)
    place = np.zeros(len(terms), np.int64)
    place[used[alphabet]] = np.arange(len(used))
    many = int(chunk.max(initial=0)) + 1
    keys = place[term] * many + chunk
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    begins = np.flatnonzero(np.diff(keys, prepend=-1))
    summed = np.add.reduceat(times[order], begins, axis=0) if len(keys) else times
    place_of, chunks = np.divmod(keys[begins], many)
    starts = np.searchsorted(place_of, np.arange(len(used) + 1))
    return TermLists(
        names[alphabet].tolist(), starts, chunks.astype(np.int32), np.minimum(summed, _MOST).astype(np.uint8)
    )


def merge(parts: Sequence[tuple[Postings, Slots]]) -> Postings:
    """One for several, of the chunks at these slots of each, in their order; terms that none of them holds are left out."""
    lengths = np.concatenate([np.empty(0, np.int32), *(part.lengths[slots] for part, slots in parts)])
    places = []
    first = 0
    for part, slots in parts:
        new = np.full(len(part.lengths), -1, np.int64)
        new[slots] = np.arange(first, first + len(slots))
        places.append(new)
        first += len(slots)
    stems = _merged([part.stems for part, _ in parts], places, fields=2)
    return Postings(stems, _merged([part.words for part, _ in parts], places, fields=1), lengths)


def _merged(parts: Sequence[TermLists], places: Sequence[Slots], fields: int) -> TermLists:
    """places: for each part where its chunks go; -1 for those that are left out."""
    known = _Numbers()
    term, chunk, times = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty((0, fields), np.int64)]
    for part, new in zip(parts, places, strict=True):
        to = new[part.chunks]
        kept = to >= 0
        term.append(known.of(part.terms)[part.of_postings()[kept]])
        chunk.append(to[kept])
        times.append(part.times[kept].astype(np.int64))
    return _term_lists(list(known), np.concatenate(term), np.concatenate(chunk), np.concatenate(times))


def _packed(texts: Sequence[str]) -> NDArray[np.uint8]:
    """Words hold no line breaks."""
    return np.frombuffer("\n".join(texts).encode(), np.uint8)


def _unpacked(data: NDArray[np.uint8]) -> list[str]:
    return data.tobytes().decode().split("\n") if len(data) else []
