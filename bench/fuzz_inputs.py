"""Awkward notes for every reader, made out of the tests' own files: lines moved, indented, doubled, cut, spoilt, and signs of
the format where none are expected.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
DATA = ROOT / "tests" / "data"
FILES = {
    "markdown": ("notes.md", ""),
    "obsidian": ("notes.md", "obsidian"),
    "logseq": ("pages/notes.md", "logseq"),
    "org": ("notes.org", ""),
    "opml": ("notes.opml", ""),
    "vimoutliner": ("notes.otl", ""),
    "taskpaper": ("notes.taskpaper", ""),
    "text": ("notes.txt", ""),
    "content": ("notes", ""),
}
"""The name and the notebook with which each reader is asked; "content" has no suffix to go by."""
SUFFIXES = {
    "markdown": (".md",), "obsidian": (".md",), "logseq": (".md",), "org": (".org",), "opml": (".opml",),
    "vimoutliner": (".otl",), "taskpaper": (".taskpaper",), "text": (".txt",), "content": (".md", ".org", ".opml", ".otl"),
}  # fmt: skip
SIGNS = (
    b"`", b"*", b"_", b"[", b"]", b"(", b")", b"<", b">", b"|", b"#", b"-", b":", b"{{", b"}}", b"((", b"))", b"\\", b"~", b"=",
    b"&", b'"', b"'", b"%%", b"[[", b"]]", b"<!--", b"-->", b"\xef\xbb\xbf", b"\x00", b"\xff", b"\xe2\x80\xa8", b"\x0c",
    b"> ", b"1. ", b"- [ ] ", b"```", b"* ", b"    ", b"\t", b"---", b"[^1]:", b":: ", b":END:", b"#+begin_src", b"#+end_src",
    b"\xe6\x97\xa5\xe6\x9c\xac", b"e\xcc\x81", b"\xd7\xa9\xd7\x9c", b"\xf0\x9f\x8c\xa5", b"&amp;", b"&#0;", b"<outline text=\"",
    b"</outline>", b"\xc2\x85", b"\xe3\x80\x80", b"\xed\xa0\x80", b"!!timestamp ", b"!!bool ", b"!!int ", b"0xF", b"<<: ",
    b"&a ", b"*a", b"9:9", b"&#99999999999;", b"<!DOCTYPE [", b"<!---->", b"<![CDATA[", b"<?xml ", b"SCHEDULED: <", b"- - ",
)  # fmt: skip


@cache
def seeds(name: str) -> list[bytes]:
    """Small files of the format from the tests' data."""
    paths = [path for folder in ("awkward", "same") for path in sorted((DATA / folder).rglob("*"))]
    return [path.read_bytes() for path in paths if path.suffix in SUFFIXES[name] and path.is_file()]


def mutated(pool: Sequence[bytes], lines: Sequence[bytes], chance: random.Random) -> bytes:
    """A few lines of the seeds, with some of them moved, indented, doubled, cut or spoilt: some 80 bytes, since many small
    inputs try more than few large ones.
    """
    chosen = [chance.choice(lines) for _ in range(chance.randrange(6))]
    if chance.random() < 0.2:
        whole = chance.choice(pool).split(b"\n")
        start = chance.randrange(len(whole))
        chosen += whole[start : start + chance.randrange(16)]
    for _ in range(chance.randrange(1, 6)):
        if not chosen:
            break
        at = chance.randrange(len(chosen))
        chosen[at] = spoilt(chosen[at], lines, chance)
    return chance.choice((b"\n", b"\n", b"\n", b"\r\n", b"\r")).join(chosen)


def spoilt(line: bytes, lines: Sequence[bytes], chance: random.Random) -> bytes:
    """The line with one thing done to it."""
    cut = chance.randrange(len(line) + 1)
    match chance.randrange(9):
        case 0:
            return b" " * chance.randrange(9) + line
        case 1:
            return b"\t" * chance.randrange(4) + line.lstrip()
        case 2:
            return line[:cut]
        case 3:
            return line[cut:]
        case 4:
            return line[:cut] + chance.choice(lines) + line[cut:]
        case 5:
            return line[:cut] + bytes([chance.randrange(256)]) + line[cut + 1 :]
        case 6:
            return line * chance.randrange(1, 4)
        case 7:
            return line[:cut] + chance.choice(SIGNS) * chance.randrange(1, 9) + line[cut:]
        case _:
            return b""
