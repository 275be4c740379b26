"""Where every line of a file went: into a node, into syntax that has a name, or blank. It has to add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from indexer.node import Outline


class Account(msgspec.Struct, frozen=True):
    """The lines of one file. in_nodes: non-blank lines that hold text of a node. syntax: the other lines by what they are.
    unaccounted: numbers of lines that are in neither, the first hundred; a reader that leaves any has a fault.
    """

    file: str
    format: str
    lines: int
    in_nodes: int
    blank: int
    syntax: dict[str, int]
    missing: int
    unaccounted: list[int]

    @property
    def adds_up(self) -> bool:
        return not self.missing and self.lines == self.in_nodes + self.blank + sum(self.syntax.values())

    def __str__(self) -> str:
        parts = [(self.in_nodes, "in nodes"), (self.blank, "blank"), *((n, name) for name, n in self.syntax.items())]
        if self.missing:
            parts.append((self.missing, f"unaccounted for, from line {self.unaccounted[0]}"))
        told = " + ".join(f"{count:,} {name}" for count, name in parts if count) or "nothing"
        return f"{self.file} ({self.format}): {self.lines:,} lines = {told}"


def account_of(outline: Outline, lines: Sequence[str]) -> Account:
    """Counts every line once: as blank, else as part of a node, else as named syntax, else as missing."""
    in_nodes = {number for node in outline.nodes for number in node.line_numbers}
    names: Counter[str] = Counter()
    blank = text = 0
    missing: list[int] = []
    for number, line in enumerate(lines, start=1):
        if not line or line.isspace():
            blank += 1
        elif number in in_nodes:
            text += 1
        elif number in outline.syntax:
            names[outline.syntax[number]] += 1
        else:
            missing.append(number)
    syntax = dict(names.most_common())
    return Account(outline.file, outline.format, len(lines), text, blank, syntax, len(missing), missing[:100])
