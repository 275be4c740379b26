"""Which files are the notes and what they are called."""

import os
from pathlib import Path

import pytest

from indexer.errors import NoNotesInside, NotesNameClash, NotesNotFound
from indexer.sources import find_sources


def make(folder: Path, *files: str) -> Path:
    """A folder with these files in it."""
    for file in files:
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("a line\n", "utf-8")
    return folder


def names(*places: Path) -> list[str]:
    return [source.file for source in find_sources(places).sources]


def problems(*places: Path) -> list[str]:
    return [str(problem) for problem in find_sources(places).problems]


def test_a_folder_is_searched_for_outlines_in_all_its_folders(tmp_path: Path) -> None:
    notes = make(tmp_path, "b.txt", "a.otl", "sub/deeper/c.TXT", "sub/d.outline", "e.text", "Ünï côdé.txt")
    make(notes, "readme.md", "picture.png", "txt", "archive.txt.gz")
    assert names(notes) == ["a.otl", "b.txt", "e.text", "sub/d.outline", "sub/deeper/c.TXT", "Ünï côdé.txt"]


def test_hidden_files_and_folders_are_passed_over(tmp_path: Path) -> None:
    assert names(make(tmp_path, "a.txt", ".b.txt", ".git/c.txt", "sub/.d/e.txt")) == ["a.txt"]


def test_a_hidden_folder_that_is_named_is_searched(tmp_path: Path) -> None:
    make(tmp_path, ".notes/a.txt")
    assert names(tmp_path / ".notes") == ["a.txt"]


def test_a_file_is_taken_as_it_is_whatever_its_suffix(tmp_path: Path) -> None:
    make(tmp_path, "todo", "other.txt")
    assert names(tmp_path / "todo") == ["todo"]


def test_several_folders_give_their_names_to_their_files(tmp_path: Path) -> None:
    make(tmp_path, "work/a.txt", "home/a.txt", "single.txt")
    assert names(tmp_path / "work", tmp_path / "home", tmp_path / "single.txt") == [
        "home/a.txt",
        "single.txt",
        "work/a.txt",
    ]


def test_the_same_place_twice_is_one(tmp_path: Path) -> None:
    make(tmp_path, "notes/a.txt")
    assert names(tmp_path / "notes", tmp_path / "notes" / ".." / "notes") == ["notes/a.txt"]


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    make(tmp_path, "one/notes/a.txt", "other/notes/a.txt")
    with pytest.raises(NotesNameClash, match=r"would be called 'notes/a\.txt'\. Rename one of them"):
        find_sources([tmp_path / "one" / "notes", tmp_path / "other" / "notes"])


def test_a_missing_place_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotesNotFound, match=r"There are no notes at '.*nowhere': no such file or folder"):
        find_sources([make(tmp_path, "a.txt"), tmp_path / "nowhere"])


@pytest.mark.parametrize("files", [[], ["readme.md"], [".hidden.txt"]])
def test_a_folder_without_outlines_says_what_is_looked_for(tmp_path: Path, files: list[str]) -> None:
    with pytest.raises(NoNotesInside, match=r"Nothing to index in .*\.txt, \.text, \.otl, \.outline"):
        find_sources([make(tmp_path, *files)])


def test_a_link_inside_the_folder_is_followed(tmp_path: Path) -> None:
    make(tmp_path, "a.txt")
    (tmp_path / "b.txt").symlink_to("a.txt")
    assert names(tmp_path) == ["a.txt", "b.txt"]
    assert problems(tmp_path) == []


def test_a_link_out_of_the_folder_is_reported_and_not_followed(tmp_path: Path) -> None:
    make(tmp_path, "notes/a.txt", "secret.txt")
    (tmp_path / "notes" / "b.txt").symlink_to(tmp_path / "secret.txt")
    assert names(tmp_path / "notes") == ["a.txt"]
    assert problems(tmp_path / "notes") == ["b.txt:1: a link that leads out of the notes folder; it was not followed"]


def test_a_linked_folder_outside_is_reported_and_not_followed(tmp_path: Path) -> None:
    make(tmp_path, "notes/a.txt", "elsewhere/b.txt")
    (tmp_path / "notes" / "more").symlink_to(tmp_path / "elsewhere")
    assert names(tmp_path / "notes") == ["a.txt"]
    [problem] = problems(tmp_path / "notes")
    assert problem.startswith("more:1: a link that leads out")


@pytest.mark.parametrize("target", ["gone.txt", "b.txt"], ids=["to nothing", "to itself"])
def test_a_broken_link_is_reported(tmp_path: Path, target: str) -> None:
    make(tmp_path, "a.txt")
    (tmp_path / "b.txt").symlink_to(target)
    assert names(tmp_path) == ["a.txt"]
    [problem] = problems(tmp_path)
    assert problem.startswith("b.txt:1: ")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_a_pipe_is_reported_and_never_opened(tmp_path: Path) -> None:
    make(tmp_path, "a.txt")
    os.mkfifo(tmp_path / "b.txt")
    assert names(tmp_path) == ["a.txt"]
    [problem] = problems(tmp_path)
    assert problem.startswith("b.txt:1: ")


def test_a_loop_of_folders_ends(tmp_path: Path) -> None:
    make(tmp_path, "sub/a.txt")
    (tmp_path / "sub" / "again").symlink_to(tmp_path, target_is_directory=True)
    assert names(tmp_path) == ["sub/a.txt"]


def test_a_folder_that_cannot_be_read_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "a.txt", "locked/b.txt")
    scandir = os.scandir

    def refuse(path: str) -> object:
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert names(tmp_path) == ["a.txt"]
    assert problems(tmp_path) == ["locked:1: this folder cannot be read: Permission denied"]


def test_names_that_are_no_unicode(tmp_path: Path) -> None:
    make(tmp_path, "a.txt")
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt")).write_bytes(b"a line\n")
    except OSError:
        pytest.skip("this file system takes Unicode names only")
    [_, foreign] = names(tmp_path)
    assert foreign.encode("utf-8").startswith(b"caf")


def test_two_names_that_are_no_unicode_are_not_fatal(tmp_path: Path) -> None:
    make(tmp_path, "a.txt")
    try:
        for name in (b"/caf\xe9.txt", b"/caf\xe8.txt"):
            Path(os.fsdecode(os.fsencode(tmp_path) + name)).write_bytes(b"a line\n")
    except OSError:
        pytest.skip("this file system takes Unicode names only")
    assert len(set(names(tmp_path))) == 3
