"""Files that are made to hurt, beside healthy ones, through the commands themselves: requirement 24.

A poisoned file may cost only itself: the run ends, says what it could not read, and the answers from the other files stay as
they were. How readers bear millions of inputs is what `bench.fuzz` measures.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.trust.workplace import BEFORE, Workplace, plain

_ASKED = {
    "garden.txt": "The apple tree is cut in February",
    "bicycle.md": "Oil the chain after rain",
    "house.org": "Boiler service in October",
}
BIG = 10 << 20
_ALIASES = "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
_MERGES = "".join(f"k{n + 1}: &k{n + 1} {{<<: [*k{n}, *k{n}]}}\n" for n in range(40))


@dataclass(slots=True)
class Poisoned:
    """slowest: seconds that a poison added to indexing the healthy files, and which it was."""

    tried: int = 0
    slowest: tuple[float, str] = (0.0, "")
    bad: list[str] = field(default_factory=list)


def _texts(size: int) -> dict[str, tuple[str, bytes]]:
    """(file name, contents) by what it is. size: bytes of the largest; all others follow it."""
    levels, children = min(10_000, size // 200), min(1_000_000, size // 10)
    nested = ('<outline text="a">' * levels).encode()
    entities = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + b"".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">'.encode() for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    return {
        "a very long line": ("poison.txt", b"word " * (size // 5)),
        "a very long word": ("poison.txt", b"w" * size),
        "levels": ("poison.txt", "\n".join(" " * level + "x" for level in range(levels)).encode()),
        "levels of bullets": ("poison.md", b"- " * levels + b"x"),
        "levels of elements": ("poison.opml", b"<opml><body>" + nested),
        "children": ("poison.txt", b"Parent\n" + b"\tchild\n" * children),
        "NUL": ("poison.txt", b"a\0b\n" * 1000 + b"\0" * 1000),
        "surrogates": ("poison.txt", ("\ud800 half " * 1000).encode("utf-8", "surrogatepass")),
        "UTF-16": ("poison.txt", "Outline\n\tin UTF-16\n".encode("utf-16")),
        "UTF-16 with half a character": ("poison.txt", "Outline\n\tin UTF-16\n".encode("utf-16")[:-1]),
        "U+2028 and form feeds": ("poison.txt", "a\u2028b\u2029c\x0cd\x0be\x85f\n".encode() * 1000),
        "YAML aliases": ("poison.md", f"---\na: &a [x]\n{_ALIASES}---\n- text\n".encode()),
        "a YAML tag": ("poison.md", b"---\na: !!python/object/apply:os.system ['touch /tmp/poisoned']\n---\n- text\n"),
        "a YAML value that cannot be made": ("poison.md", b"---\na: !!timestamp x\n---\n- text\n"),
        "a YAML number too long to write": ("poison.md", b"---\na: 0x" + b"F" * 4000 + b"\n---\n- text\n"),
        "YAML brackets": ("poison.md", b"---\na: " + b"[" * 60_000 + b"\n---\n- text\n"),
        "YAML merges": ("poison.md", f"---\nk0: &k0 {{a: b}}\n{_MERGES}---\n- text\n".encode()),
        "a long title": ("poison.md", b"---\ntitle: " + b"t " * 15_000 + b"\n---\n" + b"- x\n" * 2_000),
        "XML comments": ("poison.txt", b"<!---->" * 5_000),
        "XML declarations never closed": ("poison.opml", b"<!DOCTYPE[" * (size // 200)),
        "XML attributes never closed": ("poison.opml", b"<opml><body><outline " + b'a="b ' * (size // 200)),
        "spaces in a headline": ("poison.org", b"* x" + b" " * (size // 10) + b"y"),
        "dates": ("poison.org", b"* x\n" + b"".join(b"SCHEDULED: <%d-01-01>\n" % year for year in range(1000, 4000))),
        "tags that end nothing": ("poison.taskpaper", b"- x" + b" @a" * (size // 30) + b" y"),
        "capitals": ("poison.txt", b"'A" * (size // 4)),
        "marks on one letter": ("poison.txt", ("a" + "\u0301\u0323" * (size // 40)).encode()),
        "references never closed": ("poison.txt", b"((" * (size // 20)),
        "globs": (".gitignore", b"*?" * 40 + b"[!z]x\n"),
        "XML entities": ("poison.opml", entities + b']><opml><body><outline text="&i;"/></body></opml>'),
        "an XML entity from outside": (
            "poison.opml",
            b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><opml><body><outline text="&e;"/></body></opml>',
        ),
        "links never closed": ("poison.md", b'[]( "' * 800),
        "numbered lists in one line": ("poison.md", b"1. " * 250),
        "emphasis": ("poison.md", b"*a **b " * 5_000),
        "brackets": ("poison.md", b"[" * (size // 20)),
        "drawers never closed": ("poison.org", b":LOGBOOK:\n" * 5_000),
        "compressed data": ("poison.txt", os.urandom(100_000)),
        "nothing": ("poison.txt", b""),
        "one newline": ("poison.md", b"\n"),
        "control characters": ("poison.txt", b"\x1b]0;title\x07\x1b[31mred\x1b[0m\n" * 100),
        "right to left": ("poison.txt", "\u202etxt.exe\u202c\n".encode() * 1000),
        "a name in bytes": (os.fsdecode(b"poison-\xff\xfe.txt"), b"Named in bytes\n"),
        "a name with a line break": ("poison\nforged: line.txt", b"Named over two lines\n"),
    }


def _fifo(folder: Path) -> None:
    os.mkfifo(folder / "poison.txt")


def _device(folder: Path) -> None:
    (folder / "poison.txt").symlink_to("/dev/zero")


def _inside_device(folder: Path) -> None:
    (folder / "poison.txt").symlink_to("/dev/stdin")


def _loop(folder: Path) -> None:
    (folder / "poison.txt").symlink_to("poison.md")
    (folder / "poison.md").symlink_to("poison.txt")


def _folder_loop(folder: Path) -> None:
    (folder / "deeper").mkdir()
    (folder / "deeper" / "again").symlink_to(folder)


def _out(folder: Path) -> None:
    (folder / "poison.txt").symlink_to("/etc/passwd")


def _socket(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        here = Path.cwd()
        os.chdir(folder)  # such a name may have 108 bytes
        try:
            made.bind("poison.txt")
        finally:
            os.chdir(here)


def _called_as_notes(folder: Path) -> None:
    (folder / "poison.txt").mkdir()
    (folder / "poison.txt" / "inside.txt").write_text("Inside a folder that is called as a file\n")


def _deep(folder: Path) -> None:
    for _ in range(60):
        folder = folder / ("d" * 50)
    folder.mkdir(parents=True)
    (folder / "poison.txt").write_text("Far down\n")


_THINGS: dict[str, Callable[[Path], None]] = {
    "a FIFO": _fifo,
    "a link to a device": _device,
    "a link to the standard input": _inside_device,
    "a loop of links": _loop,
    "a loop of folders": _folder_loop,
    "a link out of the notes": _out,
    "a socket": _socket,
    "a folder called as a file": _called_as_notes,
    "folders 60 deep": _deep,
}


def run(work: Workplace, size: int) -> Poisoned:
    """Each poison in turn beside the healthy files, then a file that is replaced all the time while it is read."""
    found = Poisoned()
    work.put(BEFORE)
    work.build()
    healthy = {file: _about(work, file) for file in BEFORE}
    started = time.perf_counter()
    work.build()
    usual = time.perf_counter() - started
    for name, (file, content) in _texts(size).items():
        work.put({**BEFORE, file: content})
        found.bad += [f"{name}: {what}" for what in _judge(work, name, healthy, usual, found)]
    for name, make in _THINGS.items():
        work.put(BEFORE)
        make(work.notes)
        found.bad += [f"{name}: {what}" for what in _judge(work, name, healthy, usual, found)]
    with _replaced_all_the_time(work):
        found.bad += [f"replaced while read: {what}" for what in _judge(work, "replaced", healthy, usual, found)]
    if Path("/tmp/poisoned").exists():
        found.bad.append("a YAML tag was obeyed")
    return found


def _replaced_all_the_time(work: Workplace) -> _Replacing:
    work.put(BEFORE)
    return _Replacing(work.notes / "poison.txt")


class _Replacing:
    """Writes a file, as one with other contents, as a folder and as a FIFO, as fast as it can."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        self._remove()

    def _run(self) -> None:
        number = 0
        while not self._stopped.is_set():
            number += 1
            self._remove()
            match number % 4:
                case 0:
                    os.mkfifo(self._path)
                case 1:
                    self._path.mkdir()
                case _:
                    self._path.write_text(f"Written {number} times\n" * (number % 50))
            time.sleep(0.003)

    def _remove(self) -> None:
        if self._path.is_dir():
            self._path.rmdir()
        else:
            self._path.unlink(missing_ok=True)


def _judge(
    work: Workplace, name: str, healthy: dict[str, list[object]], usual: float, found: Poisoned
) -> Iterator[str]:
    found.tried += 1
    outcome = work.trellis("index", "--json")
    found.slowest = max(found.slowest, (outcome.seconds - usual, name))
    if outcome.signal or outcome.last.status != 0:
        yield f"signal {outcome.signal}, status {outcome.last.status}: {outcome.last.err[-300:]}"
        return
    if "Traceback" in outcome.last.err or "\x1b" in outcome.last.err or "root:" in outcome.last.out + outcome.last.err:
        yield f"not fit to be shown: {outcome.last.err[-300:]!r}"
    for file, expected in healthy.items():
        if _about(work, file) != expected:
            yield f"the answers from {file} changed"


def _about(work: Workplace, file: str) -> list[object]:
    """The first result from one file alone for a line of it: where it stands and what it says. Scores and the length of
    excerpts are left out, for how rare a word is in all the notes weighs in them.
    """
    run = work.trellis("ask", _ASKED[file], "--file", file, "--json").last
    first = plain(run)[1][0] if run.status in (0, 1) else run
    return (
        [first[name] for name in ("id", "path", "text")] + [first["source"]["line"]]
        if isinstance(first, dict)
        else [first]
    )
