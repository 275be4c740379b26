"""The model's own modules, from tokens to the pooled sentence vector, traced into one ONNX graph."""

from __future__ import annotations

import io
import warnings
from typing import Any

import onnx

from indexer.converted import Converted, Padding
from indexer.encoder import Model
from indexer.torch_encoder import TorchEncoder

OPSET = 17
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_LARGEST = 2 << 30
"""Bytes that one ONNX file can hold."""
_EXAMPLE = ("a line of notes", "another line of notes, which is somewhat longer than the first")


class CannotConvert(Exception):
    """Why this model has to run as it is. The reason goes to the user."""


def describe(original: TorchEncoder, model: Model, version: int) -> Converted:
    """What the graph needs around it: prompts, padding, the longest text. Raises CannotConvert."""
    st = original.original
    kinds = [type(module).__name__ for module in st]
    if kinds[0] != "Transformer" or "Router" in kinds:
        raise CannotConvert(f"its modules are {', '.join(kinds)}")
    tokenizer = st.tokenizer
    if not getattr(tokenizer, "is_fast", False):
        raise CannotConvert("its tokenizer has no fast version")
    prompts = [original.prompt(query) for query in (True, False)]
    if any(prompts) and not all(getattr(module, "include_prompt", True) for module in st):
        raise CannotConvert("it leaves its prompts out of pooling")
    if not st.max_seq_length:
        raise CannotConvert("it sets no limit to the length of a text")
    names = tokenizer.model_input_names
    return Converted(
        version=version,
        model=model.name,
        model_digest=model.digest,
        dimension=original.dimension,
        max_length=int(st.max_seq_length),
        query_prompt=prompts[0],
        document_prompt=prompts[1],
        inputs=[name for name in _INPUTS if name in names],
        padding=Padding(int(tokenizer.pad_token_id or 0), int(tokenizer.pad_token_type_id)),
    )


def export(original: TorchEncoder, converted: Converted) -> tuple[bytes, list[str]]:
    """The graph in single precision, and those of the inputs that it takes. Raises CannotConvert."""
    import torch

    st = original.original
    features = st.tokenizer(list(_EXAMPLE), padding=True, return_tensors="pt")
    axes = {name: {0: "texts", 1: "tokens"} for name in (*converted.inputs, "states")} | {"vectors": {0: "texts"}}
    buffer = io.BytesIO()
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter(
                "ignore"
            )  # the tracer warns of every size that it takes for constant: the proof tells
            torch.onnx.export(
                _whole(st, converted.inputs),
                tuple(features[name] for name in converted.inputs),
                buffer,  # type: ignore[arg-type]
                dynamo=False,
                opset_version=OPSET,
                input_names=list(converted.inputs),
                output_names=["vectors", "states"],
                dynamic_axes=axes,
            )
    except Exception as error:  # whatever the exporter trips over, the model cannot be converted
        raise CannotConvert(f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"[:300]) from error
    if buffer.tell() >= _LARGEST:
        raise CannotConvert("it is too large for one file")
    graph = onnx.load_from_string(buffer.getvalue())
    return buffer.getvalue(), [each.name for each in graph.graph.input]


def _whole(st: Any, inputs: list[str]) -> Any:
    import torch

    class Whole(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = st

        def forward(self, *values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            features = dict(zip(inputs, values, strict=True))
            for module in self.model:
                features = module(features)
            return features["sentence_embedding"], features["token_embeddings"]

    return Whole().eval()


def tokenizer_file(original: TorchEncoder) -> bytes:
    """The tokenizer as the model uses it, whatever its files say about padding and length."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(original.original.tokenizer.backend_tokenizer.to_str())
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return str(tokenizer.to_str()).encode()
