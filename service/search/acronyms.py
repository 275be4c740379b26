"""Reads a question with its acronyms spelled out as the notes spell them, and its phrases shortened as the notes shorten
them, so that either side may use either form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from indexer.acronyms import short_forms
from indexer.store import Store
from service.search.words import FUNCTION_WORDS

_RUN = re.compile(r"[A-Za-z][\w'’]*(?:[ /-][A-Za-z][\w'’]*)+")
_PART = re.compile(r"[A-Za-z][\w'’]*")
_LONGEST = 6
_SURE_FROM = 4
"""Initials of so many letters hardly ever match by chance; shorter ones need capitals, or words that all carry meaning."""


def with_acronyms(store: Store, question: str) -> str:
    """The question with what its acronyms stand for behind them in parentheses, and acronyms for its phrases at the end."""
    shortened = [short for short in dict.fromkeys(_shortened(store, question)) if short not in question]
    for short in dict.fromkeys(short_forms(question)):
        meaning = store.spelled_out(short)
        if meaning and meaning.casefold() not in question.casefold():
            question = re.sub(rf"\b{short}(?=s?\b)", f"{short} ({meaning})", question, count=1)
    return question + "".join(f" ({short})" for short in shortened)


def _shortened(store: Store, question: str) -> Iterator[str]:
    for run in _RUN.findall(question):
        words = _PART.findall(run)
        for first in range(len(words)):
            for last in range(first + 2, min(len(words), first + _LONGEST)):
                some = words[first : last + 1]
                short = "".join(word[0] for word in some).upper()
                if store.uses(short) and _is_likely(store, short, some):
                    yield short


def _is_likely(store: Store, short: str, words: list[str]) -> bool:
    meaning = store.spelled_out(short)
    if meaning:
        return meaning.casefold() == " ".join(words).casefold()
    if all(word[0].isupper() for word in words):
        return True
    ends_mean_something = not FUNCTION_WORDS.intersection((words[0].casefold(), words[-1].casefold()))
    all_mean_something = not FUNCTION_WORDS.intersection(word.casefold() for word in words)
    return all_mean_something or (ends_mean_something and len(short) >= _SURE_FROM)
