"""A notes folder and its index to be harmed, and what the commands say of them; not how an index lies on disk."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.trust.runner import ROOT, Outcome, Run, Runner

QUESTIONS = ("apple tree in the garden", "oil the chain", "boiler service", "zebra crossing", "version two")

BEFORE = {
    "garden.txt": "Garden\n\tTrees\n\t\tThe apple tree is cut in February\n\t\tPears ripen in autumn\n"
    "\tCompost\n\t\tTurn it monthly\n",
    "bicycle.md": "# Bicycle\n\n- Chain\n  - Oil the chain after rain\n  - Replace it every 3000 km\n- Tyres\n",
    "house.org": "* House\n** Boiler\n*** Boiler service in October\n*** Bleed the radiators\n",
}
AFTER = {
    "garden.txt": BEFORE["garden.txt"].replace("February", "March, version two"),
    "bicycle.md": BEFORE["bicycle.md"] + "  - Pump them to 4.5 bar, version two\n",
    "street.txt": "Street\n\tZebra crossing\n\t\tLook left and right, version two\n",
}
"""The second state of the notes: lines edited and added, one file more, and one gone."""


def tiny_model(folder: Path) -> Path:
    """A real model with two layers of width 32 and weights at random: answers mean little, and cost little."""
    model = folder / "model"
    if not model.is_dir():
        code = (
            "import pathlib, sys; from tests.indexer.models import write_model; write_model(pathlib.Path(sys.argv[1]))"
        )
        subprocess.run([sys.executable, "-c", code, str(folder)], cwd=ROOT, check=True, capture_output=True)
    return model


class Workplace:
    """Where harm is done. `notes`, `index`, and the commands over them, with a tiny model that was converted beforehand."""

    def __init__(self, folder: Path, runner: Runner, model: Path, settings: Mapping[str, Any] | None = None) -> None:
        self.folder = folder
        self.runner = runner
        self.notes = folder / "notes"
        self.index = folder / "index"
        self.config = folder / "trellis.yaml"
        folder.mkdir(parents=True, exist_ok=True)
        self.notes.mkdir(exist_ok=True)
        chosen = {"notes": [str(self.notes)], "index": str(self.index), "model": str(model), **(settings or {})}
        self.config.write_text(json.dumps(chosen), "utf-8")  # JSON is YAML

    def put(self, files: Mapping[str, str | bytes]) -> None:
        """Makes the notes be these files and no others."""
        shutil.rmtree(self.notes)
        self.notes.mkdir()
        for name, text in files.items():
            path = self.notes / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def command(self, *arguments: str) -> list[str]:
        return ["--config", str(self.config), *arguments]

    def trellis(self, *arguments: str, **harm: Any) -> Outcome:
        return self.runner.run(self.command(*arguments), **harm)

    def build(self) -> dict[str, Any]:
        """The report of `trellis index`, which must succeed."""
        run = self.trellis("index", "--json").last
        if run.status != 0:
            raise AssertionError(f"the index could not be built: {run.err}")
        report: dict[str, Any] = run.json
        return report

    def check(self) -> Run:
        return self.trellis("check", "--json").last

    def whole(self) -> bool:
        """Whether `trellis check` finds the index whole; whether it is current is another matter."""
        run = self.check()
        return run.status in (0, 1) and bool(run.json["whole"])

    def answers(self, questions: Sequence[str] = QUESTIONS) -> list[Any]:
        """All that the index says to these questions, less what differs from build to build. A refusal stands as its text."""
        outcome = self.runner.run(*(self.command("ask", question, "--top", "50", "--json") for question in questions))
        return [plain(run) for run in outcome.runs]

    def keep(self, aside: Path) -> None:
        """A copy of the index, to begin from again."""
        copy_tree(self.index, aside)

    def restore(self, aside: Path) -> None:
        copy_tree(aside, self.index)

    def files(self) -> list[Path]:
        return sorted(path for path in self.index.rglob("*") if path.is_file() and not path.is_symlink())


def plain(run: Run) -> Any:
    """An answer without the time that it took and the build that gave it. Anything that is no answer stays as it is."""
    if run.status not in (0, 1):
        return [run.status, run.err]
    answer = run.json
    kept = ("question", "results")
    return [answer[name] for name in kept] if set(kept) <= set(answer) else answer


def copy_tree(source: Path, target: Path) -> None:
    """With the times of the files, for what is cleared away may depend on them."""
    if target.exists():
        shutil.rmtree(target)
    if source.exists():
        shutil.copytree(source, target, symlinks=True)


def tree_hash(folder: Path) -> str:
    """One hash over the names, kinds and contents of everything below a folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        kind = "link" if path.is_symlink() else "file" if path.is_file() else "folder"
        content = str(path.readlink()).encode() if kind == "link" else path.read_bytes() if kind == "file" else b""
        digest.update(
            f"{kind} {path.relative_to(folder)} {len(content)}\0".encode("utf-8", "surrogateescape") + content
        )
    return digest.hexdigest()


@contextmanager
def workshop(folder: Path | None = None, *, cold: bool = False) -> Iterator[tuple[Path, Runner, Path]]:
    """A folder, a runner with a cache of its own, and a tiny model, converted before the first harm is done. cold: every run
    loads the model anew, from what lies on disk.
    """
    with tempfile.TemporaryDirectory(prefix="trellis-trust-") as temporary:
        place = folder or Path(temporary)
        cache = place / "cache"
        model = tiny_model(place)
        with Runner({"XDG_CACHE_HOME": str(cache)} | ({"TRELLIS_COLD": "1"} if cold else {})) as runner:
            first = Workplace(place / "first", runner, model)
            first.put(BEFORE)
            made = runner.warm(first.command("index"), first.command("ask", "apple"), first.command("check"))
            if any(run.status not in (0, 1) for run in made):
                raise AssertionError(f"there is nothing to begin with: {made}")
            yield place, runner, model
