"""Any model through sentence-transformers and PyTorch: what converted graphs are held against, and what runs in their place
where a model cannot be converted.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from indexer.encoder import Encoded, Model, Vectors, unit, without_spaces
from indexer.errors import ModelNotFound
from indexer.scripts import Scripts

_BATCH = 64


def load_original(model: Model, attention: str = "sdpa", device: str = "cpu") -> TorchEncoder:
    """The model as it is. No code of its folder is run, and no pickle is read. `attention`: how PyTorch computes it; "eager"
    can be traced. device: as PyTorch calls it. Raises ModelNotFound when the folder holds no usable model, or without the
    libraries that load one.
    """
    os.environ["HF_HUB_OFFLINE"] = "1"  # everything needed is in the folder; a model card must not be looked up
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging as transformers_logging
    except ImportError as error:
        raise ModelNotFound(
            model.name,
            f"any but the default model needs PyTorch and sentence-transformers once, to be converted ({error.name} is "
            "missing). Install Trellis as 'trellis[models]'.",
        ) from error

    transformers_logging.disable_progress_bar()
    weights = {"attn_implementation": attention, "use_safetensors": True}
    prompts = None if model.prompts is None else msgspec.structs.asdict(model.prompts)
    try:
        model_here = SentenceTransformer(
            str(model.folder),
            device=device,
            trust_remote_code=False,
            local_files_only=True,
            model_kwargs=weights,
            prompts=prompts,
        )
        return TorchEncoder(model_here.eval())
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelNotFound(model.name, str(error).strip().splitlines()[0]) from error


class TorchEncoder:
    """A sentence-transformers model as an `Encoder`."""

    def __init__(self, model: Any) -> None:
        self.original = model
        self._tokenizer = model.tokenizer
        # The tokenizer's settings change during a call, and two runs gain nothing on one machine.
        self._lock = threading.Lock()
        self.dimension: int = int(model.get_embedding_dimension())
        self._scripts = Scripts(self._pieces)

    def encode(self, texts: Sequence[str], *, query: bool = False) -> Encoded:
        encode = self.original.encode_query if query else self.original.encode_document
        prompt = self.prompt(query)
        with self._lock:
            features = encode(list(texts), batch_size=_BATCH, output_value=None, show_progress_bar=False)
            tokens = [self._tokens(prompt, text, feature) for text, feature in zip(texts, features, strict=True)]
        vectors = np.array([feature["sentence_embedding"].float().cpu().numpy() for feature in features], np.float32)
        return Encoded(
            unit(vectors.reshape(len(texts), self.dimension)),
            np.concatenate([vectors for vectors, _ in tokens] or [np.empty((0, self.dimension), np.float32)]),
            np.array([len(spans) for _, spans in tokens], np.int64),
            np.concatenate([spans for _, spans in tokens] or [np.empty((0, 2), np.int64)]),
        )

    def knows(self, word: str) -> bool:
        return len(self._tokenizer.tokenize(word)) == 1

    def reads(self, text: str) -> float:
        return self._scripts.share_read(text)

    def _pieces(self) -> list[str]:
        tokenizer = self._tokenizer
        return [tokenizer.decode([at]) for at in range(len(tokenizer.get_vocab()))]

    def prompt(self, query: bool) -> str:
        """What sentence-transformers puts before a text: the prompt of the first of these names that the model has, or its
        default.
        """
        known = self.original.prompts
        names = ("query",) if query else ("document", "passage", "corpus")
        name = next((name for name in names if name in known), self.original.default_prompt_name)
        return str(known.get(name) or "") if name else ""

    def _tokens(self, prompt: str, text: str, feature: dict[str, Any]) -> tuple[Vectors, NDArray[np.int64]]:
        """The vectors and spans of a text's own tokens, without special tokens and without those of the prompt."""
        none = np.empty((0, self.dimension), np.float32), np.empty((0, 2), np.int64)
        vectors = feature.get("token_embeddings")
        if vectors is None or vectors.shape[-1] != self.dimension or not getattr(self._tokenizer, "is_fast", False):
            return none
        marked = self._tokenizer(
            prompt + text,
            truncation=True,
            max_length=self.original.max_seq_length,
            return_offsets_mapping=True,
            return_special_tokens_mask=True,
        )
        special = np.array(marked["special_tokens_mask"], np.bool_)
        spans = np.array(marked["offset_mapping"], np.int64).reshape(-1, 2)
        states = vectors[feature["attention_mask"].bool()].float().cpu().numpy()
        if len(states) != len(spans):  # its modules add tokens of their own
            return none
        unknown = getattr(self._tokenizer, "unk_token_id", None)
        known = np.array(marked["input_ids"], np.int64) != (-1 if unknown is None else unknown)
        own = ~special & ((spans[:, 1] > len(prompt)) | (not prompt)) & known
        return unit(states[own]), without_spaces(text, np.maximum(spans[own] - len(prompt), 0))
