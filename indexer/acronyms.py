"""Acronyms that the notes use and the phrases they may stand for: "STS (Security Token Service)", but also "Reserved
Instances" for a reader who asks about RIs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_SHORT = re.compile(r"\b[A-Z][A-Z0-9]{1,6}(?=s?\b)")
_SMALL = r"(?:of|for|to|the|in|on)"
_RUN = re.compile(rf"\b[A-Z][\w'-]*(?:[ -](?:{_SMALL} )?[A-Z][\w'-]*)+")
_WORD = re.compile(r"[A-Za-z]+")
_LONGEST = 6


def short_forms(text: str) -> Iterator[str]:
    """The acronyms in a text, as often as they stand there: words of two to seven capitals and digits."""
    yield from _SHORT.findall(text)


def spelled_out(text: str) -> Iterator[tuple[str, str]]:
    """(acronym, phrase) for every phrase of capitalised words, whether or not the text has the acronym too."""
    for run in _RUN.findall(text):
        words = run.split(" ")
        for first in range(len(words)):
            for last in range(first + 1, min(len(words), first + _LONGEST)):
                if not words[first][0].isupper() or not words[last][0].isupper():
                    continue
                phrase = " ".join(words[first : last + 1])
                for short in initials(phrase):
                    yield short, phrase


def initials(phrase: str) -> set[str]:
    """The initials of a phrase, with and without its small words: both "RTB" and "RB" for "Return to Base"."""
    words = _WORD.findall(phrase)
    large = [word for word in words if not re.fullmatch(_SMALL, word)]
    forms = {"".join(word[0] for word in some).upper() for some in (words, large)}
    return {form for form in forms if 2 <= len(form) <= _LONGEST}
