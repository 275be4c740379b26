"""Logseq: pages of blocks. A bullet begins a block, what is indented below it goes on with it, "key:: value" describes it.

Indentation alone says what is below what, so tabs under a heading are blocks and never code. Headings without a bullet hold
what comes below them. References to blocks of other pages are resolved when all pages are read (`indexer.references`).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

from indexer.attributes import EMBED, PRIORITY, Attribute, properties, todo
from indexer.readers.front_matter import read_front_matter
from indexer.readers.indents import column_of
from indexer.readers.markup import read_text
from indexer.readers.notebooks import is_drawing, page_attributes
from indexer.readers.org_syntax import PLANNING, planned, state_marker
from indexer.readers.page import Format, Page, Reading, Tree

_BULLET = re.compile(r"\s*([-*+]|\d{1,4}[.)])(?:\s+|$)")
_HEADING = re.compile(r"\s*(#{1,6})\s+(?=\S)")
_PROPERTY = re.compile(r"\s*([A-Za-z][\w.?/-]*)::(?:\s+(.*))?$")
_FENCE = re.compile(r"\s*(`{3,}|~{3,})\s*([\w+#-]*)")
_BLOCK = re.compile(r"\s*#\+(begin|end)_(\w+)", re.IGNORECASE)
_TODO = re.compile(r"(TODO|DOING|NOW|LATER|DONE|WAITING|WAIT|IN-PROGRESS|CANCELED|CANCELLED)\s+(?=\S)")
_PRIORITY = re.compile(r"\[#([A-C])\]\s*")
_CHECKBOX = re.compile(r"\[([ xX])\]\s+(?=\S)")
_DRAWER = re.compile(r"\s*:(LOGBOOK|PROPERTIES):\s*$", re.IGNORECASE)
_DRAWER_END = re.compile(r"\s*:END:\s*$", re.IGNORECASE)
_QUOTE = re.compile(r"\s*>\s?")
_RULE_SIGNS = re.compile(r"[\s|:-]+")
_EMBEDDED = re.compile(r"\{{2,3}\s*embed\s+([^{}()]{1,500}?)\s*\}{2,3}")
_OF_ITS_OWN = re.compile(r"^[^\S\n]*(?:id:: [0-9a-f]{8}-[0-9a-f-]{27}|collapsed:: (?:true|false))\s*$", re.MULTILINE)
_LONGEST_DRAWER = 500
_CODE = frozenset({"src", "example", "query", "export"})


@dataclass(slots=True)
class _Block:
    """A block that is being read. column: where its bullet stands, or would; headings stand a little to the left of what is
    flush with them. node: None until its text is complete.
    """

    column: float
    marker: str = ""
    state: str = ""
    numbered: list[tuple[int, str]] = field(default_factory=list)
    attributes: list[Attribute] = field(default_factory=list)
    node: int | None = None
    head: int | None = None


def read(page: Page) -> Reading:
    """Linear in the size of the page; every line is in a node or named."""
    return _Reader(page).read()


@dataclass(slots=True)
class _Reader:
    page: Page
    tree: Tree = field(default_factory=Tree)
    blocks: list[_Block] = field(default_factory=list)  # open ones, the outermost first
    open: _Block | None = None  # the last of them, while lines may still be added to its text
    title: str = ""
    attributes: list[Attribute] = field(default_factory=list)
    at: int = 0
    ends: dict[str, list[int]] = field(default_factory=dict)
    outermost: dict[int, list[float]] = field(default_factory=dict)  # see _outermost_bullet
    drawer_stop: int = -1  # the next line that ends a drawer, of those looked for so far

    def read(self) -> Reading:
        front = read_front_matter(self.page.lines)
        if front.problem:
            self.tree.problems.append((1, front.problem))
        title, attributes = page_attributes(self.page, front)
        if is_drawing(self.page, front):
            self.tree.name(1, len(self.page.lines), "drawing")
            return self.tree.reading(attributes, title)
        self.tree.name(1, front.last, "front matter")
        self.at = front.last
        while self.at < len(self.page.lines):
            self._step(self.page.lines[self.at])
        self._finish()
        return self.tree.reading([*attributes, *self.attributes], self.title or title)

    def _step(self, line: str) -> None:
        number, column = self.at + 1, column_of(line, 4)
        if not line.strip():
            if self.open and not self.open.marker:
                self._finish()  # a paragraph outside the blocks
            self.at += 1
        elif fence := _FENCE.match(line):
            self._fenced(fence.group(1), fence.group(2), column)
        elif (block := _BLOCK.match(line)) and self._bracketed(block, column):
            pass
        elif _DRAWER.match(line):
            self._drawer()
        elif bullet := _BULLET.match(line):
            self._begin(_Block(column, bullet.group(1)))
            self._first_line(number, line[bullet.end() :], column + 2)
        elif heading := _HEADING.match(line):
            level = len(heading.group(1))
            self._begin(_Block(column - 1 + level / 10))
            self._text(number, line[heading.end() :].rstrip("# "))
            self._finish()
            self.at += 1
        else:
            self._continue(number, column, line)
            self.at += 1

    def _first_line(self, number: int, text: str, column: int) -> None:
        """What stands behind a bullet may itself be a fence, a property or a heading."""
        self.at += 1
        if not text.strip():
            self.tree.name(number, number, "empty item")
        elif fence := _FENCE.match(text):
            self.at -= 1
            self._fenced(fence.group(1), fence.group(2), column)
        elif (block := _BLOCK.match(text)) and self._bracketed(block, column, number):
            pass
        else:
            self._continue(number, column, text)

    def _begin(self, block: _Block) -> None:
        self._finish()
        while self.blocks and self.blocks[-1].column >= block.column:
            self.blocks.pop()
        self.blocks.append(block)
        self.open = block

    def _continue(self, number: int, column: float, line: str) -> None:
        """A line that is no bullet: it goes on with the block it is indented under."""
        if found := _PROPERTY.match(line):
            self._describe(number, column, found.group(1), found.group(2) or "")
        elif PLANNING.match(line):
            self.tree.name(number, number, "planning")
            self._annotate(planned(line))
        elif line.lstrip().startswith("|") and line.rstrip().endswith("|") and line.count("|") > 1:
            self._row(number, column, line)
        elif self.open and (self.open.column < column or (not self.open.marker and self.open.column == column)):
            self._text(number, line)
        else:
            self._begin(_Block(column))
            self._text(number, line)

    def _text(self, number: int, line: str) -> None:
        block = self.open
        if block is None:
            return
        text = _QUOTE.sub("", line, count=1).strip() if line.lstrip().startswith(">") else line.strip()
        if not block.numbered:
            text = self._take_state(block, text)
        if text:
            block.numbered.append((number, text))
        else:
            self.tree.name(number, number, "empty item")

    def _take_state(self, block: _Block, text: str) -> str:
        """Takes what stands before the text of a block: heading signs, a TODO keyword, a checkbox, a priority."""
        if heading := _HEADING.match(text):
            text = text[heading.end() :]
        if state := _TODO.match(text):
            block.attributes += todo(state.group(1))
            text = text[state.end() :]
        elif box := _CHECKBOX.match(text):
            block.attributes += todo("TODO" if box.group(1) == " " else "DONE")
            block.state = f"[{box.group(1)}]"
            text = text[box.end() :]
        if priority := _PRIORITY.match(text):
            block.attributes.append(Attribute(PRIORITY, priority.group(1)))
            text = text[priority.end() :]
        block.state = block.state or state_marker(block.attributes)
        return text.strip()

    def _finish(self) -> None:
        """Makes a node of the open block, if it has a text; its children may follow."""
        block, self.open = self.open, None
        if block is None or block.node is not None or not block.numbered:
            return
        found = read_text([text for _, text in block.numbered], notebook="logseq")
        shown = [(number, text) for (number, _), text in zip(block.numbered, found.shown, strict=True)]
        if not any(text for _, text in shown):
            self.tree.name(block.numbered[0][0], block.numbered[-1][0], "markup alone")
            return
        plain = _EMBEDDED.sub(r"\1", found.plain)
        embedded = [Attribute(EMBED, name) for name in _EMBEDDED.findall(found.plain)]
        block.node = self.tree.add(
            self._home(self.blocks[:-1]),
            shown,
            marker=f"{block.marker} {block.state}".strip(),
            plain=plain,
            attributes=[*block.attributes, *found.attributes, *embedded],
        )

    def _home(self, blocks: list[_Block] | None = None) -> int | None:
        """The node that something goes under: the innermost open block that has one."""
        around = self.blocks if blocks is None else blocks
        return next((block.node for block in reversed(around) if block.node is not None), None)

    # What is not text

    def _describe(self, number: int, column: float, key: str, value: str) -> None:
        self.tree.name(number, number, "property")
        if self.blocks and self.blocks[-1].column < column:
            self._annotate(list(properties([(key, value)])))
        elif not self.blocks and key.lower() == "title":
            self.title = value.strip()
        elif not self.blocks:
            self.attributes += properties([(key, value)])
        else:
            self._annotate(list(properties([(key, value)])))

    def _annotate(self, attributes: list[Attribute]) -> None:
        if self.blocks and self.blocks[-1].node is None:
            self.blocks[-1].attributes += attributes
        elif self.blocks and self.blocks[-1].node is not None:
            self.tree.annotate(self.blocks[-1].node, attributes)
        else:
            self.attributes += attributes

    def _drawer(self) -> None:
        first, lines = self.at, self.page.lines
        if self.drawer_stop < first:
            self.drawer_stop = next((at for at in range(first, len(lines)) if _ends_drawer(lines[at])), len(lines))
        last = self.drawer_stop
        closed = last <= first + _LONGEST_DRAWER + 1 and last < len(lines) and _DRAWER_END.match(lines[last])
        self.at = last + 1 if closed else first + 1
        self.tree.name(first + 1, self.at, "log")

    def _fenced(self, sign: str, language: str, column: float) -> None:
        """Code whole, to the closing fence; one that is never closed ends with its block."""
        first = self.at
        last = first + 1
        lines = self.page.lines
        while last < len(lines) and not lines[last].strip().startswith(sign):
            if lines[last].strip() and column_of(lines[last], 4) < column and _BULLET.match(lines[last]):
                break
            last += 1
        closed = last < len(lines) and lines[last].strip().startswith(sign)
        self.tree.name(first + 1, last + 1 if closed else last, "code fence")
        self._code(first + 1, last, [Attribute("language", language)] if language else [], column)
        self.at = last + 1 if closed else last

    def _bracketed(self, block: re.Match[str], column: float, number: int = 0) -> bool:
        """#+BEGIN_SRC to #+END_SRC is code; of a quote or a tip only these two lines are syntax."""
        first = (number or self.at + 1) - 1
        kind = block.group(2).lower()
        self.tree.name(first + 1, first + 1, "block")
        self.at = first + 1
        if block.group(1).lower() == "begin" and kind in _CODE:
            last = self._end_of(kind)
            if last and self._outermost_bullet(last) >= column:  # or a block further out begins: this was never closed
                self.tree.name(first + 1, last + 1, "block")
                self._code(self.at, last, [], column)
                self.at = last + 1
        return True

    def _outermost_bullet(self, last: int) -> float:
        """The least column of a bullet from here to before position `last`. Found for all lines between the two at once, since
        thousands of blocks may be waiting for the same end.
        """
        lines, least = self.page.lines, self.outermost.get(last)
        if least is None:
            least = self.outermost[last] = [math.inf]
            for at in range(last - 1, self.at - 1, -1):
                column = column_of(lines[at], 4) if _BULLET.match(lines[at]) else math.inf
                least.append(min(least[-1], column))
        return least[last - self.at]

    def _end_of(self, kind: str) -> int:
        """The position of the next line that ends a block of this kind, 0 when there is none."""
        if not self.ends:
            for at, line in reversed(list(enumerate(self.page.lines))):
                if (found := _BLOCK.match(line)) and found.group(1).lower() == "end":
                    self.ends.setdefault(found.group(2).lower(), []).append(at)
            self.ends.setdefault("", [])
        ends = self.ends.get(kind, [])
        while ends and ends[-1] < self.at:
            ends.pop()
        return ends[-1] if ends else 0

    def _code(self, first: int, last: int, attributes: list[Attribute], column: float) -> None:
        """Adds the lines at positions first..last-1 as they stand, under the open block."""
        lines = self.page.lines[first:last]
        filled = [line for line in lines if line.strip()]
        if not filled:
            return
        common = min(len(line) - len(line.lstrip()) for line in filled)
        numbered = [(first + 1 + at, line[common:].rstrip()) for at, line in enumerate(lines)]
        self._finish()
        while self.blocks and self.blocks[-1].column >= column:
            self.blocks.pop()
        holder = self.blocks[-1] if self.blocks and self.blocks[-1].node is None else None
        marker = holder.marker if holder else ""
        own = [*attributes, *(holder.attributes if holder else [])]
        plain = " ".join(text for _, text in numbered)
        node = self.tree.add(self._home(), numbered, marker=marker, plain=plain, attributes=own)
        if holder:
            holder.node = node

    def _row(self, number: int, column: float, line: str) -> None:
        self._finish()
        while self.blocks and self.blocks[-1].column >= column:
            self.blocks.pop()
        self.tree.name(number, number, "table rule")
        if _is_rule(line):
            return
        cells = [read_text([cell], notebook="logseq") for cell in line.strip().strip("|").split("|")]
        plain = ", ".join(cell.plain for cell in cells if cell.plain)
        if not plain:
            return
        shown = " | ".join(cell.shown[0] for cell in cells)
        block = self.blocks[-1] if self.blocks else None
        below = self.page.lines[number] if number < len(self.page.lines) else ""
        is_head = "|" in below and _is_rule(below)
        if (
            block is not None
            and block.head is not None
            and block.head not in (len(self.tree.nodes) - 1, self.tree.nodes[-1].parent)
        ):
            block.head = None  # something stands between
        parent = self._home() if is_head or block is None or block.head is None else block.head
        node = self.tree.add(parent, [(number, shown)], plain=plain)
        if block is not None and is_head:
            block.head = node
            block.node = node if block.node is None else block.node


def _ends_drawer(line: str) -> bool:
    """Whether a drawer does not go on with this line, be it closed there or never."""
    return not line.strip() or bool(_DRAWER_END.match(line) or _BULLET.match(line))


def _is_rule(line: str) -> bool:
    """Whether a line of a table only parts its head from its rows."""
    return "--" in line and bool(_RULE_SIGNS.fullmatch(line))


def _recognises(page: Page) -> bool:
    """A page of a graph, or one with the properties that only Logseq writes."""
    return page.notebook == "logseq" or bool(_OF_ITS_OWN.search("\n".join(page.lines[:4000])))


FORMAT = Format("Logseq", (".md", ".markdown"), read, _recognises)
