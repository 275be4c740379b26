"""Front matter: what it says of the file; what is wrong with it is told, and costs nothing of the text below."""

import importlib
from pathlib import Path

import pytest
import yaml

from indexer import safe_yaml
from indexer.readers import read_with_account
from tests.conftest import run_trellis

READ = [
    ("title: My note", "My note", []),
    ("title: 2024", "2024", []),
    ("title: yes", "True", []),
    ("title:", "", []),
    ("Title: a\nSTATUS: Done", "a", [("status", "Done")]),
    ("tags: a b", "", [("tag", "a"), ("tag", "b")]),
    ("tags: a b, c", "", [("tag", "a b"), ("tag", "c")]),
    ("tags: [a b, '#c']", "", [("tag", "a b"), ("tag", "c")]),
    ("tags: [1, 2.5, yes, 2024-03-01]", "", [("tag", "1"), ("tag", "2.5"), ("tag", "true"), ("tag", "2024-03-01")]),
    ("aliases:\n  - x\n  - y", "", [("alias", "x"), ("alias", "y")]),
    ("date: 2024-03-01", "", [("date", "2024-03-01")]),
    ("created: 2024-03-01 10:20:30", "", [("created", "2024-03-01T10:20")]),
    ("done: no", "", [("done", "false")]),
    ("a: &a [x, y]\nb: *a", "", [("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")]),
    ("a: &a [*a, x]", "", [("a", "x")]),
    ("a: {b: c}\nd: [[e], f]\ng:", "", [("d", "f")]),
    ("=: a", "", [("=", "a")]),
    (f"a: {'[' * 48}x{']' * 48}\nb: c", "", [("b", "c")]),
]


@pytest.mark.parametrize(("inside", "title", "attributes"), READ)
def test_what_front_matter_says(inside: str, title: str, attributes: list[tuple[str, str]]) -> None:
    outline, account = read_with_account("p.md", f"---\n{inside}\n---\n- text\n".encode())
    assert (outline.title, [tuple(each) for each in outline.attributes]) == (title, attributes)
    assert [node.text for node in outline.nodes] == ["text"]
    assert not outline.problems
    assert account.adds_up


WRONG = [
    ("a: [b", "expected ',' or ']'"),
    ("a: !unknown b", "'!unknown'"),
    ("a: *b", "undefined alias"),
    (f"a: *{'b' * 5_000}", "undefined alias"),
    ("a: 2024-13-45", "'2024-13-45' cannot be read as timestamp"),
    ("a: !!timestamp x", "'x' cannot be read as timestamp"),
    ("a: !!bool abc", "'abc' cannot be read as bool"),
    ("a: !!int ''", "'' cannot be read as int"),
    ("a: !!float x", "'x' cannot be read as float"),
    ("? !!bool x\n: b\nc: d", "'x' cannot be read as bool"),
    ("a: &a !!str {=: *a}", "cannot be read as str"),
    (f"a: 0x{'F' * 4_000}", "cannot be read as int"),
    (f"? 0x{'F' * 4_000}\n: a\nb: c", "cannot be read as int"),
    (f"a: {'9' * 5_000}", "cannot be read as int"),
    (f"a: 1{':1' * 5_000}", "cannot be read as int"),
    (f"a: 1{':1' * 5_000}.0", "cannot be read as float"),
    (f"a: {'[' * 50}x{']' * 50}", "nested deeper than 50 levels"),
    (f"a: {'[' * 60_000}", "nested deeper than 50 levels"),
    (f"a: {'[' * 32_000}{']' * 32_000}", "nested deeper than 50 levels"),
    (f"a: {'{b: ' * 12_000}", "nested deeper than 50 levels"),
    (f"a:\n  {'- ' * 30_000}", "nested deeper than 50 levels"),
    (f"a:\n  {'? ' * 30_000}", "nested deeper than 50 levels"),
    ("\n".join(" " * level + "a:" for level in range(300)), "nested deeper than 50 levels"),
    ("k0: &k0 {x: 1}\nk1: {<<: *k0}", "merge keys"),
    ("k0: &k0 {x: 1}\n<<: *k0", "merge keys"),
    (f"a: &a [{'x,' * 15_000}]\n" + "".join(f"b{at}: *a\n" for at in range(3_000)), "repeats itself"),
    (f"a: &a {'x' * 30_000}\nb: [{'*a,' * 5_000}]", "repeats itself"),
    (f"a: &a {'9' * 4_200}\nb: [{'*a,' * 20_000}]", "repeats itself"),
    (f"{'k' * 1_000}: [{'x,' * 15_000}]", "repeats itself"),
    ("title: [a, b]", "the title in the front matter is no text"),
    ("title: {a: b}", "the title in the front matter is no text"),
    (f"a: {'b' * 70_000}", "front matter of 70,003 characters was passed over"),
]


@pytest.mark.parametrize("notebook", ["", "logseq", "obsidian"])
@pytest.mark.parametrize(("inside", "says"), WRONG)
def test_what_is_wrong_is_told_and_the_text_is_read(inside: str, says: str, notebook: str) -> None:
    outline, account = read_with_account("p.md", f"---\n{inside}\n---\n- text\n".encode(), notebook)
    assert [node.text for node in outline.nodes] == ["text"]
    assert not outline.attributes
    assert account.adds_up
    [problem] = outline.problems
    assert (problem.file, problem.line) == ("p.md", 1)
    assert says in problem.message
    assert len(problem.message) < 400


@pytest.mark.parametrize("inside", [inside for inside, _ in WRONG])
@pytest.mark.parametrize("file", ["p.txt", "p"])
def test_it_can_be_asked_whether_a_text_has_front_matter(inside: str, file: str) -> None:
    outline, account = read_with_account(file, f"---\n{inside}\n---\n- text\n".encode())
    assert outline.nodes[-1].text == "text"
    assert account.adds_up
    assert not any("failed" in problem.message for problem in outline.problems)


def test_one_note_does_not_end_the_run(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "a.md").write_text("- Oil the chain\n", "utf-8")
    for at, (inside, _) in enumerate(WRONG):
        (notes / f"p{at}.md").write_text(f"---\n{inside}\n---\n- text {at}\n", "utf-8")
    made = run_trellis("index", str(notes), "--index", str(tmp_path / "index"), "--account")
    assert made.returncode == 0, made.stderr
    assert f"all files ({len(WRONG) + 1})" in made.stdout
    assert f"{len(WRONG) + 1} in nodes" in made.stdout
    for at in range(len(WRONG)):
        assert f"p{at}.md:1: " in made.stdout + made.stderr


def test_where_pyyaml_has_no_c_code_the_same_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    try:
        read = importlib.reload(safe_yaml).read_yaml
        assert read("a: [1, {b: c}]\nd: no\n=: e") == {"a": [1, {"b": "c"}], "d": False, "=": "e"}
        for text in [f"a: {'[' * 2_000}", "a: !!bool abc", "<<: {a: b}", f"a: 0x{'F' * 4_000}"]:
            with pytest.raises(yaml.YAMLError, match=r"nested deeper|cannot be read|merge keys"):
                read(text)
    finally:
        monkeypatch.undo()
        importlib.reload(safe_yaml)
