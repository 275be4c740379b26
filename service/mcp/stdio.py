"""`trellis mcp`: the protocol on standard input and output, for a client that starts its servers itself."""

from __future__ import annotations

import logging
import sys
import threading
from contextlib import suppress

import anyio
from mcp.server.stdio import stdio_server

from indexer.errors import TrellisError
from service.client import Retrying, Trellis
from service.collections import Collections, Encoders
from service.config import Config
from service.instant import Instant
from service.keys import SCOPES
from service.mcp.reader import LocalReader, Reader
from service.mcp.server import make_server
from service.presence import Presence


class Readers:
    """Whom to ask: a service that runs on the same index, for as long as it does, and else the index itself, which is opened at
    the first question. So the client never waits for a start.
    """

    def __init__(self, config: Config, by_server: bool) -> None:
        self._config = config
        self._by_server = by_server
        self._lock = threading.Lock()
        self._presence: Presence | None = None
        self._running: Trellis | None = None
        self._local: LocalReader | None = None

    def __call__(self) -> Reader:
        """Made sure of anew at each request: another program may have got the port of a service that is gone."""
        with self._lock:
            running = self._reached() if self._by_server else None
            if running is not None:
                return running
            if self._local is None:
                notes = Collections.of(self._config, Encoders())
                self._local = LocalReader(notes, lambda: _refresh(notes))
            return self._local

    def _reached(self) -> Trellis | None:
        found = Instant.reach(self._config)
        if found is None:
            return None
        found.close()
        if found.collection:
            return None  # it serves more than is asked of
        if self._running is None or found.presence != self._presence:
            if self._running:
                self._running.close()
            self._presence = found.presence
            self._running = Trellis(found.presence.url, key=found.presence.key, retrying=Retrying(times=1))
        return self._running


def _refresh(notes: Collections) -> None:
    """Takes up what another process has indexed meanwhile. What cannot be opened leaves what there was before."""
    for member in notes.members:
        with suppress(TrellisError, OSError):
            member.refresh()


def run(config: Config, by_server: bool) -> None:
    """Serves until standard input ends. Nothing but the protocol is written to standard output: the SDK turns what else is
    written there, by whomever, to standard error.
    """
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="trellis: %(message)s")
    server = make_server(Readers(config, by_server), lambda _: SCOPES, private=True)

    async def serve() -> None:
        async with stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())

    anyio.run(serve)
