"""The one type that every reader makes: a node of an outline, with its exact place."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from indexer.attributes import Attribute

ID_VERSION = b"trellis-node-1"
"""Part of every node id; a change to how ids are made changes this, so that old ids are never mistaken for new ones."""


@dataclass(frozen=True, slots=True)
class Node:
    """One item of an outline.

    line, end_line: first and last source line, 1-based, inclusive; a hard-wrapped item spans several.
    depth: 0 for a top-level node, its parent's depth + 1 otherwise.
    parent: position of the parent in `Outline.nodes`, None for a top-level node.
    lines: the item as it is shown, one string a source line, without indentation and bullet.
    marker: the bullet or number that was taken off ("-", "2."), or "".
    plain: its words without any markup, where they differ from `lines`; what is embedded and what ids are made of.
    numbers: the source line of each of `lines`, where they do not simply follow one another.
    attributes: what the node says of itself; they hold for all below it too (see `indexer.attributes`).
    """

    line: int
    depth: int
    parent: int | None
    lines: tuple[str, ...]
    marker: str = ""
    plain: str | None = None
    numbers: tuple[int, ...] = ()
    attributes: tuple[Attribute, ...] = ()

    @property
    def end_line(self) -> int:
        return self.numbers[-1] if self.numbers else self.line + len(self.lines) - 1

    @property
    def line_numbers(self) -> Sequence[int]:
        """The source line of each of `lines`."""
        return self.numbers or range(self.line, self.line + len(self.lines))

    @property
    def text(self) -> str:
        return " ".join(self.lines) if self.plain is None else self.plain


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the notes that could not be read as meant. Reported, never fatal."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


@dataclass(frozen=True, slots=True)
class Outline:
    """The nodes of one file in reading order: a parent stands before its children, a subtree is one unbroken run.

    syntax: the lines that carry no text of their own, each with the name of what it is ("code fence", "front matter").
    attributes: what holds for the whole file. title: what the file as a whole is about, where it says so.
    """

    file: str
    nodes: Sequence[Node]
    problems: Sequence[Problem] = ()
    syntax: Mapping[int, str] = field(default_factory=dict)
    attributes: tuple[Attribute, ...] = ()
    title: str = ""
    format: str = ""

    def ids(self, file: str = "") -> list[str]:
        """One id a node, 16 hexadecimal digits, the same as long as the node's file, path and text are. Of the same nodes in
        a file of another name, if one is given.

        Twins (same file, path and text) are told apart by their order, so that two equal texts are two nodes.
        """
        ids: list[str] = []
        seen: dict[tuple[str, str], int] = {}
        for node in self.nodes:
            above = (file or self.file) if node.parent is None else ids[node.parent]
            key = (above, node.text)
            twin = seen[key] = seen.get(key, -1) + 1
            parts = (ID_VERSION, above.encode(), node.text.encode("utf-8", "surrogatepass"), str(twin).encode())
            ids.append(hashlib.sha256(b"\0".join(parts)).hexdigest()[:16])
        return ids
