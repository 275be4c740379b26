"""References to blocks, resolved over all files of a graph, and marked as what they are."""

from textwrap import dedent

import pytest

from indexer.node import Outline
from indexer.readers import read_outline
from indexer.references import resolve

A = "64c0ffee-0000-4000-8000-00000000000a"
B = "64c0ffee-0000-4000-8000-00000000000b"


def graph(**pages: str) -> dict[str, Outline]:
    """Pages of a Logseq graph, read and resolved; written with A and B for the ids."""
    outlines = [
        read_outline(
            f"pages/{name}.md",
            dedent(text)
            .lstrip("\n")
            .replace("(A)", f"({A})")
            .replace("(B)", f"({B})")
            .replace(":: A", f":: {A}")
            .replace(":: B", f":: {B}")
            .encode(),
            "logseq",
        )
        for name, text in pages.items()
    ]
    return dict(zip(pages, resolve(outlines), strict=True))


def test_a_block_of_another_page_is_shown_and_embedded() -> None:
    pages = graph(
        one="""
        - The *valve* leaks
          id:: A
        """,
        two="""
        - Remember: ((A)) today
        - {{embed ((A))}}
        - [why](((A)))
        """,
    )
    reference, embed, label = pages["two"].nodes
    assert (reference.text, reference.lines) == (
        "Remember: The valve leaks today",
        ("Remember: ((The valve leaks)) today",),
    )
    assert reference.attributes == (("reference", A),)
    assert (embed.text, embed.lines) == ("The valve leaks", ("{{embed The valve leaks}}",))
    assert embed.attributes == (("embed", A),)
    assert label.text == "why"
    assert pages["one"].nodes[0].text == "The valve leaks"


def test_a_block_that_is_nowhere_stays_an_id() -> None:
    pages = graph(one="- x\n  id:: A\n- see ((B))\n")
    assert pages["one"].nodes[1].text == f"see (({B}))"


@pytest.mark.parametrize(
    "text",
    ["- me ((A))\n  id:: A\n", "- one ((B))\n  id:: A\n- two ((A))\n  id:: B\n", "- " + "((A)) " * 40 + "\n  id:: A\n"],
    ids=["itself", "each other", "itself many times"],
)
def test_circles_end(text: str) -> None:
    for node in graph(one=text)["one"].nodes:
        assert len(node.text) < 2_000_000


@pytest.mark.parametrize("order", ["one two three", "three two one"])
def test_of_two_blocks_with_one_id_the_first_by_name_counts(order: str) -> None:
    texts = {
        "one": "- kept by the notary\n  id:: A\n",
        "two": "- Safe: ((A))\n",
        "three": "- lies\n  id:: A\n- more lies\n  id:: A\n",
    }
    pages = graph(**{name: texts[name] for name in order.split()})
    assert pages["two"].nodes[0].text == "Safe: kept by the notary"
    assert not pages["one"].problems
    assert [(problem.line, problem.message) for problem in pages["three"].problems] == [
        (1, f"the block id {A} is that of pages/one.md, line 1 too, and references mean that one")
    ]


def test_an_id_that_nobody_refers_to_may_stand_twice() -> None:
    pages = graph(one="- x\n  id:: A\n", two="- x\n  id:: A\n", three="- ((B))\n")
    assert not any(outline.problems for outline in pages.values())


def test_files_without_references_are_left_as_they_are() -> None:
    outline = read_outline("a.txt", b"a ((b)) c\n")
    assert resolve([outline]) == [outline]
