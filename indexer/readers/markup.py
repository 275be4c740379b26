"""Markdown inside a line: what a reader expects to see, and the plain words of it.

Parsed by markdown-it-py after CommonMark, with wiki links ([[Page|shown]]) and tags (#tag) added. Emphasis, code and links
are shown without their signs, a link to the web with its address behind it; the plain words have no address.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from indexer.attributes import TAG, Attribute

_LONGEST = 20_000
"""Characters of a text that is parsed; markup in a longer one is shown as it stands, since its parsing is not linear."""
_MARKED = re.compile(r"[\\`*_\[<&!~=^#%]")
_TAG = re.compile(r"(?<![^\s(,;>])#([^\s#.,;:!?()\[\]{}<>\"'`|]+(?:[.:][^\s#.,;:!?()\[\]{}<>\"'`|]+)*)")
_OPEN, _SHUT = "\ue000", "\ue001"  # around a tag while a text is put together; private characters
_GOES_ON = re.compile(
    r"(?:[,:;(&/+-]|\b(?:an?|and|are|about|as|at|by|for|from|in|into|is|like|not|of|on|or|our|than|the|to|under|use[sd]?|using|"
    r"via|vs|was|were|with|without|your))\s*$",
    re.IGNORECASE,
)
"""After such a word a tag is the next word of the sentence, and not something said about it."""
_FOOTNOTE = re.compile(r"\[\^[^\]\s]{1,50}\]")
_HIGHLIGHT = re.compile(r"(==|\^\^|~~)(?=[^\s=^~])([^\n=^~]{1,500}?)(?<=\S)\1")
_COMMENT = re.compile(r"%%.{0,2000}?%%", re.DOTALL)
_BLOCK_ID = re.compile(r"(?:^|\s)\^([A-Za-z0-9-]+)$")
_HTML = re.compile(
    r"</?(?:a|abbr|acronym|b|big|blockquote|br|caption|center|cite|code|col|colgroup|dd|del|details|dfn|div|dl|dt|em|figure|"
    r"figcaption|font|footer|h[1-6]|header|hr|i|iframe|img|input|ins|kbd|label|li|main|mark|nav|ol|p|picture|pre|q|s|samp|"
    r"script|section|small|source|span|strike|strong|style|sub|summary|sup|svg|table|tbody|td|tfoot|th|thead|time|tr|tt|u|"
    r"ul|var|video|wbr)\b[^<>]*>",
    re.IGNORECASE,
)
_REMARK = re.compile(r"<!--.*?(?:-->|$)", re.DOTALL)
_BREAK = re.compile(r"<(?:br|p|div|li|td|tr)\b", re.IGNORECASE)
_ENDLESS = re.compile(r"&#[0-9]{100,};?")
_WEB = re.compile(r"(?:https?|ftp|mailto):", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Text:
    """shown: the text as lines, as many as it came in. plain: its words. attributes: tags and ids that stood in it."""

    shown: Sequence[str]
    plain: str
    attributes: tuple[Attribute, ...] = ()


@dataclass(slots=True)
class _Pieces:
    """A text while its tokens are put together."""

    shown: list[str] = field(default_factory=list)
    plain: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    links: list[tuple[str, int]] = field(default_factory=list)

    def add(self, shown: str, plain: str | None = None) -> None:
        self.shown.append(shown)
        self.plain.append(shown if plain is None else plain)


def read_text(lines: Sequence[str], references: dict[str, Any] | None = None, notebook: str = "") -> Text:
    """The text in one or more source lines. references: link definitions, as markdown-it's block parser collects them."""
    lines = [line.strip() for line in lines]
    attributes: list[Attribute] = []
    if notebook == "obsidian" and lines and (found := _BLOCK_ID.search(lines[-1])):
        attributes.append(Attribute("id", found.group(1)))
        lines[-1] = lines[-1][: found.start()]
    source = "\n".join(lines)
    if not _MARKED.search(source) or len(source) > _LONGEST:
        return Text(lines, " ".join(source.split()), tuple(attributes))
    if notebook == "obsidian" and "%%" in source:
        source = _COMMENT.sub(lambda comment: "\n" * comment.group().count("\n"), source)
    source = source.replace(_OPEN, "").replace(_SHUT, "")
    pieces = _Pieces()
    tokens: list[Token] = []
    _INLINE.inline.parse(source, _INLINE, {"references": references or {}}, tokens)
    for token in tokens:
        _add(token, pieces)
    shown = _HIGHLIGHT.sub(r"\2", "".join(pieces.shown)).split("\n")
    if len(shown) != len(lines):  # a code span or a tag that goes over a line end
        shown = lines
    plain = _HIGHLIGHT.sub(r"\2", "".join(pieces.plain))
    words = _without_end_tags(plain)
    if not words.strip() or _GOES_ON.search(words):
        words = plain
    words = " ".join(words.replace(_OPEN, "").replace(_SHUT, "").split())
    attributes += [Attribute(TAG, tag) for tag in pieces.tags]
    return Text([line.strip() for line in shown], words, tuple(attributes))


def _without_end_tags(plain: str) -> str:
    words = plain.rstrip()
    while words.endswith(_SHUT):
        words = words[: words.rindex(_OPEN)].rstrip()
    return words


def without_html(text: str) -> str:
    """A text without tags and comments of HTML and with its entities resolved; what only looks like a tag stays."""
    if "<" in text:
        text = _HTML.sub(lambda tag: " " if _BREAK.match(tag.group()) else "", _REMARK.sub("", text))
    return _without_entities(text) if "&" in text else text


def _without_entities(text: str) -> str:
    """A text with its entities resolved. A number of thousands of digits, at which Python raises ValueError, becomes U+FFFD, as
    every number does that no character has.
    """
    return html.unescape(_ENDLESS.sub("\N{REPLACEMENT CHARACTER}", text))


def _add(token: Token, pieces: _Pieces) -> None:
    if token.type == "text":
        _add_words(token.content, pieces)
    elif token.type in {"softbreak", "hardbreak"}:
        pieces.add("\n", " ")
    elif token.type in {"text_special", "code_inline"}:
        pieces.add(token.content)
    elif token.type == "link_open":
        pieces.links.append(("" if token.markup == "autolink" else str(token.attrs.get("href", "")), len(pieces.shown)))
    elif token.type == "link_close":
        address, start = pieces.links.pop()
        if _WEB.match(address) and address not in "".join(pieces.shown[start:]):
            pieces.add(f" ({address})", "")
    elif token.type == "image":
        address = str(token.attrs.get("src", ""))
        words = "".join(child.content for child in token.children or ())
        pieces.add(words or address, words or address.rsplit("/", 1)[-1])
    elif token.type == "html_inline":
        pieces.add(" " if _BREAK.match(token.content) else without_html(token.content))
    elif token.type == "wiki_link":
        _add_wiki_link(token, pieces)


def _add_words(text: str, pieces: _Pieces) -> None:
    def marked(found: re.Match[str]) -> str:
        tag = found.group(1)
        if not any(map(str.isalpha, tag)):
            return found.group()  # "#12" is a number
        pieces.tags.append(tag)
        return f"{_OPEN}{tag.replace('/', ' ')}{_SHUT}"

    plain = _FOOTNOTE.sub("", text) if "[^" in text else text
    pieces.add(text, _TAG.sub(marked, plain) if "#" in plain else plain)


def _add_wiki_link(token: Token, pieces: _Pieces) -> None:
    target, _, alias = token.content.partition("|")
    shown = (alias or target.replace("#", " > ")).strip(" >") or token.content
    if token.meta.get("tag"):
        pieces.tags.append(target.strip())
        pieces.add(f"#{shown}", f"{_OPEN}{shown}{_SHUT}")
    else:
        pieces.add(shown, shown.replace(" > ", " "))


def _wiki_link(state: StateInline, silent: bool) -> bool:
    """[[Page]], [[Page|shown]], ![[Page]] and #[[tag]]; a rule for markdown-it's inline parser."""
    start = state.pos
    embedded = state.src.startswith("![[", start)
    if not embedded and not state.src.startswith("[[", start):
        return False
    inside = start + 3 if embedded else start + 2
    end = state.src.find("]]", inside, inside + 1000)
    content = state.src[inside:end] if end > 0 else ""
    if not content.strip() or "\n" in content or "[" in content:
        return False
    if not silent:
        tagged = not embedded and state.pending.endswith("#")
        if tagged:
            state.pending = state.pending[:-1]
        token = state.push("wiki_link", "", 0)
        token.content = content
        token.meta = {"tag": tagged}
    state.pos = end + 2
    return True


def _make() -> MarkdownIt:
    parser = MarkdownIt("commonmark").enable("strikethrough")
    parser.inline.ruler.before("link", "wiki_link", _wiki_link)
    return parser


_INLINE = _make()


def attributes_of(texts: Iterable[Text]) -> list[Attribute]:
    return [attribute for text in texts for attribute in text.attributes]
