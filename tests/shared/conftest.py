"""The material that is not in this repository: notes, questions and foreign corpora, named with --shared."""

import tarfile
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared(request: pytest.FixtureRequest) -> Path:
    folder: Path | None = request.config.getoption("--shared")
    if folder is None:
        pytest.fail(
            "these tests need the shared material: run them with --shared FOLDER or 'make test-shared'", pytrace=False
        )
    if not folder.is_dir():
        pytest.fail(
            f"there is no shared material at '{folder}': name its folder with --shared or SHARED=", pytrace=False
        )
    return folder.resolve()


@pytest.fixture(scope="session")
def corpora(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All corpora, unpacked into one folder."""
    folder = tmp_path_factory.mktemp("corpora")
    archives = sorted((shared / "corpora").glob("*.tar.xz"))
    assert archives, f"no archives in '{shared / 'corpora'}'"
    for archive in archives:
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
    return folder
