"""Blocks that other blocks refer to by their id, as in Logseq: "((id))" and "{{embed ((id))}}" become the text they stand for.

The shown text keeps the signs around what it borrowed, so that nobody takes it for the block's own words.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace

from indexer.attributes import EMBED, ID, REFERENCE, Attribute
from indexer.node import Node, Outline, Problem

_ID = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_REFERENCE = re.compile(rf"(\{{{{2,3}}\s*embed\s+)?\(\(({_ID})\)\)(?(1)\s*\}}{{2,3}})")
_LONGEST = 1000
"""Characters of a text that are borrowed."""
_DEEPEST = 8


def resolve(outlines: Sequence[Outline]) -> list[Outline]:
    """The same outlines with every reference to a block in any of them resolved; a block that is not there stays an id. Of
    several blocks with one id the first counts, by the names of the files and then by lines, so that it is always the same one;
    each further file that has it says so.
    """
    texts, twins = _texts(outlines, _referred_to(outlines))
    blocks = _Blocks(texts)
    marked = [
        replace(outline, problems=[*outline.problems, twins[outline.file]]) if outline.file in twins else outline
        for outline in outlines
    ]
    return list(map(blocks.resolved, marked)) if texts else marked


def _referred_to(outlines: Sequence[Outline]) -> set[str]:
    """The ids in all references."""
    texts = (
        text for outline in outlines for node in outline.nodes for text in (*node.lines, node.text) if "((" in text
    )
    return {found.group(2).lower() for text in texts for found in _REFERENCE.finditer(text)}


def _texts(outlines: Sequence[Outline], wanted: Container[str]) -> tuple[dict[str, str], dict[str, Problem]]:
    """The texts of the blocks with these ids, and by file the first such id that another block had before."""
    texts: dict[str, str] = {}
    places: dict[str, str] = {}
    twins: dict[str, Problem] = {}
    for outline in sorted(outlines, key=lambda outline: outline.file):
        for node in outline.nodes:
            for block in [value.lower() for name, value in node.attributes if name == ID]:
                if block not in wanted:
                    continue
                if block in texts:
                    told = f"the block id {block} is that of {places[block]} too, and references mean that one"
                    twins.setdefault(outline.file, Problem(outline.file, node.line, told))
                else:
                    texts[block] = node.text
                    places[block] = f"{outline.file}, line {node.line}"
    return texts, twins


def is_linked(outline: Outline) -> bool:
    """Whether any block of it refers to another one, or can be referred to."""
    return any("((" in line for node in outline.nodes for line in node.lines) or any(
        name == ID for node in outline.nodes for name, _ in node.attributes
    )


@dataclass(slots=True)
class _Blocks:
    """The texts of all blocks by their ids, and what they are with the references in them resolved."""

    texts: Mapping[str, str]
    known: dict[tuple[str, int], str] = field(default_factory=dict)

    def resolved(self, outline: Outline) -> Outline:
        if not any("((" in line for node in outline.nodes for line in node.lines):
            return outline
        return replace(outline, nodes=[self._with_texts(node) for node in outline.nodes])

    def _with_texts(self, node: Node) -> Node:
        found = [match for line in node.lines for match in _REFERENCE.finditer(line)]
        found = [match for match in found if match.group(2).lower() in self.texts]
        if not found:
            return node
        own = [Attribute(EMBED if match.group(1) else REFERENCE, match.group(2).lower()) for match in found]
        return replace(
            node,
            lines=tuple(_REFERENCE.sub(self._shown, line) for line in node.lines),
            plain=" ".join(self._plain(node.text, _DEEPEST).split()),
            attributes=tuple(dict.fromkeys([*node.attributes, *own])),
        )

    def _shown(self, match: re.Match[str]) -> str:
        if match.group(2).lower() not in self.texts:
            return match.group()
        words = self._of_block(match, _DEEPEST)
        return f"{{{{embed {words}}}}}" if match.group(1) else f"(({words}))"

    def _plain(self, text: str, depth: int) -> str:
        """A text with its references resolved, so deep that references in a circle end."""
        return _REFERENCE.sub(lambda match: self._of_block(match, depth), text) if "((" in text and depth else text

    def _of_block(self, match: re.Match[str], depth: int) -> str:
        """The text that a reference stands for. Each is put together once, since blocks may refer to each other many times."""
        name = match.group(2).lower()
        if name not in self.texts:
            return match.group()
        if (name, depth) not in self.known:
            self.known[name, depth] = self._plain(self.texts[name][:_LONGEST], depth - 1)[:_LONGEST]
        return self.known[name, depth]
