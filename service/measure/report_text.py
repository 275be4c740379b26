"""The findability report in a few lines of text, and how its numbers and texts are written."""

from __future__ import annotations

from service.measure.report import Findability

_SHOWN = 10


def summary(result: Findability) -> str:
    """The report in a few lines of text."""
    found = result.all
    lines = [
        f"{found.questions:,} of {result.nodes:,} nodes, each asked for by a question of its own words:",
        f"found first {percent(found.found1)}, among three {percent(found.found3)}, among ten {percent(found.found10)}, "
        f"MRR {found.mrr:.3f}",
    ]
    if result.misses:
        reasons = ", ".join(f"{reason} {len(misses):,}" for reason, misses in result.reasons.items())
        lines.append(f"not found: {len(result.misses):,} ({reasons})")
    if result.left_out:
        lines.append(f"not asked for, since they say nothing beyond their headings: {len(result.left_out):,}")
    lines += [
        f"  {miss.node.file}:{miss.node.line}  {shorten(miss.node.text, 60)}  ({miss.reason})"
        for miss in result.misses[:_SHOWN]
    ]
    if len(result.misses) > _SHOWN:
        lines.append(f"  and {len(result.misses) - _SHOWN:,} more")
    return "\n".join(lines)


def percent(share: float) -> str:
    """Cut, not rounded: 100% is said only of everything."""
    return f"{int(share * 1000 + 1e-9) / 10:.1f}%"


def shorten(text: str, most: int) -> str:
    """The text in at most so many characters."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
