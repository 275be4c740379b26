"""Which files are the notes and what they are called."""

import os
from pathlib import Path

import pytest

from indexer import sources
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
    make(notes, "readme.rst", "picture.png", "txt", "archive.txt.gz")
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


@pytest.mark.parametrize("files", [[], ["readme.rst"], [".hidden.txt"]])
def test_a_folder_without_outlines_says_what_is_looked_for(tmp_path: Path, files: list[str]) -> None:
    with pytest.raises(NoNotesInside, match=r"Nothing to index in .*\.txt, \.text, \.outline, \.md, .*\.otl"):
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


def skipped(*places: Path) -> dict[str, str]:
    return dict(find_sources(places).skipped)


def test_what_editors_and_syncs_leave_behind_is_passed_over_and_told(tmp_path: Path) -> None:
    left = {
        "#a.txt#": "an editor's temporary file or backup",
        "a.txt~": "an editor's temporary file or backup",
        "~$a.txt": "an editor's temporary file or backup",
        "4913": "an editor's temporary file or backup",
        "a.bak": "an editor's temporary file or backup",
        "a.tmp.txt": "an editor's temporary file or backup",
        "a.txt.swp": "an editor's temporary file or backup",
        ".a.txt.swp": "hidden",
        ".#a.txt": "hidden",
        "a.sync-conflict-20260301-101500-ABCDEFG.txt": "a copy that a sync conflict left behind",
        "a (Priya's conflicted copy 2026-03-01).txt": "a copy that a sync conflict left behind",
        "a (conflicted copy 2026-03-01 101500).md": "a copy that a sync conflict left behind",
        "a_conflict-20260301-101500.md": "a copy that a sync conflict left behind",
        "a (SFConflict priya@example.org 2026-03-01).txt": "a copy that a sync conflict left behind",
        "plan.canvas": "a drawing",
        "plan.excalidraw": "a drawing",
        "picture.png": "not in a format that is read (.png)",
        "README": "not in a format that is read (no suffix)",
        ".git/": "hidden",
        "node_modules/": "files of a program",
    }
    make(
        tmp_path, "a.txt", "conflict of interest.txt", "tmp.txt", *(f"{n}x.md" if n.endswith("/") else n for n in left)
    )
    assert names(tmp_path) == ["a.txt", "conflict of interest.txt", "tmp.txt"]
    assert skipped(tmp_path) == left


@pytest.mark.parametrize("ignore_file", [".gitignore", ".trellisignore"])
def test_ignore_files_hold_in_their_folder_and_below(tmp_path: Path, ignore_file: str) -> None:
    make(
        tmp_path,
        "a.txt",
        "drafts/b.txt",
        "sub/a.txt",
        "sub/c.txt",
        "sub/deep/c.txt",
        "sub/deep/d.txt",
        "keep/drafts/e.txt",
    )
    (tmp_path / ignore_file).write_text("# drafts\n/drafts/\n", "utf-8")
    (tmp_path / "sub" / ignore_file).write_text("c.txt\n!deep/c.txt\n", "utf-8")
    assert names(tmp_path) == ["a.txt", "keep/drafts/e.txt", "sub/a.txt", "sub/deep/c.txt", "sub/deep/d.txt"]
    reason = f"ignored by {ignore_file}"
    told = {name: why for name, why in skipped(tmp_path).items() if why != "hidden"}
    assert told == {"drafts/": reason, "sub/c.txt": reason}


def test_what_trellis_is_told_outweighs_what_git_is_told(tmp_path: Path) -> None:
    make(tmp_path, "private.txt", "a.txt", "b.txt")
    (tmp_path / ".gitignore").write_text("private.txt\n", "utf-8")
    (tmp_path / ".trellisignore").write_text("!private.txt\nb.txt\n", "utf-8")
    assert names(tmp_path) == ["a.txt", "private.txt"]


@pytest.mark.parametrize("git", ["repository", "work tree"])
def test_the_ignore_files_of_the_repository_around_the_notes_hold_too(tmp_path: Path, git: str) -> None:
    make(
        tmp_path, "repo/docs/notes/a.txt", "repo/docs/notes/b.txt", "repo/docs/notes/c.txt", "repo/docs/notes/sub/d.txt"
    )
    repository = tmp_path / "repo"
    if git == "repository":
        (repository / ".git").mkdir()
    else:
        (repository / ".git").write_text("gitdir: elsewhere\n", "utf-8")
    (tmp_path / ".gitignore").write_text("a.txt\n", "utf-8")  # beyond the repository
    (repository / ".gitignore").write_text("b.txt\n/docs/notes/sub/\n", "utf-8")
    (repository / "docs" / ".gitignore").write_text("c.*\n/a.txt\n", "utf-8")
    notes = repository / "docs" / "notes"
    assert names(notes) == ["a.txt"]
    told = {name: why for name, why in skipped(notes).items() if why != "hidden"}
    assert told == dict.fromkeys(["b.txt", "c.txt", "sub/"], "ignored by .gitignore")
    (notes / ".trellisignore").write_text("!b.txt\n", "utf-8")
    assert names(notes) == ["a.txt", "b.txt"]


@pytest.mark.parametrize("pattern", ["/notes/", "notes", "private/", "*"])
def test_a_notes_folder_that_is_named_is_read_though_its_repository_ignores_it(tmp_path: Path, pattern: str) -> None:
    make(tmp_path, "private/notes/a.txt", "notes/a.txt")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text(f"{pattern}\n", "utf-8")
    for notes in (tmp_path / "notes", tmp_path / "private" / "notes"):
        assert names(notes) == ["a.txt"]


def test_a_file_that_is_named_is_taken_though_it_is_ignored(tmp_path: Path) -> None:
    make(tmp_path, "a.txt")
    (tmp_path / ".gitignore").write_text("*\n", "utf-8")
    assert names(tmp_path / "a.txt") == ["a.txt"]


def test_an_ignore_file_of_odd_bytes_is_not_fatal(tmp_path: Path) -> None:
    make(tmp_path, "a.txt")
    (tmp_path / ".gitignore").write_bytes(b"\xff\xfe[\n!!\n\\\n[z-a]\n")
    assert names(tmp_path) == ["a.txt"]


def test_a_linked_folder_inside_is_read_in_its_own_place(tmp_path: Path) -> None:
    make(tmp_path, "sub/a.txt")
    (tmp_path / "again").symlink_to(tmp_path / "sub", target_is_directory=True)
    assert names(tmp_path) == ["sub/a.txt"]
    assert skipped(tmp_path) == {"again/": "a link to a folder that is read in its own place"}


@pytest.mark.parametrize(
    ("files", "notebooks"),
    [
        (
            ["v/.obsidian/app.json", "v/a.md", "v/sub/b.md", "other/c.md"],
            {"v/a.md": "obsidian", "v/sub/b.md": "obsidian"},
        ),
        (["g/logseq/config.edn", "g/pages/a.md"], {"g/pages/a.md": "logseq"}),
        (["g/pages/a.md", "g/journals/b.org"], {"g/pages/a.md": "logseq", "g/journals/b.org": "logseq"}),
        (["pages/a.md", "b.md"], {}),
    ],
)
def test_the_folder_tells_which_program_keeps_the_notes(
    tmp_path: Path, files: list[str], notebooks: dict[str, str]
) -> None:
    found = find_sources([make(tmp_path, *files)]).sources
    assert {source.file: source.notebook for source in found if source.notebook} == notebooks


def test_a_part_of_a_vault_is_read_as_such(tmp_path: Path) -> None:
    make(tmp_path, ".obsidian/app.json", "sub/a.md")
    for place in (tmp_path / "sub", tmp_path / "sub" / "a.md"):
        assert [source.notebook for source in find_sources([place]).sources] == ["obsidian"]


def test_logseq_keeps_its_own_files_to_itself(tmp_path: Path) -> None:
    make(tmp_path, "pages/a.md", "journals/b.md", "logseq/bak/pages/a/old.md")
    assert names(tmp_path) == ["journals/b.md", "pages/a.md"]
    assert skipped(tmp_path) == {"logseq/": "Logseq's own files"}


def test_a_file_that_grows_while_it_is_read_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    path.write_text("half\n", "utf-8")
    really, reads = sources._read_once, 0

    def while_writing(path: Path) -> tuple[os.stat_result, bytes, os.stat_result]:
        nonlocal reads
        reads += 1
        before, content, after = really(path)
        if reads == 1:
            path.write_text("half\nand the rest\n", "utf-8")
            after = path.stat()
        return before, content, after

    monkeypatch.setattr(sources, "_read_once", while_writing)
    assert sources.read_whole(path) == b"half\nand the rest\n"
    assert reads == 2


def test_a_file_that_was_emptied_a_moment_ago_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    path.write_text("", "utf-8")
    monkeypatch.setattr(sources.time, "sleep", lambda _: path.write_text("saved\n", "utf-8"))
    assert sources.read_whole(path) == b"saved\n"


def test_a_file_that_stays_empty_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("", "utf-8")
    assert sources.read_whole(path) == b""


def test_a_file_that_is_replaced_is_read_when_it_is_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    monkeypatch.setattr(sources.time, "sleep", lambda _: path.write_text("new\n", "utf-8"))
    assert sources.read_whole(path) == b"new\n"


def test_a_file_that_went_away_is_told(tmp_path: Path) -> None:
    make(tmp_path, "a.txt", "b.txt")
    found = find_sources([tmp_path]).sources
    (tmp_path / "b.txt").unlink()
    data, told = sources.read_sources(found)
    assert list(data) == ["a.txt"]
    assert [str(problem) for problem in told] == ["b.txt:1: this file went away while the notes were being read"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_a_pipe_in_the_place_of_a_file_hangs_nothing(tmp_path: Path) -> None:
    make(tmp_path, "a.txt")
    found = find_sources([tmp_path]).sources
    (tmp_path / "a.txt").unlink()
    os.mkfifo(tmp_path / "a.txt")
    data, told = sources.read_sources(found)
    assert data == {}
    assert [str(problem) for problem in told] == ["a.txt:1: this file cannot be read: not a regular file"]


def test_a_file_that_cannot_be_looked_at_costs_only_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a folder whose names may be listed and no more. Root may look at anything, so the system's answer is feigned."""
    make(tmp_path, "a.txt", "b.txt", "c.txt")
    really = Path.lstat

    def lstat(path: Path) -> os.stat_result:
        match path.name:
            case "a.txt":
                raise PermissionError(13, "Permission denied")
            case "b.txt":
                raise FileNotFoundError(2, "No such file or directory")
        return really(path)

    monkeypatch.setattr(Path, "lstat", lstat)
    assert names(tmp_path) == ["c.txt"]
    assert problems(tmp_path) == [
        "a.txt:1: cannot be looked at: Permission denied",
        "b.txt:1: went away while the notes were looked through",
    ]


def test_a_path_longer_than_the_system_takes_costs_only_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notes = make(tmp_path / "notes", "a.txt", "z/b.txt")
    monkeypatch.chdir(notes)
    for _ in range(100):  # from where one stands, since no call takes the whole of such a path
        Path("d" * 50).mkdir()
        os.chdir("d" * 50)
    found = find_sources([notes])
    assert [source.file for source in found.sources] == ["a.txt", "z/b.txt"]
    assert any("cannot be read: File name too long" in str(problem) for problem in found.problems)


def test_ignore_files_below_very_many_others_are_named_and_not_read(tmp_path: Path) -> None:
    deep = "/".join("d" * 101)
    notes = make(tmp_path, "a.txt", f"{deep}/b.txt")
    folder = notes
    for name in deep.split("/"):
        folder /= name
        (folder / ".gitignore").write_text("b.txt\n", "utf-8")
    assert names(notes) == ["a.txt"]
    assert [problem for problem in problems(notes) if "is not read: there are 100 such files above it" in problem]


def test_names_that_are_no_text_are_held_against_ignore_files(tmp_path: Path) -> None:
    notes = make(tmp_path, "a.txt")
    (notes / os.fsdecode(b"caf\xe9.txt")).write_text("a line\n")
    (notes / os.fsdecode(b"th\xe9.txt")).write_text("a line\n")
    (notes / ".gitignore").write_text("*a*b*c*d*\nth?.txt\n", "utf-8")
    assert names(notes) == ["a.txt", "caf\\udce9.txt"]


def test_a_line_of_an_ignore_file_that_means_nothing_is_named_and_the_others_hold(tmp_path: Path) -> None:
    notes = make(tmp_path, "a.txt", "private/b.txt")
    (notes / ".gitignore").write_text("private/\n[z-a].txt\n", "utf-8")
    assert names(notes) == ["a.txt"]
    assert problems(notes) == [".:1: '[z-a].txt' in .gitignore is no pattern as in .gitignore and was not used"]


def test_a_line_that_means_nothing_in_the_repository_above_is_named(tmp_path: Path) -> None:
    make(tmp_path, "notes/a.txt", "notes/private/b.txt", ".git/config")
    (tmp_path / ".gitignore").write_text("private/\n[z-a].txt\n", "utf-8")
    assert names(tmp_path / "notes") == ["a.txt"]
    assert problems(tmp_path / "notes") == [
        ".:1: '[z-a].txt' in .gitignore is no pattern as in .gitignore and was not used"
    ]
