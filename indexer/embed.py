"""Chunks to vectors, new ones by the model and the others from the old index."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer import late
from indexer.chunks import CHUNKING, Chunk
from indexer.encoder import Encoder, Model, Vectors
from indexer.generation import FORMAT, Generation
from indexer.journal import Journal, Record
from indexer.late import Codes, Projection, TokenVectors
from indexer.machine import usable_cores
from indexer.plan import Plan
from indexer.vectors import stored_vectors

_SLICE = 128
"""Texts that are encoded, told of and written to the journal together."""
_AHEAD = 2
"""Slices for each core that are under way or waiting to be put in order."""
_SAMPLE_TOKENS = 20_000
"""So many token vectors are held whole before the projection is fitted to them."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Embedded:
    """vectors: shape (chunks, dimension), unit length. tokens: the token vectors of the same chunks. taken: (chunk, row in
    the old index) of those whose vectors are taken from there. resumed: which of the plan's texts to embed had been
    embedded by a run that was stopped.
    """

    vectors: Vectors
    tokens: TokenVectors
    taken: Sequence[tuple[int, int]] = ()
    resumed: Sequence[int] = ()


def take_over(plan: Plan, old: Generation) -> Embedded:
    """The vectors of the new chunks when all of them are taken from the old index."""
    rows = np.array([row for _, row in plan.taken], np.int64)
    return Embedded(stored_vectors(old.vectors, rows), old.tokens.of_chunks(rows), plan.taken)


def journal_key(model: Model, converted: str, projection: Projection | None) -> bytes:
    """All that new vectors and their codes depend on besides the texts."""
    parts = [FORMAT, CHUNKING, model.digest, converted]
    return repr(parts).encode() + (projection.to_bytes() if projection else b"")


def projection_of(texts: Sequence[Chunk], encoder: Encoder) -> Projection:
    """The projection that embedding all of these at once would fit, out of the first that would go through the model."""
    codes = _Codes(None)
    different = list({chunk.hash: chunk for chunk in texts}.values())
    for some, fresh in _encode(encoder, different):
        codes.add([different[at].hash for at in some], fresh)
        if codes.fitted:
            break
    return codes.finish()


def embed(
    plan: Plan,
    chunks: Sequence[Chunk],
    old: Generation | None,
    encoder: Encoder,
    journal: Journal,
    progress: Progress,
    projection: Projection | None = None,
) -> Embedded:
    """Runs the model over what the plan says, and takes the rest from `old` and from the journal of a run that was stopped.

    projection: that of `old`, or one that was fitted before; left out, one is fitted here. `progress` hears (done, of how
    many). Raises OSError when the journal cannot be written.
    """
    vectors = np.empty((len(chunks), encoder.dimension), np.float32)
    codes = _Codes(projection)
    wanted = {chunks[rows[0]].hash: i for i, rows in enumerate(plan.embed)}
    resumed = []
    for record in journal.records():
        for digest, vector in codes.take(record, wanted):
            resumed.append(wanted.pop(digest))
            vectors[list(plan.embed[resumed[-1]])] = vector
    left = list(wanted.items())
    done = len(resumed)
    texts = [chunks[plan.embed[i][0]] for _, i in left]
    progress(done, len(plan.embed))
    for some, fresh in _encode(encoder, texts):
        for at, vector in zip(some, fresh.vectors, strict=True):
            vectors[list(plan.embed[left[at][1]])] = vector
        record = codes.add([left[at][0] for at in some], fresh)
        done += len(some)
        if done < len(plan.embed):  # all that a stop could lose now is the writing of the index itself
            journal.add(record)
        progress(done, len(plan.embed))
    projection = codes.finish()
    parts: list[Codes] = [np.empty((0, 0), np.int8)] * len(chunks)
    for rows in plan.embed:
        for row in rows:
            parts[row] = codes.done[chunks[rows[0]].hash]
    if old and plan.taken:
        new_rows, old_rows = np.array(plan.taken, np.int64).T
        vectors[new_rows] = stored_vectors(old.vectors, old_rows)
        for row, old_row in plan.taken:
            parts[row] = old.tokens.of_chunk(old_row)
    return Embedded(vectors, late.join(parts, projection), plan.taken, resumed)


@dataclass(frozen=True, slots=True)
class _Fresh:
    """Texts that were encoded just now. tokens: for each, the token vectors that are kept."""

    vectors: Vectors
    tokens: Sequence[Vectors]


def _encode(encoder: Encoder, texts: Sequence[Chunk]) -> Iterator[tuple[list[int], _Fresh]]:
    """Slices of texts, by position, and what the model makes of them: as many side by side as there are cores, so that one is
    cut into tokens while the model reads another; in the same order each time.
    """

    def encode(some: list[int]) -> _Fresh:
        here = [texts[at] for at in some]
        encoded = encoder.encode([chunk.text for chunk in here])
        ends = np.cumsum(encoded.counts)[:-1]
        parts = zip(here, np.split(encoded.tokens, ends), np.split(encoded.spans, ends), strict=True)
        return _Fresh(encoded.vectors, [tokens[_own_words(chunk, spans)] for chunk, tokens, spans in parts])

    cores = usable_cores()
    pool = ThreadPoolExecutor(cores, "embed")
    waiting: deque[tuple[list[int], Future[_Fresh]]] = deque()
    try:
        for some in _slices([chunk.text for chunk in texts]):
            waiting.append((some, pool.submit(encode, some)))
            if len(waiting) > _AHEAD * cores:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _slices(texts: Sequence[str]) -> Iterator[list[int]]:
    """Positions in slices of texts of like length, since a batch costs as much as its longest text; the slices in random
    order, so that the first of them stand for all and the remaining time can be told.
    """
    order = np.argsort([len(text) for text in texts], kind="stable")
    starts = np.random.default_rng(0).permutation(np.arange(0, len(order), _SLICE))
    yield from (order[start : start + _SLICE].tolist() for start in starts)


def _own_words(chunk: Chunk, spans: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which tokens to keep: those of the node's own words. A comma or a hyphen has a vector near everything."""
    start = len(chunk.text) - len(chunk.piece)
    return np.array([a >= start and any(map(str.isalnum, chunk.text[a:b])) for a, b in spans.tolist()], np.bool_)


class _Codes:
    """Projects token vectors as they come, and knows them by the hash of their chunk; the first ones wait until there are
    enough to fit the projection to.
    """

    def __init__(self, projection: Projection | None) -> None:
        self.done: dict[bytes, Codes] = {}
        self._projection = projection
        self._waiting: dict[bytes, Vectors] = {}
        self._tokens = 0

    @property
    def fitted(self) -> bool:
        return self._projection is not None

    def add(self, hashes: Sequence[bytes], fresh: _Fresh) -> Record:
        """What the journal should hold of these chunks."""
        projection = b""
        if self._projection is None:
            self._wait(zip(hashes, fresh.tokens, strict=True))
            if self._tokens >= _SAMPLE_TOKENS:
                projection = self._use(late.fit(np.concatenate(list(self._waiting.values())))).to_bytes()
        else:
            self.done |= zip(hashes, _encode_together(self._projection, fresh.tokens), strict=True)
        kept: Sequence[Codes | Vectors] = [self.done[each] for each in hashes] if self._projection else fresh.tokens
        return Record(
            hashes=list(hashes),
            vectors=fresh.vectors.tobytes(),
            counts=[len(each) for each in kept],
            tokens=b"".join(each.tobytes() for each in kept),
            coded=self._projection is not None,
            projection=projection,
        )

    def take(self, record: Record, wanted: Container[bytes]) -> Iterator[tuple[bytes, Vectors]]:
        """Takes over a record of an earlier run, as far as it is `wanted`: yields these chunks' hashes and vectors."""
        if record.projection:
            self._use(Projection.from_bytes(record.projection))
        vectors = np.frombuffer(record.vectors, np.float32).reshape(len(record.hashes), -1)
        width = vectors.shape[1]
        if record.coded:
            if self._projection is None:
                return
            width = self._projection.matrix.shape[1]
        tokens = np.frombuffer(record.tokens, np.int8 if record.coded else np.float32).reshape(-1, width)
        parts = np.split(tokens, np.cumsum(record.counts)[:-1])
        for digest, vector, part in zip(record.hashes, vectors, parts, strict=True):
            if digest in wanted:
                if record.coded:
                    self.done[digest] = part
                else:
                    self._wait([(digest, part)])
                yield digest, vector

    def finish(self) -> Projection:
        return self._projection or self._use(late.fit(np.concatenate(list(self._waiting.values()))))

    def _wait(self, parts: Iterable[tuple[bytes, Vectors]]) -> None:
        for digest, vectors in parts:
            self._waiting[digest] = vectors
            self._tokens += len(vectors)

    def _use(self, projection: Projection) -> Projection:
        self._projection = projection
        self.done |= zip(self._waiting, _encode_together(projection, list(self._waiting.values())), strict=True)
        self._waiting = {}
        return projection


def _encode_together(projection: Projection, parts: Sequence[Vectors]) -> list[Codes]:
    """The codes of each part: many small products cost several times one large one."""
    if not parts:
        return []
    ends = np.cumsum([len(part) for part in parts])[:-1]
    return np.split(projection.encode(np.concatenate(parts)), ends)
