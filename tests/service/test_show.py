"""What a terminal gets to see. Notes are other people's text: they must not move its cursor, colour it or turn it round."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import indexer.encoder
from service import cli
from service.cli.show import ProgressBars, show_answer, show_related
from service.types import Answer, ExcerptLine, Quotation, Reason, RelatedNode, RelatedResults, Source
from service.types import Result as Found
from tests.conftest import TINY_MODEL, Workshop

FOUND = Found(
    "0123456789abcdef",
    0.714,
    ["Identity", "STS"],
    "a role",
    [
        ExcerptLine(60, 0, "STS", False, []),
        ExcerptLine(61, 1, "a role", True, [(2, 6)], marker="-"),
        ExcerptLine(62, 1, "a user", False, []),
    ],
    Source("identity.txt", 61, 60, 62),
)


def test_an_answer_is_the_quotation_then_the_excerpts_with_trail_and_place() -> None:
    answer = Answer("what?", True, 0.93, Quotation("a role", FOUND.id), [FOUND], "g", 1.0)
    assert show_answer(answer).split("\n") == [
        "“a role”",
        "(93% sure)",
        "",
        "Identity > STS   identity.txt:61   0.71",
        "  STS",
        ">     - a role",
        "      a user",
    ]


def test_a_refusal_says_so_and_shows_the_nearest() -> None:
    shown = show_answer(Answer("what?", False, 0.1, None, [FOUND], "g", 1.0)).split("\n")
    assert shown[0] == "This is not in your notes (90% sure). The nearest:"
    assert shown[2].startswith("Identity > STS")


def test_related_notes_are_a_line_each() -> None:
    node = RelatedNode("0123456789abcdef", 0.5, ["Storage"], "a bucket", Source("s.txt", 3, 3, 3), Reason([], [], []))
    assert show_related(RelatedResults("x", [node], "g")) == "0.50  0123456789abcdef  s.txt:3  Storage > a bucket"
    assert show_related(RelatedResults("x", [], "g")) == "Nothing else in the notes is related."


HOSTILE = {
    "colour": "\x1b[31mred\x1b[0m",
    "window title": "\x1b]0;owned\x07",
    "link": "\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "clear": "\x1b[2J\x1b[H",
    "8-bit CSI": "\x9b31mred",
    "backspace": "safe\x08\x08\x08\x08evil",
    "bell": "ding\x07",
    "delete": "a\x7fb",
    "NEL": "a\x85b",
    "line separator": "a\u2028b\u2029c",
    "right to left": "a\u202etxt.exe",
    "isolates": "\u2066a\u2067b\u2068c\u2069",
    "marks": "\u200ea\u200fb\u061c",
    "tag characters": "a\U000e0041b",
    "invisible": "a\u200bb\ufeffc\u2060d",
    "form feed": "a\x0cb\x0bc",
}
SAFE = ["Äpfel für Übermut", "日本語", "family 👨‍👩‍👧", "heart ❤️", "Ελληνικά", "עברית", "a\tb", "≤ 5 — “quoted”"]


PADDING = "so much ordinary text that nobody takes this file for a program or a picture\n" * 20


def harmful(text: str) -> list[str]:
    """The characters that may steer a terminal; line ends are what lines are made of, joiners make up emoji."""
    steering = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    return [ascii(c) for c in text if unicodedata.category(c) in steering and c not in "\n\u200d\ufe0f"]


@pytest.fixture
def trellis(workshop: Workshop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """The command in this process, with the tiny encoder."""
    monkeypatch.setattr(indexer.encoder, "locate", lambda *_: TINY_MODEL)
    monkeypatch.setattr(indexer.encoder, "load", lambda *_: workshop.encoder)
    monkeypatch.chdir(tmp_path)

    def run(command: str, *arguments: str) -> Result:
        return CliRunner().invoke(cli.main, [command, *arguments, "--index", str(workshop.index)])

    return run


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_notes_do_not_reach_the_terminal(workshop: Workshop, trellis, text: str) -> None:
    """In a heading, a note, its neighbour and the file's name."""
    name = "".join(c for c in text if c not in "/\0") + ".txt"
    (workshop.notes / name).write_text(f"{PADDING}apple {text}\n  apple pie {text}\n  {text} pear\n", "utf-8")
    workshop.write("apple elsewhere\n  apple cake\n", "other.txt")
    workshop.build()
    asked = trellis("ask", "apple pie")
    assert "apple pie" in asked.stdout
    assert harmful(asked.stdout) == []
    node = json.loads(trellis("ask", "apple cake", "--file", "other.txt", "--json").stdout)["results"][0]["id"]
    seen = trellis("related", node)
    assert seen.exit_code == 0
    assert harmful(seen.stdout) == []
    (workshop.notes / name).write_text("apple\n", "utf-8")
    checked = trellis("check")
    assert checked.exit_code == 1
    assert "changed since" in checked.stdout
    assert harmful(checked.stdout) == []


@pytest.mark.parametrize("text", SAFE)
def test_other_writing_is_shown_as_it_is(workshop: Workshop, trellis, text: str) -> None:
    workshop.write(f"apple\n  pie {text}\n")
    workshop.build()
    assert text.replace("\t", " ") in trellis("ask", "apple pie").stdout


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_arguments_do_not_come_back_to_the_terminal(workshop: Workshop, trellis, text: str) -> None:
    workshop.write("apple\n")
    workshop.build()
    for arguments in (("related", text), ("ask", "apple", "--under", text), ("ask", "apple", "--file", text)):
        refused = trellis(*arguments)
        assert refused.exit_code == 2, arguments
        assert refused.stdout == ""
        assert refused.stderr.startswith("trellis: ")
        assert harmful(refused.stderr) == []


def test_a_hostile_question_set_does_not_reach_the_terminal(workshop: Workshop, trellis, tmp_path: Path) -> None:
    workshop.write("apple\n")
    workshop.build()
    questions = tmp_path / "q.jsonl"
    questions.write_text(
        "\n".join(
            json.dumps({"id": f"n-{at}", "q": "apple", "gold": [[1, 1]], "kind": text})
            for at, text in enumerate(HOSTILE.values())
        )
    )
    shown = trellis("eval", str(questions))
    assert shown.exit_code == 0
    assert harmful(shown.stdout) == []


def test_a_hostile_problem_in_the_notes_is_reported_harmlessly(workshop: Workshop, trellis) -> None:
    workshop.write("apple\n")
    (workshop.notes / "\x1b[31mbinary\u202e.txt").write_bytes(bytes(range(32)) * 100)
    workshop.build()
    reported = trellis("index", str(workshop.notes))
    assert reported.exit_code == 0
    assert "not a text file" in reported.stderr
    assert harmful(reported.stderr.replace("\r", "")) == []


def test_json_keeps_the_notes_as_they_are(workshop: Workshop, trellis) -> None:
    """A program gets the true text; what JSON escapes cannot steer a terminal either."""
    workshop.write(f"apple \x1b[31mred\x07\n{PADDING}")
    workshop.build()
    asked = trellis("ask", "apple", "--json")
    assert json.loads(asked.stdout)["results"][0]["text"] == "apple \x1b[31mred\x07"
    assert harmful(asked.stdout) == []


def test_progress_without_a_terminal_is_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressBars(every=0) as bars:
        for done in (200, 600, 1000):
            bars("embedding", done, 1000)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert re.fullmatch(r"embedding: 600 of 1,000 notes, [\d,]+ a second, [\d,]+ s left", lines[1])
    assert re.fullmatch(r"embedding: 1,000 of 1,000 notes, [\d,]+ a second", lines[2])


def test_short_work_says_nothing_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressBars() as bars:
        bars("embedding", 0, 10)
        bars("embedding", 10, 10)
    assert capsys.readouterr().err == ""
