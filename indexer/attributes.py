"""What a node says about itself besides its text: tags, TODO state, priority, dates, properties. Pairs of a name and a value.

One small vocabulary for all formats; whatever else a format has keeps its own name as a property.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

TAG = "tag"
TODO = "todo"
"""The keyword as it was written: TODO, DONE, WAITING."""
STATE = "state"
"""`open` or `done`, whatever the keyword is."""
PRIORITY = "priority"
DATE = "date"
ALIAS = "alias"
ID = "id"
REFERENCE = "reference"
EMBED = "embed"

DATES = frozenset({DATE, "created", "updated", "scheduled", "deadline", "closed", "due", "start", "done"})
"""Names whose values are dates, YYYY-MM-DD, with THH:MM behind where a time is known."""
OWN = frozenset({ID, ALIAS, REFERENCE, EMBED, "anchor"})
"""What is true of the node itself and of nothing below it."""
MANY = frozenset({TAG, ALIAS, REFERENCE, EMBED})
"""What a node has several of; of everything else the nearest value up the tree holds."""

DONE_WORDS = frozenset({"DONE", "CANCELED", "CANCELLED", "CLOSED"})
_ISO = re.compile(r"(\d{4})[-/_.](\d{1,2})[-/_.](\d{1,2})(?!\d)(?:\D{0,12}?(\d{1,2}):(\d{2}))?")


class Attribute(NamedTuple):
    name: str
    value: str


def tags(values: Iterable[str]) -> Iterator[Attribute]:
    """Tags as every format writes them, without '#' and '@'."""
    for value in values:
        if tag := value.strip().strip("#@").strip():
            yield Attribute(TAG, tag)


def todo(keyword: str, done: bool | None = None) -> list[Attribute]:
    """A TODO keyword with its state; `done` where the format itself says it."""
    done = keyword.upper() in DONE_WORDS if done is None else done
    return [Attribute(TODO, keyword), Attribute(STATE, "done" if done else "open")]


def date(name: str, text: str) -> list[Attribute]:
    """The first date in a text, or nothing when there is none that the calendar knows."""
    iso = iso_date(text)
    return [Attribute(name, iso)] if iso else []


def iso_date(text: str) -> str:
    """The first date in a text as YYYY-MM-DD or YYYY-MM-DDTHH:MM, or "". Knows ISO 8601 and RFC 5322 dates."""
    found = _ISO.search(text[:200])
    try:
        if found:
            year, month, day, hour, minute = (int(part) if part else 0 for part in found.groups())
            moment, timed = datetime(year, month, day, hour, minute), found.group(4) is not None
        else:
            moment, timed = parsedate_to_datetime(text[:200]), True
    except (ValueError, TypeError, OverflowError, IndexError):
        return ""
    return moment.strftime("%Y-%m-%dT%H:%M" if timed else "%Y-%m-%d").zfill(10)


def properties(pairs: Iterable[tuple[str, str]]) -> Iterator[Attribute]:
    """Key and value as people write them, to attributes: well-known keys in the vocabulary above, others as they are."""
    for key, text in pairs:
        name, value = key.strip().casefold(), text.strip()
        if not name or not value:
            continue
        if name in {"tag", "tags", "filetags"}:
            yield from tags(split_values(value))
        elif name in {"alias", "aliases"}:
            yield from (Attribute(ALIAS, part) for part in split_values(value))
        elif name in DATES and (iso := iso_date(value)):
            yield Attribute(name, iso)
        else:
            yield Attribute(name, value)


_LINKED = re.compile(r"#?\[\[([^\[\]]*)\]\]")


def split_values(text: str) -> list[str]:
    """'a, [[b c]], #d' to its parts; commas inside double brackets part nothing."""
    linked = [part.strip() for part in _LINKED.findall(text)]
    plain = [part.strip() for part in _LINKED.sub(",", text).split(",")]
    parts = (part.strip("\"'") if part[:1] == part[-1:] else part for part in linked + plain)
    return [part for part in dict.fromkeys(parts) if part]
