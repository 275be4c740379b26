"""The default model is converted without PyTorch, from a trace that PyTorch made: the two have to be one."""

from __future__ import annotations

import shutil
from importlib import resources
from pathlib import Path

import msgspec
import pytest

from indexer.conversion.export import describe, export, tokenizer_file
from indexer.conversion.traced import emptied, traced
from indexer.encoder import Model, Prompts, locate
from indexer.errors import ModelDamaged
from indexer.torch_encoder import load_original

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")


def test_what_is_kept_is_the_trace_to_the_last_byte() -> None:
    """After an update of PyTorch or of transformers `python -m indexer.conversion.traced` may have to write it anew."""
    model = locate(prompts=Prompts(query="find: ", document="note: "))
    original = load_original(model, "eager")
    graph, inputs = export(original, describe(original, model, 7))
    about = msgspec.structs.replace(describe(original, model, 7), inputs=inputs)
    assert traced(model, 7) == (about, graph, tokenizer_file(original))
    plain = msgspec.structs.replace(about, version=0, query_prompt="", document_prompt="", model_digest=locate().digest)
    kept = resources.files("indexer.conversion").joinpath("all-MiniLM-L6-v2.onnx").read_bytes()
    assert emptied(graph, plain, model.folder) == kept
    assert len(kept) < 200_000


def test_no_other_model_is_taken_for_it() -> None:
    assert traced(Model("other", locate().folder, "0" * 64), 7) is None


def test_other_weights_are_refused(tmp_path: Path) -> None:
    model = locate()
    folder = tmp_path / "model"
    shutil.copytree(model.folder, folder)
    weights = folder / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(ModelDamaged):
        traced(Model(model.name, folder, model.digest), 7)
