"""Questions a second from many clients at once, each with a connection of its own, as fast as answers come back."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any
from urllib.parse import quote, urlsplit

import numpy as np

from bench.serving import ROOT, environment

CLIENTS = 16
TOP = 8
_START = 120

Send = Callable[[http.client.HTTPConnection, str], None]


def ask_trellis(connection: http.client.HTTPConnection, question: str) -> None:
    body = json.dumps({"question": question, "top": TOP})
    connection.request("POST", "/api/ask", body, {"Content-Type": "application/json"})


def ask_txtai(connection: http.client.HTTPConnection, question: str) -> None:
    connection.request("GET", f"/search?limit={TOP}&query={quote(question)}")


def press(url: str, send: Send, questions: Sequence[str]) -> dict[str, Any]:
    """All questions, each once, by `CLIENTS` clients: how many a second, how long one took, how many were refused."""
    waiting: SimpleQueue[str] = SimpleQueue()
    for question in questions:
        waiting.put(question)
    seconds: list[float] = []
    refused: list[int] = []

    def client() -> None:
        with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)) as connection:
            while True:
                try:
                    question = waiting.get_nowait()
                except Empty:
                    return
                started = time.perf_counter()
                send(connection, question)
                response = connection.getresponse()
                response.read()
                (seconds if response.status == 200 else refused).append(time.perf_counter() - started)

    clients = [threading.Thread(target=client) for _ in range(CLIENTS)]
    started = time.perf_counter()
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    taken = time.perf_counter() - started
    return {
        "a second": len(seconds) / taken,
        **{f"p{at}": float(np.percentile(seconds, at)) * 1000 for at in (50, 99)},
        "refused": len(refused),
    }


@contextmanager
def txtai_api(index: Path, model: Path) -> Iterator[str]:
    """The address of txtai's own API over an index that txtai has made."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = index.parent / "txtai.yml"
    settings.write_text(json.dumps({"path": str(index), "writable": False, "embeddings": {"path": str(model)}}))
    command = [sys.executable, "-m", "uvicorn", "txtai.api:app", "--port", str(port), "--log-level", "error"]
    env = environment() | {"CONFIG": str(settings), "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL)
    try:
        _await(port, process)
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait()


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.perf_counter() + _START
    while time.perf_counter() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.2)
    raise SystemExit(f"txtai's API did not start (status {process.poll()})")
