"""Which scripts a model can read, as its vocabulary tells, and how much of a text that is.

A model of English often has the letters of other scripts one by one, or has [UNK] for them: then every word looks like every
other. A model that has learned from a script has pieces of several letters of it, or most of its characters where one character
is a syllable or a word.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from indexer.words import script_of

_PIECES = 200
"""Pieces that show that a model has learned from a script. Those trained on a hundred languages have at least twice as many of
each script; an English one has fewer than fifty of any but its own.
"""
_CHARACTERS = 3000
"""The same for Chinese characters: English models have some hundreds of them."""
_ONE_IS_ENOUGH = frozenset({"CJK", "HANGUL"})
_KANA = frozenset({"HIRAGANA", "KATAKANA"})
_OTHER_NAMES = {"FULLWIDTH": "LATIN", "HALFWIDTH": "KATAKANA", "IDEOGRAPHIC": "CJK", "MODIFIER": "LATIN"}


class Scripts:
    """What a model reads. Safe for any number of threads."""

    def __init__(self, pieces: Callable[[], Sequence[str]]) -> None:
        """`pieces`: all of the vocabulary as text; asked for at most once, and not before a text needs it."""
        self._pieces = pieces
        self._read: frozenset[str] | None = None

    def share_read(self, text: str) -> float:
        """The share of the letters of a text that are of a script that the model reads; 1 for a text without letters. Latin is
        read by all.
        """
        if text.isascii():
            return 1.0
        letters = Counter(_script(character) for character in text if character.isalpha())
        if not letters.keys() - {"LATIN"}:
            return 1.0
        if self._read is None:
            self._read = scripts_of(self._pieces())
        return sum(count for script, count in letters.items() if script in self._read) / letters.total()


def scripts_of(pieces: Iterable[str]) -> frozenset[str]:
    """The scripts that a vocabulary is about. A piece is of the script of its first letter."""
    found: Counter[str] = Counter()
    for piece in pieces:
        letters = piece if piece.isalpha() else "".join(filter(str.isalpha, piece))
        if letters:
            script = _script(letters[0])
            found[script] += len(letters) > 1 or script in _ONE_IS_ENOUGH
    known = {script for script, count in found.items() if count >= (_CHARACTERS if script == "CJK" else _PIECES)}
    if known & _KANA:
        known |= _KANA
    return frozenset({"LATIN", *known})


def _script(letter: str) -> str:
    name = script_of(letter)
    return _OTHER_NAMES.get(name, name)
