"""What holds for every text in every format: nothing is fatal, no line is lost, every place is true, the nodes are a tree."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from indexer.chunks import cut_chunks
from indexer.node import Outline
from indexer.readers import formats, read_with_account
from indexer.references import resolve
from tests.indexer.test_text_reader_properties import assert_is_a_tree, lines_of

FILES = {
    "Markdown": ("notes.md", ""),
    "Obsidian": ("notes.md", "obsidian"),
    "Logseq": ("pages/notes.md", "logseq"),
    "Org": ("notes.org", ""),
    "Org in Logseq": ("pages/notes.org", "logseq"),
    "OPML": ("notes.opml", ""),
    "VimOutliner": ("notes.otl", ""),
    "TaskPaper": ("notes.taskpaper", ""),
    "indented text": ("notes.txt", ""),
    "no suffix": ("notes", ""),
}
STARTS = ["", "", "", "  ", "    ", "\t", "\t\t", "\t  ", "> ", "> > ", "      ", "\u3000", "\xa0"]
# fmt: off
SIGNS = [
    "# ", "## ", "###### ", "- ", "* ", "+ ", "1. ", "12) ", "- [ ] ", "- [x] ", "-", "***", "---", "===", "```",
    "~~~", "```py", "| a | b |", "|---|---|", "|", "||", ": ", ":", "; ", ";", "> ", "<", "[_] ", "[X] 50% ",
    "[a]: b", "[^1]: ", "<div>", "</div>", "<!--", "-->", "<a name='x'></a>", "%%",
    "id:: 64c0ffee-0000-4000-8000-000000000001", "collapsed:: true", "key:: ", "title:: a", "TODO ", "DONE ",
    "[#A] ", "SCHEDULED: <2026-03-01 Sun>", "DEADLINE: <x>", ":LOGBOOK:", ":PROPERTIES:", ":END:", ":ID: 5",
    "#+begin_src py", "#+end_src", "#+BEGIN_QUOTE", "#+END_QUOTE", "#+begin_comment", "#+end_comment", "#+title: x",
    "#+TODO: A | B", "#+filetags: :a:b:", "#+", "# ", "CLOCK: [2026-01-01]", "* TODO x :tag:", "** ",
    "*************** x", "*************** END", "-----", "[fn:1] ", "@done", "@due(2026-01-01)", "Project:",
    "> [!note] ", "((64c0ffee-0000-4000-8000-000000000001))", "{{embed ((64c0ffee-0000-4000-8000-000000000001))}}",
    "<outline text=\"", "\"/>", "</outline>", "<opml>", "<body>", "<head>", "<?xml version='1.0'?>",
    "<!DOCTYPE x [<!ENTITY a 'b'>]>", "&a;", "&amp;", "<![CDATA[", "]]>", "_note=\"", "'", "title: [a, b]",
]
WORDS = [
    "word", "*bold*", "**b", "_i_", "`code`", "``", "[l](u)", "[l]", "[[w]]", "[[w|s]]", "[[u][l]]", "![[e]]",
    "#tag", "#a/b", "\\*", "\\", "<b>", "</b>", "<br>", "&lt;", "=v=", "~c~", "<2026-01-01>", "^id", "%%c%%",
    "==h==", "@t(v)", "[1/2]", "end:", "é", "日本語", "\u2028", "\f", "\ufeff", "\ue000", "\ue001", "\ud7ff", "\u001b",
    "|", "((", "))", "{{", "}}", ":", "::",
]
# fmt: on
pieces = st.sampled_from(SIGNS) | st.sampled_from(WORDS) | st.text("ab *_[]()<>#:-|`~=\\\"'&;", max_size=8)
lines = st.builds(
    lambda start, sign, words: start + sign + " ".join(words),
    st.sampled_from(STARTS),
    st.sampled_from([*SIGNS, *[""] * 20]),
    st.lists(pieces, max_size=5),
)
texts = st.lists(lines, max_size=25).map("\n".join)


def read(text: str, format: str) -> tuple[Outline, list[str]]:
    """The outline of a text, checked for what every reader has to do."""
    file, notebook = FILES[format]
    outline, account = read_with_account(file, text.encode(), notebook)
    source = lines_of(text.removeprefix("\ufeff"))
    assert account.adds_up, account
    assert account.lines == len(source)
    assert not any("failed" in problem.message for problem in outline.problems), outline.problems
    assert_is_a_tree(outline.nodes)
    return outline, source


def assert_places_are_true(outline: Outline, source: Sequence[str]) -> None:
    """All letters of a node stand on the line that the node says, in this order: readers take away, and add nothing."""
    before = 0
    for node in outline.nodes:
        assert len(node.line_numbers) == len(node.lines)
        assert before <= node.line <= node.end_line <= len(source)
        before = node.line
        assert node.text.strip()
        assert node.lines[0].strip()
        for number, line in zip(node.line_numbers, node.lines, strict=True):
            rest = iter(source[number - 1])
            assert all(letter in rest for letter in re.findall(r"[a-z]", line)), (number, line, source)


@pytest.mark.parametrize("format", FILES)
@settings(max_examples=150)
@given(text=texts)
@example(text="- [ ]\n- \n-\n\n")
@example(text="\ufeff---\na: b\n---\n# c")
@example(text="> " * 300 + "deep")
@example(text="- " * 300 + "deep")
@example(text="\n".join("  " * level + "- x" for level in range(150)) + "\n\nafter")
@example(text="* a\n:PROPERTIES:\n* b\n:END:\n")
@example(text="#+begin_src\n* a\n#+begin_src\n#+end_src\n")
@example(text="* h\n:open:\n   2. x\n  - [ ]\n    y\n\n- z\n")
@example(text="- a\n\t# b\n| h |\n|---|\n  |:-|-\n| r |\n")
@example(text='<outline text="a"><outline text="b" _note="c\nd"/></outline></outline>\n<outline')
@example(text='<outline text="f" note="a\nb" description="c\nd" _note="e"/>')
@example(text="- ((64c0ffee-0000-4000-8000-000000000001))\n  id:: 64c0ffee-0000-4000-8000-000000000001\n")
def test_whatever_the_text(format: str, text: str) -> None:
    outline, source = read(text, format)
    assert_places_are_true(outline, source)
    assert len(set(outline.ids())) == len(outline.nodes)
    assert {chunk.node for chunk in cut_chunks(outline)} == set(range(len(outline.nodes)))
    [resolved] = resolve([outline])
    assert_is_a_tree(resolved.nodes)
    assert [node.line for node in resolved.nodes] == [node.line for node in outline.nodes]


@pytest.mark.parametrize("format", FILES)
@settings(max_examples=60)
@given(data=st.binary(max_size=300))
def test_whatever_the_bytes(format: str, data: bytes) -> None:
    file, notebook = FILES[format]
    outline, account = read_with_account(file, data, notebook)
    assert account.adds_up
    assert not any("failed" in problem.message for problem in outline.problems)


@pytest.mark.parametrize("format", FILES)
@settings(max_examples=40)
@given(text=texts, encoding=st.sampled_from(["utf-8-sig", "utf-16", "utf-32"]), end=st.sampled_from(["\r\n", "\r"]))
def test_encoding_and_line_ends_make_no_difference(format: str, text: str, encoding: str, end: str) -> None:
    text = text.removeprefix("\ufeff")
    file, notebook = FILES[format]
    other = read_with_account(file, text.replace("\n", end).encode(encoding), notebook)
    assert other == read_with_account(file, text.encode(), notebook)


def test_every_format_is_tried() -> None:
    assert {each.suffixes[0] for each in formats()} <= {f".{file.rsplit('.', 1)[-1]}" for file, _ in FILES.values()}


trees: st.SearchStrategy[list[object]] = st.recursive(
    st.just([]),
    lambda inner: st.lists(st.tuples(st.text("xyz <>&\"'é", min_size=1).filter(str.strip), inner), max_size=4),
    max_leaves=12,
)


@given(trees)
def test_opml_that_is_well_formed_is_read_as_xml_reads_it(tree: list[tuple[str, list[object]]]) -> None:
    """The oracle is the XML parser of the standard library."""

    def written(items: list[tuple[str, list[object]]]) -> str:
        return "\n".join(f"<outline text={quoteattr(text)}>{written(below)}</outline>" for text, below in items)  # type: ignore[arg-type]

    text = f"<opml version='2.0'><body>{written(tree)}</body></opml>"
    outline = read_with_account("notes.opml", text.encode())[0]
    found = [" ".join(element.get("text", "").split()) for element in ET.fromstring(text).iter("outline")]
    assert [" ".join(node.text.split()) for node in outline.nodes] == found
    assert [problem.message for problem in outline.problems] == (
        [] if tree else ["there is no <outline> in this file, so none of it was indexed"]
    )
