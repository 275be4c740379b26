"""OPML 1 and 2: an `outline` element a node, its `_note` and `description` below it, HTML inside its text taken off.

Whether a file is well-formed XML, and safe, is for expat to say (through defusedxml, which refuses entities that are declared).
The elements themselves are found by their text, since every attribute's own line is wanted and since most files that are not
well-formed (a bare '&', a quote in a quote) can be read none the less: they are reported by line, and lose nothing.
"""

from __future__ import annotations

import codecs
import html
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from xml.sax import SAXParseException
from xml.sax.handler import ContentHandler

from defusedxml import DefusedXmlException, EntitiesForbidden
from defusedxml.sax import make_parser

from indexer.attributes import Attribute, properties, tags, todo
from indexer.decode import Decoded, decode
from indexer.readers.markup import without_html
from indexer.readers.page import Format, Page, Reading, Tree

_DECLARED = re.compile(rb"^(?:\xef\xbb\xbf)?\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{1,40})[\"']")
_ENCODING = re.compile(
    r"(?:utf|iso|windows|cp|koi8|shift|euc|gb|big5|mac|latin|(?:us-)?ascii|tis|hz|johab)[\w.:-]*$", re.I
)
_PIECE = re.compile(
    r"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|<\?.*?(?:\?>|\Z)|(?P<type><!DOCTYPE)|"
    r"<(?P<end>/)?(?P<name>outline|head|body|opml)\b",
    re.DOTALL | re.IGNORECASE,
)
_BRACKET = re.compile(r"[\[>]")
_SHUT = re.compile(r"\]\s*+(?:>|\Z)")
# In a value that is not escaped: a whole tag of HTML, whose quotes do not end the value, or a '<' that begins nothing.
_OURS = r"(?:outline|head|body|opml)\b"
_INSIDE = (
    rf'</?+(?!{_OURS})[A-Za-z][\w-]*+(?:\s++[\w:-]++\s*+=\s*+(?:"[^"<>]*+"|\'[^\'<>]*+\'))*+\s*+/?+>|<(?!/?{_OURS}|!--)'
)
_QUOTED = {
    quote: re.compile(rf"{quote}(?P<value>(?:[^{quote}<]++|{_INSIDE}|{quote}(?!\s+[\w:.-]+\s*=|\s*/?>))*+){quote}")
    for quote in ('"', "'")
}
_UNQUOTED = re.compile(r"(?P<value>(?:[^\s\"'<>=/]|/(?!>))++)")
_CUT = re.compile(r"[\"'](?P<value>[^\"'<>\n]++)")
_NAME = re.compile(r"\s*+(?P<name>[\w:.-]++)\s*+=\s*+")
_JUNK = re.compile(r"\s*+(?:[^\s<>/]++|/(?!>))")
_CLOSE = re.compile(r"\s*+(/?)>")
_HEAD = re.compile(r"<(title|dateCreated|dateModified|ownerName)>([^<]{0,500})</\1>", re.IGNORECASE)
_HEAD_NAMES = {"title": "title", "datecreated": "created", "datemodified": "updated", "ownername": "author"}
_TEXTS = ("text", "title")
_NOTES = ("_note", "note", "description")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][\da-fA-F]{1,6}|[A-Za-z]\w{1,31});")
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
# Between the first comment and <opml> there may be more comments. They are not told apart: the ways to do so double with every
# comment, and all would be tried where no <opml> follows.
_START = re.compile(r"\s*+(?:<\?xml[^>]*+>\s*+)?+(?:<!--.*?-->\s*+)?<opml\b", re.IGNORECASE | re.DOTALL)
_CHECKED = frozenset({"true", "checked", "1", "yes", "complete", "completed", "done"})


def read(page: Page) -> Reading:
    """Linear in the size of the page; every line is in a node or named."""
    return _Reader("\n".join(page.lines)).read()


@dataclass(slots=True)
class _Reader:
    text: str
    tree: Tree = field(default_factory=Tree)
    open: list[int | None] = field(
        default_factory=list
    )  # for each open element, the node that what is in it goes under
    ends: list[int] = field(default_factory=list)  # where the lines end
    attributes: list[Attribute] = field(default_factory=list)
    head: int = -1  # where the head begins, while it is open
    stray: int = 0  # the first line of text that is in no outline
    unshut: int = -1  # behind the last bracket of a document type that nothing shuts

    def read(self) -> Reading:
        self.ends = [found.start() for found in re.finditer("\n", self.text)]
        self.tree.problems += _judge(self.text)
        at = outlines = 0
        while found := self._next(at):
            piece, end = found
            self._outside(at, piece.start())
            if piece["name"] is None:
                at = self._passed_over(piece, end)
            elif piece["name"].lower() != "outline":
                at = self._frame(piece)
            elif piece["end"]:
                at = self._end(piece)
            else:
                at = self._outline(piece)
                outlines += 1
        self._outside(at, len(self.text))
        if self.stray:
            self.tree.problems.append((self.stray, "there is text outside of all outlines, which was not indexed"))
        if not outlines:
            self.tree.problems.append((1, "there is no <outline> in this file, so none of it was indexed"))
        return self.tree.reading(self.attributes)

    def _next(self, at: int) -> tuple[re.Match[str], int] | None:
        """The next piece, and where it ends. A document type without an end is none: what is in it may be read all the same."""
        while piece := _PIECE.search(self.text, at):
            end = self._end_of_type(piece.end()) if piece["type"] else piece.end()
            if end >= 0:
                return piece, end
            at = piece.end()
        return None

    def _end_of_type(self, at: int) -> int:
        """Behind the ']>' or '>' of a document type that has begun before `at`; -1 where it has a bracket that nothing shuts.

        Such a bracket is kept in mind. Neither it nor one behind it is looked for again: in a row of many document types that
        would take the square of their number.
        """
        if at < self.unshut:
            return -1
        sign = _BRACKET.search(self.text, at)
        if sign is None:
            return len(self.text)
        if sign.group() == ">":
            return sign.end()
        shut = _SHUT.search(self.text, sign.end()) if self.unshut < 0 else None
        if shut:
            return shut.end()
        self.unshut = sign.end()
        return -1

    def _line(self, position: int) -> int:
        return bisect_right(self.ends, position - 1) + 1

    def _name(self, start: int, end: int, what: str) -> None:
        if end > start:
            self.tree.name(self._line(start), self._line(end - 1), what)

    def _outside(self, start: int, end: int) -> None:
        """What stands between two elements is no text of an outline."""
        if between := self.text[start:end].strip():
            first = self.text.index(between, start)
            self._name(first, first + len(between), "head" if self.head >= 0 else "text outside the outline")
            if self.head < 0 and not self.stray:
                self.stray = self._line(first)

    def _passed_over(self, piece: re.Match[str], end: int) -> int:
        sign = piece.group()[:4].lower()
        what = "comment" if sign == "<!--" else "document type" if sign.startswith("<!d") else "XML declaration"
        self._name(piece.start(), end, what)
        return end

    def _frame(self, piece: re.Match[str]) -> int:
        """<opml>, <head>, <body> and their ends. The head says what holds for the whole file."""
        close = self.text.find(">", piece.end(), piece.end() + 10_000)
        end = close + 1 if close >= 0 else piece.end()
        self._name(piece.start(), end, "OPML tag")
        if piece["name"].lower() == "head" and not piece["end"] and not self.text.endswith("/>", 0, end):
            self.head = end
        elif self.head >= 0:
            for found in _HEAD.finditer(self.text, self.head, piece.start()):
                pairs = [(_HEAD_NAMES[found[1].lower()], _resolved(found[2]))]
                self.attributes += properties(pairs)
            self.head = -1
        return end

    def _end(self, piece: re.Match[str]) -> int:
        close = _CLOSE.match(self.text, piece.end())
        end = close.end() if close else piece.end()
        self._name(piece.start(), end, "closing tag")
        if self.open:
            self.open.pop()
        return end

    def _outline(self, piece: re.Match[str]) -> int:
        at = piece.end()
        values: dict[str, tuple[int, str]] = {}
        unclosed: set[str] = set()
        closed = None
        while not (closed := _CLOSE.match(self.text, at)):
            name = _NAME.match(self.text, at)
            found = self._value(name.end(), unclosed) if name else None
            if name and found:
                values.setdefault(name["name"], (found.start("value"), found["value"]))
            elif not (found := _JUNK.match(self.text, at)):
                break
            at = found.end()
        end = closed.end() if closed else at
        self._name(piece.start(), end, "attributes of an outline")
        node = self._add(values)
        if not (closed and closed.group(1)):
            self.open.append(node)
        return end

    def _value(self, at: int, unclosed: set[str]) -> re.Match[str] | None:
        """The value that begins at `at`; one whose quote is never closed ends before the next quote, '<', '>' or line end.

        unclosed: the quotes that are known to close nothing in the rest of this element. They are looked for once: whether a
        quote ends a value depends on what is behind it and not on where the value began.
        """
        quote = self.text[at : at + 1]
        if quote not in _QUOTED:
            return _UNQUOTED.match(self.text, at)
        if quote not in unclosed:
            if found := _QUOTED[quote].match(self.text, at):
                return found
            unclosed.add(quote)
        return _CUT.match(self.text, at)

    def _add(self, values: dict[str, tuple[int, str]]) -> int | None:
        parent = self.open[-1] if self.open else None
        name = next((name for name in _TEXTS if name in values and self._lines(values[name])), "")
        notes = sorted((note for note in _NOTES if note in values), key=lambda note: values[note][0])
        node = None
        if name:
            lines = self._lines(values[name])
            first = min([lines[0][0], *(self._line(values[note][0]) for note in notes)])
            lines[0] = (first, lines[0][1])  # where a note stands before the text, it says where the node begins
            node = self.tree.add(parent, lines, plain=_joined(lines), attributes=_described(values, name))
        text = _joined(self._lines(values[name])) if name else ""
        for note in notes:
            lines = self._lines(values[note])
            for paragraph in _paragraphs(lines) if _joined(lines) != text else []:
                under = parent if node is None else node
                added = self.tree.add(under, paragraph, plain=_joined(paragraph))
                node = added if node is None else node
        return parent if node is None else node

    def _lines(self, value: tuple[int, str]) -> list[tuple[int, str]]:
        """The lines of a value with the numbers of the source lines they stand on, HTML taken off."""
        start, raw = value
        if "\n" not in raw and "&" not in raw and "<" not in raw:
            return [(self._line(start), raw.strip())] if raw.strip() else []
        first = self._line(start)
        numbered = [
            (first + offset, " ".join(part.split()))
            for offset, line in enumerate(raw.split("\n"))
            for part in without_html(_BREAK.sub("\n", _resolved(line))).split("\n")
        ]
        return numbered if any(text for _, text in numbered) else []


def _resolved(value: str) -> str:
    """A value with its character references resolved, as XML has it; those of HTML too, which many writers leave in."""
    return _ENTITY.sub(lambda found: html.unescape(found.group()), value) if "&" in value else value


def _joined(lines: Sequence[tuple[int, str]]) -> str:
    return " ".join(" ".join(text for _, text in lines).split())


def _paragraphs(lines: Sequence[tuple[int, str]]) -> list[list[tuple[int, str]]]:
    paragraphs: list[list[tuple[int, str]]] = [[]]
    for number, text in lines:
        if text:
            paragraphs[-1].append((number, text))
        elif paragraphs[-1]:
            paragraphs.append([])
    return [paragraph for paragraph in paragraphs if paragraph]


def _described(values: dict[str, tuple[int, str]], text: str) -> list[Attribute]:
    attributes: list[Attribute] = []
    for name, (_, raw) in values.items():
        value = _resolved(raw)
        low = name.casefold()
        if name == text or low in _NOTES or (low == "title" and raw == values[text][1]):
            continue
        if low in {"_complete", "_status", "checked", "complete", "completed", "_checked"}:
            attributes += todo("DONE" if value.casefold() in _CHECKED else "TODO")
        elif low == "category":
            attributes += tags(part.strip().strip("/") for part in value.split(","))
        else:
            attributes += properties([(low, value)])
    return attributes


class _Silent(ContentHandler):
    pass


def _judge(text: str) -> list[tuple[int, str]]:
    """Whether the file is well-formed XML without entities of its own; as problems."""
    declaration = re.match(r"\s*<\?xml[^>]*\?>", text)
    if declaration:  # the bytes that follow are UTF-8, whatever the file was in
        text = re.sub(r"[^\n]", " ", declaration.group()) + text[declaration.end() :]
    try:
        parser = make_parser()
        parser.forbid_dtd, parser.forbid_entities, parser.forbid_external = False, True, True
        parser.setContentHandler(_Silent())
        parser.feed(
            text.encode("utf-8", "replace")
        )  # at once: expat reads a long word from its start for every further part
        parser.close()
    except EntitiesForbidden as error:
        line = text[: max(text.find(f"<!ENTITY {error.name}"), 0)].count("\n") + 1
        return [(line, f"declares the entity '{error.name}', which was refused; nothing of it was expanded")]
    except DefusedXmlException:
        return [(1, "refers to something outside of the file, which was refused")]
    except SAXParseException as error:
        reason = f"not well-formed XML: {error.getMessage()} (column {error.getColumnNumber() or 0})"
        return [(error.getLineNumber() or 1, f"{reason}; its outlines were read all the same")]
    return []


def decode_opml(data: bytes) -> Decoded:
    """By the declared encoding, unless the bytes say otherwise. Raises NotText."""
    declared = _DECLARED.match(data)
    name = declared.group(1).decode("ascii") if declared else "utf-8"
    if data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or name.lower().startswith("utf"):
        return decode(data)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        if data.isascii() and not name.lower().startswith(("iso-2022", "hz")):
            return decode(data)
        if not data.isascii():
            found = decode(data)
            return Decoded(found.lines, [(1, f"declares the encoding {name}, but is UTF-8"), *found.notices])
    try:
        if not _ENCODING.match(name):
            raise LookupError
        return decode(data.decode(name).encode("utf-8"))
    except (LookupError, UnicodeError):
        found = decode(data)
        return Decoded(found.lines, [(1, f"is not in the encoding it declares, {name}"), *found.notices])


def _looks_like_opml(page: Page) -> bool:
    return bool(_START.match("\n".join(page.lines[:50])[:20_000]))


FORMAT = Format("OPML", (".opml",), read, _looks_like_opml, decode_opml)
