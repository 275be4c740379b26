"""What the folder of a notes program tells about its pages: titles from file names, days of journals, drawings."""

from __future__ import annotations

import re
from urllib.parse import unquote

from indexer.attributes import DATE, Attribute, iso_date
from indexer.readers.front_matter import FrontMatter
from indexer.readers.page import Page

_DAY = re.compile(r"\d{4}[-_]\d{2}[-_]\d{2}")
_DRAWING = "excalidraw-plugin"


def page_attributes(page: Page, front: FrontMatter) -> tuple[str, tuple[Attribute, ...]]:
    """The title of a page and what holds for all of it. The name of a file is a title in notebooks only."""
    day = iso_date(page.stem) if _DAY.fullmatch(page.stem) else ""
    title = front.title or (day or page_name(page) if page.notebook else "")
    return title, (*([Attribute(DATE, day)] if day else []), *front.attributes)


def page_name(page: Page) -> str:
    """The name of a page as its program shows it: Logseq writes "a/b" as "a___b" or "a%2Fb"."""
    return unquote(page.stem.replace("___", "/")) if page.notebook == "logseq" else page.stem


def is_drawing(page: Page, front: FrontMatter) -> bool:
    """Excalidraw keeps its drawings in Markdown files, as compressed data."""
    return page.file.lower().endswith(".excalidraw.md") or any(name == _DRAWING for name, _ in front.attributes)
