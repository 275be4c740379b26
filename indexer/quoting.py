"""A node's words as people read and quote them, and the hash that links to it carry."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

HASH_VERSION = b"trellis-citation-1"


def shown(lines: Sequence[str]) -> str:
    """Lines of a node as people read them, markup and all, in one line."""
    return " ".join(" ".join(lines).split())


def content_hash(text: str) -> str:
    """16 hexadecimal digits. Line breaks and runs of spaces do not count: wrapping a note anew is no edit."""
    plain = " ".join(text.split())
    return hashlib.sha256(HASH_VERSION + b"\0" + plain.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def plain(text: str) -> str:
    """As headings and titles are compared: without case, however they are spaced."""
    return " ".join(text.split()).casefold()
