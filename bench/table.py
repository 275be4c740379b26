"""The table of bench/results/quality.json in Markdown, as it stands in the README."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TITLES = {
    ("aws", "natural"): "A user's notes, natural questions",
    ("aws", "keyword"): "A user's notes, keyword queries",
    ("notes", "natural"): "Notes, natural questions",
    ("notes", "keyword"): "Notes, keyword queries",
    ("stackfaq", "all"): "StackFAQ, development half",
    ("scifact", "all"): "SciFact, training claims",
}


def render(document: Mapping[str, Any]) -> str:
    """A row a measure, a column a system. The best of a row is set in bold."""
    lines: list[str] = []
    for name, found in document["sets"].items():
        for group, scores in found["groups"].items():
            systems = list(scores["means"])
            if not lines:
                lines += ["| | " + " | ".join(["measure", *systems]) + " |", "| --- | --- |" + " ---: |" * len(systems)]
            title = f"{TITLES[name, group]} ({scores['questions']:,})"
            for measure in scores["means"][systems[0]]:
                cells = [_cell(scores, system, measure) for system in systems]
                lines.append("| " + " | ".join([title, measure, *cells]) + " |")
                title = ""
    return "\n".join([*lines, "", *_notes(document)])


def _cell(scores: Mapping[str, Any], system: str, measure: str) -> str:
    means = {each: values[measure] for each, values in scores["means"].items()}
    shown = f"{means[system]:.3f}"
    if means[system] == max(means.values()):
        shown = f"**{shown}**"
    if system not in scores["differences"]:
        return shown
    _, low, high = scores["differences"][system][measure]
    return f"{shown} ({_signed(low)} to {_signed(high)})"


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def _notes(document: Mapping[str, Any]) -> list[str]:
    """What the numbers mean and under which conditions they came about."""
    where = document["conditions"]
    machine = where["machine"]
    libraries = ", ".join(f"{name} {number}" for name, number in where["libraries"].items())
    resamples = where["bootstrap"]["resamples"]
    lines = [
        "s1, s5: share of questions with a right excerpt first, or among the first five. MRR: mean reciprocal rank of the "
        "first right excerpt within ten. read5, read15: share whose answer is among the first 5 or 15 marked lines. In "
        f"brackets the 95% interval of Trellis less the peer (paired bootstrap, {resamples:,} resamples, paraphrases drawn "
        "together).",
        "",
        f"Measured {where['date']} on {machine['cores']} cores ({machine['system']}, {machine['vector instructions']}), "
        f"commit {where['commit'][:10] or 'unknown'} (code {where['code']}), model {where['model']['name']} "
        f"({where['model']['sha256'][:12]}), {libraries}.",
        "",
    ]
    for name, found in document["sets"].items():
        lines.append(f"- View weights on {name}: {_weights(found['weights'])}.")
    return lines


def _weights(weights: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{view} {low:.2f}" if low == high else f"{view} {low:.2f} to {high:.2f} (mean {mean:.2f})"
        for view, (low, mean, high) in weights.items()
    )
