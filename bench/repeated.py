"""Real notes of a given size, and more of them than there are: copies whose vectors are those of the originals with noise.

A copy stands under a heading of its own ("Copy 3"), so its chunks are new to the indexer; what the model would make of them is
made up from the index of the originals instead. Everything else of an index is as real as its notes: structure, words, files.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

import numpy as np

from indexer.chunks import cut_chunks
from indexer.converted import Kept
from indexer.encoder import Encoded, Encoder, unit
from indexer.generation import Generation
from indexer.node import Outline
from indexer.readers import read_outline
from indexer.sources import find_sources
from indexer.vectors import stored_vectors

_COPY = re.compile(r"^Copy \d+ > ")
_TAIL = 160
"""Characters at the end of a chunk by which a copy finds its original: the path before them may have been shortened."""


def write_notes(source: Path, folder: Path, units: int) -> int:
    """The first `units` nodes of the notes in `source` as outlines, one a file, and copies of them all beyond what there is.
    Answers how many there are in all. A node stays with the file it came from.
    """
    folder.mkdir(parents=True)
    written = 0
    for copy, outline in _passes(source):
        if written >= units:
            break
        if outline.nodes:
            some = outline.nodes[: units - written]
            place = folder / (f"copy-{copy}" if copy else "notes") / Path(outline.file).with_suffix(".txt")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text("".join(_lines(outline, len(some), copy)), "utf-8", errors="replace")
            written += len(some)
    return written


def _passes(source: Path) -> Iterator[tuple[int, Outline]]:
    """All outlines with the number 0, then all with 1, and so on without end. No more is read than is asked for."""
    outlines = []
    for each in find_sources([source]).sources:
        outlines.append(read_outline(each.file, each.path.read_bytes()))
        yield 0, outlines[-1]
    if not any(outline.nodes for outline in outlines):
        raise SystemExit(f"'{source}' holds no notes")
    for copy in count(1):
        yield from ((copy, outline) for outline in outlines)


def _lines(outline: Outline, count: int, copy: int) -> Iterator[str]:
    if copy:
        yield f"Copy {copy}\n"
    for node in outline.nodes[:count]:
        text = " ".join(node.text.split()) or "(empty)"
        yield f"{'    ' * (node.depth + bool(copy))}{text}\n"


class Repeated:
    """An encoder that knows the chunks of one index and makes up those of their copies: the same vectors with noise, seeded by
    the text. Whatever else it is given goes to the real encoder.

    noise: the expected length of what is added to a vector of length 1.
    """

    def __init__(self, encoder: Encoder, originals: Generation, notes: Path, noise: float) -> None:
        self._encoder, self._originals, self._noise = encoder, originals, noise
        outlines = [read_outline(each.file, each.path.read_bytes()) for each in find_sources([notes]).sources]
        chunks = [chunk for outline in outlines for chunk in cut_chunks(outline)]
        assert len(chunks) == originals.manifest.chunks, "the index of the originals is not of these notes"
        self._rows = {_key(chunk.text): row for row, chunk in enumerate(chunks)}

    @property
    def dimension(self) -> int:
        return self._encoder.dimension

    @property
    def kept(self) -> Kept | None:
        return getattr(self._encoder, "kept", None)

    def rest(self) -> None:
        getattr(self._encoder, "rest", lambda: None)()

    def reads(self, text: str) -> float:
        return self._encoder.reads(text)

    def knows(self, word: str) -> bool:
        return self._encoder.knows(word)

    def encode(self, texts: Sequence[str], *, query: bool = False) -> Encoded:
        if query:
            return self._encoder.encode(texts, query=True)
        rows = [self._rows.get(_key(text)) for text in texts]
        others = iter(
            _parts(self._encoder.encode([text for text, row in zip(texts, rows, strict=True) if row is None]))
        )
        pairs = zip(texts, rows, strict=True)
        return _joined([next(others) if row is None else self._made_up(text, row) for text, row in pairs])

    def _made_up(self, text: str, row: int) -> Encoded:
        tokens = self._originals.tokens
        codes = tokens.of_chunk(row)
        whole = (codes.astype(np.float32) * np.float32(tokens.projection.scale)) @ tokens.projection.matrix.T
        vector = stored_vectors(self._originals.vectors, np.array([row]))
        random = np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]))
        noise = random.standard_normal((1 + len(codes), self.dimension), np.float32)
        noise *= np.float32(self._noise / self.dimension**0.5)
        # Only tokens of a chunk's own words are kept, so each is given the place of one: its last letter or digit.
        at = next((at for at in range(len(text) - 1, -1, -1) if text[at].isalnum()), 0)
        spans = np.tile(np.array([[at, at + 1]]), (len(codes), 1))
        return Encoded(unit(vector + noise[:1]), unit(whole + noise[1:]), np.array([len(codes)]), spans)


def _parts(encoded: Encoded) -> list[Encoded]:
    """One for each text."""
    ends = np.cumsum(encoded.counts)[:-1]
    pairs = zip(np.split(encoded.tokens, ends), np.split(encoded.spans, ends), strict=True)
    return [
        Encoded(encoded.vectors[at : at + 1], tokens, encoded.counts[at : at + 1], spans)
        for at, (tokens, spans) in enumerate(pairs if len(encoded.counts) else ())
    ]


def _joined(parts: Sequence[Encoded]) -> Encoded:
    return Encoded(
        np.concatenate([part.vectors for part in parts]),
        np.concatenate([part.tokens for part in parts]),
        np.concatenate([part.counts for part in parts]),
        np.concatenate([part.spans for part in parts]),
    )


def _key(text: str) -> str:
    return _COPY.sub("", text)[-_TAIL:]
