"""Readers: one module a format, all making `indexer.node.Node`. Chosen by a file's suffix."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePath

from indexer.decode import decode
from indexer.errors import NotText
from indexer.node import Node, Outline, Problem
from indexer.readers import text

Reader = Callable[[Sequence[str]], list[Node]]
"""From all lines of a file, blank ones too, to its nodes; every non-blank line is in exactly one of them."""

READERS: dict[str, Reader] = {
    ".txt": text.read,
    ".text": text.read,
    ".otl": text.read,
    ".outline": text.read,
}

SUFFIXES = tuple(READERS)


def read_outline(file: str, data: bytes) -> Outline:
    """The outline in the bytes of one file; `file` is its name as results will show it.

    What is not text yields no nodes and one problem that says so; it never raises.
    """
    try:
        decoded = decode(data)
    except NotText as error:
        return Outline(file, [], [Problem(file, error.line, str(error))])
    reader = READERS.get(PurePath(file).suffix.lower(), text.read)
    problems = [Problem(file, line, message) for line, message in decoded.notices]
    return Outline(file, reader(decoded.lines), problems)
