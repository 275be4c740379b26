"""Acronyms that the notes use and the phrases they may stand for: "STS (Security Token Service)", but also "Reserved
Instances" for a reader who asks about RIs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_SHORT = re.compile(r"\b[A-Z][A-Z0-9]{1,6}(?=s?\b)")
_SMALL = ("of", "for", "to", "the", "in", "on")
_LONGEST = 6
_CAPITALISED = r"[A-Z][\w'-]{0,60}"
"""No longer, since a run of letters, quotes and hyphens is looked through from each of its capitals."""
_RUN = re.compile(rf"\b{_CAPITALISED}(?:[ -](?:(?:{'|'.join(_SMALL)}) )?{_CAPITALISED})+")
_PART = re.compile(r"[A-Za-z]+")


def short_forms(text: str) -> Iterator[str]:
    """The acronyms in a text, as often as they stand there: words of two to seven capitals and digits."""
    yield from _SHORT.findall(text)


def spelled_out(text: str) -> Iterator[tuple[str, str]]:
    """(acronym, phrase) for every phrase of capitalised words, whether or not the text has the acronym too. Its small words may
    count: both "RTB" and "RB" stand for "Return to Base".
    """
    for run in _RUN.findall(text):
        words = run.split(" ")
        initials = list(map(_initials, words))
        for first, word in enumerate(words):
            if not word[0].isupper():
                continue
            whole, large = initials[first]
            for last in range(first + 1, min(len(words), first + _LONGEST)):
                whole, large = whole + initials[last][0], large + initials[last][1]
                if len(large) > _LONGEST:
                    break
                if words[last][0].isupper():
                    phrase = " ".join(words[first : last + 1])
                    for short in {whole, large}:
                        if 2 <= len(short) <= _LONGEST:
                            yield short, phrase


def _initials(word: str) -> tuple[str, str]:
    """The first letters of its parts, and of those that are no small words; "Peer-to-Peer" has three."""
    parts = _PART.findall(word)
    return (
        "".join(part[0] for part in parts).upper(),
        "".join(part[0] for part in parts if part not in _SMALL).upper(),
    )
