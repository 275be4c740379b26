"""The real command in a process of its own: what it prints, where, and how it ends."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from tests.conftest import Workshop, run_trellis

NOTES = """
    Fruit
      Apples
        An apple a day keeps the doctor away
      Bananas
        Bananas are picked while they are green
    Tools
      Sharpen the saw before the season begins
"""


@pytest.fixture(scope="module")
def orchard(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """Notes and their index, both made by the real command; one of the files is no text."""
    workshop = Workshop(tmp_path_factory.mktemp("orchard"))
    workshop.write(NOTES, "orchard.txt")
    (workshop.notes / "picture.txt").write_bytes(bytes(range(256)) * 8)
    made = run_trellis("index", str(workshop.notes), "--index", str(workshop.index), "--json")
    report = only_json(made)
    assert made.returncode == 0
    assert (report["files"], report["nodes"], report["embedded"]) == (2, 7, 7)
    assert [(problem["file"], problem["line"]) for problem in report["problems"]] == [("picture.txt", 1)]
    assert "picture.txt:1: this is not a text file" in made.stderr
    return workshop


def only_json(done: CompletedProcess[str]) -> Any:
    """The one document on standard output; anything before or after it fails."""
    assert "Traceback" not in done.stderr
    return json.loads(done.stdout)


def check_refused(done: CompletedProcess[str], *says: str, status: int = 2) -> None:
    """Checks for a clear message on standard error, nothing on standard output, and the exit status."""
    assert "Traceback" not in done.stderr, done.stderr
    assert done.stdout == ""
    assert done.returncode == status, done.stderr
    message = done.stderr.strip()
    assert message
    for part in says:
        assert part in message
    assert len(message) < 1500


# What works


def test_index_again_embeds_nothing(orchard: Workshop) -> None:
    done = run_trellis("index", str(orchard.notes), "--index", str(orchard.index), "--json")
    report = only_json(done)
    assert done.returncode == 0
    assert (report["embedded"], report["kept"], report["removed"]) == (0, 7, 0)
    assert [problem["file"] for problem in report["problems"]] == ["picture.txt"]


def test_ask_what_the_notes_answer(orchard: Workshop) -> None:
    done = run_trellis("ask", "When are bananas picked?", "--index", str(orchard.index), "--top", "2", "--json")
    answer = only_json(done)
    assert done.returncode == 0
    assert answer["answered"]
    assert "Bananas are picked while they are green" in answer["answer"]["text"]
    assert answer["results"][0]["source"]["file"] == "orchard.txt"
    assert len(answer["results"]) <= 2


def test_ask_what_the_notes_do_not_answer(orchard: Workshop) -> None:
    done = run_trellis("ask", "How many moons has Jupiter?", "--index", str(orchard.index), "--json")
    answer = only_json(done)
    assert done.returncode == 1
    assert not answer["answered"]
    assert answer["answer"] is None


def test_ask_for_people(orchard: Workshop) -> None:
    done = run_trellis("ask", "When are bananas picked?", "--index", str(orchard.index))
    assert done.returncode == 0
    assert done.stdout.startswith("“")
    assert "orchard.txt:5" in done.stdout
    assert "Fruit > Bananas" in done.stdout


def test_related_by_place(orchard: Workshop) -> None:
    done = run_trellis("related", "orchard.txt:3", "--index", str(orchard.index), "--top", "3", "--json")
    found = only_json(done)
    assert done.returncode == 0
    assert 1 <= len(found["results"]) <= 3
    assert not {"Fruit", "Apples", "An apple a day keeps the doctor away"} & {node["text"] for node in found["results"]}


def test_eval(orchard: Workshop, tmp_path: Path) -> None:
    questions = tmp_path / "questions.jsonl"
    questions.write_text(
        '{"id": "n-1", "q": "When are bananas picked?", "gold": [[5, 5]], "file": "orchard.txt"}\n'
        '{"id": "x-1", "q": "How many moons has Jupiter?", "gold": []}\n'
    )
    done = run_trellis("eval", str(questions), "--index", str(orchard.index), "--json")
    scores = only_json(done)
    assert done.returncode == 0
    assert (scores["groups"]["all"]["questions"], scores["groups"]["all"]["mrr"]) == (1, 1)
    assert (scores["not_in_notes"]["questions"], scores["not_in_notes"]["refused"]) == (1, 1)


def test_index_says_what_it_passed_over_and_where_lines_went(workshop: Workshop) -> None:
    workshop.write("# Head\n\n- item\n***\n", "a.md")
    workshop.write("one\n", "b.txt")
    for name in ("a.sync-conflict-20260301-101500-ABCDEFG.md", "b.txt~", "drafts/c.txt", ".hidden.txt"):
        workshop.write("left\n", name)
    workshop.write("drafts/\n", ".gitignore")
    for _ in ("made", "unchanged"):
        done = run_trellis("index", str(workshop.notes), "--index", str(workshop.index), "--account")
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[:3] == [
            "a.md (Markdown): 5 lines = 2 in nodes + 2 blank + 1 rule",
            "b.txt (indented text): 2 lines = 1 in nodes + 1 blank",
            "all files (2): 7 lines = 3 in nodes + 3 blank + 1 rule",
        ]
        told = [line for line in done.stderr.splitlines() if line.startswith("passed over")]
        assert sorted(told) == [
            "passed over 1: a copy that a sync conflict left behind: a.sync-conflict-20260301-101500-ABCDEFG.md",
            "passed over 1: an editor's temporary file or backup: b.txt~",
            "passed over 1: ignored by .gitignore: drafts/",
        ]
    report = only_json(run_trellis("index", str(workshop.notes), "--index", str(workshop.index), "--account", "--json"))
    assert [(account["file"], account["lines"], account["missing"]) for account in report["accounts"]] == [
        ("a.md", 5, 0),
        ("b.txt", 2, 0),
    ]
    assert {"reason": "hidden", "count": 2, "names": [".gitignore", ".hidden.txt"]} in report["skipped"]


def test_check_of_a_whole_and_current_index(orchard: Workshop) -> None:
    done = run_trellis("check", "--index", str(orchard.index), "--json")
    verdict = only_json(done)
    assert done.returncode == 0
    assert (verdict["ok"], verdict["whole"], verdict["current"], verdict["nodes"]) == (True, True, True, 7)


def copy_of(orchard: Workshop, folder: Path) -> Path:
    return Path(shutil.copytree(orchard.index, folder / "copy"))


def test_check_says_which_notes_have_changed(orchard: Workshop) -> None:
    changed, added = orchard.notes / "orchard.txt", orchard.notes / "added.txt"
    before = changed.read_bytes()
    try:
        changed.write_bytes(before + b"Cellar\n")
        added.write_text("Attic\n")
        done = run_trellis("check", "--index", str(orchard.index), "--json")
    finally:
        changed.write_bytes(before)
        added.unlink()
    verdict = only_json(done)
    assert done.returncode == 1
    assert (verdict["ok"], verdict["whole"], verdict["current"]) == (False, True, False)
    assert (verdict["changed"], verdict["added"], verdict["removed"]) == (["orchard.txt"], ["added.txt"], [])


@pytest.mark.parametrize("arguments", [["--help"], ["ask", "--help"], ["--version"]])
def test_help_is_no_error(arguments: list[str]) -> None:
    done = run_trellis(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip()


def test_settings_in_the_working_folder_are_used(orchard: Workshop, tmp_path: Path) -> None:
    (tmp_path / "trellis.yaml").write_text(f"index: {json.dumps(str(orchard.index))}\n")
    done = run_trellis("check", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "whole and current" in done.stdout


# What is refused


def test_a_question_that_cannot_be_asked(tmp_path: Path) -> None:
    """Known before anything is opened: there is not even an index here."""
    check_refused(run_trellis("ask", "", cwd=tmp_path), "question is empty")
    check_refused(run_trellis("ask", " \n", cwd=tmp_path), "question is empty")
    check_refused(run_trellis("ask", "x" * 100_000, cwd=tmp_path), "100,000 characters", "4,000")
    check_refused(run_trellis("ask", "bread", "--top", "-1", cwd=tmp_path), "'top' is -1", "between 1 and 50")
    check_refused(run_trellis("ask", "bread", "--top", "51", cwd=tmp_path), "'top' is 51", "between 1 and 50")
    check_refused(run_trellis("ask", "bread", "--top", "x", cwd=tmp_path), "--top", "'x'")
    check_refused(run_trellis("ask", "bread", "--json", "--top", "-1", cwd=tmp_path), "between 1 and 50")


def test_top_zero_is_not_taken_for_no_top(tmp_path: Path) -> None:
    check_refused(run_trellis("ask", "bread", "--top", "0", cwd=tmp_path), "'top' is 0", "between 1 and 50")


def test_related_with_top_zero(orchard: Workshop) -> None:
    done = run_trellis("related", "orchard.txt:3", "--top", "0", "--index", str(orchard.index))
    check_refused(done, "'top' is 0", "between 1 and 50")


USAGE = [
    ([], "Usage"),
    (["frobnicate"], "frobnicate"),
    (["ask"], "QUESTION"),
    (["ask", "a", "b"], "b"),
    (["ask", "bread", "--colour"], "--colour"),
    (["related"], "ID-or-FILE:LINE"),
    (["eval"], "QUESTIONS"),
    (["check", "--index"], "--index"),
    (["serve", "--port", "http"], "--port"),
    (["serve", "--port", "70000"], "port"),
]


@pytest.mark.parametrize(("arguments", "says"), USAGE, ids=[" ".join(usage[0]) or "nothing" for usage in USAGE])
def test_bad_usage(tmp_path: Path, arguments: list[str], says: str) -> None:
    check_refused(run_trellis(*arguments, cwd=tmp_path), says)


def no_such_folder(_: Path) -> list[str]:
    return ["index", "nowhere"]


def empty_folder(folder: Path) -> list[str]:
    (folder / "empty").mkdir()
    return ["index", "empty"]


def no_known_suffix(folder: Path) -> list[str]:
    (folder / "pictures").mkdir()
    (folder / "pictures" / "cat.png").write_bytes(b"\x89PNG")
    return ["index", "pictures"]


def only_binary(folder: Path) -> list[str]:
    (folder / "blob.txt").write_bytes(bytes(range(256)) * 8)
    return ["index", "blob.txt"]


def only_blank(folder: Path) -> list[str]:
    (folder / "blank.txt").write_text("\n \n\t\n")
    return ["index", "blank.txt"]


def index_folder_that_is_not_one(folder: Path) -> list[str]:
    (folder / "notes.txt").write_text("apple\n")
    (folder / "photos").mkdir()
    (folder / "photos" / "cat.png").write_bytes(b"\x89PNG")
    return ["index", "notes.txt", "--index", "photos"]


def index_that_is_a_file(folder: Path) -> list[str]:
    (folder / "notes.txt").write_text("apple\n")
    return ["index", "notes.txt", "--index", "notes.txt"]


def ask_a_folder_that_is_no_index(folder: Path) -> list[str]:
    (folder / "photos").mkdir()
    (folder / "photos" / "cat.png").write_bytes(b"\x89PNG")
    return ["ask", "cat", "--index", "photos"]


def ask_without_an_index(_: Path) -> list[str]:
    return ["ask", "apple", "--index", "nowhere"]


def related_without_an_index(_: Path) -> list[str]:
    return ["related", "notes.txt:1", "--index", "nowhere"]


def eval_without_questions(_: Path) -> list[str]:
    return ["eval", "nowhere.jsonl"]


def eval_of_nonsense(folder: Path) -> list[str]:
    (folder / "q.jsonl").write_text('{"id": "n-1", "q": "x", "gold": []}\nnonsense\n')
    return ["eval", "q.jsonl"]


def unknown_setting(folder: Path) -> list[str]:
    (folder / "trellis.yaml").write_text("colour: blue\n")
    return ["check"]


def ill_typed_setting(folder: Path) -> list[str]:
    (folder / "trellis.yaml").write_text("port: '80'\n")
    return ["serve"]


def settings_that_are_no_yaml(folder: Path) -> list[str]:
    (folder / "trellis.yaml").write_text("port: [\n")
    return ["ask", "apple"]


def settings_that_are_not_there(_: Path) -> list[str]:
    return ["--config", "mine.yaml", "check"]


def serve_nothing(_: Path) -> list[str]:
    return ["serve", "nowhere", "--port", "0"]


def serve_on_no_address(folder: Path) -> list[str]:
    (folder / "notes.txt").write_text("apple\n")
    return ["serve", "notes.txt", "--host", "no.such.host.invalid", "--port", "0"]


BAD_INPUT: list[tuple[Callable[[Path], list[str]], tuple[str, ...]]] = [
    (no_such_folder, ("nowhere", "no such file or folder")),
    (empty_folder, ("'empty'", ".txt")),
    (no_known_suffix, ("'pictures'", ".txt")),
    (only_binary, ("blob.txt", "not a text file")),
    (only_blank, ("blank.txt",)),
    (index_folder_that_is_not_one, ("photos", "cat.png", "not a Trellis index")),
    (index_that_is_a_file, ("notes.txt", "not a Trellis index")),
    (ask_a_folder_that_is_no_index, ("photos", "not a Trellis index")),
    (ask_without_an_index, ("nowhere", "trellis index")),
    (related_without_an_index, ("nowhere", "trellis index")),
    (eval_without_questions, ("nowhere.jsonl", "cannot be read")),
    (eval_of_nonsense, ("q.jsonl:2",)),
    (unknown_setting, ("trellis.yaml", "colour", "allowed_origins")),
    (ill_typed_setting, ("trellis.yaml", "port")),
    (settings_that_are_no_yaml, ("trellis.yaml", "YAML")),
    (settings_that_are_not_there, ("mine.yaml",)),
    (serve_nothing, ("nowhere", "no such file or folder")),
    (serve_on_no_address, ("no.such.host.invalid",)),
]


@pytest.mark.parametrize(("prepare", "says"), BAD_INPUT, ids=[case[0].__name__ for case in BAD_INPUT])
def test_bad_input(tmp_path: Path, prepare: Callable[[Path], list[str]], says: tuple[str, ...]) -> None:
    arguments = prepare(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    check_refused(run_trellis(*arguments, cwd=tmp_path), *says)
    assert {path: path.read_bytes() for path in before} == before  # nothing is lost


def test_a_port_in_use(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("apple\n")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run_trellis("serve", "notes.txt", "--port", str(port), cwd=tmp_path)
    check_refused(done, f"127.0.0.1:{port}", "--port")
    assert not (tmp_path / "index").exists()  # known before any work


UNKNOWN_NODES = ["0000000000000000", "orchard.txt:" + "9" * 30]


@pytest.mark.parametrize("node", UNKNOWN_NODES)
def test_an_unknown_node(orchard: Workshop, node: str) -> None:
    check_refused(run_trellis("related", node, "--index", str(orchard.index)), "There is no node", node)


@pytest.mark.skipif(os.name == "nt", reason="arguments are text there")
def test_bytes_that_are_no_text(orchard: Workshop) -> None:
    """A question typed in a terminal that is set to Latin-1."""
    broken = os.fsdecode("Wann sind Äpfel reif?".encode("latin-1"))
    done = run_trellis("ask", broken, "--index", str(orchard.index), "--json")
    if done.returncode == 2:
        check_refused(done)
    else:
        assert only_json(done)["results"]


def test_the_index_of_another_model(workshop: Workshop) -> None:
    """Refused by name with the command that rebuilds it; asking never rebuilds."""
    workshop.write("apple\n")
    workshop.build()
    current = (workshop.index / "CURRENT").read_bytes()
    check_refused(
        run_trellis("ask", "apple", "--index", str(workshop.index)),
        "made by another model",
        "'tiny'",
        "'all-MiniLM-L6-v2'",
        f"trellis index NOTES --index {workshop.index}",
    )
    verdict = run_trellis("check", "--index", str(workshop.index), "--json")
    assert verdict.returncode == 1
    assert "made by another model" in only_json(verdict)["problem"]
    assert (workshop.index / "CURRENT").read_bytes() == current


def test_an_index_of_another_format_version(orchard: Workshop, tmp_path: Path) -> None:
    copy = copy_of(orchard, tmp_path)
    old = copy / "generations" / (copy / "CURRENT").read_text()[:16]
    manifest = json.loads((old / "manifest.json").read_bytes()) | {"format": 999, "new": "field"}
    data = json.dumps(manifest).encode()
    (old / "manifest.json").write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    old.rename(old.with_name(digest[:16]))
    (copy / "CURRENT").write_text(digest + "\n")
    check_refused(run_trellis("ask", "apple", "--index", str(copy)), "format version", "999", "trellis index")


def files_of(index: Path) -> list[str]:
    return ["CURRENT", *sorted(path.relative_to(index).as_posix() for path in index.glob("generations/*/*"))]


def test_a_truncated_or_changed_index_file_is_never_answered_from(orchard: Workshop, tmp_path: Path) -> None:
    """Each file of the index cut short by one byte, emptied, removed, or with one bit flipped."""
    names = files_of(orchard.index)
    assert len(names) >= 4
    for number, name in enumerate(names):
        copy = Path(shutil.copytree(orchard.index, tmp_path / f"copy{number}"))
        data = (copy / name).read_bytes()
        middle = len(data) // 2
        flipped = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
        broken = {
            "cut": data[:-1] if name != "CURRENT" else data[:-2],
            "flipped": flipped,
            "empty": b"",
            "removed": None,
        }
        for how in {"cut", list(broken)[number % 4]}:
            if broken[how] is None:
                (copy / name).unlink(missing_ok=True)
            else:
                (copy / name).write_bytes(broken[how])
            done = run_trellis("check", "--index", str(copy), "--json")
            verdict = only_json(done)
            assert (done.returncode, verdict["ok"], verdict["whole"]) == (1, False, False), (name, how)
            assert "trellis index" in verdict["problem"]


def test_asking_a_truncated_index(orchard: Workshop, tmp_path: Path) -> None:
    copy = copy_of(orchard, tmp_path)
    vectors = next(copy.glob("segments/*/vectors.faiss"))
    vectors.write_bytes(vectors.read_bytes()[:-1])
    check_refused(
        run_trellis("ask", "apple", "--index", str(copy)),
        "damaged",
        "vectors.faiss",
        f"trellis index NOTES --index {copy}",
    )
