"""How people name a note: by its id, which may have its collection before it, or as file:line."""

from __future__ import annotations

from collections.abc import Container

_DIGITS = 9


def place_of(reference: str, collections: Container[str]) -> tuple[str, int] | None:
    """The file and the line, where that is what was named. collections: their names, which stand before an id."""
    file, colon, line = reference.rpartition(":")
    if not colon or file in collections or not (line.isascii() and line.isdecimal() and len(line) <= _DIGITS):
        return None
    return file, int(line)
