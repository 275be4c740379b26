"""Bytes of a file to its lines, whatever wrote it: UTF-8, UTF-16, UTF-32, Latin-1, any line ending.

Decoding is by line: one stray byte in a long UTF-8 file spoils (and reports) its own line only. Lines are counted the
way editors count them, at LF, CR and CRLF, so U+2028 or a form feed inside a line does not shift the numbers below it.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from indexer.errors import NotText

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins with the UTF-16 mark, so it comes first
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LINE_END = re.compile(r"\r\n|\n|\r")
_LINE_END_BYTES = re.compile(rb"\r\n|\n|\r")
_CONTROL = re.compile(rb"[\x00-\x07\x0e-\x1a\x1c-\x1f\x7f]")
_SAMPLE = 1 << 20
_BINARY_SHARE = 0.05
"""Compressed or machine data holds about one control byte in ten; text holds none."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """lines: every line, blank ones too, without line ends. notices: (1-based line, what was doubtful about it)."""

    lines: list[str]
    notices: list[tuple[int, str]]


def decode(data: bytes) -> Decoded:
    """Raises NotText when the bytes are no text."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            data = data[len(mark) :]
            return _decode_by_line(data) if encoding == "utf-8" else _decode_whole(data, encoding)
    if b"\0" in data[:_SAMPLE] and (wide := _utf16_without_mark(data[:_SAMPLE])):
        return _decode_whole(data, wide)
    control = [found.start() for found in _CONTROL.finditer(data[:_SAMPLE])]
    if len(control) > _BINARY_SHARE * len(data[:_SAMPLE]):
        raise NotText(len(_LINE_END_BYTES.findall(data, 0, control[0])) + 1)
    return _decode_by_line(data)


def _utf16_without_mark(sample: bytes) -> str | None:
    """Latin text in UTF-16 has a zero in nearly every second byte, always on the same side."""
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    half = max(1, len(sample) // 2)
    if odd > 0.4 * half and even < 0.02 * half:
        return "utf-16-le"
    if even > 0.4 * half and odd < 0.02 * half:
        return "utf-16-be"
    return None


def _decode_whole(data: bytes, encoding: str) -> Decoded:
    lines = _LINE_END.split(data.decode(encoding, "replace"))
    try:
        data.decode(encoding)
    except UnicodeDecodeError as error:
        line = len(_LINE_END.findall(data[: error.start].decode(encoding, "replace"))) + 1
        return Decoded(lines, [(line, f"not valid {encoding.upper()}; unreadable characters became U+FFFD")])
    return Decoded(lines, [])


def _decode_by_line(data: bytes) -> Decoded:
    try:
        return Decoded(_LINE_END.split(data.decode("utf-8")), [])
    except UnicodeDecodeError:
        pass
    lines: list[str] = []
    foreign: list[int] = []
    for number, raw in enumerate(_LINE_END_BYTES.split(data), start=1):
        try:
            lines.append(raw.decode("utf-8"))
        except UnicodeDecodeError:
            foreign.append(number)
            lines.append(_windows_1252(raw))
    where = "1 line" if len(foreign) == 1 else f"{len(foreign)} lines"
    return Decoded(lines, [(foreign[0], f"{where} from here on not UTF-8, read as Latin-1 (Windows-1252)")])


def _windows_1252(raw: bytes) -> str:
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError:  # five bytes mean nothing there
        return raw.decode("latin-1")
