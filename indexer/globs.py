"""Patterns for file names, as in .gitignore. Anybody who may ask may write one, and whoever wrote a note may have written an
ignore file beside it.

Python's own expressions are quick, but try every way in which several stars can share a name, and need hours for a dozen of
them. Patterns with many stars are matched by RE2, in time that grows with the name alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import re2
from pathspec import GitIgnoreSpec

_STARS = re.compile(r"\*+")
_FEW_STARS = 2
"""In a pattern. With no more of them a name as long as file systems allow takes some thousandths of a second at most."""


def read_globs(patterns: Sequence[str]) -> GitIgnoreSpec:
    """Raises ValueError when one of them cannot be understood, or when they are too many with many stars."""
    try:
        return GitIgnoreSpec.from_lines(patterns, backend="re2" if any(map(_has_many_stars, patterns)) else "simple")
    except (re.error, re2.error) as error:
        raise ValueError(str(error)) from error


def read_usable(patterns: Sequence[str]) -> tuple[GitIgnoreSpec, list[str]]:
    """Those of these patterns that can be used, and a list of the others: one that means nothing costs only itself."""
    kept = list(patterns)
    for usable in (lambda _: True, _is_understood, lambda pattern: not _has_many_stars(pattern)):
        kept = [pattern for pattern in kept if usable(pattern)]
        try:
            return read_globs(kept), [pattern for pattern in patterns if pattern not in set(kept)]
        except ValueError:
            continue
    return read_globs([]), list(patterns)


def _is_understood(pattern: str) -> bool:
    try:
        read_globs([pattern])
    except ValueError:
        return False
    return True


def _has_many_stars(pattern: str) -> bool:
    return len(_STARS.findall(pattern)) > _FEW_STARS
