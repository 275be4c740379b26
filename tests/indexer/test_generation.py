"""The index on disk: whole or refused by name, replaced whole or not at all."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from xxhash import xxh3_128

from indexer import generation, generation_writing
from indexer.errors import (
    IndexDamaged,
    IndexFolderError,
    IndexMismatch,
    IndexMissing,
    NotAnIndex,
)
from indexer.generation import open_generation, read_manifest
from indexer.store import segment
from tests.conftest import TINY_MODEL, Workshop

NOTES = """
    Identity
        STS
            AssumeRole gives temporary keys
        IAM
    Storage
        S3
    """
OWN_FILES = ["manifest.json", "structure.npz", "files.json", "projection.npz"]
FILES = ["CURRENT", *OWN_FILES, *segment.FILES]


def texts(index: Path) -> list[str]:
    """All texts of the current generation, opened anew."""
    opened = open_generation(index, TINY_MODEL)
    try:
        return [node.text for node in opened.store.run(0, len(opened.store))]
    finally:
        opened.close()


def file_of(index: Path, name: str) -> Path:
    """The file of this name that the current generation uses."""
    if name == "CURRENT":
        return index / name
    if name in segment.FILES:
        return index / "segments" / read_manifest(index)[1].segments[-1].name / name
    return index / "generations" / generation.current_name(index) / name


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def built(workshop: Workshop) -> Workshop:
    workshop.write(NOTES)
    workshop.build()
    return workshop


@pytest.fixture(scope="module")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """For tests that leave the index as it was."""
    workshop = Workshop(tmp_path_factory.mktemp("built"))
    workshop.write(NOTES)
    workshop.build()
    return workshop


def test_what_was_written_can_be_opened(built: Workshop) -> None:
    assert texts(built.index) == ["Identity", "STS", "AssumeRole gives temporary keys", "IAM", "Storage", "S3"]
    opened = open_generation(built.index, TINY_MODEL)
    assert (opened.manifest.nodes, opened.manifest.dimension, opened.vectors.ntotal) == (6, 64, 6)
    assert opened.name == generation.current_name(built.index)
    opened.close()


def test_the_manifest_names_every_file_by_size_and_hash(built: Workshop) -> None:
    name, manifest = read_manifest(built.index)
    folder = built.index / "generations" / name
    assert {path.name for path in folder.iterdir()} == {"manifest.json", *manifest.files} == set(OWN_FILES)
    (only,) = manifest.segments
    assert {path.name for path in (built.index / "segments" / only.name).iterdir()} == set(segment.FILES)
    for file, record in [*manifest.files.items(), *only.files.items()]:
        data = file_of(built.index, file).read_bytes()
        assert (record.bytes, record.sha256) == (len(data), hashlib.sha256(data).hexdigest())
        assert record.xxh3 == xxh3_128(data).hexdigest()
    assert manifest.sources == {"notes.txt": hashlib.sha256((built.notes / "notes.txt").read_bytes()).hexdigest()}


def flips(size: int) -> Iterator[tuple[int, int]]:
    """(position, bit): many of the first 400 bytes and all of the last 10, then some of the rest."""
    yield from ((at, 1 << at % 8) for at in [*range(0, min(size, 400), 7), *range(max(size - 10, 0), size)])
    yield from ((at, 128) for at in range(400, size, 1009))


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_anywhere_is_noticed_and_named(built_once: Workshop, name: str) -> None:
    path = file_of(built_once.index, name)
    whole = path.read_bytes()
    try:
        for at, bit in flips(len(whole)):
            damaged = bytearray(whole)
            damaged[at] ^= bit
            path.write_bytes(damaged)
            with pytest.raises(IndexDamaged, match=r"is damaged: .+ Run 'trellis index NOTES --index"):
                open_generation(built_once.index, TINY_MODEL)
    finally:
        path.write_bytes(whole)
    assert len(texts(built_once.index)) == 6


def test_every_flipped_bit_of_current_is_noticed(built_once: Workshop) -> None:
    path = file_of(built_once.index, "CURRENT")
    whole = path.read_bytes()
    unnoticed = []
    try:
        for at in range(len(whole)):
            for bit in range(8):
                path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :])
                try:
                    open_generation(built_once.index, TINY_MODEL).close()
                    unnoticed.append((at, bit))
                except IndexDamaged:
                    pass
    finally:
        path.write_bytes(whole)
    assert unnoticed == []


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
def test_a_file_that_was_cut_short_is_noticed(built: Workshop, name: str, share: float) -> None:
    path = file_of(built.index, name)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(IndexDamaged):
        open_generation(built.index, TINY_MODEL)


@pytest.mark.parametrize("name", FILES[1:])
@pytest.mark.parametrize("harm", ["removed", "longer", "a folder"])
def test_a_file_that_is_gone_or_another_is_named(built: Workshop, name: str, harm: str) -> None:
    path = file_of(built.index, name)
    if harm == "longer":
        path.write_bytes(path.read_bytes() + b"\0")
    else:
        path.unlink()
        if harm == "a folder":
            path.mkdir()
    with pytest.raises(IndexDamaged, match=name):
        open_generation(built.index, TINY_MODEL)


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_index_is_built_anew_with_a_word_about_it(built: Workshop, name: str) -> None:
    path = file_of(built.index, name)
    path.write_bytes(path.read_bytes()[:-5])
    report = built.build()
    assert (report.embedded, report.nodes) == (6, 6)
    assert "is damaged" in report.notice
    assert report.notice.endswith("Building it anew.")
    assert "Run 'trellis index" not in report.notice
    assert len(texts(built.index)) == 6


def test_there_is_no_index_yet(tmp_path: Path) -> None:
    for folder in [tmp_path, tmp_path / "new"]:
        with pytest.raises(IndexMissing, match=r"There is no index in '.*' yet\. Run 'trellis index NOTES --index"):
            open_generation(folder, TINY_MODEL)


@pytest.mark.parametrize("content", ["photo.jpg", "CURRENT.txt", "texts.sqlite", "folder/x"])
def test_a_folder_that_holds_something_else_is_refused_and_left_alone(workshop: Workshop, content: str) -> None:
    workshop.write(NOTES)
    foreign = workshop.index / content
    foreign.parent.mkdir(parents=True)
    foreign.write_text("precious")
    for attempt in [workshop.build, lambda: open_generation(workshop.index, TINY_MODEL)]:
        with pytest.raises(NotAnIndex, match=f"is not a Trellis index .it holds '{content.split('/', maxsplit=1)[0]}'"):
            attempt()
    assert everything(workshop.index) == {content: b"precious"}


def test_another_programs_folder_with_a_file_called_current_is_left_alone(workshop: Workshop) -> None:
    """Databases of the LevelDB family keep a file of this name."""
    workshop.write(NOTES)
    workshop.index.mkdir()
    (workshop.index / "CURRENT").write_bytes(b"MANIFEST-000004\n")
    (workshop.index / "MANIFEST-000004").write_bytes(b"\x01\x02")
    (workshop.index / "000005.ldb").write_bytes(b"precious")
    before = everything(workshop.index)
    with pytest.raises(IndexFolderError):
        workshop.build()
    assert everything(workshop.index) == before


def test_a_file_where_the_folder_should_be(workshop: Workshop) -> None:
    workshop.write(NOTES)
    workshop.index.write_text("precious")
    with pytest.raises(NotAnIndex, match="it holds 'a file'"):
        workshop.build()
    with pytest.raises(NotAnIndex):
        open_generation(workshop.index, TINY_MODEL)
    assert workshop.index.read_text() == "precious"


def test_hidden_files_and_a_readme_may_stand_in_the_folder(workshop: Workshop) -> None:
    workshop.write(NOTES)
    workshop.index.mkdir()
    for name in [".gitignore", "README.md"]:
        (workshop.index / name).write_text("mine")
    workshop.build()
    assert len(texts(workshop.index)) == 6
    assert (workshop.index / ".gitignore").read_text() == "mine"


def forge(index: Path, **changes: object) -> None:
    """A manifest with other contents, whole by its hashes, as another version of Trellis would have written it."""
    old = file_of(index, "manifest.json")
    data = json.dumps(json.loads(old.read_bytes()) | changes).encode()
    digest = hashlib.sha256(data).hexdigest()
    shutil.copytree(old.parent, index / "generations" / digest[:16])
    (index / "generations" / digest[:16] / "manifest.json").write_bytes(data)
    (index / "CURRENT").write_text(f"{digest}\n")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 999}, f"made by another format version: 999; this is {generation.FORMAT}"),
        ({"format": 999, "new": [], "dimension": "many"}, "made by another format version: 999"),
        ({"chunking": 77}, "made by another version of the chunking rules: 77"),
        ({"dimension": 384}, "made by another dimension: 64; this is 384"),
        ({"model": "other", "model_digest": "f" * 64}, r"made by another model: 'other' \(f{12}, 64 dimensions\)"),
    ],
)
def test_an_index_made_otherwise_is_refused_by_name_and_built_anew(
    built: Workshop, changes: dict[str, object], message: str
) -> None:
    forge(built.index, **changes)
    with pytest.raises(IndexMismatch, match=message + r".*Run 'trellis index NOTES --index"):
        open_generation(built.index, TINY_MODEL)
    report = built.build()
    assert (report.embedded, report.kept) == (6, 0)
    assert "made by another" in report.notice
    assert len(texts(built.index)) == 6


@pytest.mark.parametrize("changes", [{"nodes": 7}, {"chunks": 5}, {"files": {}}, {"nodes": "six"}, {"strange": 1}])
def test_a_manifest_that_does_not_fit_its_files_is_damaged(built: Workshop, changes: dict[str, object]) -> None:
    forge(built.index, **changes)
    with pytest.raises(IndexDamaged):
        open_generation(built.index, TINY_MODEL)


def test_another_model_is_named_with_the_command_that_rebuilds(built: Workshop) -> None:
    other = replace(TINY_MODEL, name="bigger", digest="abcdef" + "0" * 58)
    with pytest.raises(IndexMismatch) as caught:
        open_generation(built.index, other)
    assert str(caught.value) == (
        f"The index in '{built.index}' was made by another model: 'tiny' (000000000000, 64 dimensions); "
        f"this is 'bigger' (abcdef000000). Run 'trellis index NOTES --index {built.index}' to build it again; "
        "your notes are not touched."
    )


def test_leftovers_of_interrupted_runs_are_cleared_away(built: Workshop) -> None:
    generations = built.index / "generations"
    for left in [generations / ".new-abc", generations / ".new-def" / "deep", generations / "0123456789abcdef"]:
        left.mkdir(parents=True)
        (left / "structure.npz").write_bytes(b"half")
    (built.index / ".CURRENT.new").write_bytes(b"half")
    os.utime(generations / "0123456789abcdef", (1, 1))
    built.write("S3\n")
    built.build()
    assert texts(built.index) == ["S3"]
    left = sorted(path.name for path in generations.iterdir())
    assert len(left) == 2  # the new one, and the one before it that a reader may still be opening
    assert generation.current_name(built.index) in left
    assert not [name for name in left if name.startswith(".") or name == "0123456789abcdef"]
    assert not (built.index / ".CURRENT.new").exists()


def test_no_more_than_two_generations_are_kept_and_an_open_one_goes_on_answering(
    built: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation_writing, "_KEEP_FOR", 0)
    opened = open_generation(built.index, TINY_MODEL)
    for number in range(4):
        built.write(f"Line {number}\n")
        built.build()
    assert len(list((built.index / "generations").iterdir())) == 2
    assert opened.store.node(0).text == "Identity"
    opened.close()


def test_going_back_and_forth_within_a_second(built: Workshop) -> None:
    """The third index is made of the same notes as the first, at the same time of the clock."""
    for text in ["S3\n", "EBS\n", "S3\n", "EBS\n", "S3\n"]:
        built.write(text)
        built.build()
        assert texts(built.index) == [text.strip()]
