"""Markdown, as CommonMark with tables, footnotes, task lists, callouts, wiki links and front matter; vaults of Obsidian too.

Blocks are parsed by markdown-it-py, which says for each the lines it stands on. A heading holds what comes below it, a list
item its sub-items, a table's head its rows, a callout's title its text, and a paragraph that ends in a colon the list after it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.footnote import footnote_plugin

from indexer.attributes import Attribute, todo
from indexer.readers.front_matter import read_front_matter
from indexer.readers.graft import graft
from indexer.readers.markup import read_text, without_html
from indexer.readers.notebooks import is_drawing, page_attributes
from indexer.readers.page import Format, Page, Reading, Tree, first_filled

_NESTING = 200
"""Levels of blocks that markdown-it opens, of which a list takes two; what lies deeper is read as indented text."""
_PARSER = MarkdownIt("commonmark", {"maxNesting": _NESTING}).enable("table").use(footnote_plugin)
_TASK = re.compile(r"\[([ xX/-])\]\s+(?=\S)")
_EMPTY_TASK = re.compile(r"\[[ xX/-]\]")
_CALLOUT = re.compile(r"\[!([\w-]+)\][+-]?\s*")
_PREFIX = re.compile(r"[\s>]*(?:(?:[-*+]|\d{1,9}[.)])\s+)*(?:#{1,6}\s+)?")
_CELL = re.compile(r"(?<!\\)\|")
_REMARK = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_SIGNS = re.compile(r"^(?:#{1,6} \S|```\w*\s*$)", re.MULTILINE)
_INDENTED = re.compile(r"(?: {4}|\t)\s*(?![-*+\s]|\d+[.)])")

Numbered = list[tuple[int, str]]
"""Lines of text with their numbers in the file."""


@dataclass(slots=True)
class _Block:
    """An open block that holds others. marker: what stands before its text. node: what stands for it, once there is something.
    parent: where it goes itself. opener: a node that ends in a colon; its last line, or a blank one further down.
    """

    kind: str
    parent: int | None = None
    marker: str = ""
    node: int | None = None
    opener: tuple[int, int] | None = None

    @property
    def home(self) -> int | None:
        return self.parent if self.node is None else self.node


def read(page: Page) -> Reading:
    """Linear in the size of the page; every line is in a node or named."""
    return _Reader(page).read()


@dataclass(slots=True)
class _Reader:
    page: Page
    tree: Tree = field(default_factory=Tree)
    lines: list[str] = field(default_factory=list)
    blocks: list[_Block] = field(default_factory=lambda: [_Block("page")])
    headings: list[tuple[int, int]] = field(default_factory=list)  # (level, node)
    references: dict[str, Any] = field(default_factory=dict)

    def read(self) -> Reading:
        front = read_front_matter(self.page.lines)
        if front.problem:
            self.tree.problems.append((1, front.problem))
        title, attributes = page_attributes(self.page, front)
        if is_drawing(self.page, front):
            self.tree.name(1, len(self.page.lines), "drawing")
            return self.tree.reading(attributes, title)
        self.tree.name(1, front.last, "front matter")
        self.lines = [""] * front.last + list(self.page.lines[front.last :])
        if self.page.notebook == "obsidian":
            self._take_out_comments()
        environment: dict[str, Any] = {}
        tokens: list[Token] = []
        _PARSER.block.parse("\n".join(self.lines).replace("\0", "\ufffd"), _PARSER, environment, tokens)
        self.references = environment.get("references", {})
        for definition in [*self.references.values(), *environment.get("duplicate_refs", [])]:
            self.tree.name(definition["map"][0] + 1, definition["map"][1], "link definition")
        self._walk(tokens)
        graft(self.tree, self.lines)
        return self.tree.reading(attributes, title)

    def _take_out_comments(self) -> None:
        """Lines between two lines of %% are a comment of Obsidian's."""
        marks = [at for at, line in enumerate(self.lines) if line.strip() == "%%"]
        for first, last in zip(marks[::2], marks[1::2], strict=False):
            self.tree.name(first + 1, last + 1, "comment")
            self.lines[first : last + 1] = [""] * (last + 1 - first)

    def _walk(self, tokens: Sequence[Token]) -> None:
        row: Token | None = None
        cells: list[str] = []
        for at, token in enumerate(tokens):
            kind = token.type
            if kind == "inline" and row is None:
                self._add_text(tokens[at - 1], token)
            elif kind == "inline":
                cells.append(token.content)
            elif kind == "tr_open":
                row, cells = token, []
            elif kind == "tr_close" and row is not None:
                self._add_row(row, cells)
                row = None
            elif kind in {"fence", "code_block"}:
                self._add_code(token)
            elif kind == "html_block":
                self._add_html(token)
            elif kind == "hr":
                self.tree.name(*_lines_of(token), "rule")
            elif kind in _CONTAINERS:
                self._open(token)
            elif kind.endswith("_close") and kind.replace("_close", "_open") in _CONTAINERS:
                self._close()

    def _open(self, token: Token) -> None:
        first, last = _lines_of(token)
        kind, above = token.type.removesuffix("_open"), self.blocks[-1]
        marker, parent = "", above.home
        if kind == "list_item":
            marker = f"{token.info}{token.markup}"
            self.tree.name(first, first, "empty item")  # unless a text turns up on it
        elif kind == "footnote_reference":
            marker = f"[^{token.meta['label']}]"
        else:
            parent = self._parent_at(first)
        if kind == "blockquote":
            marker = ">"
            self.tree.name(first, last, "empty quote")
        elif kind == "table":
            self.tree.name(first, last, "table rule")
        if above.kind == "list_item" and above.node is None and kind != "list_item":
            marker = marker or above.marker
        self.blocks.append(_Block(kind, parent, marker))

    def _close(self) -> None:
        block, above = self.blocks.pop(), self.blocks[-1]
        if above.node is None and above.kind in _HOLDERS:
            above.node = block.node  # an item that begins with a table or a callout

    def _parent_at(self, line: int) -> int | None:
        """Where a list, a quote or a table goes: under the paragraph just above, when it ends in a colon, as in "Limits:"."""
        above = self.blocks[-1]
        if above.opener:
            node, last = above.opener[0], first_filled(self.lines, above.opener[1], line - 1)
            above.opener = node, last  # so that no blank line is passed twice
            if last >= line - 1:
                return node
        return above.home

    # What becomes nodes

    def _add(
        self, numbered: Numbered, parent: int | None, plain: str, attributes: Sequence[Attribute] = (), marker: str = ""
    ) -> int:
        """Adds a node. The first one in a list item or a footnote stands for it."""
        block = self.blocks[-1]
        node = self.tree.add(parent, numbered, marker=marker, plain=plain, attributes=attributes)
        if block.node is None and block.kind in _HOLDERS:
            block.node = node
        return node

    def _add_text(self, opening: Token, token: Token) -> None:
        """A heading or a paragraph."""
        block = self.blocks[-1]
        numbered = self._numbered(token)
        self.tree.name(*_lines_of(opening), "heading underline" if opening.type == "heading_open" else "markup alone")
        if not numbered or (block.kind == "list_item" and block.node is None and _EMPTY_TASK.fullmatch(numbered[0][1])):
            return
        if opening.type == "heading_open" and block.kind == "page":
            self._add_heading(int(opening.tag[1:]), numbered)
            return
        attributes: list[Attribute] = []
        marker = block.marker if block.node is None else ""
        if block.kind == "list_item" and block.node is None and (task := _TASK.match(numbered[0][1])):
            marker = f"{marker} [{task.group(1)}]"
            attributes = todo("TODO" if task.group(1) in " /" else "CANCELED" if task.group(1) == "-" else "DONE")
            numbered[0] = (numbered[0][0], numbered[0][1][task.end() :])
        elif block.kind == "blockquote" and block.node is None and (callout := _CALLOUT.match(numbered[0][1])):
            kind = callout.group(1)
            title = numbered[0][1][callout.end() :] or kind.capitalize()
            block.node = self._add_marked([(numbered[0][0], title)], block.parent, ">", [Attribute("callout", kind)])
            numbered, marker = numbered[1:], ""
        node = self._add_marked(numbered, block.home, marker, attributes) if numbered else None
        ends_open = node is not None and self.tree.nodes[node].text.endswith(":")
        block.opener = (node, numbered[-1][0]) if node is not None and ends_open else None

    def _add_heading(self, level: int, numbered: Numbered) -> None:
        while self.headings and self.headings[-1][0] >= level:
            self.headings.pop()
        parent = self.headings[-1][1] if self.headings else None
        node = self._add_marked(numbered, parent, "")
        if node is not None:
            self.headings.append((level, node))
            self.blocks[0].node, self.blocks[0].opener = node, None

    def _add_marked(
        self, numbered: Numbered, parent: int | None, marker: str, attributes: Sequence[Attribute] = ()
    ) -> int | None:
        """Adds a node whose text has Markdown in it; none when nothing is left of it but markup."""
        found = read_text([line for _, line in numbered], self.references, self.page.notebook)
        shown = [(number, line) for (number, _), line in zip(numbered, found.shown, strict=True)]
        if not any(line for _, line in shown):
            self.tree.name(numbered[0][0], numbered[-1][0], "markup alone")
            return None
        return self._add(shown, parent, found.plain, [*attributes, *found.attributes], marker)

    def _add_code(self, token: Token) -> None:
        """Whole and as it stands, but for the indentation of the block it is in."""
        first, last = _lines_of(token)
        fenced = token.type == "fence"
        if fenced:
            self.tree.name(first, last, "code fence")
        code = token.content.removesuffix("\n").split("\n")
        language = token.info.split()[:1] if fenced else []
        self._add_lines(
            [(first + fenced + at, line.rstrip()) for at, line in enumerate(code)],
            [Attribute("language", name) for name in language],
        )

    def _add_html(self, token: Token) -> None:
        first, last = _lines_of(token)
        block = token.content.removesuffix("\n")
        self.tree.name(first, last, "comment" if block.lstrip().startswith("<!--") else "HTML tag")
        kept = _REMARK.sub(lambda remark: "\n" * remark.group().count("\n"), block)
        words = [" ".join(without_html(line).split()) for line in kept.split("\n")]
        self._add_lines([(first + at, line) for at, line in enumerate(words)], [])

    def _add_lines(self, numbered: Numbered, attributes: Sequence[Attribute]) -> None:
        """Adds a node of lines without Markdown in them, if there are any words."""
        if any(line.strip() for _, line in numbered):
            block = self.blocks[-1]
            parent = self._parent_at(numbered[0][0])
            plain = " ".join(line for _, line in numbered)
            self._add(numbered, parent, plain, attributes, block.marker if block.node is None else "")

    def _add_row(self, row: Token, cells: Sequence[str]) -> None:
        table = self.blocks[-1]
        number = _lines_of(row)[0]
        whole = _PREFIX.sub("", self.lines[number - 1], count=1).strip().strip("|")
        if whole.replace("\\|", "").count("|") >= len(cells):  # more cells than the head has: none is lost
            cells = _CELL.split(whole)
        words = [read_text([cell], self.references, self.page.notebook) for cell in cells]
        shown = " | ".join(cell.shown[0] for cell in words)
        plain = ", ".join(cell.plain for cell in words if cell.plain)
        if plain:
            attributes = [attribute for cell in words for attribute in cell.attributes]
            marker = table.marker if table.node is None else ""
            self._add([(number, shown)], table.home, plain, attributes, marker)

    def _numbered(self, token: Token) -> Numbered:
        """The source lines of a text with their numbers, without bullets and quote marks; blank ones left out."""
        first, last = _lines_of(token)
        content = [line.strip() for line in token.content.split("\n")]
        if len(content) != last - first + 1:  # what Python takes for blank may be text for CommonMark
            content = [_PREFIX.sub("", line, count=1).strip() for line in self.lines[first - 1 : last]]
        return [(first + at, line) for at, line in enumerate(content) if line]


def _lines_of(token: Token) -> tuple[int, int]:
    """First and last line of a block, 1-based, inclusive."""
    first, last = token.map or [0, 0]
    return first + 1, last


_CONTAINERS = frozenset(
    {
        "bullet_list_open",
        "ordered_list_open",
        "list_item_open",
        "blockquote_open",
        "table_open",
        "footnote_reference_open",
    }
)
_HOLDERS = frozenset({"list_item", "footnote_reference", "table"})


def _looks_like_markdown(page: Page) -> bool:
    """Front matter, or two lines that are headings or code fences; but no outline in indented text, where '#' is any sign."""
    head = page.lines[:400]
    if read_front_matter(head).attributes:
        return True
    signs = len(_SIGNS.findall("\n".join(head)))
    indented = sum(1 for line in head if _INDENTED.match(line))
    return signs > 1 and indented * 20 <= sum(1 for line in head if line.strip())


FORMAT = Format("Markdown", (".md", ".markdown", ".mdown", ".mkd"), read, _looks_like_markdown)
