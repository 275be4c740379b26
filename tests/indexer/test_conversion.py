"""A converted model answers as the original does, whatever its make; nothing of a model's folder is ever run."""

import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from indexer import model_cache
from indexer.conversion.convert import convert
from indexer.conversion.proof import LOST, Material, Prover, material
from indexer.converted import GRAPH, TOKENIZER, Kept
from indexer.encoder import Encoder, load, locate
from indexer.errors import ModelNotFound
from indexer.onnx_encoder import OnnxEncoder
from indexer.prompts import Prompts
from indexer.torch_encoder import TorchEncoder, load_original
from tests.conftest import NOTES
from tests.indexer.models import WIDTH, add_code, write_model, write_unconvertible

TEXTS = [
    "A cat sat on the mat.",
    "",
    "  Ein Satz MIT Umlauten: äöü 🌥  ",
    "word " * 200,
    "S3",
    "AWS Lambda > Limits to know > Timeout > Up to 15 minutes",
]

ALL = material()
FEW = Material(ALL.texts, ALL.notes[:80], [each for each in ALL.questions if each[1] < 80])

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")


def converted(folder: Path, out: Path) -> tuple[TorchEncoder, OnnxEncoder]:
    model = locate(str(folder))
    out.mkdir()
    kept = convert(model, out, model_cache.CONVERSION, lambda _: None, FEW)
    assert kept.converted.reason == ""
    return load_original(model), opened(kept)


def opened(kept: Kept) -> OnnxEncoder:
    return OnnxEncoder(kept.converted, kept.read(GRAPH), kept.read(TOKENIZER), kept)


def assert_alike(one: Encoder, other: Encoder, query: bool, least: float) -> None:
    a, b = one.encode(TEXTS, query=query), other.encode(TEXTS, query=query)
    assert (a.vectors * b.vectors).sum(axis=1).min() > least
    np.testing.assert_array_equal(a.counts, b.counts)
    np.testing.assert_array_equal(a.spans, b.spans)
    if len(a.tokens):
        assert (a.tokens * b.tokens).sum(axis=1).min() > least
    np.testing.assert_allclose(np.linalg.norm(b.vectors, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"pooling": "max"},
        {"pooling": "mean_sqrt_len_tokens", "normalise": False},
        {"pooling": "lasttoken"},
        {"narrowed": 16},
        {"make": "distilbert"},
        {"make": "roberta"},
        {"make": "xlm-roberta", "prompts": {"query": "query: ", "passage": "passage: "}},
        {"prompts": {"query": "find: ", "document": "a note: "}},
        {"prompts": {"query": "find: ", "passage": "a note: "}, "pooling": "cls"},
        {"prompts": {"any": "text: "}, "default_prompt": "any", "max_length": 9},
    ],
    ids=lambda how: ", ".join(f"{key} {value}" for key, value in how.items()) or "plain",
)
def test_models_of_many_makes_convert(tmp_path: Path, how: dict[str, Any]) -> None:
    original, graph = converted(write_model(tmp_path, **how), tmp_path / "out")
    assert graph.dimension == original.dimension == how.get("narrowed", WIDTH)
    for query in (False, True):
        assert_alike(original, graph, query, 0.98)
    assert bool(graph.encode(TEXTS).counts.sum()) != ("narrowed" in how)


def test_a_prompt_changes_the_vector_and_is_no_token_of_the_text(tmp_path: Path) -> None:
    _, graph = converted(write_model(tmp_path, prompts={"query": "find: ", "document": "note: "}), tmp_path / "out")
    question, note = graph.encode(TEXTS[:1], query=True), graph.encode(TEXTS[:1])
    assert float(question.vectors[0] @ note.vectors[0]) < 0.999
    for encoded in (question, note):
        assert [TEXTS[0][a:b] for a, b in encoded.spans] == ["A", "cat", "sat", "on", "the", "mat", "."]


def test_prompts_that_are_given_take_the_place_of_the_models_own(tmp_path: Path) -> None:
    folder = str(write_model(tmp_path, make="xlm-roberta", prompts={"query": "ask: ", "passage": "text: "}))
    model = locate(folder, Prompts(query="query: ", document="passage: "))
    assert model.digest != locate(folder).digest
    assert model.digest != locate(folder, Prompts(query="query: ")).digest
    (tmp_path / "out").mkdir()
    original, graph = (
        load_original(model),
        opened(convert(model, tmp_path / "out", model_cache.CONVERSION, lambda _: None, FEW)),
    )
    assert [original.prompt(True), original.prompt(False)] == ["query: ", "passage: "]
    assert (graph.converted.query_prompt, graph.converted.document_prompt) == ("query: ", "passage: ")
    for query in (False, True):
        assert_alike(original, graph, query, 0.98)


def test_pieces_with_the_space_before_them_stand_where_their_word_does(tmp_path: Path) -> None:
    """SentencePiece counts the space to the word; the first word of a note would be taken for its trail's."""
    _, graph = converted(write_model(tmp_path, make="xlm-roberta"), tmp_path / "out")
    text = "Kitchen > soup of the day"
    spans = graph.encode([text]).spans.tolist()
    assert not any(text[start].isspace() for start, _ in spans)
    assert min(start for start, _ in spans if start > text.index(">")) == text.index("soup")
    assert graph.encode(["🌥"]).counts[0] < len(graph._tokenizer.encode("🌥").ids)  # what it does not know has no vector


def test_the_default_model_is_proven_and_small(tmp_path: Path) -> None:
    encoder = load(locate())
    assert isinstance(encoder, OnnxEncoder)
    proof = encoder.converted.proofs[-1]
    assert proof.passed
    assert proof.least_cosine > 0.985
    assert proof.mean_cosine > 0.998
    assert proof.dense >= proof.original_dense - LOST
    assert proof.late >= proof.original_late - LOST
    assert encoder.converted.precision == "int8"
    assert encoder.converted.files[GRAPH].bytes < 40e6


def test_a_text_has_the_same_vector_in_any_company() -> None:
    """Scales that are fixed or a token's own, none of a batch: neighbours do not matter, neither short ones nor long ones."""
    encoder = load(locate())
    texts = [line.strip() for line in (NOTES / "compute.txt").read_text("utf-8").splitlines() if line.strip()][:60]
    together = encoder.encode([*texts, "word " * 300, "?", "loud " * 40])
    alone = [encoder.encode([text]) for text in texts]
    np.testing.assert_allclose(together.vectors[:60], np.concatenate([each.vectors for each in alone]), atol=2e-3)
    cosines = (together.vectors[:60] * np.concatenate([each.vectors for each in alone])).sum(axis=1)
    assert cosines.min() > 0.99999


def test_a_graph_that_answers_otherwise_is_not_taken() -> None:
    """The proof can fail: an encoder whose vectors are shuffled, and one that is off by a little everywhere."""
    original = load(locate())
    prover = Prover(original, FEW)

    class Off:
        dimension = original.dimension
        knows = original.knows

        def __init__(self, noise: float) -> None:
            self._noise = noise

        def encode(self, texts: Any, *, query: bool = False) -> Any:
            encoded = original.encode(texts, query=query)
            vectors = encoded.vectors + np.random.default_rng(1).normal(0, self._noise, encoded.vectors.shape)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            return type(encoded)(vectors.astype(np.float32), encoded.tokens, encoded.counts, encoded.spans)

    assert prover.prove("int8", original).passed
    assert prover.prove("int8", Off(0.0001)).passed
    assert not prover.prove("fp32", Off(0.002)).passed
    assert not prover.prove("int8", Off(0.02)).passed


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "trellis" / "models"


def test_a_model_that_cannot_be_converted_runs_as_it_is(
    tmp_path: Path, own_cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = locate(str(write_unconvertible(tmp_path)))
    encoder = load(model)
    assert isinstance(encoder, TorchEncoder)
    assert "cannot be converted and runs slower, as it is: its modules are StaticEmbedding" in caplog.text
    vectors = encoder.encode(["storage of objects", "objects in storage", "who won the match"]).vectors
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        assert isinstance(load(model), TorchEncoder)
    assert "Converting" not in caplog.text  # the reason was kept
    assert "its modules are StaticEmbedding" in caplog.text


def test_code_in_a_model_folder_is_not_run(tmp_path: Path, own_cache: Path) -> None:
    folder = write_model(tmp_path)
    add_code(folder, tmp_path / "marker")
    with suppress(ModelNotFound):
        load(locate(str(folder)))
    assert not (tmp_path / "marker").exists()


def test_pickled_weights_are_not_read(tmp_path: Path, own_cache: Path) -> None:
    folder = write_model(tmp_path)
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")
    with pytest.raises(ModelNotFound, match="safetensors"):
        load(locate(str(folder)))
