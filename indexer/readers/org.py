"""Org: headlines, lists, tables, blocks, drawers, planning, tags, inline tasks. A reader of our own, line by line.

Of the parsers on PyPI orgparse is the one that is kept up, and it gives the line of a headline but not of what stands under it,
and drops drawers and keywords without a trace; here every line has to be accounted for. After the Org Syntax specification
(orgmode.org/worg/org-syntax.html).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from indexer.attributes import DATE, Attribute, date, properties, tags, todo
from indexer.readers import org_syntax as syntax
from indexer.readers.front_matter import FrontMatter
from indexer.readers.indents import column_of
from indexer.readers.notebooks import page_attributes
from indexer.readers.org_markup import read_text
from indexer.readers.page import Format, Page, Reading, Tree, first_filled

Numbered = list[tuple[int, str]]


@dataclass(slots=True)
class _Item:
    """An open list item. column: of its bullet. node: what stands for it, once it has a text."""

    column: int
    marker: str
    node: int | None
    parent: int | None


def read(page: Page) -> Reading:
    """Linear in the size of the page; every line is in a node or named."""
    return _Reader(page).read()


@dataclass(slots=True)
class _Reader:
    page: Page
    tree: Tree = field(default_factory=Tree)
    headings: list[tuple[int, int]] = field(default_factory=list)  # (stars, node)
    items: list[_Item] = field(default_factory=list)
    open_words: frozenset[str] = frozenset()
    done_words: frozenset[str] = frozenset()
    titles: list[str] = field(default_factory=list)
    attributes: list[Attribute] = field(default_factory=list)
    task: int | None = None  # an inline task that is open
    opener: tuple[int, int] | None = None  # a paragraph that ends in a colon; its last line, or a blank one below
    head: int | None = None  # the head of the table that is open
    at: int = 0
    ends: dict[str, list[int]] = field(default_factory=dict)

    def read(self) -> Reading:
        self._prepare()
        lines = self.page.lines
        while self.at < len(lines):
            self._step(lines[self.at])
        stated = FrontMatter(title=" ".join(self.titles), attributes=tuple(self.attributes))
        title, attributes = page_attributes(self.page, stated)
        return self.tree.reading(attributes, title)

    def _prepare(self) -> None:
        """What holds for the whole file wherever it stands: TODO keywords, and where blocks and drawers end."""
        stated: list[str] = []
        for at in range(len(self.page.lines) - 1, -1, -1):
            line = self.page.lines[at].strip().lower()
            if line.startswith("#+end_") or line.startswith("#+end:"):
                self.ends.setdefault(line.split()[0], []).append(at)
            elif line == ":end:":
                self.ends.setdefault(line, []).append(at)
            elif line.startswith("*"):
                self.ends.setdefault("headline", []).append(at)
            if line.startswith(("#+todo:", "#+seq_todo:", "#+typ_todo:")):
                stated.append(self.page.lines[at])
        words, done = syntax.todo_words(stated)
        usual = not stated or self.page.notebook == "logseq"
        self.open_words = frozenset(words) | (syntax.USUAL_OPEN if usual else frozenset())
        self.done_words = frozenset(done) | (syntax.USUAL_DONE if usual else frozenset())
        if self.page.notebook == "logseq":
            self.open_words |= {"NOW", "LATER"}

    def _end(self, what: str, before_headline: bool = False) -> int | None:
        """Where the block that begins here ends: the position of its last line, None when it is never closed."""
        ends = self.ends.get(what, [])
        while ends and ends[-1] <= self.at:
            ends.pop()
        if not ends:
            return None
        if before_headline:
            headlines = self.ends.get("headline", [])
            while headlines and headlines[-1] <= self.at:
                headlines.pop()
            if headlines and headlines[-1] < ends[-1]:
                return None
        return ends[-1]

    # One construct at a time

    def _step(self, line: str) -> None:
        if not line.strip():
            self.at += 1
            self.head = None
            return
        if headline := syntax.HEADLINE.match(line):
            self._headline(len(headline.group(1)), headline.group(2))
            return
        begin = syntax.BEGIN.match(line)
        if begin and self._block(begin.group(1).lower(), begin.group(2)):
            return
        if self._drawer(line) or self._named(line):
            return
        if line.lstrip().startswith("|"):
            self._row(line)
            return
        self.head = None
        if line.lstrip().startswith(": ") or line.strip() == ":":
            self._fixed_width()
        elif item := syntax.ITEM.match(line) or syntax.STAR_ITEM.match(line):
            self._item(line, item)
        else:
            self._paragraph()

    def _headline(self, stars: int, rest: str) -> None:
        number = self.at + 1
        self.items, self.opener, self.head = [], None, None
        inline = stars >= syntax.INLINE_TASK
        if inline and rest.strip().upper() == "END":
            self.tree.name(number, number, "inline task end")
            self.task = None
            self.at += 1
            return
        while not inline and self.headings and self.headings[-1][0] >= stars:
            self.headings.pop()
        self.task = None
        parent = self.headings[-1][1] if self.headings else None
        text, attributes = syntax.headline_text(rest, self.open_words, self.done_words)
        if not text.strip():
            self.tree.name(number, number, "empty headline")
            self.at += 1
            return
        found = read_text([text])
        shown = found.shown[0] or text
        attributes += found.attributes
        marker = syntax.state_marker(attributes)
        node = self.tree.add(parent, [(number, shown)], marker=marker, plain=found.plain, attributes=attributes)
        if inline:
            self.task = node if self._task_has_end() else None
        else:
            self.headings.append((stars, node))
        self.at += 1
        self._planning(node)

    def _task_has_end(self) -> bool:
        following = next((line for line in self.page.lines[self.at + 1 : self.at + 200] if line.startswith("*")), "")
        found = syntax.HEADLINE.match(following)
        return bool(found and len(found.group(1)) >= syntax.INLINE_TASK and found.group(2).strip().upper() == "END")

    def _planning(self, node: int) -> None:
        """SCHEDULED, DEADLINE and CLOSED in the line below a headline."""
        if self.at < len(self.page.lines) and syntax.PLANNING.match(line := self.page.lines[self.at]):
            self.tree.name(self.at + 1, self.at + 1, "planning")
            self.tree.annotate(node, syntax.planned(line))
            self.at += 1

    def _drawer(self, line: str) -> bool:
        """Takes a drawer's first line. A drawer of properties is taken whole; what lies in others is read as any text."""
        found = syntax.DRAWER.match(line)
        if not found:
            return False
        name = found.group(1).upper()
        last = None if name == "END" else self._end(":end:", before_headline=True)
        if name == "PROPERTIES" and last is not None:
            pairs = [m.groups("") for m in map(syntax.PROPERTY.match, self.page.lines[self.at + 1 : last]) if m]
            self._describe([(key.rstrip("+"), value) for key, value in pairs])
            self.tree.name(self.at + 1, last + 1, "properties")
            self.at = last + 1
            return True
        if name != "END" and last is None:
            return False
        self.tree.name(self.at + 1, self.at + 1, "drawer")
        self.at += 1
        return True

    def _describe(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Properties belong to the headline above, or to the whole file."""
        found = list(properties(pairs))
        node = self.task if self.task is not None else self.headings[-1][1] if self.headings else None
        if self.items and self.items[-1].node is not None:
            node = self.items[-1].node
        if node is not None:
            self.tree.annotate(node, found)
        else:
            self.titles = self.titles or [each.value for each in found if each.name == "title"][:1]
            self.attributes += [each for each in found if each.name != "title"]

    def _named(self, line: str) -> bool:
        """Takes a line that carries no text: keywords, comments, rules, clocks, planning."""
        stripped = line.strip()
        name = ""
        if keyword := syntax.KEYWORD.match(line):
            name = "keyword"
            self._keyword(keyword.group(1).lower(), keyword.group(2).strip())
        elif stripped.startswith("#+"):
            name = "keyword"
        elif stripped == "#" or stripped.startswith("# "):
            name = "comment"
        elif len(stripped) >= 5 and not stripped.strip("-"):
            name = "rule"
        elif syntax.CLOCK.match(line):
            name = "log"
        elif syntax.PLANNING.match(line):
            name = "planning"
            if self.tree.nodes:
                self.tree.annotate(len(self.tree.nodes) - 1, syntax.planned(line))
        if name:
            self.tree.name(self.at + 1, self.at + 1, name)
            self.at += 1
        return bool(name)

    def _keyword(self, key: str, value: str) -> None:
        if key == "title":
            self.titles += [value] if value else []
        elif key == "filetags":
            self.attributes += tags(re.split(r"[:\s]+", value))
        elif key == "date":
            self.attributes += date(DATE, value)
        elif key == "property":
            name, _, rest = value.partition(" ")
            self.attributes += properties([(name.rstrip("+"), rest)])
        elif key in {"author", "category"} or (key in {"alias", "aliases", "tags"} and self.page.notebook):
            self.attributes += properties([(key, value)])

    def _block(self, kind: str, rest: str) -> bool:
        """Takes a block: code whole, comments not at all, of others the first line only, since their text is text."""
        self._close_items(column_of(self.page.lines[self.at], 8))
        last = self._end(f"#+end_{kind}")
        if last is None:
            return False
        first = self.at
        name = "comment" if kind == "comment" else f"block {kind}"
        if kind == "comment":
            self.tree.name(first + 1, last + 1, name)
        elif kind in syntax.CODE:
            self.tree.name(first + 1, last + 1, "block")
            inside = [(at + 1, self.page.lines[at].rstrip()) for at in range(first + 1, last)]
            language = rest.split()[:1] if kind == "src" else []
            self._code(inside, [Attribute("language", name) for name in language])
        else:
            self.tree.name(first + 1, first + 1, "block")
            self.tree.name(last + 1, last + 1, "block")
        self.at = last + 1 if kind == "comment" or kind in syntax.CODE else first + 1
        return True

    def _fixed_width(self) -> None:
        inside: Numbered = []
        while self.at < len(self.page.lines):
            line = self.page.lines[self.at].strip()
            if line != ":" and not line.startswith(": "):
                break
            inside.append((self.at + 1, line[2:].rstrip()))
            self.at += 1
        self.tree.name(inside[0][0], inside[-1][0], "empty block")
        self._code(inside, [])

    def _code(self, inside: Numbered, attributes: list[Attribute]) -> None:
        """Lines kept as they are, but for what they all are indented by."""
        filled = [line for _, line in inside if line.strip()]
        if not filled:
            return
        common = min(len(line) - len(line.lstrip()) for line in filled)
        kept = [
            (number, line[common:].removeprefix(",") if line[common:][:2] in {",*", ",#"} else line[common:])
            for number, line in inside
        ]
        self.tree.add(self._home(inside[0][0]), kept, plain=" ".join(line for _, line in kept), attributes=attributes)

    def _row(self, line: str) -> None:
        number = self.at + 1
        self.at += 1
        self.tree.name(number, number, "table rule")
        if syntax.TABLE_RULE.match(line):
            return
        self._close_items(column_of(line, 8))
        cells = [read_text([cell]) for cell in line.strip().strip("|").split("|")]
        plain = ", ".join(cell.plain for cell in cells if cell.plain)
        if not plain:
            return
        parent = self._home(number) if self.head is None else self.head
        shown = " | ".join(cell.shown[0] for cell in cells)
        node = self.tree.add(parent, [(number, shown)], plain=plain)
        if self.head is None and self._rule_follows():
            self.head = node
        elif self.head is None:
            self.opener = self.opener and (self.opener[0], number)

    def _rule_follows(self) -> bool:
        return self.at < len(self.page.lines) and bool(syntax.TABLE_RULE.match(self.page.lines[self.at]))

    def _item(self, line: str, found: re.Match[str]) -> None:
        number, column, marker = self.at + 1, column_of(line, 8), found.group(2)
        text = line[found.end() :].strip()
        beside: _Item | None = None
        while self.items and self.items[-1].column >= column:
            beside = self.items.pop()
        parent = beside.parent if beside else self._home(number)
        attributes: list[Attribute] = []
        if box := syntax.CHECKBOX.match(text):
            marker = f"{marker} [{box.group(1)}]"
            attributes = todo("DONE" if box.group(1) in "xX" else "TODO")
            text = text[box.end() :]
        self.at += 1
        if not text or syntax.EMPTY_CHECKBOX.fullmatch(text):
            self.tree.name(number, number, "empty item")
            self.items.append(_Item(column, marker, None, parent))
            return
        numbered = [(number, text), *self._continuation(column)]
        node = self._text_node(parent, numbered, marker, attributes)
        self.items.append(_Item(column, marker, node, parent))

    def _continuation(self, column: int) -> Iterator[tuple[int, str]]:
        """The lines that go on with the text of an item: they are indented deeper than its bullet and begin nothing new."""
        while self.at < len(self.page.lines):
            line = self.page.lines[self.at]
            if not line.strip() or column_of(line, 8) <= column or syntax.begins_something(line):
                return
            yield self.at + 1, line.strip()
            self.at += 1

    def _paragraph(self) -> None:
        number = self.at + 1
        column = column_of(self.page.lines[self.at], 8)
        self._close_items(column)
        marker, numbered = "", [(number, self.page.lines[self.at].strip())]
        if note := syntax.FOOTNOTE.match(numbered[0][1]):
            self.items = []
            marker = f"[fn:{note.group(1)}]"
            numbered = [(number, numbered[0][1][note.end() :])]
        self.at += 1
        while self.at < len(self.page.lines):
            line = self.page.lines[self.at]
            if (
                not line.strip()
                or syntax.begins_something(line)
                or (self.items and column_of(line, 8) <= self.items[-1].column)
            ):
                break
            numbered.append((self.at + 1, line.strip()))
            self.at += 1
        if not any(text for _, text in numbered):
            self.tree.name(number, number, "empty item")
            return
        parent = self._home(number, after_list=True)
        node = self._text_node(parent, numbered, marker, [])
        if self.items and self.items[-1].node is None:
            self.items[-1].node = node
        ends_open = self.tree.nodes[node].text.endswith(":")
        self.opener = (node, numbered[-1][0]) if ends_open and not self.items else None

    def _text_node(self, parent: int | None, numbered: Numbered, marker: str, attributes: list[Attribute]) -> int:
        found = read_text([text for _, text in numbered])
        shown = [(number, text) for (number, _), text in zip(numbered, found.shown, strict=True)]
        if not any(text for _, text in shown):
            shown = numbered
        return self.tree.add(
            parent, shown, marker=marker, plain=found.plain, attributes=[*attributes, *found.attributes]
        )

    # Where things go

    def _close_items(self, column: int) -> None:
        while self.items and self.items[-1].column >= column:
            self.items.pop()

    def _home(self, number: int, after_list: bool = False) -> int | None:
        """What text at this line belongs to: an open item, a paragraph that ends in a colon just above, a task, a headline."""
        if self.items:
            return self.items[-1].parent if self.items[-1].node is None else self.items[-1].node
        if self.opener and not after_list:
            node, last = self.opener[0], first_filled(self.page.lines, self.opener[1], number - 1)
            self.opener = node, last  # so that no blank line is passed twice
            if last >= number - 1 or self._is_under(node):
                return node
        self.opener = None
        if self.task is not None:
            return self.task
        return self.headings[-1][1] if self.headings else None

    def _is_under(self, node: int) -> bool:
        """Whether the last thing read went under this node, so that a list or a table goes on."""
        return bool(self.tree.nodes) and self.tree.nodes[-1].parent == node


FORMAT = Format("Org", (".org", ".org_archive"), read, syntax.looks_like_org)
