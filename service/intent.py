"""What kind of answer a question wants, where that can be read off its words: two sides, or a whole list."""

from __future__ import annotations

import re

_BETWEEN = re.compile(
    r"\b(?:between|compar(?:e|ing))\s+(?P<one>.+?)\s+(?:and|with|to|against)\s+(?P<other>.+)", re.IGNORECASE
)
_VERSUS = re.compile(
    r"(?P<one>.+?)\s+(?:vs\.?|versus|compared (?:to|with)|as opposed to)\s+(?P<other>.+)", re.IGNORECASE
)
_ASIDE = re.compile(r"[,;:?!].*$|\s+(?:in terms of|when|for which|regarding)\b.*$")
_LIST = re.compile(
    r"^\W*(?:please\s+)?(?:list|enumerate|name)\b|\ball (?:of )?the\b|\bwhat are all\b|"
    r"\b(?:which|what)\b[^?]{0,40}?\b(?:types|kinds|ways|options|modes|methods|policies|strategies|classes|sources|levels|"
    r"categories|steps|components)\b",
    re.IGNORECASE,
)
_LONGEST_SIDE = 60


def sides(question: str) -> tuple[str, str] | None:
    """The two things that a question compares: ("ALB", "NLB") of "What is the difference between ALB and NLB?"."""
    found = _BETWEEN.search(question) or _VERSUS.search(question)
    if not found:
        return None
    one, other = (_ASIDE.sub("", found[side]).strip(" .") for side in ("one", "other"))
    one = re.sub(r"^.*[,;:?!]\s*", "", one)
    if not one or not other or max(len(one), len(other)) > _LONGEST_SIDE:
        return None
    return one, other


def wants_list(question: str) -> bool:
    """Whether a question asks for all of something: "list all ...", "which kinds of ... are there"."""
    return bool(_LIST.search(question))
