"""Bytes in, numbered lines out: encodings, line ends, and what is no text at all."""

import codecs
import random
import zlib

import pytest

from indexer.decode import decode
from indexer.errors import NotText
from indexer.readers import read_outline

TEXT = "Café\n  – naïve €\n"


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode("utf-8"),
        codecs.BOM_UTF8 + TEXT.encode("utf-8"),
        codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"),
        codecs.BOM_UTF32_BE + TEXT.encode("utf-32-be"),
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-16-be"),
    ],
    ids=[
        "utf-8",
        "utf-8 BOM",
        "utf-16-le BOM",
        "utf-16-be BOM",
        "utf-32-le BOM",
        "utf-32-be BOM",
        "utf-16-le",
        "utf-16-be",
    ],
)
def test_unicode_in_every_dress(data: bytes) -> None:
    decoded = decode(data)
    assert decoded.lines == ["Café", "  – naïve €", ""]
    assert decoded.notices == []


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_with_letters_beyond_latin(encoding: str) -> None:
    mark = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}[encoding]
    text = "Заметки\n\tоблако 🌥\n"
    assert decode(mark + text.encode(encoding)).lines == ["Заметки", "\tоблако 🌥", ""]


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"a\nb\nc", ["a", "b", "c"]),
        (b"a\r\nb\r\nc", ["a", "b", "c"]),
        (b"a\rb\rc", ["a", "b", "c"]),
        (b"a\r\n\nb\n\rc\r\r\n", ["a", "", "b", "", "c", "", ""]),
        ("a\u2028b\x0cc\x85d\ne".encode(), ["a\u2028b\x0cc\x85d", "e"]),
        ("a\r\nb\rc\n".encode("utf-16"), ["a", "b", "c", ""]),
        (b"", [""]),
    ],
)
def test_lines_end_at_lf_cr_and_crlf_and_nowhere_else(data: bytes, lines: list[str]) -> None:
    assert decode(data).lines == lines


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_line_numbers_are_true_for_every_line_end(end: str, encoding: str) -> None:
    text = end.join(["Café", "", "  Thé", "", "", "    Été"])
    outline = read_outline("notes.txt", text.encode(encoding))
    assert [(node.line, node.text, node.depth) for node in outline.nodes] == [
        (1, "Café", 0),
        (3, "Thé", 1),
        (6, "Été", 2),
    ]


def test_latin_1_is_read_and_reported() -> None:
    decoded = decode("Café\nplain\n  5 € naïve\n".encode("cp1252"))
    assert decoded.lines == ["Café", "plain", "  5 € naïve", ""]
    assert decoded.notices == [(1, "2 lines from here on not UTF-8, read as Latin-1 (Windows-1252)")]


def test_bytes_that_windows_leaves_undefined() -> None:
    assert decode(b"a\x81b\x9d\n").lines == ["a\x81b\x9d", ""]


def test_one_bad_byte_spoils_and_reports_its_own_line_only() -> None:
    decoded = decode("Café\n  na\udcefve 5 €\n  naïve €\n".encode("utf-8", "surrogateescape"))
    assert decoded.lines == ["Café", "  naïve 5 â‚¬", "  naïve €", ""]
    assert decoded.notices == [(2, "1 line from here on not UTF-8, read as Latin-1 (Windows-1252)")]


def test_the_report_names_file_and_line() -> None:
    [problem] = read_outline("a/b.txt", b"good\ngood\nb\xe4d\n").problems
    assert str(problem).startswith("a/b.txt:3: 1 line from here on not UTF-8")


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (codecs.BOM_UTF16_LE + "good\nb".encode("utf-16-le") + b"\x00\xd8" + "x\n".encode("utf-16-le"), 2),
        (codecs.BOM_UTF16_BE + "good\ngood".encode("utf-16-be") + b"\x00", 2),  # cut in the middle of a character
        (codecs.BOM_UTF32_LE + "good\n".encode("utf-32-le") + b"\xff\xff\xff\xff", 2),
    ],
)
def test_broken_wide_text_is_read_with_a_notice(data: bytes, line: int) -> None:
    decoded = decode(data)
    assert decoded.lines[0] == "good"
    assert "\N{REPLACEMENT CHARACTER}" in "".join(decoded.lines)
    assert [number for number, _ in decoded.notices] == [line]


PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\0\0\0\x01\0\x08\x06\0\0\0\\r\xa8f"


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (PNG + zlib.compress(random.Random(7).randbytes(5000)), 2),
        (b"\x7fELF\x02\x01\x01" + bytes(100), 1),
        (b"SQLite format 3\0\x10\0\x01\x01\0@  \0\0\0\x05\0\0\0\n", 1),
        (bytes(1000), 1),
        (bytes(range(256)) * 20, 1),
        (b"PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0", 1),
    ],
    ids=["png", "elf", "sqlite", "zeros", "every byte", "zip"],
)
def test_what_is_no_text_is_refused_with_a_line_and_yields_no_nodes(data: bytes, line: int) -> None:
    with pytest.raises(NotText) as caught:
        decode(data)
    assert caught.value.line == line
    outline = read_outline("picture.txt", data)
    assert not outline.nodes
    assert [str(problem) for problem in outline.problems] == [
        f"picture.txt:{line}: this is not a text file, so none of it was indexed"
    ]


def test_a_stray_control_character_does_not_make_a_text_binary() -> None:
    text = "A note with one \0 zero and one \x07 bell in it, as terminals and old editors leave behind.\n"
    assert decode(text.encode()).lines == [text.rstrip("\n"), ""]
