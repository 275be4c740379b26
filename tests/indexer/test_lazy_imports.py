"""What is heavy is imported when it is needed: `trellis --help` answers at once, a current index costs no model."""

import subprocess
import sys
from pathlib import Path

import pytest

from indexer.encoder import load, locate
from tests.conftest import Workshop

HEAVY = (
    "faiss",
    "torch",
    "transformers",
    "sentence_transformers",
    "huggingface_hub",
    "numpy",
    "flask",
    "waitress",
    "sqlite3",
)
MODEL = ("torch", "transformers", "sentence_transformers")


def loaded_by(code: str, *heavy: str, cwd: Path | None = None) -> list[str]:
    """Which of these modules are loaded once the code has run in a process of its own."""
    script = f"import sys\ntry:\n    {code}\nexcept SystemExit as done:\n    assert not done.code, done.code\n"
    script += f"print('LOADED', *[name for name in {heavy} if name in sys.modules])"
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, cwd=cwd, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()[-1].split()[1:]


COMMANDS = ["index", "serve", "ask", "related", "mcp", "eval", "report", "check", "doctor", "keys", "completion"]


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], *[[command, "--help"] for command in COMMANDS]], ids=" ".join
)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    assert loaded_by(f"from service.cli import main; main({arguments})", *HEAVY) == []


def test_importing_loads_nothing_heavy() -> None:
    assert loaded_by("import indexer, service, service.cli", *HEAVY) == []


def test_asking_loads_no_globs() -> None:
    assert loaded_by("import service.answering, service.standing", "pathspec", "re2") == []


def test_the_probe_sees_what_is_loaded() -> None:
    assert loaded_by("import numpy, sqlite3", *HEAVY) == ["numpy", "sqlite3"]


def test_reading_outlines_loads_neither_vectors_nor_model() -> None:
    code = "from indexer.readers import read_outline; read_outline('a.txt', b'A')"
    assert loaded_by(code, *HEAVY) == []


@pytest.mark.parametrize("command", ["index {notes} --index {index}", "check --index {index}"])
def test_an_index_that_is_current_costs_no_model(workshop: Workshop, tmp_path: Path, command: str) -> None:
    workshop.write("S3\n    buckets are global\n")
    workshop.calibrate(locate())
    arguments = command.format(notes=workshop.notes, index=workshop.index).split()
    assert loaded_by(f"from service.cli import main; main({arguments})", *MODEL, cwd=tmp_path) == []


def test_a_wrong_setting_is_known_before_anything_heavy_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "trellis.yaml").write_text("colour: blue\n")
    script = (
        "import sys; from service.cli import main\n"
        "try: main(['index'])\n"
        "finally: print([name for name in ('torch', 'faiss') if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, cwd=tmp_path, check=False
    )
    assert ran.returncode == 2
    assert "colour" in ran.stderr
    assert ran.stdout == "[]\n"


@pytest.mark.parametrize(
    "command",
    ["ask buckets", "related notes.txt:2", "eval questions.jsonl", "index notes.txt", "index --json notes.txt"],
)
def test_a_converted_model_needs_no_torch(workshop: Workshop, tmp_path: Path, command: str) -> None:
    """Not even an `index` that embeds something."""
    load(locate())
    workshop.write("S3\n    buckets are global\n")
    workshop.calibrate_with_model()
    (tmp_path / "notes.txt").write_text("S3\n    buckets are regional\n")
    (tmp_path / "questions.jsonl").write_text('{"id": "a", "q": "buckets", "gold": [[2, 2]]}\n')
    index = tmp_path / "new" if command.startswith("index") else workshop.index
    arguments = [*command.split(), "--index", str(index)]
    code = f"from service.cli import main; main({arguments})"
    assert loaded_by(code, *MODEL, "onnx", "scipy", "sklearn", "huggingface_hub", cwd=tmp_path) == []


def test_serving_needs_no_torch(workshop: Workshop, tmp_path: Path) -> None:
    """Up to the moment at which it would answer requests, notes that have to be embedded included."""
    load(locate())
    workshop.write("S3\n    buckets are global\n")
    code = (
        "from service.http import server; server.serve = lambda *_, **__: None; from service.cli import main; "
        f"main(['serve', {str(workshop.notes)!r}, '--index', {str(workshop.index)!r}, '--port', '0'])"
    )
    assert loaded_by(code, *MODEL, "onnx", "scipy", "sklearn", "huggingface_hub", cwd=tmp_path) == []
