"""OPML that is not well-formed, piece by piece: what is still read of it, and what of it is text."""

import pytest

from indexer.readers import read_outline

DIGITS = "9" * 5_000


@pytest.mark.parametrize(
    ("inside", "texts"),
    [
        ('<outline text="a "b" c"/>', ['a "b" c']),
        ('<outline text="a <i class="x y">b</i>"/>', ["a b"]),
        ("<outline text=\"a' note='b\"/>", ["a' note='b"]),
        ('<outline a="b c="d text=\'e\' note="f', ["e", "f"]),
        ("<outline a='b c='d text=\"e\" note='f", ["e", "f"]),
        ('<outline text="a<outline text="b"/>', ["a", "b"]),
        ('<outline text="a<!-- x --><outline text="b"/>', ["a", "b"]),
    ],
)
def test_where_a_value_ends(inside: str, texts: list[str]) -> None:
    outline = read_outline("a.opml", f"<opml><body>{inside}</body></opml>".encode())
    assert [node.text for node in outline.nodes] == texts


@pytest.mark.parametrize(
    ("before", "texts"),
    [
        ("<!DOCTYPE opml>", ["a"]),
        ('<!DOCTYPE opml [<!ELEMENT outline ANY> <outline text="no"/> ] >', ["a"]),
        ('<!DOCTYPE opml [ <outline text="b"/>', ["b", "a"]),
        ('<!DOCTYPE opml <!DOCTYPE opml [ <outline text="b"/> <!DOCTYPE [<!DOCTYPE x>', ["b", "a"]),
        ('<!DOCTYPE opml []><!DOCTYPE opml [ <outline text="b"/>', ["b", "a"]),
    ],
)
def test_a_document_type_without_an_end_hides_no_outline(before: str, texts: list[str]) -> None:
    outline = read_outline("a.opml", f'{before}<opml><body><outline text="a"/></body></opml>'.encode())
    assert [node.text for node in outline.nodes] == texts


@pytest.mark.parametrize(
    ("before", "format"),
    [
        ("<!-- one -->\n<!-- two -->\n<!---->", "OPML"),
        ('<?xml version="1.0"?>\n<!-- one -->', "OPML"),
        ("<!-- one ", "indented text"),
        ("words <!-- one -->", "indented text"),
        ("<!---->" * 40 + "words", "indented text"),
    ],
)
def test_comments_before_opml(before: str, format: str) -> None:
    assert read_outline("a.txt", f'{before}\n<opml><outline text="a"/></opml>'.encode()).format == format


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("a.opml", f'<opml><body><outline text="a &amp;#{DIGITS}; b &amp;amp; c"/></body></opml>'),
        ("a.md", f"<div>a &#{DIGITS}; b &amp; c</div>"),
    ],
    ids=["OPML", "Markdown"],
)
def test_a_number_that_is_no_character_costs_nothing_else(file: str, text: str) -> None:
    outline = read_outline(file, text.encode())
    assert [node.plain or node.text for node in outline.nodes] == ["a \N{REPLACEMENT CHARACTER} b & c"]
    assert outline.problems == []
