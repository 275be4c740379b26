"""A converted model, run by ONNX Runtime: what asking, serving and indexing use. Neither PyTorch nor transformers is needed.

A run of the model uses one thread, so that several texts can be encoded side by side, on as many cores as there are callers;
for sentences that is faster than one run on several threads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from indexer.converted import Converted, Kept
from indexer.encoder import Encoded, Vectors, unit, without_spaces
from indexer.machine import give_back_memory
from indexer.scripts import Scripts

_BATCH_TOKENS = 768
"""Tokens in one run, padding included: as many as the processor's cache holds the layers' outputs for."""

Ids = NDArray[np.int64]


class OnnxEncoder:
    """An `Encoder` over a graph: tokens in; sentence vectors out, pooled as the model does it, and token vectors.

    Safe for any number of threads. converted: what the graph is. kept: the folder that it came from.
    """

    def __init__(self, converted: Converted, graph: bytes, tokenizer: bytes, kept: Kept | None = None) -> None:
        """`graph` and `tokenizer` must have been verified."""
        self.converted = converted
        self.kept = kept
        self.dimension = converted.dimension
        self._session = onnxruntime.InferenceSession(graph, _options(), providers=["CPUExecutionProvider"])
        self._session._model_bytes = None  # a copy that it keeps in case another provider is asked for
        self._tokenizer = Tokenizer.from_buffer(tokenizer)
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(converted.max_length)
        self._unknown = unknown_token(self._tokenizer)
        self._takes_spaces = bool(self._tokenizer.encode("a b", add_special_tokens=False).offsets[-1][0] == 1)
        self._scripts = Scripts(lambda: pieces_of(self._tokenizer))

    def encode(self, texts: Sequence[str], *, query: bool = False) -> Encoded:
        prompt = self.converted.query_prompt if query else self.converted.document_prompt
        marked = self._tokenizer.encode_batch([prompt + _encodable(text) for text in texts])
        lengths = np.array([len(each.ids) for each in marked], np.int64)
        vectors = np.empty((len(texts), self.dimension), np.float32)
        tokens: list[Vectors] = [np.empty((0, self.dimension), np.float32)] * len(texts)
        spans: list[Ids] = [np.empty((0, 2), np.int64)] * len(texts)
        for some in _batches(lengths):
            batch = [marked[at] for at in some]
            vectors[some], states = self._run(batch)
            if states.shape[-1] != self.dimension:
                continue  # a last layer that is narrowed afterwards: its token vectors live in another space
            for row, at in enumerate(some):
                places, spans[at] = _own_tokens(batch[row], len(prompt), self._unknown)
                if self._takes_spaces:
                    spans[at] = without_spaces(texts[at], spans[at])
                tokens[at] = states[row, places]
        return Encoded(
            unit(vectors),
            unit(np.concatenate(tokens or [np.empty((0, self.dimension), np.float32)])),
            np.array([len(each) for each in tokens], np.int64),
            np.concatenate(spans or [np.empty((0, 2), np.int64)]),
        )

    def knows(self, word: str) -> bool:
        return len(self._tokenizer.encode(_encodable(word), add_special_tokens=False).ids) == 1

    def reads(self, text: str) -> float:
        return self._scripts.share_read(text)

    def rest(self) -> None:
        """Gives back the memory that runs over many texts have needed; a run over one text needs little."""
        options = onnxruntime.RunOptions()
        options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        self._run([self._tokenizer.encode("")], options)
        give_back_memory()

    def _run(self, batch: Sequence[Encoding], options: Any = None) -> tuple[Vectors, Vectors]:
        """Vectors of shape (n, dimension), and the last layer's, of shape (n, longest, width)."""
        shape = len(batch), max(len(each.ids) for each in batch)
        padding = self.converted.padding
        feed = {
            "input_ids": np.full(shape, padding.id, np.int64),
            "attention_mask": np.zeros(shape, np.int64),
            "token_type_ids": np.full(shape, padding.type_id, np.int64),
        }
        for row, each in enumerate(batch):
            feed["input_ids"][row, : len(each.ids)] = each.ids
            feed["attention_mask"][row, : len(each.ids)] = 1
            feed["token_type_ids"][row, : len(each.ids)] = each.type_ids
        vectors, states = self._session.run(None, {name: feed[name] for name in self.converted.inputs}, options)
        return vectors, states


def _options() -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return options


def _encodable(text: str) -> str:
    """Without halves of surrogate pairs, which are no text; every character keeps its place."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _batches(lengths: Ids) -> Iterator[list[int]]:
    """Positions of texts of like length, so that little is padded, as many as a run may have tokens."""
    batch: list[int] = []
    for at in np.argsort(lengths, kind="stable").tolist():
        if batch and (len(batch) + 1) * lengths[at] > _BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(at)
    if batch:
        yield batch


def unknown_token(tokenizer: Tokenizer) -> int:
    """What stands for a piece of text that the vocabulary has not; -1 where every text can be spelt."""
    token = getattr(tokenizer.model, "unk_token", None)
    if token is None:  # SentencePiece's unigram model keeps it to itself
        token = next((each for each in ("<unk>", "[UNK]") if tokenizer.token_to_id(each) is not None), None)
    found = None if token is None else tokenizer.token_to_id(token)
    return -1 if found is None else int(found)


def pieces_of(tokenizer: Tokenizer) -> list[str]:
    """The whole vocabulary as text, whatever signs it uses for spaces, beginnings and bytes."""
    decoded: list[str] = tokenizer.decode_batch([[at] for at in range(tokenizer.get_vocab_size())])
    return decoded


def _own_tokens(marked: Encoding, prompt: int, unknown: int) -> tuple[Ids, Ids]:
    """Which tokens are of the text itself, neither special nor unknown nor of the prompt of that many characters, and their
    spans in it.
    """
    special = np.array(marked.special_tokens_mask, np.bool_)
    spans = np.array(marked.offsets, np.int64).reshape(-1, 2)
    own = ~special & ((spans[:, 1] > prompt) | (prompt == 0)) & (np.array(marked.ids, np.int64) != unknown)
    return np.flatnonzero(own), np.maximum(spans[own] - prompt, 0)
