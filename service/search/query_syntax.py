"""What a question may say about where to look: `valve under:"Work / Apollo" tag:decision todo:open after:2026-01`."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from service.errors import InvalidRequest

_FILTER = re.compile(
    r'(?:(?<=\s)|^)(under|file|tag|todo|after|before|where):(?:"([^"]*)"|([^\s"]+))(?=\s|$)', re.IGNORECASE
)
_COLLECTION = re.compile(r"(?:(?<=\s)|^)collection:\"?([\w-]+)\"?(?=\s|$)", re.IGNORECASE)
_NEARLY = re.compile(r'(?:(?<=\s)|^)(under|file|tag|todo|after|before|where):("[^"]*(?:"\S*|$)|\S*)', re.IGNORECASE)
_EXAMPLES = {
    "under": 'under:"Work / Apollo"', "file": "file:*.org", "tag": "tag:decision", "todo": "todo:open",
    "after": "after:2026-01-31", "before": "before:2026-01-31", "where": "where:owner=Priya",
}  # fmt: skip
_MOST, _LONGEST_GLOB = 50, 1000
"""Tags and properties that one question may name, and characters of a glob: each is looked for in all notes."""
_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")


class Filters(msgspec.Struct, frozen=True):
    """Which nodes are asked. All that is given has to hold; a node inherits what its ancestors and its file say of themselves.

    under: a path from the outermost ancestor; the node it names is in scope, and all below it. file: a glob as in .gitignore.
    tag: each of these tags, or one below it: "work" holds "work/apollo" too. todo: "open", "done", a keyword, or "*" for any.
    after, before: a date from this day on, or before it, as YYYY, YYYY-MM or YYYY-MM-DD. where: (name, value) of properties,
    the value "*" standing for any.
    """

    under: tuple[str, ...] = ()
    file: str = ""
    tag: tuple[str, ...] = ()
    todo: str = ""
    after: str = ""
    before: str = ""
    where: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        """Raises InvalidRequest."""
        for name, value in (("after", self.after), ("before", self.before)):
            if value and not _is_date(value):
                raise InvalidRequest(f"'{name}' must be a date such as 2026-01-31 or 2026-01, not '{value[:40]}'.")
        if (given := len(self.tag) + len(self.where)) > _MOST:
            raise InvalidRequest(f"There are {given:,} tags and properties to look for; a question may name {_MOST}.")
        if len(self.file) > _LONGEST_GLOB:
            raise InvalidRequest(f"'file' has {len(self.file):,} characters; a glob has at most {_LONGEST_GLOB:,}.")

    def narrowed(self, other: Filters) -> Filters:
        """Both together; where only one of a kind can hold, that of `other`."""
        return Filters(
            other.under or self.under,
            other.file or self.file,
            (*self.tag, *other.tag),
            other.todo or self.todo,
            max(self.after, other.after),
            min(filter(None, (self.before, other.before)), default=""),
            (*self.where, *other.where),
        )


EVERYTHING = Filters()


def split_collection(text: str, names: Sequence[str]) -> tuple[str, str]:
    """The question without `collection:name`, and the name; "" when it names none of these."""
    for match in _COLLECTION.finditer(text):
        if (name := match.group(1).lower()) in names:
            return " ".join((text[: match.start()] + text[match.end() :]).split()), name
    return text, ""


def parse_query(text: str) -> tuple[str, Filters]:
    """The question without its filters, and those. What only looks like one stays: a word with a colon, a date that is none.

    A filter that comes several times counts as `Filters.narrowed` says.
    """
    found = Filters()
    words: list[str] = []
    at = 0
    for match in _FILTER.finditer(text):
        name, value = match.group(1).lower(), (match.group(2) if match.group(2) is not None else match.group(3)).strip()
        filters = _filters(name, value)
        if filters is not None:
            found = found.narrowed(filters)
            words.append(text[at : match.start()])
            at = match.end()
    return " ".join("".join([*words, text[at:]]).split()) if words else text, found


def misread(text: str) -> list[str]:
    """What in a question looks like a filter and is none, each in words: it was searched for as words."""
    notices = []
    taken = [match.span() for match in _FILTER.finditer(text) if _of(match) is not None]
    for match in _NEARLY.finditer(text):
        if any(start <= match.start() < end for start, end in taken):
            continue
        name, value = match[1].lower(), match[2]
        if value.startswith('"') and value.count('"') == 1:
            notices.append(f"{match[0][:40]}: the closing quotation mark is missing.")
        elif not value.strip('"').strip():
            notices.append(f"{name}: needs a value behind it, such as {_EXAMPLES[name]}.")
        elif name in {"after", "before"}:
            notices.append(f"{match[0][:40]} is no date; write {_EXAMPLES[name]}, or a month or a year.")
        elif name == "where":
            notices.append(f"{match[0][:40]} has no value; write {_EXAMPLES[name]}, or where:owner=* for any.")
        else:
            notices.append(f"{match[0][:40]} is no filter; write {_EXAMPLES[name]}, with a space behind it.")
    return notices


def _of(match: re.Match[str]) -> Filters | None:
    value = match[2] if match[2] is not None else match[3]
    return _filters(match[1].lower(), value.strip())


def _filters(name: str, value: str) -> Filters | None:
    if not value or (name in {"after", "before"} and not _is_date(value)):
        return None
    if name == "under":
        return Filters(under=tuple(split_path(value)))
    if name == "tag":
        return Filters(tag=(value,))
    if name == "where":
        return Filters(where=(split_property(value),)) if "=" in value else None
    return msgspec.structs.replace(EVERYTHING, **{name: value})


def split_path(path: str) -> list[str]:
    """A path as people write it, "Identity > STS" or "Identity / STS", to its segments; a '>' says that no '/' parts them. One
    that belongs to a heading is written "\\>".
    """
    parts = re.split(r"(?<!\\)>", path)
    if len(parts) == 1:
        parts = path.split(" / ")
    return [segment for part in parts if (segment := part.replace(r"\>", ">").strip())]


def join_path(segments: Sequence[str]) -> str:
    """The reverse of `split_path`."""
    path = " > ".join(segment.replace(">", r"\>") for segment in segments)
    return f"{path} >" if len(segments) == 1 and " / " in path else path


def split_property(text: str) -> tuple[str, str]:
    """What people write as "owner=Priya" to its name and value; a name alone stands for any value. Raises InvalidRequest."""
    name, equals, value = text.partition("=")
    if not name.strip():
        raise InvalidRequest(f"'where' must be a name and a value, such as owner=Priya, not '{text[:40]}'.")
    return name.strip().casefold(), value.strip() if equals else "*"


def _is_date(text: str) -> bool:
    found = _DATE.fullmatch(text)
    return found is not None and 1 <= int(found[2] or 1) <= 12 and 1 <= int(found[3] or 1) <= 31
