"""Readers: one module a format, all making `indexer.node.Node`. Formats are told apart by suffix, then by content.

A package adds a format with an entry point of the group `trellis.readers` that names a `indexer.readers.page.Format`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from importlib.metadata import entry_points
from pathlib import PurePath

from indexer.account import Account, account_of
from indexer.decode import Decoded
from indexer.errors import NotText, ReaderNotLoaded
from indexer.node import Outline, Problem
from indexer.readers import logseq, markdown, opml, org, taskpaper, text, vimoutliner
from indexer.readers.page import Format, Page, Reading

GROUP = "trellis.readers"
Failure = tuple[int, str]
"""The line to name, and which reader failed at what."""
_OURS = (text.FORMAT, logseq.FORMAT, markdown.FORMAT, org.FORMAT, opml.FORMAT, vimoutliner.FORMAT, taskpaper.FORMAT)


@cache
def formats() -> tuple[Format, ...]:
    """All formats; those of other packages come first, so that they may take a suffix over. Raises ReaderNotLoaded."""
    theirs = []
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            found = entry.load()
        except Exception as error:
            raise ReaderNotLoaded(entry.name, entry.value, str(error)) from error
        if not isinstance(found, Format):
            raise ReaderNotLoaded(entry.name, entry.value, f"it is no Format but a {type(found).__name__}")
        theirs.append(found)
    return (*theirs, *_OURS)


@cache
def suffixes() -> tuple[str, ...]:
    """The suffixes of all formats, with their dots."""
    return tuple(dict.fromkeys(suffix for each in formats() for suffix in each.suffixes))


def read_outline(file: str, data: bytes, notebook: str = "") -> Outline:
    """The outline in the bytes of one file; `file` is its name as results will show it. See `read_with_account`."""
    return read_with_account(file, data, notebook)[0]


def read_with_account(file: str, data: bytes, notebook: str = "") -> tuple[Outline, Account]:
    """The outline in the bytes of one file, and where each of its lines went; it never raises.

    What is not text yields no nodes and one problem that says so. notebook: see `indexer.readers.page.Page`.
    """
    try:
        chosen, decoded, failed = _choose(file, data, notebook)
    except NotText as error:
        outline = Outline(file, [], [Problem(file, error.line, str(error))], format="not text")
        return outline, account_of(outline, [])
    page = Page(file, decoded.lines, notebook)
    reading, failure = _read(chosen, page)
    found = [*decoded.notices, *failed, *failure, *reading.problems]
    problems = [Problem(file, line, message) for line, message in found]
    outline = Outline(
        file, reading.nodes, problems, reading.syntax, reading.attributes, reading.title, format=chosen.name
    )
    account = account_of(outline, page.lines)
    if account.missing:
        left = f"{account.missing} lines from here on are in no node and have no name; the reader left them out"
        outline = replace(outline, problems=[*problems, Problem(file, account.unaccounted[0], left)])
    return outline, account


def _choose(file: str, data: bytes, notebook: str) -> tuple[Format, Decoded, list[Failure]]:
    """The format of a file, its lines, and what failed on the way. Raises NotText, ReaderNotLoaded."""
    suffix = PurePath(file).suffix.lower()
    candidates = [each for each in formats() if suffix in each.suffixes]
    open_to_all = not candidates or candidates == [text.FORMAT]
    if len(candidates) == 1 and not open_to_all:
        return _decoded(candidates[0], data)
    asked = formats() if open_to_all else tuple(candidates)
    last, decoded, failed = _decoded(text.FORMAT if open_to_all else candidates[-1], data)
    page = Page(file, decoded.lines, notebook)
    chosen = next((each for each in asked if _recognises(each, page, failed)), last)
    if chosen.decode is last.decode:
        return chosen, decoded, failed
    chosen, decoded, more = _decoded(chosen, data)
    return chosen, decoded, [*failed, *more]


def _recognises(asked: Format, page: Page, failed: list[Failure]) -> bool:
    """Whether a format takes the page for its own. One that fails does not, and that is added to `failed`."""
    try:
        return asked.recognises(page)
    except Exception as error:
        failed.append((1, f"{_failure(asked, error)} at telling whether this is its format; the others were asked"))
        return False


def _decoded(chosen: Format, data: bytes) -> tuple[Format, Decoded, list[Failure]]:
    """The lines as a format decodes them, with that format; where it fails, as indented text. Raises NotText."""
    try:
        return chosen, chosen.decode(data), []
    except NotText:
        raise
    except Exception as error:
        message = f"{_failure(chosen, error)} at the bytes; read as indented text instead"
        return text.FORMAT, text.FORMAT.decode(data), [(1, message)]


def _read(chosen: Format, page: Page) -> tuple[Reading, list[Failure]]:
    """What the reader makes of the page. A reader that fails costs its format, not the text of the file."""
    try:
        return chosen.read(page), []
    except Exception as error:
        return text.FORMAT.read(page), [(1, f"{_failure(chosen, error)}; read as indented text instead")]


def _failure(format: Format, error: Exception) -> str:
    return f"the reader for {format.name} failed ({type(error).__name__}: {error})"
