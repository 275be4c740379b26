"""One conversion: export, then the smallest precision whose proof holds, then onto the disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import onnx
import onnxruntime
from tokenizers import Tokenizer

from indexer.conversion.export import CannotConvert, describe, export, tokenizer_file
from indexer.conversion.proof import LOST, Material, Prover, material
from indexer.conversion.quantise import Range, Ranges, factors, feeds_several, quantise, range_of, widest
from indexer.conversion.traced import traced
from indexer.converted import GRAPH, TOKENIZER, Converted, Kept, Precision, Proof, write_kept
from indexer.encoder import Encoder, Model
from indexer.onnx_encoder import OnnxEncoder
from indexer.torch_encoder import load_original

_CALIBRATION = 160
"""Notes that show how large the channels of a layer become."""


def convert(
    model: Model, folder: Path, version: int, say: Callable[[str], None], given: Material | None = None
) -> Kept:
    """Writes the converted model, or the reason why there is none, into an empty folder. `given`: what it is proven with.

    Raises ModelNotFound, ModelDamaged or OSError.
    """
    try:
        described, graph, tokenizer, original = _graph(model, version, say)
        say("holding the graph against the model")
        given = given or material()
        proven, chosen = _prove(described, graph, tokenizer, Prover(original, given), given)
    except CannotConvert as error:
        return write_kept(folder, Converted(version, model.name, model.digest, reason=str(error)), {})
    say(f"{proven.precision}: {_summary(proven.proofs[-1])}")
    return write_kept(folder, proven, {GRAPH: chosen, TOKENIZER: tokenizer})


def _graph(model: Model, version: int, say: Callable[[str], None]) -> tuple[Converted, bytes, bytes, Encoder]:
    """The graph in single precision with its description and tokenizer, and what a smaller one is held against: PyTorch, or for
    the default model this graph, which is PyTorch's to the last byte. Raises CannotConvert, ModelNotFound or ModelDamaged.
    """
    if known := traced(model, version):
        return *known, _encoder(*known)
    original = load_original(model, "eager")
    described = describe(original, model, version)
    say("tracing the model")
    graph, inputs = export(original, described)
    return msgspec.structs.replace(described, inputs=inputs), graph, tokenizer_file(original), original


def _prove(
    described: Converted, graph: bytes, tokenizer: bytes, prover: Prover, given: Material
) -> tuple[Converted, bytes]:
    """The first of int8, mixed and fp32 that may take the original's place. Raises CannotConvert when none may."""
    proofs: list[Proof] = []
    for precision, candidate in _candidates(described, graph, tokenizer, given):
        proofs.append(prover.prove(precision, _encoder(described, candidate, tokenizer)))
        if proofs[-1].passed:
            return msgspec.structs.replace(described, precision=precision, proofs=proofs), candidate
    last = proofs[-1]
    raise CannotConvert(f"its graph answers otherwise than the model ({_summary(last)})")


def _candidates(
    described: Converted, graph: bytes, tokenizer: bytes, given: Material
) -> Iterator[tuple[Precision, bytes]]:
    whole = onnx.load_from_string(graph)
    if names := factors(whole):
        ranges = _calibrate(described, whole, names, tokenizer, given)
        yield "int8", quantise(whole, ranges).SerializeToString()
        yield "int8", quantise(whole, ranges, fixed=False).SerializeToString()
        yield "mixed", quantise(whole, ranges, feeds_several(whole)).SerializeToString()
    yield "fp32", graph


def _encoder(described: Converted, graph: bytes, tokenizer: bytes) -> OnnxEncoder:
    try:
        return OnnxEncoder(described, graph, tokenizer)
    except Exception as error:  # ONNX Runtime has a class of its own for each of its reasons
        raise CannotConvert(f"ONNX Runtime does not take its graph: {str(error).splitlines()[0]}"[:300]) from error


def _calibrate(
    described: Converted, graph: onnx.ModelProto, names: list[str], tokenizer: bytes, given: Material
) -> Ranges:
    """What the tensors `names` hold while the model reads some notes, one after the other."""
    probe = onnx.ModelProto()
    probe.CopyFrom(graph)
    probe.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in names)
    session = onnxruntime.InferenceSession(probe.SerializeToString(), providers=["CPUExecutionProvider"])
    tokens = Tokenizer.from_buffer(tokenizer)
    tokens.enable_truncation(described.max_length)
    found: dict[str, list[Range]] = {name: [] for name in names}
    for text in given.notes[:: max(1, len(given.notes) // _CALIBRATION)]:
        marked = tokens.encode(described.document_prompt + text)
        feed = {"input_ids": marked.ids, "attention_mask": marked.attention_mask, "token_type_ids": marked.type_ids}
        arrays = session.run(names, {name: np.array([feed[name]], np.int64) for name in described.inputs})
        for name, array in zip(names, arrays, strict=True):
            found[name].append(range_of(array))
    return {name: widest(ranges) for name, ranges in found.items()}


def _summary(proof: Proof) -> str:
    change = f"{100 * (proof.dense - proof.original_dense):+.1f} and {100 * (proof.late - proof.original_late):+.1f}"
    return (
        f"cosine at least {proof.least_cosine:.4f}, mean reciprocal rank {change} points, of which it may lose "
        f"{100 * LOST:.1f}"
    )
