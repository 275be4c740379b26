"""What of a node is embedded: its text behind the path of its ancestors, in pieces that a model can read whole."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from indexer.node import Outline, Problem

CHUNKING = 2
"""Version of the rules in this module. An index made under other rules has other vectors and is refused."""

SEPARATOR = " > "
_TEXT = 900
"""Characters of a node's text in one chunk: about 200 tokens of English, within the 256 of small models."""
_OVERLAP = 120
_MAX_CHUNKS = 64
_PACKED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff\uff66-\uffdf]"
)
_PACKED_WIDTH = 4
"""A character of a script that puts no spaces between words is about a token, as four Latin letters are."""
_STOPS = " \u3002\uff01\uff1f\uff1b\uff0c\u3001"
"""Where a text may be cut: at spaces, and after the stops and commas of Chinese and Japanese."""
_ANCESTOR = 100
_PATH = 320


@dataclass(frozen=True, slots=True)
class Chunk:
    """node: position in its outline. trail: its ancestors, shortened where long. piece: its text or a part of it.
    hash: 32 bytes that change when what is embedded does.
    """

    node: int
    trail: str
    piece: str

    @property
    def text(self) -> str:
        """What is embedded."""
        return f"{self.trail}{SEPARATOR}{self.piece}" if self.trail else self.piece

    @property
    def hash(self) -> bytes:
        return hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).digest()

    @property
    def own_hash(self) -> bytes:
        """16 bytes that change when its own words do, wherever it stands."""
        return hashlib.sha256(self.piece.encode("utf-8", "surrogatepass")).digest()[:16]


def cut_chunks(outline: Outline) -> Iterator[Chunk]:
    """One chunk a node, more for a node longer than a model reads at once. Every node has at least one."""
    trails: list[str] = []
    title = " ".join(outline.title.split())
    start, folded = _lengthen("", title), title.casefold()

    def top(text: str) -> str:
        """What its file is about, unless the node itself says so."""
        return "" if text.casefold() == folded else start

    for at, node in enumerate(outline.nodes):
        above = top(node.text) if node.parent is None else trails[node.parent]
        trails.append(_lengthen(above, node.text))
        for piece in _pieces(node.text):
            yield Chunk(at, above, piece)


def too_long(outline: Outline) -> list[Problem]:
    """The nodes whose end lies beyond the last chunk, so that only their beginning can be found by meaning."""
    problems = []
    for node in outline.nodes:
        end = _spans(node.text)[-1][1]
        if end < len(node.text):
            message = f"{len(node.text):,} characters long: only the first {end:,} can be found"
            problems.append(Problem(outline.file, node.line, message))
    return problems


def _lengthen(trail: str, text: str) -> str:
    """The trail with one more ancestor. A long one keeps its outermost ancestor and the nearest ones."""
    text = text if len(text) <= _ANCESTOR else text[: _ANCESTOR - 1].rstrip() + "…"
    if not trail:
        return text
    trail = f"{trail}{SEPARATOR}{text}"
    if len(trail) <= _PATH:
        return trail
    first, *rest = [part for part in trail.split(SEPARATOR) if part != "…"]
    while rest and len(first) + sum(len(part) + len(SEPARATOR) for part in rest) > _PATH:
        rest.pop(0)
    return SEPARATOR.join([first, "…", *rest])


def _pieces(text: str) -> Sequence[str]:
    return [piece for start, end in _spans(text) if (piece := text[start:end].strip())] or [text[:_TEXT]]


def _spans(text: str) -> list[tuple[int, int]]:
    """Where the pieces of a text begin and end. They overlap; the last one ends before the text does if it is too long."""
    width = _width(text)
    if width <= _TEXT + _OVERLAP:
        return [(0, len(text))]
    each = width / len(text)
    most, overlap = int(_TEXT / each), int(_OVERLAP / each)
    spans: list[tuple[int, int]] = []
    start = 0
    while start < len(text) and len(spans) < _MAX_CHUNKS * each:
        end = min(start + most, len(text))
        if end < len(text) and (stop := max(text.rfind(sign, start + overlap + 1, end) for sign in _STOPS)) > 0:
            end = stop if text[stop] == " " else stop + 1
        spans.append((start, end))
        if end == len(text):
            break
        start = end - overlap
    return spans


def _width(text: str) -> int:
    """How long a text is for a model, in Latin letters."""
    return len(text) if text.isascii() else len(text) + (_PACKED_WIDTH - 1) * sum(1 for _ in _PACKED.finditer(text))
