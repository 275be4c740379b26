"""TaskPaper: projects that end in ':', tasks after '-', notes, and tags such as @today and @due(2026-01-31)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from indexer.attributes import DATES, TAG, Attribute, date, todo
from indexer.readers.indents import column_of, tab_width
from indexer.readers.page import Format, Page, Reading, Tree

_TAG = re.compile(r"@([\w.-]+)(?:\(((?:[^()\\]|\\.){0,500})\))?")
_TASK = re.compile(r"([-*+])\s+(?=\S)")
_KNOWN = re.compile(r"\s@(?:done|due|today|priority|start|defer|flag|waiting|cancelled)\b")
_DONE = frozenset({"done", "cancelled", "canceled"})


def read(page: Page) -> Reading:
    """Linear in the size of the page; every line is in a node or named."""
    reader = _Reader()
    tab = tab_width(page.lines)
    for number, line in enumerate(page.lines, start=1):
        if line.strip():
            reader.take(number, column_of(line, tab), line.strip())
    return reader.tree.reading()


@dataclass(slots=True)
class _Reader:
    tree: Tree = field(default_factory=Tree)
    open: list[tuple[float, int, str]] = field(default_factory=list)  # (column, node, kind), the outermost first

    def take(self, number: int, column: float, text: str) -> None:
        tags = list(_tags_of(text))
        words = _without_tags(text)
        kind, marker = "note", ""
        if task := _TASK.match(words):
            kind, marker, words = "task", task.group(1), words[task.end() :]
        elif words.endswith(":") and words != ":":
            kind, words = "project", words[:-1].rstrip()
        if not words.strip(" :-") and not tags:
            self.tree.name(number, number, "empty item")
            return
        shown = text[len(marker) :].strip() if marker else text
        if kind != "project" and any(above == "project" and at == column for at, _, above in self.open):
            column += 0.5  # what stands flush under its project
        while self.open and self.open[-1][0] >= column:
            self.open.pop()
        parent = self.open[-1][1] if self.open else None
        node = self.tree.add(parent, [(number, shown)], marker=marker, plain=words, attributes=_attributes(kind, tags))
        self.open.append((column, node, kind))


def _without_tags(text: str) -> str:
    """The text without the tags at its end; a tag inside a sentence stays, as a word of it."""
    end = len(text)
    for tag in reversed(list(_TAG.finditer(text))):
        if tag.end() < end or not text[tag.start() - 1 : tag.start()].isspace():
            break
        end = tag.start()
        while text[end - 1 : end].isspace():
            end -= 1
    return text[:end].replace(" @", " ").strip() or text


def _tags_of(text: str) -> list[tuple[str, str]]:
    return [
        (found.group(1), found.group(2) or "")
        for found in _TAG.finditer(text)
        if found.start() == 0 or text[found.start() - 1].isspace()
    ]


def _attributes(kind: str, tags: list[tuple[str, str]]) -> list[Attribute]:
    attributes: list[Attribute] = []
    names = {name.casefold() for name, _ in tags}
    if kind == "task" or names & _DONE:
        attributes += todo("CANCELED" if names & {"cancelled", "canceled"} else "DONE" if "done" in names else "TODO")
    for name, value in tags:
        low = name.casefold()
        if low in DATES:
            attributes += date("closed" if low == "done" else low, value)
        elif value:
            attributes.append(Attribute(low, value))
        if low not in _DONE and (not value or low not in DATES):
            attributes.append(Attribute(TAG, name))
    return attributes


def _looks_like_taskpaper(page: Page) -> bool:
    """Tasks with the tags that TaskPaper knows, under projects. Somebody's name after an '@' is none of them."""
    head = [line.strip() for line in page.lines[:400] if line.strip()]
    projects = sum(1 for line in head if line.endswith(":") and not line.startswith("-"))
    tagged = sum(1 for line in head if line.startswith("- ") and _KNOWN.search(line))
    return projects > 0 and tagged > 1


FORMAT = Format("TaskPaper", (".taskpaper",), read, _looks_like_taskpaper)
