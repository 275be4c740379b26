"""The words of a question, and where they stand in a line."""

from __future__ import annotations

from indexer.words import WORD, stem

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
    """All words, as they are written, in order."""
    return WORD.findall(text)


def is_keywords(text: str) -> bool:
    """Whether this is a list of keywords ("route 53 alias record"), not a sentence: it has no function word."""
    words = WORD.findall(text.casefold())
    return bool(words) and not FUNCTION_WORDS.intersection(words)


def content_words(text: str) -> list[str]:
    """The words that carry meaning, without case, in order."""
    return [word for word in WORD.findall(text.casefold()) if word not in FUNCTION_WORDS]


def marks(line: str, stems: frozenset[str]) -> list[tuple[int, int]]:
    """Spans [start, end) of the words of `line` that have one of these stems, in order."""
    return [word.span() for word in WORD.finditer(line) if stem(word.group()) in stems]
