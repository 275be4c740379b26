"""Whether a sentence says no more than the notes that it cites.

No model judges this, so the check looks for what it can see: a number or a name that the notes do not have, a denial that they
do not make, and words that nothing in them comes near to. Each content word counts by how rare it is in the notes, and is
matched by the same stem or else by its closest token vector (MaxSim, Khattab & Zaharia 2020). What the question already said
needs no support of its own. It cannot see a sentence that turns the notes' own words around; docs/chat.md has its measurements.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.encoder import Encoded
from indexer.words import stem, stems_of, words_in
from service.search.words import FUNCTION_WORDS, word_span
from service.snapshot import Snapshot

SUPPORTED_FROM = 0.77
"""Least share of a sentence's weight that the notes must carry."""
_WEAKEST_FROM = 0.25
"""Least similarity of the word that is matched worst."""
_COMMON = 0.04
"""A name in so large a share of the notes ("AWS" in notes on AWS) tells nothing."""
_NUMBER = re.compile(r"(\d+(?:[.,]\d+)*)(?:[ -]?(%|[A-Za-z]+))?")
_COUNTS = "zero one two three four five six seven eight nine ten eleven twelve"
_NUMBER_WORDS = {word: str(value) for value, word in enumerate(_COUNTS.split())}
_UNITS = {
    form: unit
    for unit, forms in {
        "b": "byte", "kb": "kb kib k", "mb": "mb mib", "gb": "gb gib", "tb": "tb tib", "pb": "pb pib", "ms": "ms millisecond",
        "s": "s sec second", "m": "min minute", "h": "h hr hour", "d": "day", "w": "week", "mo": "month", "y": "yr year",
        "%": "% percent",
    }.items()
    for form in forms.split()
}  # fmt: skip
_NAME = re.compile(r"\b(?:\w*[A-Z]\w*[A-Z]\w*|[A-Za-z]\w*\d\w*|[A-Z]\w+)\b")
_DENIAL = re.compile(
    r"\b(?:not|no|non|never|none|cannot|without|neither|nor|nobody|nothing|except|\w+n['’]t|unable|unsupported|impossible|"
    r"disabled|disallowed)\b",
    re.IGNORECASE,
)
_BEYOND = re.compile(
    r"\b(?:more|longer|larger|bigger|over|above|beyond|exceed\w*|further|other|unless|until)\b", re.IGNORECASE
)


class Evidence:
    """The notes that a sentence may rest on: some lines and the headings above them."""

    def __init__(self, snapshot: Snapshot, lines: Sequence[str], trail: Sequence[str], question: str) -> None:
        self._snapshot = snapshot
        self._lines = [*lines, *trail]
        self._own = len(lines)
        self._text = "\n".join(self._lines)
        self._stems = frozenset(stems_of(self._text))
        self._asked = frozenset(stems_of(question))
        self._amounts = [(_amounts(line), _units(line)) for line in [*self._lines, question]]
        self._tokens: NDArray[np.float32] = snapshot.encoder.encode(self._lines).tokens

    def supports(self, sentence: str) -> bool:
        """Whether the sentence, without its citations, rests on these notes."""
        if self._foreign_amount(sentence) or self._foreign_name(sentence) or self._turned(sentence):
            return False
        weights, matched = self._matches(sentence)
        if not len(weights):  # "Yes." says nothing that could be wrong beside what it stands with
            return True
        return bool(matched @ weights >= SUPPORTED_FROM * weights.sum() and matched.min() >= _WEAKEST_FROM)

    def _foreign_amount(self, sentence: str) -> bool:
        """Whether it has a number that neither a line nor the question has with its unit, beside it or further off."""
        return any(not any(_holds(amount, *line) for line in self._amounts) for amount in _amounts(sentence))

    def _foreign_name(self, sentence: str) -> bool:
        """Whether it names something that neither the notes cited nor the question do."""
        for found in _NAME.finditer(sentence):
            word = found.group()
            starts = found.start() == 0 and word[1:].islower()
            known = stem(word) in self._stems | self._asked or word.casefold() in FUNCTION_WORDS or _unit(word)
            if not known and not starts and self._share(word) < _COMMON and not self._spelled_out(word):
                return True
        return False

    def _spelled_out(self, word: str) -> bool:
        """Whether the notes cited have what this acronym stands for."""
        meaning = self._snapshot.store.spelled_out(word)
        return bool(meaning) and meaning.casefold() in self._text.casefold()

    def _turned(self, sentence: str) -> bool:
        """Whether all that the closest line says is in the sentence, and one of the two denies it: "Non persistent" and "is
        persistent".
        """
        wanted, denies = _content(sentence), bool(_DENIAL.search(sentence))
        if denies and _BEYOND.search(sentence):  # "no more than 15 minutes" denies nothing of "up to 15 minutes"
            return False
        contents = [(line, _content(line)) for line in self._lines[: self._own]]
        most = max((len(content & wanted) for _, content in contents), default=0)
        closest = [line for line, content in contents if most and len(content & wanted) == most and content <= wanted]
        turned = [bool(_DENIAL.search(line)) != denies for line in closest]
        return bool(turned) and (all(turned) if denies else any(turned))

    def _matches(self, sentence: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The weight of each content word of a sentence and how well it is matched, 0 to 1."""
        encoded: Encoded = self._snapshot.encoder.encode([sentence])
        best = (
            (encoded.tokens @ self._tokens.T).max(axis=1)
            if len(encoded.tokens) and len(self._tokens)
            else np.zeros(len(encoded.spans))
        )
        words: dict[tuple[int, int], list[float]] = {}
        for at, (start, end) in enumerate(encoded.spans.tolist()):
            words.setdefault(word_span(sentence, start, end), []).append(float(best[at]))
        if (
            self._snapshot.encoder.reads(sentence) < 1
        ):  # what the model cannot read has no tokens, and is no less said for that
            words |= {word[1:3]: [] for word in words_in(sentence, asked=True) if word[1:3] not in words}
        weights, matched = [], []
        for (start, end), similarities in words.items():
            word = sentence[start:end]
            if not any(map(str.isalnum, word)) or word.casefold() in FUNCTION_WORDS:
                continue
            known = stem(word) in self._stems or stem(word) in self._asked
            weights.append(self._weight(word) * (0.5 if stem(word) in self._asked - self._stems else 1.0))
            matched.append(1.0 if known else max(sum(similarities) / max(len(similarities), 1), 0.0))
        return np.array(weights, np.float64), np.array(matched, np.float64)

    def _weight(self, word: str) -> float:
        return 1.0 - math.log1p(self._snapshot.store.chunks_with(word)) / math.log1p(self._chunks + 1)

    def _share(self, word: str) -> float:
        return self._snapshot.store.chunks_with(word) / max(self._chunks, 1)

    @property
    def _chunks(self) -> int:
        return len(self._snapshot.store.chunk_node)


def _amounts(text: str) -> set[tuple[str, str]]:
    """The numbers of a text, each with its unit or ""."""
    found = {(number.replace(",", ""), _unit(unit)) for number, unit in _NUMBER.findall(text)}
    words = {word.text for word in words_in(text)} & _NUMBER_WORDS.keys() - {"one"}
    return found | {(_NUMBER_WORDS[word], "") for word in words}


def _units(text: str) -> set[str]:
    """The units that a text names, wherever they stand."""
    return {_unit(word.text) for word in words_in(text)} | {unit for _, unit in _amounts(text)}


def _holds(amount: tuple[str, str], amounts: set[tuple[str, str]], units: set[str]) -> bool:
    """Whether a line with these amounts and units gives this one. "1000 minutes" is not in "1000 executions at once"."""
    number, unit = amount
    given = {other for each, other in amounts if each == number}
    return bool(given) and (not unit or unit in given or ("" in given and unit in units))


def _unit(word: str) -> str:
    word = word.casefold()
    return _UNITS.get(word) or _UNITS.get(word.removesuffix("s")) or ""


def _content(text: str) -> frozenset[str]:
    words = words_in(_DENIAL.sub(" ", text))
    return frozenset(stem(word.text) for word in words if word.text not in FUNCTION_WORDS)
