"""Questions that wait at the same time go through the model together: a batch costs little more than its longest text."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from indexer.converted import Kept
from indexer.encoder import Encoded, Encoder
from indexer.machine import give_back_memory

_MOST = 32
"""Texts in one batch; more wait for the next."""


@dataclass(slots=True, eq=False)
class _Waiting:
    texts: Sequence[str]
    outcome: Encoded | Exception | None = None


class SharedEncoder:
    """An encoder for many threads. Whoever finds the model free runs it for all who wait. Documents pass by."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._queue: list[_Waiting] = []
        self._queue_lock = threading.Lock()
        self._model_lock = threading.Lock()

    @property
    def dimension(self) -> int:
        return self._encoder.dimension

    @property
    def kept(self) -> Kept | None:
        """Where the model below was converted to, if it was."""
        return getattr(self._encoder, "kept", None)

    def rest(self) -> None:
        """After work on many texts: gives back what it needed."""
        getattr(self._encoder, "rest", give_back_memory)()

    def knows(self, word: str) -> bool:
        return self._encoder.knows(word)

    def reads(self, text: str) -> float:
        return self._encoder.reads(text)

    def encode(self, texts: Sequence[str], *, query: bool = False) -> Encoded:
        """As the encoder below, which hears of several questions at once. An error reaches all whose batch it was."""
        if not query or len(texts) > _MOST:
            return self._encoder.encode(texts, query=query)
        mine = _Waiting(texts)
        with self._queue_lock:
            self._queue.append(mine)
        with self._model_lock:
            while mine.outcome is None:  # whoever held the lock before may have done this one too
                self._run(self._take())
        if isinstance(mine.outcome, Exception):
            raise mine.outcome
        return mine.outcome

    def _take(self) -> list[_Waiting]:
        """The next who wait, in their order, as many as fit into one batch."""
        with self._queue_lock:
            count, texts = 0, 0
            while count < len(self._queue) and texts + len(self._queue[count].texts) <= _MOST:
                texts += len(self._queue[count].texts)
                count += 1
            taken, self._queue = self._queue[:count], self._queue[count:]
        return taken

    def _run(self, batch: Sequence[_Waiting]) -> None:
        try:
            encoded = self._encoder.encode([text for one in batch for text in one.texts], query=True)
            if len(batch) == 1:
                batch[0].outcome = encoded
                return
            for one, part in zip(batch, _split(encoded, [len(one.texts) for one in batch]), strict=True):
                one.outcome = part
        except Exception as error:  # each of them raises it in its own thread
            for one in batch:
                one.outcome = error


def _split(encoded: Encoded, sizes: Sequence[int]) -> list[Encoded]:
    """The parts of one result for runs of `sizes` texts."""
    texts = np.cumsum(sizes)[:-1]
    tokens = np.concatenate([[0], np.cumsum(encoded.counts)])[texts]
    parts = zip(
        np.split(encoded.vectors, texts),
        np.split(encoded.tokens, tokens),
        np.split(encoded.counts, texts),
        np.split(encoded.spans, tokens),
        strict=True,
    )
    return [Encoded(*part) for part in parts]
