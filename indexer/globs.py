"""Patterns for file names, as in .gitignore. RE2 matches them in time that grows with the name alone: anybody who may ask may
write one, and Python's own expressions need hours for some of a dozen signs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import re2
from pathspec import GitIgnoreSpec


def read_globs(patterns: Iterable[str]) -> GitIgnoreSpec:
    """Raises ValueError when one of them cannot be understood."""
    try:
        return GitIgnoreSpec.from_lines(patterns, backend="re2")
    except (re.error, re2.error) as error:
        raise ValueError(str(error)) from error
