"""Pages on which something is said thousands of times: a reader that looks at all of it each time would not come back."""

import pytest

from indexer.readers import read_outline, read_with_account

LOGSEQ = ("pages/a.md", "logseq")
ORG = ("a.org", "")
MARKDOWN = ("a.md", "")
UNKNOWN = ("a", "")
MANY = 100_000
DAYS = [f"{1000 + at // 336}-{at // 28 % 12 + 1:02}-{at % 28 + 1:02}" for at in range(MANY)]


@pytest.mark.parametrize(
    ("reader", "text", "said"),
    [
        (LOGSEQ, "# H\na:: 1\nb:: 2\na:: 1\nSCHEDULED: <2026-01-02>\n", "a=1 b=2 scheduled=2026-01-02"),
        (LOGSEQ, "- #+begin_src\n  x\n  #+end_src\n  b:: 2\n  a:: 1\n  b:: 2\n", "b=2 a=1"),
        (ORG, "* TODO H\n:PROPERTIES:\n:a: 1\n:END:\n:PROPERTIES:\n:b: 2\n:a: 1\n:END:\n", "todo=TODO state=open a=1 b=2"),
        (ORG, "* H\nCLOSED: [2026-01-03]\nDEADLINE:<2026-01-02>\nCLOSED:[2026-01-03]", "closed=2026-01-03 deadline=2026-01-02"),
    ],
)  # fmt: skip
def test_what_is_said_of_a_node_later_stands_in_order_and_once(reader: tuple[str, str], text: str, said: str) -> None:
    file, notebook = reader
    [node] = read_outline(file, text.encode(), notebook).nodes
    assert " ".join(f"{name}={value}" for name, value in node.attributes) == said


@pytest.mark.parametrize(
    ("reader", "text"),
    [
        (LOGSEQ, "# H\n" + "".join(f"k{at}:: v\n" for at in range(MANY))),
        (ORG, "* H\n" + "".join(f":PROPERTIES:\n:k{at}: v\n:END:\n" for at in range(MANY))),
        (ORG, "* H\nx\n" + "".join(f"SCHEDULED: <{day}>\n" for day in DAYS)),
    ],
    ids=["properties", "drawers", "dates"],
)
def test_a_node_of_which_much_is_said(reader: tuple[str, str], text: str) -> None:
    file, notebook = reader
    outline = read_outline(file, text.encode(), notebook)
    assert len(outline.nodes[-1].attributes) == MANY


@pytest.mark.parametrize(
    ("reader", "text"),
    [
        (LOGSEQ, "  #+begin_src\n" * MANY + "- x\n#+end_src\n"),
        (UNKNOWN, (" " * 40_000 + "\n") * 390 + "* x\n"),
        (("a.md", ""), (" " * 2_000 + "\n") * 4_000 + "x\n"),
        (ORG, "#+title: a word or two\n" * 4 * MANY + "* x\n"),
        (ORG, "a:\n" + "\n" * MANY + ": x\n\n" * MANY),
        (MARKDOWN, "a:\n" + "\n" * 2 * MANY + "- x\n* x\n" * 10_000),
        (ORG, ("a *" + " " * 19_000 + "b\n\n") * 200),
    ],
    ids=[
        "blocks",
        "blank head",
        "blank page",
        "titles",
        "code after blanks",
        "lists after blanks",
        "spaces",
    ],
)
def test_a_long_page(reader: tuple[str, str], text: str) -> None:
    file, notebook = reader
    outline, account = read_with_account(file, text.encode(), notebook)
    assert account.adds_up
    assert outline.nodes
    assert not outline.problems


@pytest.mark.parametrize(
    ("line", "is_rule"),
    [
        ("|---|---|", True),
        ("|:--|--:|", True),
        ("| -- |", True),
        ("|\u3000--|", True),
        ("||--||", True),
        ("|-|-|", False),
        ("|--x|", False),
        ("|::|", False),
    ],
)
def test_the_rule_of_a_table_is_no_row(line: str, is_rule: bool) -> None:
    nodes = read_outline("a.md", f"- t\n  |a|b|\n  {line}\n  |c|d|\n".encode(), "logseq").nodes
    rows = [(node.text, node.depth) for node in nodes]
    assert (rows == [("t", 0), ("a, b", 1), ("c, d", 2)]) is is_rule


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Tidy  [1/3] the shed", "Tidy the shed"),
        ("Tidy\u3000[50%][/]", "Tidy"),
        ("[%] Tidy", "Tidy"),
        ("a  [1/2  b", "a [1/2 b"),
    ],
)
def test_how_much_is_done_is_no_text(text: str, plain: str) -> None:
    assert read_outline("a.org", f"* {text}\n".encode()).nodes[0].text == plain


def blocks(column: str, between: str) -> str:
    return f"- a\n{column}#+begin_src\n{column}x = 1\n{between}{column}#+begin_src\n{column}y = 2\n{column}#+end_src\n"


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        (blocks("  ", ""), ["a", "x = 1 #+begin_src y = 2"]),
        (blocks("  ", "- b\n"), ["a x = 1", "b", "y = 2"]),
        (blocks("\t", "  - b\n"), ["a x = 1", "b", "y = 2"]),
        (blocks("  ", "\t- b\n"), ["a", "x = 1 \t- b #+begin_src y = 2"]),
    ],
)
def test_a_block_that_is_never_closed_ends_with_what_it_is_in(text: str, texts: list[str]) -> None:
    nodes = read_outline("a.md", text.encode(), "logseq").nodes
    assert [" ".join(node.text.split()) for node in nodes] == [" ".join(text.split()) for text in texts]


@pytest.mark.parametrize(("lines", "closed"), [(499, True), (500, True), (501, False)])
def test_a_drawer_of_more_than_500_lines_is_none(lines: int, closed: bool) -> None:
    page = "- a\n  :LOGBOOK:\n" + "  x\n" * lines + "  :END:\n"
    assert (read_outline("a.md", page.encode(), "logseq").nodes[0].text == "a") is closed


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("#+title: One\n#+title:\n#+TITLE: Two\n", "One Two"),
        (":PROPERTIES:\n:title: One\n:END:\n:PROPERTIES:\n:title: Two\n:END:\n", "One"),
        ("#+title: One\n:PROPERTIES:\n:title: Two\n:END:\n#+title: Three\n", "One Three"),
    ],
)
def test_the_title_of_a_file(text: str, title: str) -> None:
    assert read_outline("a.org", text.encode()).title == title


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("a.md", "a:\n\n\n- x\n"),
        ("a.org", "a:\n\n\n: x\n"),
        ("a.org", "a:\n\n\n| x |\n\n| x |\n"),
    ],
)
def test_what_follows_a_colon_goes_under_it_over_blank_lines(file: str, text: str) -> None:
    nodes = read_outline(file, text.encode()).nodes
    assert [(node.text, node.depth) for node in nodes] == [("a:", 0)] + [("x", 1)] * (len(nodes) - 1)
