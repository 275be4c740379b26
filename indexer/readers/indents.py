"""How far lines are indented, where tabs and spaces may stand side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence


def indent_of(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def column_of(line: str, tab: int) -> int:
    """The column at which a line's text begins, tabs reaching to the next multiple of `tab`."""
    indent = indent_of(line)
    if "\t" not in indent:
        return len(indent)
    column = 0
    for character in indent:
        column += tab - column % tab if character == "\t" else 1
    return column


def tab_width(lines: Sequence[str]) -> int:
    """How many columns a tab stands for beside this file's spaces: the commonest step of lines indented by spaces."""
    steps: Counter[int] = Counter()
    above = 0
    for line in lines:
        if line.strip() and "\t" not in (indent := indent_of(line)):
            if len(indent) > above:
                steps[len(indent) - above] += 1
            above = len(indent)
    return min(max(steps.most_common(1)[0][0], 2), 8) if steps else 8
