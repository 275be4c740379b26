"""Which generation of an index is current, as far as that can be told without loading anything."""

from __future__ import annotations

from pathlib import Path

CURRENT = "CURRENT"


def peek(folder: Path) -> str:
    """The name of the current generation, or "" where there is none or it cannot be read: opening the index says why."""
    try:
        return (folder / CURRENT).read_bytes()[:16].decode("ascii")
    except (OSError, UnicodeDecodeError):
        return ""
