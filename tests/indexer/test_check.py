"""Is the index whole, current, and made by this model? Answered without embedding anything."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from indexer.check import check_index
from indexer.encoder import locate
from indexer.store import segment
from tests.conftest import NOTES, TINY_MODEL, Workshop, run_trellis


@pytest.fixture
def built(workshop: Workshop) -> Workshop:
    workshop.write("S3\n    buckets are global\n", "a.txt")
    workshop.write("EBS\n", "b.txt")
    workshop.build()
    return workshop


def test_whole_and_current(built: Workshop) -> None:
    verdict = check_index(built.index, TINY_MODEL)
    assert (verdict.ok, verdict.whole, verdict.current, verdict.problem) == (True, True, True, "")
    assert (verdict.nodes, verdict.model) == (3, "tiny")
    assert verdict.lines()[0].startswith(f"generation {verdict.generation}: 3 nodes, tiny, made 20")
    assert verdict.lines()[1:] == ["whole and current"]


def test_notes_that_changed_since_are_named(built: Workshop) -> None:
    built.write("S3\n    buckets are regional\n", "a.txt")
    built.write("EFS\n", "sub/c.txt")
    (built.notes / "b.txt").unlink()
    verdict = check_index(built.index, TINY_MODEL)
    assert (verdict.ok, verdict.whole, verdict.current) == (False, True, False)
    assert verdict.lines()[1:] == ["changed since: a.txt", "added since: sub/c.txt", "removed since: b.txt"]
    built.build()
    assert check_index(built.index, TINY_MODEL).ok


def test_a_file_that_was_only_touched_is_current(built: Workshop) -> None:
    (built.notes / "a.txt").touch()
    assert check_index(built.index, TINY_MODEL).ok


def test_notes_that_are_gone(built: Workshop) -> None:
    built.notes.rename(built.notes.with_name("moved"))
    verdict = check_index(built.index, TINY_MODEL)
    assert (verdict.ok, verdict.whole, verdict.current) == (False, True, False)
    assert verdict.problem == f"There are no notes at '{built.notes}': no such file or folder."
    assert verdict.lines()[1:] == [verdict.problem, "removed since: a.txt", "removed since: b.txt"]


def test_a_file_that_could_not_be_read_then_and_now_is_current(
    built: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    built.write("secret\n", "locked.txt")
    opens = os.open

    def refuse(path: Path, *arguments: Any, **options: Any) -> int:
        if Path(path).name == "locked.txt":
            raise PermissionError(13, "Permission denied", str(path))
        return opens(path, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        built.build()
        assert check_index(built.index, TINY_MODEL).ok
    assert check_index(built.index, TINY_MODEL).added == ["locked.txt"]


@pytest.mark.parametrize(
    "name", ["CURRENT", "manifest.json", "structure.npz", "files.json", "projection.npz", *segment.FILES]
)
def test_damage_is_named(built: Workshop, name: str) -> None:
    [path] = built.index.rglob(name)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    verdict = check_index(built.index, TINY_MODEL)
    assert (verdict.ok, verdict.whole, verdict.current) == (False, False, False)
    [line] = verdict.lines()
    assert line.startswith(f"The index in '{built.index}' is damaged: ")
    assert "Run 'trellis index NOTES --index" in line


def test_another_model_is_named(built: Workshop) -> None:
    verdict = check_index(built.index, replace(TINY_MODEL, name="other", digest="f" * 64))
    assert not verdict.ok
    assert "made by another model: 'tiny'" in verdict.problem


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "There is no index in"), ("photo.jpg", "is not a Trellis index (it holds 'photo.jpg')")],
)
def test_no_index_at_all(tmp_path: Path, content: str | None, message: str) -> None:
    if content:
        (tmp_path / content).touch()
    verdict = check_index(tmp_path, TINY_MODEL)
    assert not verdict.ok
    assert message in verdict.problem


def test_the_command_says_it_with_its_exit_status(workshop: Workshop, tmp_path: Path) -> None:
    workshop.write("S3\n")
    workshop.build(locate())
    good = run_trellis("check", "--index", str(workshop.index), "--json", cwd=tmp_path)
    assert good.returncode == 0
    assert json.loads(good.stdout)["current"] is True
    workshop.write("S4\n")
    stale = run_trellis("check", "--index", str(workshop.index), cwd=tmp_path)
    assert stale.returncode == 1
    assert "changed since: notes.txt" in stale.stdout
    nothing = run_trellis("check", "--index", str(tmp_path / "nowhere"), "--json", cwd=tmp_path)
    assert nothing.returncode == 1
    assert json.loads(nothing.stdout)["ok"] is False


@pytest.mark.parametrize("name", ["manifest.json", "graph.onnx", "tokenizer.json"])
@pytest.mark.parametrize("harm", ["flipped", "gone"])
def test_a_damaged_model_beside_the_index_is_named_and_put_there_again(
    tmp_path: Path, shipped_index: Path, name: str, harm: str
) -> None:
    """The vectors stay: the user's cache has the same conversion."""
    index = tmp_path / "index"
    shutil.copytree(shipped_index, index)
    place = next((index / "models").rglob(name))
    data = bytearray(place.read_bytes())
    place.unlink()
    if harm == "flipped":
        data[len(data) // 2] ^= 1
        place.write_bytes(data)
    run = run_trellis("check", "--index", str(index), "--json")
    assert run.returncode == 1
    assert not json.loads(run.stdout)["whole"]
    assert name in json.loads(run.stdout)["problem"]
    again = run_trellis("index", str(NOTES), "--index", str(index), "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["embedded"] == 0
    assert run_trellis("check", "--index", str(index)).returncode == 0
