"""The real service as a process of its own, over a few notes, and ways to speak to it that no library would allow."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
SHORT = "import service.http.channels as c; c.AGE = c.STALL = c.IDLE = {seconds}; "
"""Put before the command, this makes the server's limits on slow peers shorter."""
_MAIN = "from service.cli import main; main()"
NOTES = ("dns.txt", "edge.txt", "storage.txt")
PUBLISHED = "dns"
QUESTION = "Can a CNAME record be made for the zone apex?"


@dataclass(frozen=True)
class Reply:
    """One answer as it came. status 0: none came. closed: whether the connection ended after it."""

    status: int
    headers: dict[str, str]
    body: bytes
    closed: bool = True


@dataclass
class Running:
    url: str
    process: subprocess.Popen[str]
    folder: Path

    @property
    def place(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or 0

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text("utf-8", "replace")

    def connect(self, timeout: float = 10) -> socket.socket:
        return socket.create_connection(self.place, timeout=timeout)

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Reply:
        """One request in good order. An underscore in the name of a header stands for a hyphen."""
        connection = http.client.HTTPConnection(*self.place, timeout=60)
        try:
            connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name.replace("_", "-"), value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            found = {name.title(): value for name, value in response.getheaders()}
            return Reply(response.status, found, response.read())
        finally:
            connection.close()

    def ask(self, question: str = QUESTION, **headers: str) -> Reply:
        body = json.dumps({"question": question, "top": 3}).encode()
        return self.send("POST", "/api/ask", body, Content_Type="application/json", **headers)

    def raw(self, data: bytes, wait: float = 3) -> Reply:
        """Sends these bytes and reads what comes until the connection ends, or nothing comes any more."""
        with self.connect(wait) as peer:
            with suppress(OSError):
                peer.sendall(data)
            came, closed = b"", False
            with suppress(OSError):
                while True:
                    part = peer.recv(65536)
                    closed = not part
                    came += part
                    if closed:
                        break
                    peer.settimeout(wait if not _whole(came) else min(wait, 1))
        return parse(came, closed)

    def figure(self, name: str) -> float:
        """The sum of one of the service's own figures, over all labels."""
        text = self.send("GET", "/metrics").body.decode()
        lines = [line for line in text.splitlines() if line.startswith(name)]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    def memory(self) -> float:
        """Megabytes resident."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text("ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def open_files(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def threads(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))

    def stop(self, timeout: float = 60) -> int:
        self.process.terminate()
        return self.process.wait(timeout)


def parse(came: bytes, closed: bool) -> Reply:
    head, _, body = came.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    status = int(words[1]) if len(words) > 1 and words[1].isdecimal() else 0
    return Reply(
        status, {n.strip().title(): v.strip() for n, _, v in (line.partition(":") for line in lines)}, body, closed
    )


def _whole(came: bytes) -> bool:
    reply = parse(came, False)
    length = reply.headers.get("Content-Length", "")
    return length.isdecimal() and len(reply.body) >= int(length)


def prepare(folder: Path, **settings: Any) -> Path:
    """Notes, settings and a place for the index, in a new folder."""
    notes = folder / "notes"
    notes.mkdir(parents=True)
    for name in NOTES:
        shutil.copy(ROOT / "notes" / name, notes / name)
    configure(folder, **settings)
    return folder


def configure(folder: Path, **settings: Any) -> None:
    published = {PUBLISHED: {"file": "dns.txt", "origins": ["https://help.example.org"]}}
    settings = {"publications": published, "allowed_hosts": ["notes.example.org"], "log": "json"} | settings
    (folder / "trellis.yaml").write_text(json.dumps(settings), "utf-8")  # JSON is YAML


@contextmanager
def running(folder: Path, *arguments: str, before: str = "") -> Iterator[Running]:
    """Runs `trellis serve` over the prepared folder; `before` is Python that runs first in its process."""
    command = [sys.executable, "-c", before + _MAIN, "--config", "trellis.yaml", "serve", "notes"]
    options = ["--index", "index", "--port", "0", *(arguments or ("--no-watch",))]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, *options], cwd=folder, stdout=subprocess.PIPE, stderr=log, text=True, env=_environment()
        )
    assert process.stdout
    url = process.stdout.readline().strip().replace("0.0.0.0", "127.0.0.1")
    if not url:
        process.wait()
        raise RuntimeError(f"the service did not start: {(folder / 'log').read_text('utf-8')}")
    service = Running(url, process, folder)
    try:
        yield service
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()


def trellis(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _MAIN, "--config", "trellis.yaml", *arguments]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=300, env=_environment()
    )


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))}


def wait_for(holds: Any, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
