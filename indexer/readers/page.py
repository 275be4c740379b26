"""What a reader gets and what it makes, and the tree it builds on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from indexer.attributes import Attribute
from indexer.decode import Decoded, decode
from indexer.node import Node


@dataclass(frozen=True, slots=True)
class Page:
    """One file to read. file: its name in the notes. lines: all its lines, blank ones too. notebook: the program whose folder
    it lies in ("logseq", "obsidian"), or "".
    """

    file: str
    lines: Sequence[str]
    notebook: str = ""

    @property
    def stem(self) -> str:
        """The file's name without folders and suffix."""
        name = self.file.rsplit("/", 1)[-1]
        return name.rsplit(".", 1)[0] or name


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader makes of a page; see `indexer.node.Outline`. problems: (line, what could not be read as meant)."""

    nodes: Sequence[Node]
    syntax: Mapping[int, str] = field(default_factory=dict)
    problems: Sequence[tuple[int, str]] = ()
    attributes: tuple[Attribute, ...] = ()
    title: str = ""


def first_filled(lines: Sequence[str], at: int, end: int) -> int:
    """The position of the first line from `at` on that is not blank, `end` where none stands before it."""
    while at < end and not lines[at].strip():
        at += 1
    return at


def _never(page: Page) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Format:
    """A format that can be read.

    suffixes: of the files that are in this format, in lower case with the dot. recognises: whether a page is in this format by
    its contents, asked where a suffix is shared by several formats or says nothing.
    """

    name: str
    suffixes: tuple[str, ...]
    read: Callable[[Page], Reading]
    recognises: Callable[[Page], bool] = _never
    decode: Callable[[bytes], Decoded] = decode


@dataclass(slots=True)
class Tree:
    """Nodes and named lines as a reader finds them."""

    nodes: list[Node] = field(default_factory=list)
    syntax: dict[int, str] = field(default_factory=dict)
    problems: list[tuple[int, str]] = field(default_factory=list)
    open: list[int] = field(default_factory=list)  # the last node with its ancestors, the outermost first
    later: dict[int, list[Attribute]] = field(default_factory=dict)  # what was said of a node after it was added

    def add(
        self,
        parent: int | None,
        numbered: Sequence[tuple[int, str]],
        *,
        marker: str = "",
        plain: str | None = None,
        attributes: Iterable[Attribute] = (),
    ) -> int:
        """Adds a node and answers its position. numbered: its lines with their numbers, at least one of them not blank.

        `parent` must be the last node or one of its ancestors, so that every subtree stays one run; ValueError otherwise.
        """
        depth = 0 if parent is None else self.nodes[parent].depth + 1
        if parent is not None and (len(self.open) < depth or self.open[depth - 1] != parent):
            raise ValueError(f"the node at line {numbered[0][0]} cannot go under one that is complete")
        del self.open[depth:]
        self.open.append(len(self.nodes))
        filled = [at for at, (_, text) in enumerate(numbered) if text.strip()]
        for number, _ in [*numbered[: filled[0]], *numbered[filled[-1] + 1 :]]:
            self.name(number, number, "markup alone")
        numbered = numbered[filled[0] : filled[-1] + 1]
        numbers = tuple(number for number, _ in numbered)
        lines = tuple(text for _, text in numbered)
        first = numbers[0]
        if plain is not None:
            words = " ".join(plain.split())
            shown = " ".join(lines)
            plain = None if words == shown else words or " ".join(shown.split())
        self.nodes.append(
            Node(
                line=first,
                depth=depth,
                parent=parent,
                lines=lines,
                marker=marker,
                plain=plain,
                numbers=() if numbers[-1] - first == len(numbers) - 1 else numbers,
                attributes=tuple(dict.fromkeys(attributes)),
            )
        )
        return len(self.nodes) - 1

    def annotate(self, at: int, attributes: Iterable[Attribute]) -> None:
        """Adds attributes to a node that is there already. It has them once all is read: a node that thousands of lines say
        something of would otherwise be made anew for each of them.
        """
        self.later.setdefault(at, []).extend(attributes)

    def name(self, first: int, last: int, what: str) -> None:
        """Names the lines first..last; a name given before stays."""
        for number in range(first, last + 1):
            self.syntax.setdefault(number, what)

    def reading(self, attributes: Iterable[Attribute] = (), title: str = "") -> Reading:
        for at, later in self.later.items():
            node = self.nodes[at]
            self.nodes[at] = replace(node, attributes=tuple(dict.fromkeys([*node.attributes, *later])))
        self.later.clear()
        return Reading(self.nodes, self.syntax, self.problems, tuple(dict.fromkeys(attributes)), title)
