"""The default model's graph without its weights, as PyTorch traced it once: filled with the weights of the package, it is the
graph that a trace would give. So the default model is converted without PyTorch, which is many times larger than all else.

    indexer/conversion/all-MiniLM-L6-v2.onnx    each weight by its name in `model.safetensors` alone; what stands around the
                                                graph (`Converted`) among its properties

`python -m indexer.conversion.traced` writes the file anew, with PyTorch; a test holds it equal to the trace.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper
from safetensors.numpy import load
from tokenizers import Tokenizer

from indexer.converted import Converted
from indexer.encoder import DEFAULT_DIGEST, Model
from indexer.errors import ModelDamaged
from indexer.prompts import DEFAULT_MODEL

_FILE = f"{DEFAULT_MODEL}.onnx"
_ABOUT = "trellis"
_TURNED = " turned"
"""Behind the name of a weight that the graph holds with its two axes exchanged, as products want it."""

Weights = dict[str, NDArray[Any]]


def traced(model: Model, version: int) -> tuple[Converted, bytes, bytes] | None:
    """What `export` gives for the default model: the description, the graph in single precision, the tokenizer. None for any
    other model. Raises ModelDamaged or OSError.
    """
    if model.name != DEFAULT_MODEL:
        return None
    graph = onnx.load_from_string(resources.files("indexer.conversion").joinpath(_FILE).read_bytes())
    weights = _weights(model.folder)
    for tensor in graph.graph.initializer:
        name = tensor.doc_string.removesuffix(_TURNED)
        whole = weights[name].T if tensor.doc_string != name else weights[name]
        tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(whole), tensor.name))
    about = msgspec.json.decode(graph.metadata_props.pop().value, type=Converted)
    described = msgspec.structs.replace(about, version=version, model=model.name, model_digest=model.digest)
    if model.prompts:
        given = {"query_prompt": model.prompts.query, "document_prompt": model.prompts.document}
        described = msgspec.structs.replace(described, **given)
    return described, bytes(graph.SerializeToString()), _tokenizer(model.folder)


def emptied(graph: bytes, about: Converted, folder: Path) -> bytes:
    """The graph with the names of the weights in their place. Raises ValueError for a weight that the folder has not."""
    left = onnx.load_from_string(graph)
    weights = _weights(folder)
    for tensor in left.graph.initializer:
        found = next(_names_of(numpy_helper.to_array(tensor), weights), None)
        if found is None:
            raise ValueError(f"the model has no weight that is '{tensor.name}'")
        tensor.ClearField("raw_data")
        tensor.doc_string = found
    left.metadata_props.add(key=_ABOUT, value=msgspec.json.encode(about).decode())
    return bytes(left.SerializeToString())


def _names_of(wanted: NDArray[Any], weights: Weights) -> Iterator[str]:
    for name, weight in weights.items():
        if np.array_equal(weight, wanted):
            yield name
        elif np.array_equal(weight.T, wanted):
            yield name + _TURNED


def _weights(folder: Path) -> Weights:
    path = folder / "model.safetensors"
    data = path.read_bytes()
    if (found := hashlib.sha256(data).hexdigest()) != DEFAULT_DIGEST:
        raise ModelDamaged(path.name, DEFAULT_DIGEST, found)
    weights: Weights = load(data)
    return weights


def _tokenizer(folder: Path) -> bytes:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return str(tokenizer.to_str()).encode()


def main() -> None:
    from indexer.conversion.export import describe, export
    from indexer.encoder import locate
    from indexer.torch_encoder import load_original

    model = locate()
    original = load_original(model, "eager")
    about = describe(original, model, 0)
    graph, inputs = export(original, about)
    about = msgspec.structs.replace(about, inputs=inputs)
    Path(__file__).with_name(_FILE).write_bytes(emptied(graph, about, model.folder))


if __name__ == "__main__":
    main()
