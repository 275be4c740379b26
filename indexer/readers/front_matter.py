"""YAML between two lines of three hyphens at the head of a file: properties of the whole file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import yaml

from indexer.attributes import Attribute, properties
from indexer.safe_yaml import read_yaml

_LARGEST = 1 << 16
"""Characters of front matter that are parsed."""
_MOST = 1 << 20
"""Characters of names and values that are made of them: an alias repeats a value, and a list its name."""
_FENCE = re.compile(r"---\s*")
_END = re.compile(r"(?:---|\.\.\.)\s*")


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
        values = read_yaml(inside)
        pairs = {str(key).casefold(): value for key, value in values.items()} if isinstance(values, dict) else {}
        title = pairs.pop("title", None)
        attributes = tuple(_attributes(pairs))
    except yaml.YAMLError as error:
        reason = " ".join(str(getattr(error, "problem", None) or error).split())[:200]
        return FrontMatter(
            last, problem=f"front matter that cannot be read as YAML ({reason}); its values were not used"
        )
    if isinstance(title, (list, dict, set)):  # an alias in it may stand for more than memory holds
        return FrontMatter(last, "", attributes, "the title in the front matter is no text and was not used")
    return FrontMatter(last, str(title or "").strip(), attributes)


def _attributes(values: dict[str, Any]) -> Iterator[Attribute]:
    """Raises YAMLError when a short text stands for far too much."""
    made = 0
    for key, value in values.items():
        # An alias may stand for a list of lists of lists: only one level is ever looked at.
        for each in value if isinstance(value, list) else [value]:
            text = _text(each)
            made += len(key) + len(text) + 1
            if made > _MOST:
                raise yaml.YAMLError(f"it repeats itself to more than {_MOST:,} characters")
            apart = key in {"tag", "tags"} and "," not in text and not isinstance(value, list)
            yield from properties((key, part) for part in (text.split() if apart else [text]))


def _text(value: Any) -> str:
    """A value as it is shown, or "" where it is no single one."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date):
        return value.isoformat()[:16]
    return str(value) if isinstance(value, (str, int, float)) else ""
