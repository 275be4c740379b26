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
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.packaging.trial import ANSWER, NOTES, Installed, try_all

ABSENT = ("torch", "sentence_transformers", "transformers", "onnxscript")
"""Libraries of the test environment that the wheel does not ask for."""
_HIDING = f"""\
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {ABSENT}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hidden())
"""
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def make_wheel(source: Path, out: Path) -> None:
    """The source distribution, and the wheel that is made from it."""
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(source)]
    subprocess.run(build, check=True, capture_output=True)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the source distribution and the wheel are. Made from a copy of what belongs to the project, with rubbish in it."""
    folder = tmp_path_factory.mktemp("built")
    source = folder / "source"
    for name in (*listed(), "notes/dns.txt", "tests/test_docs.py", "bench/table.py"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, source / name)
    for rubbish in (
        "index/CURRENT",
        "service/__pycache__/x.cpython-311.pyc",
        "build/lib/service/gone.py",
        "service/x.orig",
    ):
        (source / rubbish).parent.mkdir(parents=True, exist_ok=True)
        (source / rubbish).write_text("rubbish")
    make_wheel(source, folder / "dist")
    return folder / "dist"


def listed(*folders: str) -> list[str]:
    """The project's files, in these folders or in all that a distribution is made of."""
    all_of = (
        "indexer",
        "service",
        "docs/licences.md",
        "deploy",
        "editors",
        "pyproject.toml",
        "MANIFEST.in",
        "*.md",
        "LICENSE",
    )
    git = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *(folders or (*all_of, "trellis.yaml"))]
    return subprocess.run(git, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()


def wheel_of(built: Path) -> Path:
    (wheel,) = built.glob("*.whl")
    return wheel


def contents(wheel: Path) -> dict[str, str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}


def test_the_wheel_has_the_files_of_both_packages_and_no_others(built: Path) -> None:
    about = f"trellis-{PROJECT['version']}.dist-info"
    expected = {*listed("indexer", "service")}
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
    again = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(tmp_path / "again"),
        str(unpacked),
    ]
    subprocess.run(again, check=True, capture_output=True)
    assert contents(wheel_of(tmp_path / "again")) == contents(wheel_of(built))


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
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
    return Installed(environment, folder / "work")


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
    assert found["version"] == f"trellis, version {PROJECT['version']}"
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
