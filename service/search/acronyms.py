"""Reads a question with its acronyms spelled out as the notes spell them, and its phrases shortened as the notes shorten
them, so that either side may use either form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from indexer.acronyms import short_forms
from indexer.store import Store
from service.search.words import FUNCTION_WORDS

_RUN = re.compile(r"[A-Za-z][\w'’]*+(?:[ /-][A-Za-z][\w'’]*+)++")
"""Possessive, since no part of a word that was read is ever given back: a single word of 4,000 letters would take a while."""
_PART = re.compile(r"[A-Za-z][\w'’]*")
_LONGEST = 6
_MOST = 8
"""So many acronyms are spelled out and so many phrases shortened: a question is a sentence or two, and each makes it longer."""
_PHRASES = 1000
"""So many are looked up, those of the first 250 words."""
_LONGEST_MEANING = 100
"""Characters of a phrase that spells an acronym out. The longest of the notes that ship has 46."""
_SURE_FROM = 4
"""Initials of so many letters hardly ever match by chance; shorter ones need capitals, or words that all carry meaning."""


def with_acronyms(store: Store, question: str) -> str:
    """The question with what its acronyms stand for behind them in parentheses, and acronyms for its phrases at the end; the
    first few of each.
    """
    shortened = list(islice(_shortened(store, question), _MOST))
    meanings = dict(islice(_spelled_out(store, question), _MOST))
    if meanings:
        question = _with_meanings(question, meanings)
    return question + "".join(f" ({short})" for short in shortened)


def _spelled_out(store: Store, question: str) -> Iterator[tuple[str, str]]:
    """Each acronym of the question with its meaning, unless the question has that as well."""
    said = question.casefold()
    for short in dict.fromkeys(short_forms(question)):
        meaning = store.spelled_out(short)
        if 0 < len(meaning) <= _LONGEST_MEANING and (folded := meaning.casefold()) not in said:
            said += f"\n{folded}"  # what one meaning says is not said again by another
            yield short, meaning


def _with_meanings(question: str, meanings: dict[str, str]) -> str:
    """The question with each meaning behind the first place of its acronym."""
    left = dict(meanings)

    def spelled(found: re.Match[str]) -> str:
        meaning = left.pop(found.group(), "")
        return f"{found.group()} ({meaning})" if meaning else found.group()

    return re.sub(rf"\b(?:{'|'.join(map(re.escape, meanings))})(?=s?\b)", spelled, question)


def _shortened(store: Store, question: str) -> Iterator[str]:
    """The acronyms of the question's phrases that the question itself does not have, each once."""
    seen: set[str] = set()
    for words in islice(_phrases(question), _PHRASES):
        short = "".join(word[0] for word in words).upper()
        if store.uses(short) and short not in seen and _is_likely(store, short, words):
            seen.add(short)
            if short not in question:
                yield short


def _phrases(question: str) -> Iterator[list[str]]:
    """Every three to six words in a row."""
    for run in _RUN.findall(question):
        words = _PART.findall(run)
        for first in range(len(words)):
            for last in range(first + 2, min(len(words), first + _LONGEST)):
                yield words[first : last + 1]


def _is_likely(store: Store, short: str, words: list[str]) -> bool:
    meaning = store.spelled_out(short)
    if meaning:
        return meaning.casefold() == " ".join(words).casefold()
    if all(word[0].isupper() for word in words):
        return True
    ends_mean_something = not FUNCTION_WORDS.intersection((words[0].casefold(), words[-1].casefold()))
    all_mean_something = not FUNCTION_WORDS.intersection(word.casefold() for word in words)
    return all_mean_something or (ends_mean_something and len(short) >= _SURE_FROM)
