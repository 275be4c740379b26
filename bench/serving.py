"""Trellis as people run it, in processes of its own: commands, a server, questions over HTTP, edits until they are found."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

ROOT = Path(__file__).resolve().parent.parent
TRELLIS = (sys.executable, "-c", "from service.cli import main; main()")
_PATIENCE = 120


def run(command: Sequence[str], allowed: Sequence[int] = (0,)) -> str:
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment())
    if ran.returncode not in allowed:
        raise SystemExit(f"{' '.join(command[:6])} ended with status {ran.returncode}: {ran.stderr[-2000:]}")
    return ran.stdout


def timed(command: Sequence[str], allowed: Sequence[int] = (0,)) -> float:
    started = time.perf_counter()
    run(command, allowed)
    return round(time.perf_counter() - started, 3)


def environment() -> dict[str, str]:
    """As people have it: compiled modules are kept, for all systems."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPATH": str(ROOT)}


@contextmanager
def served(notes: Path, index: Path | str, *options: str) -> Iterator[tuple[str, int]]:
    """The address of a server over the notes, once it answers, and its process."""
    command = [*TRELLIS, "serve", str(notes), "--index", str(index), "--port", "0", *options]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT, env=environment()
    )
    try:
        assert process.stdout
        yield process.stdout.readline().strip(), process.pid
    finally:
        process.terminate()
        process.wait()


def ask_all(url: str, questions: Sequence[str]) -> list[float]:
    """Seconds for each question, one after the other over one connection, as a page or a script keeps it."""
    seconds = []
    with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=_PATIENCE)) as connection:
        for question in questions:
            body = json.dumps({"question": question})
            started = time.perf_counter()
            connection.request("POST", "/api/ask", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            response.read()
            seconds.append(time.perf_counter() - started)
            assert response.status == 200, response.status
    return seconds


def edit(path: Path, number: int) -> tuple[str, str]:
    """Changes one line in the middle of a file. Answers a query for it and a part of its text."""
    lines = path.read_text("utf-8").splitlines(keepends=True)
    at = next(at for at in range(len(lines) // 2, len(lines)) if lines[at].strip())
    indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
    lines[at] = f"{indent}The zebra numbered {number} waits at the fountain\n"
    path.write_text("".join(lines), "utf-8")
    return f"zebra numbered {number} fountain", f"numbered {number} waits"


def searchable(url: str, query: str, text: str) -> float:
    """Seconds until a search for `query` shows `text`."""
    started = time.perf_counter()
    with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=_PATIENCE)) as connection:
        while time.perf_counter() - started < _PATIENCE:
            connection.request("GET", f"/api/search?top=3&q={quote(query)}")
            if text in connection.getresponse().read().decode():
                return round(time.perf_counter() - started, 3)
            time.sleep(0.01)
    raise SystemExit(f"an edit did not become searchable within {_PATIENCE} seconds")
