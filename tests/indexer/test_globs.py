"""Globs as in .gitignore, whoever wrote them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pathspec import GitIgnoreSpec

from indexer.globs import read_globs, read_usable

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


@pytest.mark.parametrize("glob", ["!", "\\", "[z-a].txt", "*a" * 30_000])
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


@pytest.mark.parametrize(
    ("lines", "unused"),
    [
        (["private/", "[z-a].md"], ["[z-a].md"]),
        (["[z-a].md", "private/", "!"], ["[z-a].md", "!"]),
        (["private/", "*[[:space:]].md"], []),
        (["private/", "*a*b*[[:nothing:]]"], ["*a*b*[[:nothing:]]"]),
        (["private/", *(f"*{n}*b*c*d*.md" for n in range(3000))], [f"*{n}*b*c*d*.md" for n in range(3000)]),
        (["private/", *(f"{n}.md" for n in range(5000))], []),
        ([], []),
    ],
    ids=["a range", "several", "a class of POSIX", "no class", "too many stars", "many", "none"],
)
@pytest.mark.filterwarnings("ignore:Possible nested set:FutureWarning")
def test_a_line_that_cannot_be_used_costs_only_itself(lines: list[str], unused: list[str]) -> None:
    globs, left_out = read_usable(lines)
    assert left_out == unused
    assert globs.match_file("private/diary.md") is bool(lines)
