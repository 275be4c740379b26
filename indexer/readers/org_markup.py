"""Org inside a line: links, emphasis, targets, timestamps, footnotes. What is shown, and the plain words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from indexer.attributes import DATE, Attribute, iso_date
from indexer.readers.markup import Text

_LINK = re.compile(r"\[\[((?:[^\[\]\\]|\\.){1,2000})\](?:\[((?:[^\[\]]|\[[^\[\]]*\]){1,2000})\])?\]")
_WEB = re.compile(r"(?:https?|ftp|mailto|news):")
_SCHEME = re.compile(r"^(?:file\+?\w*|id|attachment|docview|info|help|shell|elisp):(?://)?")
_VERBATIM = re.compile(r"(?<![\w=~])([=~])(?=\S)([^=~\n]{1,500}?)(?<=\S)\1(?!\w)")
_BOLD = {
    sign: re.compile(
        rf"(?<![\w{re.escape(sign)}]){re.escape(sign)}(?=\S)([^{re.escape(sign)}\n]{{1,2000}})(?<=\S)"
        rf"{re.escape(sign)}(?![\w{re.escape(sign)}])"
    )
    for sign in "*/_+"
}
_TARGET = re.compile(r"<<<?([^<>\n]{1,200})>>>?")
_STAMP = re.compile(
    r"[<\[](\d{4}-\d{2}-\d{2})(?:\s+([^\s\d>\]]{1,12}))?(?:\s+(\d{1,2}:\d{2})(?:-\d{1,2}:\d{2})?)?"
    r"(?:\s+[.+-]{1,2}\d+[hdwmy](?:/\d+[hdwmy])?)*\s*[>\]]"
)
_FOOTNOTE = re.compile(r"\[fn:[\w-]*(?::([^\[\]]*))?\]")
_COOKIE = re.compile(r"(?<!\s)\s*+\[(?:\d*/\d*|\d*%)\]")
_MARKED = re.compile(r"[\[*/_+=~<]")
_LONGEST = 20_000


def read_text(lines: Sequence[str]) -> Text:
    """The text in one or more source lines. Every active or inactive timestamp in it is one of its dates."""
    lines = [line.strip() for line in lines]
    if sum(map(len, lines)) > _LONGEST or not any(_MARKED.search(line) for line in lines):
        return Text(lines, " ".join(" ".join(lines).split()))
    source = "\n".join(lines)
    dates = [Attribute(DATE, iso_date(stamp.group())) for stamp in _STAMP.finditer(source)]
    shown: list[str] = []
    plain: list[str] = []
    held: list[str] = []

    def hold(found: re.Match[str]) -> str:
        held.append(found.group(2))
        return f"\ue000{len(held) - 1}\ue001"

    text = _VERBATIM.sub(hold, source.replace("\ue000", "").replace("\ue001", ""))
    text = _COOKIE.sub("", _TARGET.sub(r"\1", _STAMP.sub(_stamp, text)))
    text = _FOOTNOTE.sub(lambda note: f" ({note.group(1)})" if note.group(1) else "", text)
    for address, into in ((True, shown), (False, plain)):
        words = _LINK.sub(lambda link, address=address: _link(link, address), text)  # type: ignore[misc]
        for pattern in _BOLD.values():
            words = pattern.sub(r"\1", words)
        into.append(re.sub("\ue000(\\d+)\ue001", lambda found: held[int(found.group(1))], words))
    kept = shown[0].split("\n")
    return Text(
        [line.strip() for line in kept] if len(kept) == len(lines) else lines,
        " ".join(plain[0].split()),
        tuple(date for date in dates if date.value),
    )


def _stamp(found: re.Match[str]) -> str:
    return " ".join(part for part in found.groups() if part)


def _link(found: re.Match[str], with_address: bool) -> str:
    target, label = found.groups()
    target = " ".join(target.split())
    if not label:
        return target if _WEB.match(target) else _SCHEME.sub("", target).lstrip("*#")
    if _WEB.match(label) or not _WEB.match(target) or not with_address:
        return label if not _LINK.search(label) else _LINK.sub(lambda inner: _link(inner, False), label)
    return f"{label} ({target})"
