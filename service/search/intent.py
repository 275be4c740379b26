"""What kind of answer a question wants, where that can be read off its words: two sides, a whole list, an amount."""

from __future__ import annotations

import re

_BETWEEN = re.compile(
    r"\b(?:between|compar(?:e|ing)) (?P<one>.+?) (?:and|with|to|against) (?P<other>.+)", re.IGNORECASE
)
_VERSUS = re.compile(r"(?P<one>.+?) (?:vs\.?|versus|compared (?:to|with)|as opposed to) (?P<other>.+)", re.IGNORECASE)
_ASIDE = re.compile(r"[,;:?!].*$| (?:in terms of|when|for which|regarding)\b.*$")
_LIST = re.compile(
    r"^\W*(?:please\s+)?(?:list|enumerate|name)\b|\ball (?:of )?the\b|\bwhat are all\b|"
    r"\b(?:which|what)\b[^?]{0,40}?\b(?:types|kinds|ways|options|modes|methods|policies|strategies|classes|sources|levels|"
    r"categories|steps|components)\b",
    re.IGNORECASE,
)
_AMOUNT_ASKED = re.compile(
    r"\b(how (many|much|long|often|large|big|fast|far|old|small|high|soon)|what (size|length|percentage|number|port|age)|"
    r"max(imum)?|min(imum)?|limits?|cap|ceiling|quota|costs?|price|pricing|size|duration|timeout|seconds|minutes|hours|days|"
    r"per (second|minute|hour|day|month)|number of)\b",
    re.IGNORECASE,
)
_AMOUNT_GIVEN = re.compile(
    r"(?<![A-Za-z\d])\d|[$€£]|\b(one|two|three|four|five|six|seven|eight|nine|ten|twelve|once|twice|hundred|thousand|million|"
    r"unlimited|no limit|zero|single|free|daily|hourly|weekly|monthly)\b",
    re.IGNORECASE,
)
_LONGEST_SIDE = 60


def sides(question: str) -> tuple[str, str] | None:
    """The two things that a question compares: ("ALB", "NLB") of "What is the difference between ALB and NLB?"."""
    question = " ".join(question.split())  # what is asked for with any space would take the cube of it
    found = _BETWEEN.search(question) or _VERSUS.match(question)
    if not found:
        return None
    one, other = (_ASIDE.sub("", found[side]).strip(" .") for side in ("one", "other"))
    one = re.sub(r"^.*[,;:?!] ?", "", one)
    if not one or not other or max(len(one), len(other)) > _LONGEST_SIDE:
        return None
    return one, other


def wants_list(question: str) -> bool:
    """Whether a question asks for all of something: "list all ...", "which kinds of ... are there"."""
    return bool(_LIST.search(question))


def asks_amount(question: str) -> bool:
    """Whether a question asks for a number: "how long", "what is the limit"."""
    return bool(_AMOUNT_ASKED.search(question))


def gives_amount(line: str) -> bool:
    """Whether a line says a number, in figures or words."""
    return bool(_AMOUNT_GIVEN.search(line))
