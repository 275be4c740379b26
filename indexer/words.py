"""Words and their stems: what counts as the same word wherever words are counted, in any script.

A word is a run of letters, digits and the marks that belong to them (Unicode Standard Annex #29 has the idea). Where a script
puts no spaces between words, or hangs endings on them as Korean does, overlapping pairs of characters stand for words, as in
Lucene's CJK analyzer: for Chinese they find as well as dictionaries do (Nie, Gao, Zhang & Zhou 2000, "On the use of words and
n-grams for Chinese information retrieval"), need none, and know every new word. Words are compared without case, width and
composition; stems besides without accents, vowel signs that writers leave out, and endings, by the Snowball stemmer of the
script's largest language.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import Stemmer

_LOCK = threading.Lock()
"""A stemmer keeps the word that it works on: two threads must not use it at once."""
_SIMPLE_WORD = re.compile(r"[^\W_]+")
_NOT_SIMPLE = re.compile("[^\\x00-\xac\xae-\u02ff\u1e00-\u1eff\u2010-\u2bff]")
"""Latin letters and signs, composed: `re` finds their words as well as `regex` does, and is there already."""
_MOST_MARKS = 30
_JOINERS = "\xad\u200c\u200d"
"""Soft hyphen and the (non-)joiners stand inside words and are no part of them."""
_PACKED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\u30fc\uff70\uff9e\uff9f"
_PACKED_NAMES = frozenset("CJK HANGUL HIRAGANA IDEOGRAPHIC KATAKANA HALFWIDTH KHMER LAO MYANMAR THAI".split())  # noqa: SIM905
_STEMMERS = {
    "ARABIC": "arabic", "ARMENIAN": "armenian", "CYRILLIC": "russian", "DEVANAGARI": "hindi", "GREEK": "greek",
    "LATIN": "english", "TAMIL": "tamil",
}  # fmt: skip
_ACCENTS = re.compile(
    "(?<!\u0438)\u0306|[\u0300-\u0305\u0307-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670"
    "\u06d6-\u06ed\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f]"
)
"""Accents, points and vowel signs of Latin, Greek, Cyrillic, Hebrew and Arabic, and the Arabic stretch. Not the breve of the
Russian short i, which is a letter, and no sign of an Indian or East Asian script, where leaving one out makes another word.
"""
_ALIKE = str.maketrans(
    {"\u0131": "i", "\xe6": "ae", "\u0153": "oe", "\xf8": "o", "\u0142": "l", "\u0111": "d",
     "\u0649": "\u064a", "\u0629": "\u0647", "\u06cc": "\u064a", "\u06a9": "\u0643"}
)  # fmt: skip
"""What does not come apart into a letter and an accent: dotless i, ae, oe, and the o, l and d with a stroke; and Arabic letters
that people write either way.
"""


class Word(NamedTuple):
    """text: without case, width and composition. start, end: where it stands, in characters. packed: whether it is a character
    of a run without spaces, whose words are not known; pair: whether it is two of them.
    """

    text: str
    start: int
    end: int
    packed: bool = False
    pair: bool = False


def words_in(text: str, *, asked: bool = False) -> Iterator[Word]:
    """The words of a text in order. A run without spaces gives its characters and each pair of neighbours; where it is `asked`
    for, the pairs alone, unless it is as short as one.
    """
    if not _NOT_SIMPLE.search(text):
        for found in _SIMPLE_WORD.finditer(text):
            yield Word(plain(found.group()), *found.span())
        return
    for found in _any_word().finditer(text):
        if found["packed"]:
            yield from _packed_words(found["packed"], found.start(), asked)
        elif word := plain(found.group()):
            yield Word(word, *found.span())


def _packed_words(run: str, start: int, asked: bool) -> Iterator[Word]:
    parts = [
        Word(word, start + part.start(), start + part.end(), True)
        for part in _characters().finditer(run)
        if (word := plain(part.group()))  # a joiner may stand alone
    ]
    if len(parts) <= 2 or not asked:
        yield from parts
    for one, other in pairwise(parts):
        yield Word(one.text + other.text, one.start, other.end, True, True)


def plain(word: str) -> str:
    """A word without case, width and composition: "ＣＡＦＥ\u0301" and "café" give the same."""
    if word.isascii():
        return word.lower()
    if len(word) > _MOST_MARKS:
        word = _with_few_marks(word)
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", word).casefold())
    return folded.translate(_UNJOINED)


def _with_few_marks(word: str) -> str:
    """A word with at most 30 marks behind one another, as in Unicode's Stream-Safe Text Format (Standard Annex #15): to put
    more of them in their order takes the square of their number.
    """
    kept, run = [], 0
    for character in word:
        run = run + 1 if unicodedata.combining(character) else 0
        if run <= _MOST_MARKS:
            kept.append(character)
    return "".join(kept)


_UNJOINED = dict.fromkeys(map(ord, _JOINERS))


def unaccented(word: str) -> str:
    """A plain word without accents and the like: "naïve" and "naive" give the same."""
    if word.isascii():
        return word
    apart = _ACCENTS.sub("", unicodedata.normalize("NFKD", word))
    return unicodedata.normalize("NFKC", apart).translate(_ALIKE) or word


@lru_cache(maxsize=4096)
def stem(word: str) -> str:
    """The word without case, accents and endings: "Caching" and "cached" give the same."""
    bare = unaccented(plain(word))
    language = _STEMMERS.get(script_of(bare[:1]))
    if not language:
        return bare
    with _LOCK:
        return _stemmer(language)(bare) or bare


def stems_of(text: str) -> list[str]:
    """The stems of all words of a text, in their order; "max_retries" is two words."""
    return list(map(stem, texts_of(text)))


def texts_of(text: str) -> list[str]:
    """The words of a text as `words_in` has them, without their places: for whole collections of notes."""
    return _SIMPLE_WORD.findall(text.lower()) if text.isascii() else [word.text for word in words_in(text)]


def stems_asked(word: str) -> list[str]:
    """The stems to look a word up by: one, unless it is joined of several. A pair of characters is looked up as such."""
    parts = list(words_in(word, asked=True))
    return [stem(part.text) for part in parts if part.pair] or [stem(part.text) for part in parts]


def is_packed(character: str) -> bool:
    """Whether a character is of a script whose words are not told apart by spaces."""
    return not character.isascii() and script_of(character) in _PACKED_NAMES


@cache
def script_of(character: str) -> str:
    """The first word of its Unicode name, which tells its script: "LATIN", "CYRILLIC", "CJK"; "" for none."""
    return unicodedata.name(character, "").split(" ")[0].split("-")[0] if character else ""


@cache
def _stemmer(language: str) -> Callable[[str], str]:
    made: Callable[[str], str] = Stemmer.Stemmer(language, maxCacheSize=0).stemWord
    return made


@cache
def _any_word() -> Any:
    import regex  # only scripts beyond Latin need it, and `trellis ask` should start quickly

    marks = rf"\p{{M}}{_JOINERS}"
    return regex.compile(rf"(?P<packed>(?:[{_PACKED}][{marks}]*)+)|(?:(?![{_PACKED}_])[\w\p{{N}}{marks}])+")


@cache
def _characters() -> Any:
    """What readers take for one character, with its marks ("grapheme cluster")."""
    import regex

    return regex.compile(r"\X")
