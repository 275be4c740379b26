"""Whether every reader takes twice the time for twice the notes: python -m bench.linear [FORMAT ...] [--out FILE]

Each kind of awkward notes is read at n and at 2n, in time of the processor, the least of several readings; what needs more than
2.5 times as long is told, and the exit status is 1. Reading includes cutting into chunks, as indexing does.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.conditions import commit, fingerprint
from bench.fuzz_inputs import FILES, ROOT, SIGNS
from indexer.chunks import cut_chunks
from indexer.readers import read_with_account
from indexer.references import resolve

MOST = 2.5
LONG_ENOUGH = 0.05
"""Seconds below which noise is larger than what is measured; n grows until reading takes so long."""
LARGEST = 64 << 20
"""Bytes beyond which n grows no more."""
TRIES = 3

Make = Callable[[int], str]
EVERYWHERE: dict[str, Make] = {
    "brackets": lambda n: '[]( "' * n,
    "numbers": lambda n: "1. " * n,
    "open brackets": lambda n: "[" * n,
    "stars": lambda n: "*a _b " * n,
    "backticks": lambda n: "".join("`" * (at % 50 + 1) + " " for at in range(n)),
    "one long line": lambda n: "word " * n,
    "one long word": lambda n: "x" * n,
    "many lines": lambda n: "- a line of notes\n" * n,
    "blank lines": lambda n: "a\n\n\n\n" * n,
    "table bars": lambda n: "| a | b |\n" * n,
    "quotes": lambda n: "> " * n,
    "colons": lambda n: "key:: value\n" * n,
    "tags": lambda n: "#tag @tag :tag: " * n,
    "links": lambda n: "[[a|b]] ((64c0ffee-0000-4000-8000-000000000001)) [x](y) " * n,
    "fences": lambda n: "```\ncode\n" * n,
    "comments": lambda n: "<!-- " * n,
    "entities": lambda n: "&amp;&#0;&" * n,
}
SPACES = (" ", "\t", "\xa0", "\u3000")
RUNS: dict[str, Make] = {
    f"{sign!r} again and again": lambda n, sign=sign: f"* x{sign * n}x\n"  # type: ignore[misc]
    for sign in (*SPACES, *(sign.decode("utf-8", "ignore") for sign in SIGNS), "A", "'A", "@a ", ":a:", "TODO ")
    if sign
}
"""In the middle of a line that is an item or a headline in most formats: what looks for the end of a run from each of its
places takes the square of it.
"""
OF_FORMAT: dict[str, dict[str, Make]] = {
    "markdown": {
        "levels": lambda n: "\n".join("  " * at + "- x" for at in range(n)),
        "references": lambda n: "[a]: b\n" * n + "[a] " * n,
        "lists after blank lines": lambda n: "a:\n" + "\n" * n + "- x\n* x\n" * n,
    },
    "logseq": {
        "levels": lambda n: "\n".join("\t" * at + "- x" for at in range(n)),
        "properties": lambda n: "# x\n" + "".join(f"k{at}:: v\n" for at in range(n)),
        "no rule": lambda n: "|" + "-" * n + "x|\n",
        "blocks before a bullet": lambda n: "  #+begin_src\n" * n + "- x\n#+end_src\n",
    },
    "org": {
        "levels": lambda n: "\n".join("*" * (at + 1) + " x" for at in range(n)),
        "drawers": lambda n: ":PROPERTIES:\n" * n,
        "properties": lambda n: "* x\n" + "".join(f":PROPERTIES:\n:k{at}: v\n:END:\n" for at in range(n)),
        "dates": lambda n: "* x\n" + "".join(f"CLOSED: <{1000 + at // 28}-01-{at % 28 + 1:02}>\n" for at in range(n)),
        "titles": lambda n: "#+title: word\n" * n,
        "spaces": lambda n: ("a *" + " " * min(n, 19_000) + "b\n\n") * (n // 19_000 + 1),
        "code after blank lines": lambda n: "a:\n" + "\n" * n + ": x\n\n" * n,
        "blocks": lambda n: "#+begin_src\n" * n,
        "stamps": lambda n: "<2026-01-01 <2026 [1/ " * n,
    },
    "opml": {
        "levels": lambda n: "<opml><body>" + '<outline text="x">' * n + "</outline>" * n + "</body></opml>",
        "children": lambda n: "<opml><body>" + '<outline text="x"/>\n' * n + "</body></opml>",
        "attributes": lambda n: (
            "<opml><body><outline " + " ".join(f'a{at}="x"' for at in range(n)) + "/></body></opml>"
        ),
        "unclosed": lambda n: "<opml><body>" + '<outline text="x' * n,
        "values unclosed": lambda n: "<opml><body><outline " + 'a="b ' * n,
        "values unclosed, quotes of two kinds": lambda n: "<opml><body><outline " + "a='\" " * n,
        "document types": lambda n: "<opml>" + "<!DOCTYPE[" * n,
        "document types before a bracket": lambda n: "<opml>" + "<!DOCTYPE " * n + "[",
        "heads": lambda n: "<opml>" + "<head>" * n,
    },
    "vimoutliner": {
        "levels": lambda n: "\n".join("\t" * at + "x" for at in range(n)),
        "body": lambda n: "x\n" + "\t: text\n" * n,
    },
    "taskpaper": {
        "levels": lambda n: "\n".join("\t" * at + "- x @a(b)" for at in range(n)),
        "projects": lambda n: "P:\n" * n,
    },
    "text": {
        "levels": lambda n: "\n".join(" " * at + "x" for at in range(n)),
        "steps down": lambda n: "\n".join(" " * (n - at) + "x" for at in range(n)),
    },
}


def seconds(file: str, notebook: str, data: bytes) -> float:
    best = float("inf")
    for _ in range(TRIES):
        gc.collect()
        started = time.process_time()
        outline, account = read_with_account(file, data, notebook)
        for _chunk in cut_chunks(resolve([outline])[0]):
            pass
        best = min(best, time.process_time() - started)
        if not account.adds_up:
            raise SystemExit(f"not accounted for: {account}")
    return best


def doubling(file: str, notebook: str, make: Make) -> dict[str, Any]:
    """How large the input was, how long it took, and how many times that twice of it took. Of levels the text itself grows with
    the square of their number, so their time is told by byte.
    """
    n = 200
    while (taken := seconds(file, notebook, data := make(n).encode())) < LONG_ENOUGH and len(data) < LARGEST:
        n *= 2
    twice = make(2 * n).encode()
    ratio = seconds(file, notebook, twice) / max(taken, 1e-9) * 2 * len(data) / len(twice)
    return {"n": n, "bytes": len(data), "seconds": round(taken, 3), "doubling": round(ratio, 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("formats", nargs="*", metavar="FORMAT")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    about = {
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "commit": commit(ROOT),
        "code": fingerprint([ROOT / "indexer" / "readers"]),
        "most": MOST,
    }
    figures: dict[str, dict[str, Any]] = {}
    slow = []
    for name in options.formats or FILES:
        file, notebook = FILES[name]
        for kind, make in {**EVERYWHERE, **RUNS, **OF_FORMAT.get(name, {})}.items():
            found = figures.setdefault(name, {})[kind] = doubling(file, notebook, make)
            late = found["doubling"] >= MOST
            slow += [f"{name}, {kind}"] if late else []
            print(f"{name:12} {kind:15} {found}{'  <-- not linear' if late else ''}", flush=True)
        if options.out:  # after every format: a long run may be stopped
            options.out.write_text(json.dumps({**about, "formats": figures}, indent=1) + "\n", "utf-8")
    raise SystemExit(bool(slow))


if __name__ == "__main__":
    main()
