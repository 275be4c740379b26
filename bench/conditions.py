"""Under which conditions something was measured: without them a number says little."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.intervals import RESAMPLES, SEED
from indexer.encoder import Model

LIBRARIES = (
    "txtai",
    "bm25s",
    "onnxruntime",
    "torch",
    "transformers",
    "sentence-transformers",
    "faiss-cpu",
    "numpy",
)


def conditions(root: Path, model: Model) -> dict[str, Any]:
    import torch

    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "cores": os.cpu_count(),
            "vector instructions": torch.backends.cpu.get_cpu_capability(),
        },
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
        "model": {"name": model.name, "sha256": model.digest},
        "commit": commit(root),
        "code": fingerprint([root / "indexer", root / "service"]),
        "bootstrap": {"resamples": RESAMPLES, "seed": SEED},
    }


def short_conditions(root: Path, libraries: Iterable[str]) -> dict[str, Any]:
    """What a figure that no model bears on needs to be told beside it."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        "load": load(),
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in libraries},
        "commit": commit(root)[:10],
        "code": fingerprint([root / "indexer", root / "service"]),
    }


def machine() -> dict[str, Any]:
    """What the figures of other benchmarks need to be told of it, without loading PyTorch."""
    return {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }


def commit(root: Path) -> str:
    """The commit that is checked out, as its files name it, or "". The code measured may be newer: `code` tells that."""
    folder = root / ".git"
    if not folder.is_dir():
        return ""
    head = (folder / "HEAD").read_text("utf-8").strip()
    if not head.startswith("ref: "):
        return head
    name = head.removeprefix("ref: ")
    if (folder / name).is_file():
        return (folder / name).read_text("utf-8").strip()
    packed = folder / "packed-refs"
    lines = packed.read_text("utf-8").splitlines() if packed.is_file() else []
    return next((line.split()[0] for line in lines if line.endswith(f" {name}")), "")


def load() -> float:
    """How many processes want to run, over the last minute."""
    return round(os.getloadavg()[0], 1)


def fingerprint(places: Iterable[Path]) -> str:
    """Twelve digits that change with any file in these folders."""
    digest = hashlib.sha256()
    for place in places:
        for path in sorted(path for path in place.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
            digest.update(f"{path.relative_to(place).as_posix()}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:12]
