"""Cost against the number of nodes as small plots in one SVG, both axes in powers of ten, for pages light and dark."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

_WIDTH, _HEIGHT, _COLUMNS = 300, 200, 3
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 34, 30
_STYLE = (
    "text{font:11px system-ui,sans-serif;fill:#555}.title{font-weight:600;fill:#222}.grid{stroke:#8884;fill:none}"
    ".line{stroke:#2563eb;stroke-width:2;fill:none}.beyond{stroke:#2563eb;stroke-width:2;stroke-dasharray:4 4;fill:none}"
    ".slope{stroke:#8889;stroke-dasharray:2 3;fill:none}circle{fill:#2563eb}"
    "@media(prefers-color-scheme:dark){text{fill:#aaa}.title{fill:#eee}.line,.beyond{stroke:#7aa2f7}circle{fill:#7aa2f7}}"
)

Point = tuple[float, float]


def draw(sizes: Sequence[Mapping[str, Any]], measures: Mapping[str, tuple[str, str]]) -> str:
    """A plot a measure. Sizes that are not real are joined by a broken line; the dotted line is what linear growth would be."""
    rows = math.ceil(len(measures) / _COLUMNS)
    width, height = _WIDTH * _COLUMNS, _HEIGHT * rows
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        f"<title>Cost against the number of nodes</title><style>{_STYLE}</style>",
    ]
    for at, (name, (title, unit)) in enumerate(measures.items()):
        x, y = at % _COLUMNS * _WIDTH, at // _COLUMNS * _HEIGHT
        parts.append(f'<g transform="translate({x} {y})">{_plot(sizes, name, f"{title}, {unit}")}</g>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _plot(sizes: Sequence[Mapping[str, Any]], name: str, title: str) -> str:
    nodes, values = [size["nodes"] for size in sizes], [max(size[name], 1e-3) for size in sizes]
    low_x, high_x = _powers(nodes)
    low_y, high_y = _powers(values)

    def place(count: float, value: float) -> Point:
        across = (math.log10(count) - low_x) / (high_x - low_x)
        up = (math.log10(value) - low_y) / (high_y - low_y)
        bottom = _HEIGHT - _BOTTOM
        return _LEFT + across * (_WIDTH - _LEFT - _RIGHT), bottom - up * (bottom - _TOP)

    points = [place(*each) for each in zip(nodes, values, strict=True)]
    real = sum(size["real"] for size in sizes)
    parts = [f'<text class="title" x="8" y="18">{escape(title.replace("`", ""))}</text>']
    parts += [_across(place(10**low_x, 10**power), power) for power in range(low_y, high_y + 1)]
    parts += [_below(place(10**power, 10**low_y), power) for power in range(low_x, high_x + 1)]
    slope = min(high_y - math.log10(values[0]), high_x - math.log10(nodes[0]))
    parts.append(_line("slope", [points[0], place(nodes[0] * 10**slope, values[0] * 10**slope)]))
    parts += [_line("line", points[:real]), _line("beyond", points[max(real - 1, 0) :])]
    parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in points]
    return "".join(parts)


def _powers(values: Sequence[float]) -> tuple[int, int]:
    """The powers of ten around all values."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def _line(kind: str, points: Sequence[Point]) -> str:
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline class="{kind}" points="{joined}"/>' if len(points) > 1 else ""


def _across(start: Point, power: int) -> str:
    x, y = start
    label = f'<text x="{x - 6:.0f}" y="{y + 4:.1f}" text-anchor="end">{_number(power)}</text>'
    return f'<path class="grid" d="M{x:.1f} {y:.1f}H{_WIDTH - _RIGHT}"/>{label}'


def _below(start: Point, power: int) -> str:
    x, y = start
    return f'<text x="{x:.1f}" y="{y + 16:.1f}" text-anchor="middle">{_number(power)}</text>'


def _number(power: int) -> str:
    return f"{10**power:,}" if power >= 0 else f"{10.0**power:g}"
