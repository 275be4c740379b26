"""The constructs of Org's syntax, each recognised by its line alone."""

from __future__ import annotations

import re
from collections.abc import Sequence

from indexer.attributes import PRIORITY, TODO, Attribute, date, tags, todo
from indexer.readers.page import Page

HEADLINE = re.compile(r"(\*+)\s+(.*)$")
PRIORITY_COOKIE = re.compile(r"\[#([A-Za-z0-9]{1,2})\]\s*")
TAGS = re.compile(r"(?:^|(?<!\s)\s+):((?:[\w@#%]+:)+)\s*$")
PLANNING = re.compile(r"\s*(?:(?:SCHEDULED|DEADLINE|CLOSED):\s*[<\[][^>\]]*[>\]](?:--[<\[][^>\]]*[>\]])?\s*)+$")
PLANNED = re.compile(r"(SCHEDULED|DEADLINE|CLOSED):\s*([<\[][^>\]]*[>\]])")
KEYWORD = re.compile(r"\s*#\+([\w-]+)(?:\[[^\]]*\])?:\s*(.*)$")
BEGIN = re.compile(r"\s*#\+begin[_:]\s*(\S+)\s*(.*)$", re.IGNORECASE)
DRAWER = re.compile(r"\s*:([\w-]+):\s*$")
PROPERTY = re.compile(r"\s*:([^\s:]+):(?:\s+(.*))?$")
ITEM = re.compile(r"(\s*)([-+]|\d{1,9}[.)]|[A-Za-z][.)])(?:\s+\[@\w+\])?(\s+|$)")
STAR_ITEM = re.compile(r"(\s+)(\*)(\s+|$)()")
CHECKBOX = re.compile(r"\[([ xX-])\]\s+(?=\S)")
EMPTY_CHECKBOX = re.compile(r"\[[ xX-]\]")
TABLE_RULE = re.compile(r"\s*\|[-+|:\s]*$")
FOOTNOTE = re.compile(r"\[fn:([\w-]+)\]\s*")
CLOCK = re.compile(r"\s*CLOCK:|\s*- (?:State|Rescheduled|New deadline|Refiled on|CLOSING NOTE)\b.*\[\d{4}-")
INLINE_TASK = 15
"""Stars from which on a headline is a task inside the text."""
_SIGNS = re.compile(
    r"^(?:#\+(?:title|filetags|startup|todo|begin_src)\b|[^\S\n]*:PROPERTIES:\s*$)", re.IGNORECASE | re.MULTILINE
)
CODE = frozenset({"src", "example", "export", "latex", "html", "ascii", "clojure", "query", "verbatim"})


def planned(line: str) -> list[Attribute]:
    """The dates in a line of planning."""
    return [each for name, stamp in PLANNED.findall(line) for each in date(name.lower(), stamp)]


def begins_something(line: str) -> bool:
    """Whether a line ends the paragraph above it."""
    stripped = line.strip()
    return bool(
        (line.startswith("*") and HEADLINE.match(line))
        or stripped.startswith(("#+", "# ", "|", ": "))
        or stripped in {"#", ":"}
        or ITEM.match(line)
        or STAR_ITEM.match(line)
        or DRAWER.match(line)
        or PLANNING.match(line)
        or FOOTNOTE.match(line)
        or CLOCK.match(line)
        or (len(stripped) >= 5 and not stripped.strip("-"))
    )


def todo_words(lines: Sequence[str]) -> tuple[list[str], list[str]]:
    """The keywords for what is open and for what is done, from "#+TODO: NEXT(n) | DONE(d)"; without a bar the last is done."""
    words: list[str] = []
    done: list[str] = []
    for line in lines:
        states = re.sub(r"\([^()]*\)", "", line.split(":", 1)[1]).replace("|", " | ").split()
        bar = states.index("|") if "|" in states else max(len(states) - 1, 0)
        words += states[:bar]
        done += [word for word in states[bar:] if word != "|"]
    return words, done


USUAL_OPEN = frozenset(
    ["TODO", "NEXT", "DOING", "STARTED", "WAITING", "WAIT", "HOLD", "SOMEDAY", "INPROGRESS", "IN-PROGRESS"]
)
USUAL_DONE = frozenset(["DONE", "CANCELLED", "CANCELED"])
"""Keywords of files that declare none of their own: most people set theirs once for all files, in their editor."""


def state_marker(attributes: Sequence[Attribute]) -> str:
    """What a reader wants to see of a task before its text: "TODO [#A]"."""
    said = dict(attributes)
    priority = f"[#{said[PRIORITY]}]" if PRIORITY in said else ""
    return f"{said.get(TODO, '')} {priority}".strip()


def headline_text(rest: str, open_words: frozenset[str], done_words: frozenset[str]) -> tuple[str, list[Attribute]]:
    """A headline without keyword, priority and tags, and those as attributes."""
    attributes: list[Attribute] = []
    word, _, behind = rest.strip().partition(" ")
    if word in open_words or word in done_words:
        attributes += todo(word, word in done_words)
        rest = behind
    rest = rest.strip()
    if priority := PRIORITY_COOKIE.match(rest):
        attributes.append(Attribute(PRIORITY, priority.group(1).upper()))
        rest = rest[priority.end() :]
    if rest.startswith("COMMENT "):
        attributes.append(Attribute("comment", "yes"))
        rest = rest[8:].lstrip()
    if found := TAGS.search(rest):
        attributes += tags(found.group(1).split(":"))
        rest = rest[: found.start()]
    return rest.strip(), attributes


def looks_like_org(page: Page) -> bool:
    """A keyword or a drawer of properties, and a headline."""
    head = page.lines[:400]
    return bool(_SIGNS.search("\n".join(head))) and any(HEADLINE.match(line) for line in head)
