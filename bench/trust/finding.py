"""What a suite found out, beside what it had to reach."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """requirement: its number. reach: what was asked for. figure: what was measured. holds: whether that is enough."""

    requirement: int
    title: str
    reach: str
    figure: str
    holds: bool
    shortfall: str = ""
