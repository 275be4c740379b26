"""Words and their stems: what counts as the same word wherever words are counted."""

from __future__ import annotations

import re
from functools import lru_cache

import snowballstemmer

WORD = re.compile(r"\w+")
_STEMMER = snowballstemmer.stemmer("english")


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """The word without case and English endings: "Caching" and "cached" give the same."""
    return str(_STEMMER.stemWord(word.casefold()))


def stems_of(text: str) -> frozenset[str]:
    """The stems of all words of a text."""
    return frozenset(map(stem, WORD.findall(text)))
