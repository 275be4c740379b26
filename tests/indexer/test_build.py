"""Notes in, index out: what a first run, an update and bad notes do. The index is opened again before it is believed."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer.build import build
from indexer.errors import NoNotesInside, NotesNotFound
from indexer.generation import open_generation
from indexer.vectors import stored_vectors
from tests.conftest import TINY_MODEL, TinyEncoder, Workshop

NOTES = """\
Identity
    STS
        keys last one hour
    IAM
        users
Storage
    S3
        buckets are global
"""


def nodes(workshop: Workshop) -> list[str]:
    """Every node as "file:line path > text", from the index as it lies on the disk."""
    opened = open_generation(workshop.index, TINY_MODEL)
    try:
        return [
            f"{node.file}:{node.line} {' > '.join([*opened.store.path(node.row), node.text])}"
            for node in opened.store.run(0, len(opened.store))
        ]
    finally:
        opened.close()


def assert_like_new(workshop: Workshop, tmp_path: Path) -> None:
    """An updated index holds what one that is built at once holds: nodes, vectors and token vectors."""
    build([workshop.notes], tmp_path / "at-once", TINY_MODEL, loader=lambda _: TinyEncoder())
    one, other = (open_generation(folder, TINY_MODEL) for folder in (workshop.index, tmp_path / "at-once"))
    try:
        assert one.store.run(0, len(one.store)) == other.store.run(0, len(other.store))
        assert one.store.chunk_rows().keys() == other.store.chunk_rows().keys()
        rows = np.arange(one.vectors.ntotal)
        np.testing.assert_allclose(stored_vectors(one.vectors, rows), stored_vectors(other.vectors, rows), atol=1e-6)
        np.testing.assert_array_equal(one.tokens.offsets, other.tokens.offsets)
        assert one.store.problems() == other.store.problems()
    finally:
        one.close()
        other.close()


def embedded_by_next_build(workshop: Workshop) -> list[str]:
    workshop.encoder.encoded.clear()
    report = workshop.build()
    assert report.embedded + report.kept == report.nodes
    return sorted(workshop.encoder.encoded)


@pytest.fixture
def built(workshop: Workshop) -> Workshop:
    workshop.write(NOTES)
    workshop.build()
    return workshop


def test_a_first_run(workshop: Workshop) -> None:
    workshop.write(NOTES)
    workshop.write("EC2\n    instances\n", "compute/vm.otl")
    report = workshop.build()
    assert (report.files, report.nodes, report.embedded, report.kept, report.removed) == (2, 10, 10, 0, 0)
    assert (report.problems, report.notice) == ([], "")
    assert nodes(workshop) == [
        "compute/vm.otl:1 EC2",
        "compute/vm.otl:2 EC2 > instances",
        "notes.txt:1 Identity",
        "notes.txt:2 Identity > STS",
        "notes.txt:3 Identity > STS > keys last one hour",
        "notes.txt:4 Identity > IAM",
        "notes.txt:5 Identity > IAM > users",
        "notes.txt:6 Storage",
        "notes.txt:7 Storage > S3",
        "notes.txt:8 Storage > S3 > buckets are global",
    ]


def test_a_second_run_embeds_nothing_and_loads_no_model(built: Workshop) -> None:
    before = nodes(built)

    def no_model(_: object) -> TinyEncoder:
        raise AssertionError("the model was loaded")

    report = build([built.notes], built.index, TINY_MODEL, loader=no_model)
    assert (report.embedded, report.kept, report.nodes, report.removed) == (0, 8, 8, 0)
    assert report.generation == open_name(built)
    assert nodes(built) == before


def open_name(workshop: Workshop) -> str:
    opened = open_generation(workshop.index, TINY_MODEL)
    opened.close()
    return opened.name


@pytest.mark.parametrize(
    ("old", "new", "embedded", "removed"),
    [
        ("buckets are global", "buckets are regional", ["Storage > S3 > buckets are regional"], 1),
        ("    S3", "    S4", ["Storage > S4", "Storage > S4 > buckets are global"], 2),
        (
            "Identity",
            "Who",
            ["Who", "Who > IAM", "Who > IAM > users", "Who > STS", "Who > STS > keys last one hour"],
            5,
        ),
        ("    IAM\n        users\n", "", [], 2),
        ("Storage\n", "Storage\n    EBS\n", ["Storage > EBS"], 0),
        ("    IAM", "        IAM", ["Identity > STS > IAM", "Identity > STS > users"], 2),
        ("Identity\n", "\n\nIdentity\n\n", [], 0),
        ("        users", "        - users", [], 0),
        ("Storage\n    S3\n        buckets are global\n", "", [], 3),
    ],
    ids=["a leaf", "a heading", "a top", "a cut", "an addition", "a move", "blank lines", "a bullet", "a subtree cut"],
)
def test_an_edit_embeds_only_what_has_another_path_or_text(
    built: Workshop, tmp_path: Path, old: str, new: str, embedded: list[str], removed: int
) -> None:
    built.write(NOTES.replace(old, new))
    built.encoder.encoded.clear()
    report = built.build()
    assert sorted(built.encoder.encoded) == embedded
    assert (report.embedded, report.kept) == (len(embedded), report.nodes - len(embedded))
    assert report.removed == removed
    assert_like_new(built, tmp_path)


def test_siblings_that_change_places_are_not_embedded_again(built: Workshop, tmp_path: Path) -> None:
    identity, storage = NOTES.split("Storage")
    built.write("Storage" + storage + identity)
    assert embedded_by_next_build(built) == []
    assert nodes(built)[0] == "notes.txt:1 Storage"
    assert_like_new(built, tmp_path)


def test_a_file_is_added(built: Workshop, tmp_path: Path) -> None:
    built.write("EC2\n", "a.txt")
    assert embedded_by_next_build(built) == ["EC2"]
    assert nodes(built)[0] == "a.txt:1 EC2"
    assert_like_new(built, tmp_path)


def test_a_file_is_renamed_at_no_cost(built: Workshop, tmp_path: Path) -> None:
    (built.notes / "notes.txt").rename(built.notes / "renamed.otl")
    assert embedded_by_next_build(built) == []
    assert {line.split(":")[0] for line in nodes(built)} == {"renamed.otl"}
    assert_like_new(built, tmp_path)


def test_a_file_is_removed(built: Workshop, tmp_path: Path) -> None:
    built.write("EC2\n    instances\n", "b.txt")
    built.build()
    (built.notes / "notes.txt").unlink()
    report = built.build()
    assert (report.files, report.nodes, report.embedded, report.removed) == (1, 2, 0, 8)
    assert nodes(built) == ["b.txt:1 EC2", "b.txt:2 EC2 > instances"]
    assert_like_new(built, tmp_path)


def test_twins_are_two_nodes_that_are_embedded_once(workshop: Workshop, tmp_path: Path) -> None:
    workshop.write("Limits\n    5 per account\n    5 per account\nLimits\n    5 per account\n")
    workshop.write("Limits\n    5 per account\n", "other.txt")
    report = workshop.build()
    assert (report.nodes, report.embedded) == (7, 7)
    assert workshop.encoder.encoded == ["Limits", "Limits > 5 per account"]
    assert len(nodes(workshop)) == 7
    workshop.write("Limits\n    5 per account\nLimits\n    5 per account\n")
    assert embedded_by_next_build(workshop) == []
    assert len(nodes(workshop)) == 6
    assert_like_new(workshop, tmp_path)


def test_another_model_builds_everything_anew(built: Workshop) -> None:
    other = type(TINY_MODEL)("other", Path("nowhere"), "1" * 64)
    report = built.build(other)
    assert (report.embedded, report.kept) == (8, 0)
    assert report.notice.startswith(f"The index in '{built.index}' was made by another model: 'tiny'")
    assert built.build(other).embedded == 0


def test_a_node_longer_than_a_model_reads_is_one_node_of_many_chunks(workshop: Workshop) -> None:
    workshop.write("Top\n    " + "many words " * 400 + "\n    short\n")
    report = workshop.build()
    assert (report.nodes, report.embedded) == (3, 3)
    assert len(workshop.encoder.encoded) > 4
    assert embedded_by_next_build(workshop) == []


def test_progress_is_told_to_the_end(workshop: Workshop) -> None:
    workshop.write("".join(f"Line {number}.\n" for number in range(1000)))
    workshop.write("One more.\n", "b.txt")
    told: list[tuple[str, int, int]] = []
    build(
        [workshop.notes],
        workshop.index,
        TINY_MODEL,
        loader=lambda _: workshop.encoder,
        progress=lambda *now: told.append(now),
    )
    assert [now for now in told if now[0] == "reading"] == [("reading", 1, 2), ("reading", 2, 2)]
    embedding = [done for what, done, total in told if what == "embedding" and total == 1001]
    assert embedding == sorted(embedding)
    assert embedding[-1] == 1001


def test_latin_1_is_indexed_and_reported(workshop: Workshop) -> None:
    workshop.write("plain\n", "a.txt")
    (workshop.notes / "b.txt").write_bytes("Thé\n    5 €\n".encode("cp1252"))
    report = workshop.build()
    assert nodes(workshop)[1:] == ["b.txt:1 Thé", "b.txt:2 Thé > 5 €"]
    assert [str(problem) for problem in report.problems] == [
        "b.txt:1: 2 lines from here on not UTF-8, read as Latin-1 (Windows-1252)"
    ]
    assert workshop.build().problems == report.problems  # and said again while it is so


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_other_unicode_is_indexed_without_a_word(workshop: Workshop, encoding: str) -> None:
    (workshop.notes / "b.txt").write_bytes("Thé\r\n\t5 €\r\n".encode(encoding))
    assert workshop.build().problems == []
    assert nodes(workshop) == ["b.txt:1 Thé", "b.txt:2 Thé > 5 €"]


def test_a_binary_file_is_reported_and_the_rest_is_indexed(workshop: Workshop) -> None:
    workshop.write("good\n", "a.txt")
    (workshop.notes / "b.txt").write_bytes(bytes(range(256)) * 10)
    report = workshop.build()
    assert [str(problem) for problem in report.problems] == [
        "b.txt:1: this is not a text file, so none of it was indexed"
    ]
    assert nodes(workshop) == ["a.txt:1 good"]


def test_a_file_that_cannot_be_read_is_reported_and_the_rest_is_indexed(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop.write("good\n", "a.txt")
    locked = workshop.write("secret\n", "b.txt")
    opens = os.open

    def refuse(path: Path, *arguments: Any, **options: Any) -> int:
        if Path(path).name == locked.name:
            raise PermissionError(13, "Permission denied", str(path))
        return opens(path, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        reports = [workshop.build(), workshop.build()]
        assert nodes(workshop) == ["a.txt:1 good"]
    for report in reports:
        assert [str(problem) for problem in report.problems] == ["b.txt:1: this file cannot be read: Permission denied"]
    report = workshop.build()
    assert (report.problems, report.embedded) == ([], 1)
    assert nodes(workshop) == ["a.txt:1 good", "b.txt:1 secret"]


def test_a_link_to_nothing_is_reported_and_the_rest_is_indexed(workshop: Workshop) -> None:
    workshop.write("good\n", "a.txt")
    (workshop.notes / "b.txt").symlink_to("gone.txt")
    [problem] = workshop.build().problems
    assert (problem.file, problem.line) == ("b.txt", 1)
    assert nodes(workshop) == ["a.txt:1 good"]


def test_a_problem_that_is_gone_is_not_reported_any_more(workshop: Workshop, tmp_path: Path) -> None:
    workshop.write("good\n", "a.txt")
    (tmp_path / "outside.txt").write_text("secret\n")
    (workshop.notes / "b.txt").symlink_to(tmp_path / "outside.txt")
    assert len(workshop.build().problems) == 1
    (workshop.notes / "b.txt").unlink()
    assert workshop.build().problems == []


def test_an_empty_file_beside_others_is_no_problem(workshop: Workshop) -> None:
    workshop.write("good\n", "a.txt")
    workshop.write("", "b.txt")
    report = workshop.build()
    assert (report.files, report.nodes, report.problems) == (2, 1, [])
    assert workshop.build().embedded == 0


@pytest.mark.parametrize("content", [None, b"", b"\n \n", bytes(500)], ids=["no file", "empty", "blank", "binary"])
def test_nothing_to_index_is_refused_and_an_older_index_stays(workshop: Workshop, content: bytes | None) -> None:
    path = workshop.write("good\n", "a.txt")
    workshop.build()
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(NoNotesInside, match="Nothing to index in"):
        workshop.build()
    assert nodes(workshop) == ["a.txt:1 good"]


def test_a_missing_folder_is_refused_and_an_older_index_stays(built: Workshop) -> None:
    with pytest.raises(NotesNotFound, match=r"There are no notes at '.*nowhere'"):
        build([built.notes / "nowhere"], built.index, TINY_MODEL, loader=lambda _: built.encoder)
    assert len(nodes(built)) == 8


def test_notes_are_never_written(built: Workshop) -> None:
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in built.notes.rglob("*")}
    built.build()
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in built.notes.rglob("*")} == before


def test_ten_thousand_levels_and_a_million_characters(workshop: Workshop) -> None:
    workshop.write("\n".join(" " * level + f"L{level}." for level in range(10_000)), "deep.txt")
    workshop.write("word " * 200_000 + "end\n", "long.txt")
    report = workshop.build()
    assert report.nodes == 10_001
    [problem] = report.problems
    assert str(problem).startswith("long.txt:1: 1,000,003 characters long: only the first ")
    opened = open_generation(workshop.index, TINY_MODEL)
    assert len(opened.store.path(9_999)) == 9_999
    assert len(opened.store.node(10_000).text) == 1_000_003
    opened.close()


@pytest.mark.parametrize("odd", ["\0", "\u2028", "\x0c", "🌥", "'); DROP TABLE node; --", "\ufffd"])
def test_odd_characters_come_through_to_the_index(workshop: Workshop, odd: str) -> None:
    text = f"a line of some length with {odd} in it"
    (workshop.notes / "a.txt").write_bytes(f"{text}\n".encode())
    workshop.build()
    assert nodes(workshop) == [f"a.txt:1 {text}"]
