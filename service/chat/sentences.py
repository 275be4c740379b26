"""A language model's words, as they come, in sentences with the citations that they carry."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_CITATION = re.compile(r"\s*[\[【]\s*(\d{1,4}(?:\s*[,;]\s*\d{1,4})*)\s*[^\]】\d]{0,8}[\]】]")
_END = re.compile(
    r"""(?<!\b[A-Za-z]\.[A-Za-z])(?<!\bvs)(?<!\betc)(?<!\bapprox)  # "e.g.", "i.e." and the like end nothing
        [.!?]["”’)]*(?:\s*[\[【][\d\s,;]+[\]】])*                   # the full stop, and citations behind it
        (?=\s+[^\s\[【])                                           # once it is clear that no more of them come
        |\n""",
    re.VERBOSE,
)
_MARKUP = re.compile(
    r"!?\[([^\]]*)\]\([^)]*\)|</?[A-Za-z][^>]*>|^\s{0,3}(?:#{1,6}\s+|[-*+•]\s+|\d{1,2}[.)]\s+|>\s*)|\*\*|__|`",
    re.MULTILINE,
)
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+|\b(?:javascript|data|vbscript|mailto):\S+|\bwww\.\S+", re.IGNORECASE)
LONGEST = 1200
"""Characters after which words without an end are no sentence."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """text: without markup, addresses of pages and citations. cited: the numbers in it, in order. starts_line: whether it
    begins a line of its own, as an item of a list does.
    """

    text: str
    cited: tuple[int, ...]
    starts_line: bool


class Sentences:
    """Takes pieces of text and gives back whole sentences."""

    def __init__(self) -> None:
        self._rest = ""
        self._starts_line = True

    def feed(self, piece: str) -> Iterator[Sentence]:
        for start in range(0, len(piece), LONGEST):  # looking through more at once would take the square of it
            yield from self._feed(piece[start : start + LONGEST])

    def _feed(self, piece: str) -> Iterator[Sentence]:
        self._rest += piece
        while found := _END.search(self._rest):
            end = found.end()
            yield from self._cut(end, after_line=found.group() == "\n")
        if len(self._rest) > LONGEST:
            yield from self._cut(len(self._rest), after_line=False)

    def finish(self) -> Iterator[Sentence]:
        yield from self._cut(len(self._rest), after_line=True)

    def _cut(self, end: int, *, after_line: bool) -> Iterator[Sentence]:
        raw, self._rest = self._rest[:end], self._rest[end:]
        sentence = _read(raw, starts_line=self._starts_line)
        if sentence:
            yield sentence
            self._starts_line = False
        self._starts_line = self._starts_line or after_line


def _read(raw: str, *, starts_line: bool) -> Sentence | None:
    cited = dict.fromkeys(int(n) for found in _CITATION.finditer(raw) for n in re.findall(r"\d+", found.group(1)))
    plain = _ADDRESS.sub("", _MARKUP.sub(r"\1", _CITATION.sub("", raw)))
    text = " ".join(plain.split())
    text = re.sub(r"\s+([.,;:!?])", r"\1", text)
    return Sentence(text, tuple(cited), starts_line) if any(map(str.isalnum, text)) else None
