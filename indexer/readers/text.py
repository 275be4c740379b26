"""Outlines in indented text: spaces, tabs or both, any step, bullets or none.

A line belongs under the nearest line above that is indented less. That one rule takes every step width, jumps of
several levels and dedents to a level never seen. The rest of this module is about what people do besides indenting:
bullets, lists that stand flush under their heading, a first line that only says "Notes:", and sentences broken by hand.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from indexer.node import Node
from indexer.readers.indents import column_of, tab_width
from indexer.readers.page import Format, Page, Reading

_MARKER = re.compile(r"([-*+•‣◦▪·–—]|\d{1,3}[.)])\s+(?=\S)")
_LABEL = re.compile(r"(my |our |the )?(notes?|outline|contents?|table of contents|index)\s*:", re.IGNORECASE)
_LEFT_OPEN = re.compile(
    r"(?:,|\b(?:a|an|and|are|as|at|be|but|by|can|for|from|if|in|into|is|must|not|of|on|or|our|so|than|that|the|their|to|"
    r"until|using|via|when|where|which|will|with|your))$"
)
_JOINING = re.compile(r"(?:and|at|but|by|for|from|in|of|on|or|that|to|using|which|with)\b")
_LONG = 60
"""Characters from which on a line may have been broken by hand because it was getting long."""
_MAX_WRAPPED = 12
"""No more source lines than this are joined into one node, so that its excerpt can show all of it."""


@dataclass(slots=True)
class _Item:
    """A node while its file is being read. column: where its line begins; text_column: where its text does."""

    line: int
    column: float
    text_column: int
    marker: str
    lines: list[str]
    depth: int = 0
    parent: int | None = None

    def ends_above(self, line: int) -> bool:
        return self.line + len(self.lines) == line


def read(lines: Sequence[str]) -> list[Node]:
    """The nodes of an outline. Linear in the size of the text; no input fails."""
    tab = tab_width(lines)
    rows = [(number, column_of(line, tab), line.strip()) for number, line in enumerate(lines, start=1) if line.strip()]
    items: list[_Item] = []
    open_items: list[tuple[float, int]] = []  # (column, position in items) from the outermost to the last item
    for at, (number, column, body) in enumerate(rows):
        marker = found.group(1) if (found := _MARKER.match(body)) else ""
        text = body[found.end() :] if found else body
        has_children = at + 1 < len(rows) and rows[at + 1][1] > column
        above = items[-1] if items and items[-1].ends_above(number) else None
        if above and not marker and _continues(above, text, column, has_children):
            above.lines.append(text)
            continue
        item = _Item(number, column, column + (found.end() if found else 0), marker, [text])
        if marker and _stands_flush(open_items, column, items):
            item.column += 0.5
        while open_items and open_items[-1][0] >= item.column:
            open_items.pop()
        item.depth = len(open_items)
        item.parent = open_items[-1][1] if open_items else None
        open_items.append((item.column, len(items)))
        items.append(item)
    return _without_label([Node(i.line, i.depth, i.parent, tuple(i.lines), i.marker) for i in items])


def _stands_flush(open_items: list[tuple[float, int]], column: int, items: list[_Item]) -> bool:
    """Whether a bulleted line belongs under the unbulleted heading that stands at its own column, as in

    Fruit:
    - apple
    - pear
    """
    for above_column, at in reversed(open_items):
        if above_column < column:
            return False
        if above_column == column + 0.5:
            return True  # a sibling before it does
        if above_column == column:
            heading = items[at]
            after_blank = at == 0 or not items[at - 1].ends_above(heading.line)
            return not heading.marker and (after_blank or heading.lines[-1].endswith(":"))
    return False


def _continues(above: _Item, text: str, column: int, has_children: bool) -> bool:
    """Whether `text` is the rest of a sentence that the author broke by hand after the last line of `above`."""
    if len(above.lines) >= _MAX_WRAPPED:
        return False
    hangs = above.column < column <= above.text_column if above.marker else column == above.column
    last = above.lines[-1]
    if not hangs or last.endswith((".", "!", "?", ":", ";")):
        return False
    if len(last) > 1 and (_LEFT_OPEN.search(last) or last.count("(") > last.count(")")):
        return True
    if len(last) < _LONG or has_children:
        return False
    return bool(_JOINING.match(text)) or (text[0].islower() and above.lines[0][0].isupper())


def _without_label(nodes: list[Node]) -> list[Node]:
    """A first line such as "Notes:" with everything under it names the file, not a subject: it is no one's ancestor."""
    if len(nodes) < 2 or nodes[0].marker or not _LABEL.fullmatch(nodes[0].text):
        return nodes
    if any(node.parent is None for node in nodes[1:]):
        return nodes
    lifted = [replace(n, depth=n.depth - 1, parent=None if n.parent == 0 else n.parent) for n in nodes[1:]]
    return [nodes[0], *lifted]


def _read_page(page: Page) -> Reading:
    return Reading(read(page.lines))


FORMAT = Format("indented text", (".txt", ".text", ".outline"), _read_page)
"""What has no sign of another format is read as this."""
