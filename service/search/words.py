"""The words of a question, and where they stand in a line."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from indexer.words import Word, is_packed, stem, words_in

FUNCTION_WORDS = frozenset(
    """a about after all also am an and any are as at be been before being below but by can could did do does doing don
    down during each else ever every few for from get gets give given go goes had has have having he her here hers him
    his how i if in into is it its itself just let like made make makes many may me might mine more most much must my
    need needs no nor not of off on once only or other our ours out over own please same say shall she should so some
    such take tell than that the their theirs them then there these they thing things this those through to too under
    until up us use used uses using very want wants was way we were what when where which while who whom whose why will
    with without won would yes yet you your yours""".split()  # noqa: SIM905 - a list of strings would fill the screen
)


def content_stems(text: str) -> frozenset[str]:
    """The stems of the words that carry meaning."""
    return frozenset(map(stem, content_words(text)))


def words_of(text: str) -> list[str]:
    """All words, as they are written, in order; pairs of characters where words are not told apart (see `indexer.words`)."""
    return [text[word.start : word.end] for word in words_in(text, asked=True)]


def is_keywords(text: str) -> bool:
    """Whether this is a list of keywords ("route 53 alias record"), not a sentence: it has no function word."""
    words = [word.text for word in words_in(text, asked=True)]
    return bool(words) and not FUNCTION_WORDS.intersection(words)


def content_words(text: str) -> list[str]:
    """The words that carry meaning, without case, in order."""
    return [word.text for word in words_in(text, asked=True) if word.text not in FUNCTION_WORDS]


def word_span(text: str, start: int, end: int) -> tuple[int, int]:
    """The whole word around a part of it, with its accents; a sign, and a character of a script without spaces, stand for
    themselves.
    """
    if not any(map(_in_word, text[start:end])):
        return start, end
    packed = is_packed(text[start])
    while start > 0 and not packed and _in_word(text[start - 1]) and not is_packed(text[start - 1]):
        start -= 1
    while end < len(text) and (
        _is_mark(text[end]) or (not packed and text[end].isalnum() and not is_packed(text[end]))
    ):
        end += 1
    return start, end


def _in_word(character: str) -> bool:
    return character.isalnum() or _is_mark(character)


def _is_mark(character: str) -> bool:
    return not character.isascii() and unicodedata.category(character).startswith("M")


@lru_cache(maxsize=512)
def _stemmed(line: str) -> tuple[tuple[Word, str], ...]:
    """The words of a line with their stems. Good lines are shown again and again. Each takes a kilobyte or two, and while
    notes are edited there are ever new ones.
    """
    return tuple((word, stem(word.text)) for word in words_in(line))


def marks(line: str, stems: frozenset[str]) -> list[tuple[int, int]]:
    """Spans [start, end) of the words of `line` that have one of these stems, in order; pairs that overlap make one span."""
    spans: list[tuple[int, int]] = []
    found = [word for word, its_stem in _stemmed(line) if its_stem in stems]
    pairs = "".join(word.text for word in found if word.pair)
    for word in sorted(found, key=lambda word: word.start):
        if word.packed and not word.pair and word.text in pairs:
            continue  # a character is worth a mark of its own only where it was asked for alone
        if spans and word.start < spans[-1][1]:
            spans[-1] = spans[-1][0], max(spans[-1][1], word.end)
        else:
            spans.append((word.start, word.end))
    return spans
