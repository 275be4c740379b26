"""Texts that are made to hurt: very deep, very long, very many, never closed. Each reader ends, and accounts for every line.

Nothing is timed; a reader that takes the square of such a size would not come back.
"""

import pytest

from indexer.readers import read_with_account
from tests.indexer.test_reader_properties import FILES
from tests.indexer.test_text_reader_properties import assert_is_a_tree

BIG = 5_000
POISON = {
    "10,000 levels of spaces": "\n".join(" " * level + "x" for level in range(0, 10_000, 4)),
    "10,000 levels of bullets in a line": "- " * 10_000 + "x",
    "10,000 levels of quotes in a line": "> " * 10_000 + "x",
    "2,000 levels of nested bullets": "\n".join("  " * level + "- x" for level in range(2_000)),
    "2,000 levels of stars": "\n".join("*" * level + " x" for level in range(1, 2_000)),
    "elements inside elements": '<outline text="a">' * BIG,
    "a line of a megabyte": "word " * 200_000,
    "300,000 spaces inside a line": "* x" + " " * 300_000 + "y",
    "100,000 tags that end nothing": "- x" + " @a" * 100_000 + " y",
    "a line of brackets": "[" * 1_000_000,
    "many siblings": "- x\n" * BIG,
    "many paragraphs": "x\n\n" * BIG,
    "many headings": "# x\n" * BIG,
    "many definitions": "[x]: y\n" * BIG,
    "many rows": "|a|b|\n" * BIG,
    "a rule that ends in a letter": "|" + "-" * 4 * BIG + "x|\n",
    "many properties": "- x\n  a:: b\n" * BIG,
    "blocks never closed": "#+begin_src\n" * BIG,
    "blocks never closed before a bullet": "  #+begin_src\n" * 4 * BIG + "- x\n#+end_src\n",
    "bullets with blocks never closed": "- #+begin_query\n" * BIG,
    "drawers never closed": ":LOGBOOK:\n" * BIG,
    "drawers of any name never closed": ":a:\n" * BIG,
    "fences never closed": "- ```\n" * BIG,
    "comments never closed": "<!-- " * BIG,
    "attributes never closed": '<outline text="a ' * BIG,
    "quotes in quotes": '<outline text="a \'b "c' * BIG,
    "values never closed": "<opml><outline " + 'a="b ' * 4 * BIG,
    "values in quotes of two kinds never closed": "<opml><outline " + "a='\" " * 4 * BIG,
    "comments of nothing": "<!---->" * BIG,
    "document types never closed": "<opml>" + "<!DOCTYPE[" * 4 * BIG,
    "document types before a bracket": "<opml>" + "<!DOCTYPE " * 4 * BIG + "[",
    "tags never closed": "<a b=" * BIG,
    "links never closed": "[](" * 6_000,
    "images never closed": "![" * 9_000,
    "emphasis never closed": "*a **b _c " * 2_000,
    "backticks": "`" * 19_000,
    "backticks of all lengths": " ".join("`" * length for length in range(190)),
    "highlights never closed": "== ^^ ~~ %% " * 1_500,
    "references never closed": "(( {{embed " * 1_800,
    "wiki links never closed": "[[" * 9_000,
    "entities": "&amp;" * BIG,
    "an entity of 5,000 digits": f'<div>&#{"9" * BIG};</div>\n\n<outline text="&amp;#{"9" * BIG};"/>',
    "front matter of aliases": "---\na: &a [x,x,x,x,x,x,x,x]\n"
    + "".join(
        f"{b}: &{b} [*{a},*{a},*{a},*{a},*{a},*{a},*{a},*{a}]\n" for a, b in zip("abcdefg", "bcdefgh", strict=True)
    )
    + "---\ntext\n",
    "front matter of brackets": "---\na: " + "[" * 10_000 + "\n---\ntext\n",
    "front matter of 60,000 brackets": "---\na: " + "[" * 60_000 + "\n---\ntext\n",
    "front matter of 32,000 closed brackets": "---\na: " + "[" * 32_000 + "]" * 32_000 + "\n---\ntext\n",
    "front matter of dashes in a line": "---\na:\n  " + "- " * 30_000 + "\n---\ntext\n",
    "front matter of merge keys": "---\nk0: &k0 {x: 1}\n"
    + "".join(f"k{at}: &k{at} {{<<: [*k{at - 1}, *k{at - 1}]}}\n" for at in range(1, 40))
    + "---\ntext\n",
    "front matter of a title of aliases": "---\nt0: &t0 [x, x]\n"
    + "".join(f"t{at}: &t{at} [*t{at - 1}, *t{at - 1}]\n" for at in range(1, 40))
    + "title: *t39\n---\ntext\n",
    "front matter of a list of thousands again and again": "---\na: &a ["
    + "x," * 15_000
    + "]\n"
    + "".join(f"{at}: *a\n" for at in range(3_000))
    + "---\ntext\n",
    "front matter of a number": "---\na: 0x" + "F" * 60_000 + "\n---\ntext\n",
    "front matter that is large": "---\n" + "a: b\n" * BIG + "---\ntext\n",
    "controls": "\x00\x01\x02\n" * 100 + "text " * 1_000,
    "odd line ends": "a\u2028b\u2029c\x0bd\x0ce\x85f\n" * 1_000,
    "writing from right to left": "\u202eabc\u202c \u2066x\u2069\n" * 1_000,
}


@pytest.mark.parametrize("format", FILES)
def test_poison(format: str) -> None:
    file, notebook = FILES[format]
    for name, text in POISON.items():
        outline, account = read_with_account(file, text.encode("utf-8", "surrogatepass"), notebook)
        assert account.adds_up, (name, account)
        assert not any("failed" in problem.message for problem in outline.problems), (name, outline.problems)
        if len(outline.nodes) < 2_500:
            assert_is_a_tree(outline.nodes)
        assert len(set(outline.ids())) == len(outline.nodes), name


@pytest.mark.parametrize("name", [name for name in POISON if name.startswith("front matter")])
def test_front_matter_that_hurts_keeps_the_text(name: str) -> None:
    outline, _ = read_with_account("a.md", POISON[name].encode())
    assert [node.text for node in outline.nodes] == ["text"]
    assert sum(len(value) for _, value in outline.attributes) < 1_000
