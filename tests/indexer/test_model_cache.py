"""Converted models are made once, whole or not at all, and never used when a byte of them is not what it was."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from indexer import model_cache
from indexer.conversion import protocol
from indexer.converted import GRAPH, TOKENIZER, keep_copy, open_kept
from indexer.encoder import Model, load, locate
from indexer.generation import kept_model, read_manifest
from indexer.onnx_encoder import OnnxEncoder
from indexer.torch_encoder import TorchEncoder
from tests.conftest import NOTES, ROOT, Workshop, run_trellis
from tests.indexer.models import WIDTH, write_model

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def filled(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that has the small model."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        load(locate(str(small)))
    return folder


@pytest.fixture
def cache(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, to be damaged; where it keeps the converted models."""
    subprocess.run(["cp", "-r", filled, tmp_path / "cache"], check=True)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "trellis" / "models"


def entry(cache: Path) -> Path:
    (folder,) = (path for path in cache.iterdir() if path.is_dir())
    return folder


def no_conversion(*_: object) -> str:
    raise AssertionError("a model was converted")


def test_a_model_is_converted_once(small: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "run_conversion", no_conversion)
    encoder = load(locate(str(small)))
    assert isinstance(encoder, OnnxEncoder)
    assert encoder.dimension == WIDTH
    assert sorted(path.name for path in entry(cache).iterdir()) == [
        GRAPH,
        "manifest.json",
        "manifest.sha256",
        TOKENIZER,
    ]


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


@pytest.mark.parametrize("name", [GRAPH, TOKENIZER, "manifest.json", "manifest.sha256"])
@pytest.mark.parametrize("damage", [flip, cut, lengthen, Path.unlink])
def test_a_damaged_file_is_never_used(
    small: Path, cache: Path, name: str, damage: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    damage(entry(cache) / name)
    model = locate(str(small))
    assert model_cache.find(model) is None
    called = []
    monkeypatch.setattr(protocol, "run_conversion", lambda *_: called.append(1) or no_conversion())
    with pytest.raises(AssertionError, match="a model was converted"):
        load(model)


def test_what_is_damaged_is_made_again(small: Path, cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    flip(entry(cache) / GRAPH)
    before = load_graph(cache)
    assert isinstance(load(locate(str(small))), OnnxEncoder)
    assert "damaged and not used: graph.onnx does not have the contents it was written with" in caplog.text
    assert load_graph(cache) != before
    assert model_cache.find(locate(str(small))) is not None


def load_graph(cache: Path) -> bytes:
    return (entry(cache) / GRAPH).read_bytes()


def test_another_version_of_the_rules_is_another_conversion(
    small: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_cache, "CONVERSION", model_cache.CONVERSION + 1)
    assert model_cache.find(locate(str(small))) is None


def test_leftovers_and_old_conversions_go_when_a_model_is_converted(
    small: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = entry(cache)
    monkeypatch.setattr(model_cache, "CONVERSION", model_cache.CONVERSION + 1)
    left = cache / f".new-{model_cache.place_of(locate(str(small))).name}-killed"
    left.mkdir()
    load(locate(str(small)))
    assert not old.exists()
    assert not left.exists()
    assert entry(cache) == model_cache.place_of(locate(str(small)))


def test_another_model_is_another_conversion(small: Path, cache: Path) -> None:
    model = locate(str(small))
    assert model_cache.find(Model(model.name, model.folder, "0" * 64)) is None


def test_a_conversion_that_dies_leaves_nothing_and_the_model_runs_as_it_is(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "executable", "/bin/false")
    encoder = load(locate(str(small)))
    assert isinstance(encoder, TorchEncoder)
    assert "it ended with status 1" in caplog.text
    assert [path for path in (tmp_path / "trellis" / "models").iterdir() if path.is_dir()] == []


def test_where_no_cache_can_be_written_it_is_made_for_this_run(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert isinstance(load(locate(str(small))), OnnxEncoder)
    assert "the converted model is not kept" in caplog.text


def test_a_file_named_like_a_library_in_the_working_folder_is_not_run(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("torch", "indexer", "onnx"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'marker')!r}, 'w').close()\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert isinstance(load(locate(str(small))), OnnxEncoder)
    assert not (tmp_path / "marker").exists()


def test_a_copy_beside_is_whole_and_made_again_when_it_is_damaged(small: Path, cache: Path, tmp_path: Path) -> None:
    kept = open_kept(entry(cache))
    assert kept is not None
    place = tmp_path / "index" / "models" / kept.digest[:16]
    for damage in (None, flip, cut):
        if damage:
            (place / GRAPH).chmod(0o644)
            damage_alone(place / GRAPH, damage)
        keep_copy(kept, place)
        copy = open_kept(place, kept.digest)
        assert copy is not None
        assert [copy.read(name) for name in (GRAPH, TOKENIZER)] == [kept.read(name) for name in (GRAPH, TOKENIZER)]


def damage_alone(path: Path, damage: Callable[[Path], None]) -> None:
    """Not the file that it is linked with."""
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data)
    damage(path)


def test_an_index_brings_its_converted_model_along(workshop: Workshop, tmp_path: Path) -> None:
    """Asked where there is no cache: nothing is converted, and nothing but the index is needed besides the tokenizer of it."""
    workshop.write("Lambda\n    runs up to 15 minutes\nS3\n    stores objects\n")
    workshop.calibrate_with_model()
    manifest = read_manifest(workshop.index)[1]
    kept = kept_model(workshop.index)
    assert kept is not None
    assert manifest.converted == kept.digest
    script = (
        "import sys; from indexer.conversion import protocol\n"
        "def stop(*_): raise SystemExit('converted')\n"
        "protocol.run_conversion = stop\n"
        "from service.cli import main\n"
        f"try: main(['ask', 'how long does Lambda run?', '--index', {str(workshop.index)!r}])\n"
        "finally: print('torch' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=ROOT,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "empty")},
    )
    assert "runs up to 15 minutes" in ran.stdout, ran.stderr
    assert ran.stdout.endswith("False\n")


def test_one_converted_model_serves_all_generations(workshop: Workshop) -> None:
    for text in ("one\n", "one\ntwo\n", "one\ntwo\nthree\n"):
        workshop.write(text)
        workshop.calibrate_with_model()
    assert len(list((workshop.index / "models").iterdir())) == 1
    assert len(list((workshop.index / "generations").iterdir())) == 3
    linked = (workshop.index / "models").stat().st_dev == model_cache.cache_folder().stat().st_dev
    (place,) = (workshop.index / "models").iterdir()
    assert ((place / GRAPH).stat().st_nlink > 1) == linked


def test_real_vectors_do_not_depend_on_where_the_graph_came_from(workshop: Workshop) -> None:
    workshop.write("one\n")
    workshop.calibrate_with_model()
    kept = kept_model(workshop.index)
    assert kept is not None
    beside = OnnxEncoder(kept.converted, kept.read(GRAPH), kept.read(TOKENIZER))
    texts = ["a line", "another one"]
    np.testing.assert_array_equal(beside.encode(texts).vectors, load(locate()).encode(texts).vectors)


def test_a_converted_model_of_another_index_is_not_a_foreign_file(tmp_path: Path) -> None:
    """The folder is still recognised as an index when only the models are left."""
    index = tmp_path / "index"
    assert run_trellis("index", str(NOTES / "dns.txt"), "--index", str(index)).returncode == 0
    (index / "CURRENT").unlink()
    again = run_trellis("index", str(NOTES / "dns.txt"), "--index", str(index))
    assert again.returncode == 0, again.stderr
