"""VimOutliner: a tab a level, body text after ':', ';', '|', '>' or '<', checkboxes "[_]" and "[X]".

Body text belongs to the heading above it. Lines after ':' or '>' are text that wraps, so a run of them is one node; ';' and '<'
keep lines as they are, so a run is one node too, as it stands; '|' is a table, a row each, under its head if it has one ('||').
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from indexer.attributes import Attribute, todo
from indexer.readers.indents import column_of, tab_width
from indexer.readers.page import Format, Page, Reading, Tree

_BODY = re.compile(r"([:;|<>])(?:\s?(.*))$", re.DOTALL)
_CHECKBOX = re.compile(r"\[([_X \-])\]\s+(?:(\d{1,3})%\s+)?(?=\S)", re.IGNORECASE)
_BULLET = re.compile(r"([-*+•])\s+(?=\S)")
_RULE = re.compile(r"[\s|+:=-]*")
_WRAPS = frozenset(":>")


def read(page: Page) -> Reading:
    """Linear in the size of the page; every line is in a node or named."""
    reader = _Reader(Tree())
    tab = tab_width(page.lines)
    for number, line in enumerate(page.lines, start=1):
        if line.strip():
            reader.take(number, column_of(line, tab), line.strip())
    reader.end_body()
    return reader.tree.reading()


@dataclass(slots=True)
class _Reader:
    tree: Tree
    open: list[tuple[int, int]] = field(default_factory=list)  # (column, node) from the outermost heading to the last
    body: list[tuple[int, str]] = field(default_factory=list)
    sign: str = ""
    column: int = 0
    head: int | None = None

    def take(self, number: int, column: int, text: str) -> None:
        found = _BODY.match(text)
        if not found:
            self.end_body()
            self._heading(number, column, text)
            return
        sign, rest = found.groups()
        follows = self.body and self.body[-1][0] == number - 1
        if sign != self.sign or column != self.column or not follows or (sign in _WRAPS and not rest.strip()):
            self.end_body()
        if sign == "|":
            self._row(number, column, rest)
        elif not rest.strip():
            if self.body:
                self.body.append((number, ""))
            self.tree.name(number, number, "empty body text")
        else:
            self.body.append((number, rest.strip() if sign in _WRAPS else rest.rstrip()))
        self.sign, self.column = sign, column

    def end_body(self) -> None:
        if self.body:
            plain = " ".join(text for _, text in self.body)
            self.tree.add(self._parent(self.column), self.body, plain=plain)
        self.body, self.sign, self.head = [], "", None

    def _heading(self, number: int, column: int, text: str) -> None:
        attributes: list[Attribute] = []
        marker = ""
        if bullet := _BULLET.match(text):
            marker, text = bullet.group(1), text[bullet.end() :]
        if box := _CHECKBOX.match(text):
            state, share = box.groups()
            marker = f"{marker} [{state}]".strip()
            attributes = todo("DONE" if state in "xX" else "CANCELED" if state == "-" else "TODO")
            attributes += [Attribute("progress", f"{share}%")] if share else []
            text = text[box.end() :]
        while self.open and self.open[-1][0] >= column:
            self.open.pop()
        parent = self.open[-1][1] if self.open else None
        self.open.append((column, self.tree.add(parent, [(number, text)], marker=marker, attributes=attributes)))

    def _row(self, number: int, column: int, rest: str) -> None:
        headed = rest.startswith("|")
        cells = [cell.strip() for cell in rest.strip().strip("|").split("|")]
        self.body = []
        if _RULE.fullmatch(rest) or not any(cells):
            self.tree.name(number, number, "table rule")
        else:
            parent = self._parent(column) if headed or self.head is None else self.head
            plain = ", ".join(filter(None, cells))
            node = self.tree.add(parent, [(number, " | ".join(cells))], plain=plain)
            self.head = node if headed else self.head
        self.body = []

    def _parent(self, column: int) -> int | None:
        """The heading that text at this column belongs to: the nearest one that stands further left, or beside it."""
        while len(self.open) > 1 and self.open[-1][0] >= column:
            self.open.pop()
        return self.open[-1][1] if self.open else None


def _looks_like_vimoutliner(page: Page) -> bool:
    """Body text or checkboxes under headings that are indented by tabs."""
    indented: Sequence[str] = [line for line in page.lines[:400] if line.startswith("\t")]
    signs = [line for line in indented if re.match(r"\t+(?:[:;] \S|\[[_X]\] )", line)]
    return len(signs) > 1 and len(signs) * 10 >= len(indented)


FORMAT = Format("VimOutliner", (".otl", ".votl"), read, _looks_like_vimoutliner)
