"""Words and their stems: what counts as the same word wherever words are counted."""

from __future__ import annotations

import re
import threading
import unicodedata
from functools import lru_cache

import snowballstemmer

WORD = re.compile(r"\w+")
_PART = re.compile(r"[^\W_]+")
_STEMMER = snowballstemmer.stemmer("english")
_LOCK = threading.Lock()
"""A stemmer keeps the word that it works on: two threads at once get each other's, or an IndexError."""


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """The word without case, diacritics and English endings: "Caching" and "cached" give the same, "Café" and "cafe" too."""
    plain = unicodedata.normalize("NFKD", word.casefold())
    bare = "".join(letter for letter in plain if not unicodedata.combining(letter))
    with _LOCK:
        return str(_STEMMER.stemWord(bare))


def stems_of(text: str) -> list[str]:
    """The stems of all words of a text, in their order; "max_retries" is two words."""
    return list(map(stem, _PART.findall(text)))
