"""The plots of the findability report as plain geometry, which the template draws as SVG.

Lengths are in units of the drawing, which is 360 wide whatever the screen, so that labels stay readable on a phone.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from service.measure.report import Found
from service.measure.report_text import percent

WIDTH = 360
_LABEL, _BAR, _ROW = 13, 10, 38
_COLUMNS, _TALLEST, _GAP = 11, 132, 6
_LABEL_CELLS = 34


@dataclass(frozen=True, slots=True)
class Part:
    """A rectangle. kind: which colour it has ("first", "three", "ten", "missed")."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A label and a value at their baselines, and the parts of the bar."""

    label: str
    value: str
    x: float
    y: float
    value_y: float
    parts: list[Part]


@dataclass(frozen=True, slots=True)
class Plot:
    """name: unique in the page, for ids. description: what a reader who cannot see the plot is told."""

    name: str
    title: str
    description: str
    height: float
    bars: list[Bar]


def shares(name: str, title: str, groups: Sequence[Found]) -> Plot:
    """A row for each group: the share found first, among three, among ten, and the rest."""
    bars = [_row(at * _ROW, group) for at, group in enumerate(groups)]
    told = ", ".join(f"{group.name} {percent(group.found10)}" for group in groups)
    return Plot(name, title, f"Share found among the first ten: {told}.", len(groups) * _ROW, bars)


def _row(top: float, group: Found) -> Bar:
    ends = [0.0, group.found1, group.found3, group.found10, 1.0]
    kinds = ("first", "three", "ten", "missed")
    parts = [
        Part(kind, round(WIDTH * low, 2), top + _LABEL + 6, round(WIDTH * (high - low), 2), _BAR)
        for kind, low, high in zip(kinds, ends, ends[1:], strict=False)
        if high > low
    ]
    baseline = top + _LABEL
    return Bar(_clipped(group.name), f"{percent(group.found10)} of {group.questions:,}", 0, baseline, baseline, parts)


def rank_columns(ranks: Sequence[int], missed: int) -> Plot:
    """A column for each rank from 1 to 10 and one for what was not found. Heights are square roots of counts, since nearly
    everything is found first.
    """
    counts = [*ranks, missed]
    labels = [*(str(place) for place in range(1, len(ranks) + 1)), "none"]
    most = max(*counts, 1)
    step = WIDTH / len(counts)
    bars = []
    for at, (label, count) in enumerate(zip(labels, counts, strict=True)):
        height = round(_TALLEST * (count / most) ** 0.5, 2)
        top = 16 + _TALLEST - height
        part = Part(_kind(label), round(at * step + _GAP / 2, 2), top, round(step - _GAP, 2), height)
        bars.append(Bar(label, f"{count:,}", round((at + 0.5) * step, 2), 16 + _TALLEST + 15, top - 4, [part]))
    told = ", ".join(f"rank {label}: {count:,}" for label, count in zip(labels, counts, strict=True))
    return Plot(
        "ranks",
        "At which rank (heights: square roots)",
        f"How many nodes were found at each rank; {told}.",
        16 + _TALLEST + 20,
        bars,
    )


def _kind(label: str) -> str:
    if label == "none":
        return "missed"
    return "first" if label == "1" else "three" if int(label) <= 3 else "ten"


def _clipped(label: str) -> str:
    """A label that is too long loses its middle. Counted in cells of a terminal: wide letters take two."""
    if _cells(label) <= _LABEL_CELLS:
        return label
    head, tail = label[: _LABEL_CELLS // 2], label[len(label) // 2 :]
    while _cells(head) > _LABEL_CELLS // 3:
        head = head[:-1]
    while _cells(head) + _cells(tail) >= _LABEL_CELLS:
        tail = tail[1:]
    return f"{head}…{tail}"


def _cells(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)
