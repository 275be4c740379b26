"""A Milvus Lite server in a process of its own, spoken to over gRPC: for tests and measurements."""

from __future__ import annotations

import contextlib
import itertools
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from indexer.errors import EngineError
from indexer.milvus.connection import Connection
from indexer.milvus.settings import Milvus

_PATIENCE = 60.0
_NAMES = itertools.count()


class Lite:
    """A server that can be killed and started again over what it has written to `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> int:
        assert self._process
        return self._process.pid

    def start(self) -> None:
        command = [sys.executable, "-c", "from milvus_lite.cmdline import main; main()", "server"]
        with (self.folder.parent / "lite.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--data-dir", str(self.folder), "--port", str(self.port)], stdout=log, stderr=log
            )
        until = time.monotonic() + _PATIENCE
        while True:
            with contextlib.closing(Connection(Milvus(uri=self.uri, timeout=2))) as connection:
                try:
                    connection.call("list_collections")
                except EngineError:
                    assert time.monotonic() < until, "Milvus Lite does not start"
                    assert self._process.poll() is None, "Milvus Lite ended"
                    time.sleep(0.1)
                else:
                    return

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()

    def settings(self, **more: Any) -> Milvus:
        """For notes of their own, by a new name."""
        return Milvus(**{"uri": self.uri, "collection": f"test{next(_NAMES)}", "timeout": 60} | more)
