"""The table of bench/results/speed.json in Markdown, as it stands in the README."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_OURS = "Trellis"
_ROWS = (
    ("cold ask", "median", "`trellis ask` in a new process, index present", "s"),
    ("indexing", "median", "indexing {texts:,} lines, model load included", "s"),
    ("question", "p50", "one question, warm: median (Trellis over HTTP, peers in process)", "ms"),
    ("question", "p99", "the same, 99th percentile", "ms"),
    ("memory", "median", "memory resident after {questions} questions", "MB"),
    ("edit", "median", "one line edited, until it is found (peers: index again)", "s"),
)


def render(document: Mapping[str, Any]) -> str:
    """A row a measure, a column a system; in brackets how many times Trellis's value a peer's is."""
    parts = document["parts"]
    systems = list(parts["indexing"]["systems"])
    lines = [f"| | {' | '.join(systems)} |", f"| --- |{' ---: |' * len(systems)}"]
    counts = {"texts": parts["indexing"]["texts"], "questions": parts["question"]["questions"]}
    for part, value, title, unit in _ROWS:
        if part not in parts:
            continue
        found = {name: measured[value] for name, measured in parts[part]["systems"].items()}
        if part == "edit":
            found = {name: parts["indexing"]["systems"][name]["median"] for name in systems} | found
        cells = [_cell(found[name], found[_OURS], unit) for name in systems]
        lines.append(f"| {title.format(**counts)} | {' | '.join(cells)} |")
    if "load" in parts:
        lines += [_load_row(parts["load"], systems, which) for which in ("different", "repeated")]
    return "\n".join([*lines, "", _note(document)])


def _load_row(load: Mapping[str, Any], systems: Sequence[str], which: str) -> str:
    """Of a rate more is better: in brackets, what share of Trellis's a peer reaches."""
    rates = {name: measured[which]["a second"] for name, measured in load["systems"].items()}
    cells = [
        f"{rates[name]:,.0f} ({rates[name] / rates[_OURS]:.2f} times)" if name in rates else "" for name in systems
    ]
    cells[systems.index(_OURS)] = f"**{rates[_OURS]:,.0f}**"
    title = (
        f"questions a second, {load['clients']} clients, {load['questions'][which]:,} {which} ones (over HTTP, both)"
    )
    return f"| {title} | {' | '.join(cells)} |"


def _cell(value: float, ours: float, unit: str) -> str:
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    shown = f"{value:,.{digits}f} {unit}"
    return f"**{shown}**" if value == ours else f"{shown} ({value / ours:.1f} times)"


def _note(document: Mapping[str, Any]) -> str:
    where, peak = document["conditions"], document["parts"]["indexing"]["int8 peak"]
    machine = where["machine"]
    libraries = ", ".join(f"{name} {number}" for name, number in where["libraries"].items())
    return (
        f"Measured {where['date']} on {machine['cores']} cores ({machine['system']}, {machine['vector instructions']}), "
        f"commit {where['commit'][:10] or 'unknown'} (code {where['code']}), model {where['model']['name']}, {libraries}. "
        f"The products of the model would take {peak['seconds']:.2f} s at this machine's measured int8 peak "
        f"({peak['operations a second'] / 1e9:,.0f} billion operations a second), {peak['share']:.0%} of what indexing takes."
    )
