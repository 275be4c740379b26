"""Globs as in .gitignore, whoever wrote them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pathspec import GitIgnoreSpec

from indexer.globs import read_globs

LONG = "edge-computing-and-cloudfront-notes-of-the-year-2026.txt"


@pytest.mark.parametrize(
    ("glob", "matches"),
    [
        ("*?" * 30 + "*[!a-z.]", False),
        ("*?" * 20 + "*.txt", True),
        ("*[a-z]*" * 40 + "x", False),
        ("**/" * 300 + LONG, True),
    ],
)
def test_a_glob_that_could_match_in_a_million_ways_ends(glob: str, matches: bool) -> None:
    """Nothing is timed; Python's own expressions would not come back."""
    assert read_globs([glob]).match_file(LONG) is matches


@pytest.mark.parametrize("glob", ["!", "\\", "[z-a].txt", "?" * 60_000])
def test_what_is_no_glob_is_an_error(glob: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_globs([glob])


@given(
    st.lists(st.text("*?/ab.!\u65e5-", min_size=1, max_size=8), min_size=1, max_size=3),
    st.lists(st.text("ab./\u65e5-", min_size=1, max_size=8), min_size=1, max_size=4),
)
def test_they_mean_what_they_mean_in_git(globs: list[str], names: list[str]) -> None:
    """As pathspec says with Python's expressions, which it is tested with against git itself."""
    try:
        spec = GitIgnoreSpec.from_lines(globs, backend="simple")
    except ValueError:
        with pytest.raises(ValueError, match=r".+"):
            read_globs(globs)
        return
    ours = read_globs(globs)
    assert [ours.check_file(name).include for name in names] == [spec.check_file(name).include for name in names]
