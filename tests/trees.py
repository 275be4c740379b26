"""Outlines written down as text, so that a test can show what it expects."""

from __future__ import annotations

from indexer.account import Account
from indexer.node import Node, Outline

ORG = """
    #+FILETAGS: :space:
    #+PROPERTY: owner Priya
    * Apollo :mission:
      <2026-01-15 Thu>
    ** TODO Check the key valve
       DEADLINE: <2026-03-01 Sun>
       - a key detail of the valve
    ** DONE Order the key fuel :urgent:
       - twelve key tonnes
    *** WAITING Answer of the key supplier
        :PROPERTIES:
        :owner: Ann
        :END:
    * Kitchen
      - the key of the larder
"""
"""Notes with a tag, a state, a date and a property at several levels, for what is inherited."""


def tree(outline: Outline) -> str:
    """The nodes, two spaces a level."""
    return "\n".join("  " * node.depth + node.text for node in outline.nodes)


def full_tree(outline: Outline, account: Account) -> str:
    """Everything that a reader says of a file. For each node its lines, its bullet, its words and what it says of itself; below
    it, after a bar, what is shown where that is not the words.
    """
    parts = [f"title: {outline.title}"] if outline.title else []
    parts += [f"{name}: {value}" for name, value in outline.attributes]
    for node in outline.nodes:
        parts += _node(node)
    parts += [str(problem) for problem in outline.problems]
    return "\n".join([*parts, str(account)]) + "\n"


def _node(node: Node) -> list[str]:
    place = str(node.line) if node.end_line == node.line else f"{node.line}-{node.end_line}"
    indent = "  " * node.depth
    marker = f"{node.marker} " if node.marker else ""
    said = "".join(f" {{{name}: {value}}}" for name, value in node.attributes)
    lines = [f"{place:>7}  {indent}{marker}{node.text}{said}"]
    if " ".join(node.lines) != node.text:
        lines += [f"{number:>7} |{indent} {line}" for number, line in zip(node.line_numbers, node.lines, strict=True)]
    return [line.rstrip() for line in lines]
