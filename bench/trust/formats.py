"""Indexes by every earlier format version, made by the code of their day, in tests/data/indexes: requirement 11."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from pathlib import Path

from bench.trust.runner import ROOT

KEPT = ROOT / "tests" / "data" / "indexes"
NOTES = {
    "garden.txt": "Garden\n\tThe apple tree is cut in February\n\tPears ripen in autumn\n"
    "Bicycle\n\tOil the chain after rain\n"
}
"""What all of them were made from."""


def kept_formats() -> list[int]:
    return sorted(int(path.name.split("-")[1].split(".")[0]) for path in KEPT.glob("format-*.tar.xz"))


def misread(number: int, folder: Path) -> list[str]:
    """What goes wrong with the index of this format version, which has to be refused by name and built anew."""
    from indexer.generation import FORMAT

    notes, index = folder / "notes", folder / "index"
    notes.mkdir(parents=True)
    for name, text in NOTES.items():
        (notes / name).write_text(text)
    with tarfile.open(KEPT / f"format-{number}.tar.xz") as packed:
        packed.extractall(folder, filter="data")
    wrong = []
    asked = _trellis("ask", "when is the apple tree cut?", "--index", str(index))
    known = number == FORMAT
    if not known and (asked.returncode != 2 or f"format version: {number}" not in asked.stderr):
        wrong.append(f"format {number} is not refused by name: {asked.returncode} {asked.stdout} {asked.stderr}")
    built = _trellis("index", str(notes), "--index", str(index), "--json")
    if built.returncode or (not known and "made by another format version" not in json.loads(built.stdout)["notice"]):
        wrong.append(f"format {number} is not built anew with a word about it: {built.stdout} {built.stderr}")
    again = _trellis("ask", "when is the apple tree cut?", "--index", str(index))
    if "The apple tree is cut in February" not in again.stdout or _trellis("check", "--index", str(index)).returncode:
        wrong.append(f"format {number} was not repaired: {again.stdout} {again.stderr}")
    return [*wrong, *(f"a traceback: {run.stderr}" for run in (asked, built, again) if "Traceback" in run.stderr)]


def _trellis(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from service.cli import main; main()", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
