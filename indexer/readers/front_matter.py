"""YAML between two lines of three hyphens at the head of a file: properties of the whole file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import yaml

from indexer.attributes import Attribute, properties

_LARGEST = 1 << 16
"""Characters of front matter that are parsed."""
_FENCE = re.compile(r"---\s*")
_END = re.compile(r"(?:---|\.\.\.)\s*")
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """last: its last line, 0 where there is none. problem: what could not be read, or ""."""

    last: int = 0
    title: str = ""
    attributes: tuple[Attribute, ...] = ()
    problem: str = ""


def read_front_matter(lines: Sequence[str]) -> FrontMatter:
    """Never raises: what is no YAML is reported, and named front matter all the same."""
    if not lines or not _FENCE.fullmatch(lines[0].removeprefix("\ufeff")):
        return FrontMatter()
    last = next((n for n, line in enumerate(lines[1:], start=2) if _END.fullmatch(line)), 0)
    inside = "\n".join(lines[1 : last - 1])
    if not last or (inside.strip() and not re.search(r"^[^\s#:][^:\n]*:(?:\s|$)", inside, re.MULTILINE)):
        return FrontMatter()  # a rule above a text, and no key anywhere
    if len(inside) > _LARGEST:
        return FrontMatter(last, problem=f"front matter of {len(inside):,} characters was passed over")
    try:
        values = yaml.load(inside, _Loader)  # noqa: S506, a safe loader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(getattr(error, "problem", None) or error).split())
        return FrontMatter(last, problem=f"front matter that is not YAML ({reason}); its values were not used")
    if not isinstance(values, dict):
        return FrontMatter(last)
    pairs = {str(key).casefold(): value for key, value in values.items()}
    title = str(pairs.pop("title", "") or "").strip()
    return FrontMatter(last, title, tuple(_attributes(pairs)))


def _attributes(values: dict[str, Any]) -> Iterator[Attribute]:
    for key, value in values.items():
        # An alias may stand for a list of lists of lists: only one level is ever looked at.
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, bool):
                yield from properties([(key, str(each).lower())])
            elif isinstance(each, date):
                yield from properties([(key, each.isoformat()[:16])])
            elif isinstance(each, (str, int, float)):
                text = str(each)
                parts = (
                    text.split()
                    if key in {"tag", "tags"} and "," not in text and not isinstance(value, list)
                    else [text]
                )
                yield from properties((key, part) for part in parts)
