"""One connection to Milvus: calls with a limit in time, and what went wrong by the names of `indexer.errors`."""

from __future__ import annotations

import logging
import threading
import time
from functools import cache
from typing import Any

from indexer.errors import EngineAway, EngineMissing, EngineRefused, NotPublished
from indexer.milvus.settings import Milvus

_PAUSE = 1.0
"""Seconds for which a server that did not answer is not asked again: who waits would wait in vain."""
_REST = 0.2
"""Seconds before a call is made once more."""
_QUIET = {"grpc.keepalive_time_ms": 300_000, "grpc.keepalive_permit_without_calls": False}
"""A connection that rests is looked after every five minutes: gRPC's servers hang up on who asks oftener, as the library
does.
"""
_WRITING = 120.0
"""Seconds that a call may take that writes, at least."""
_NO_COLLECTION = {4, 100}
_NOT_LOADED = {101}
_STILL_STARTING = ("not connected", "not ready", "node not found", "no available", "is not serving")


class Connection:
    """For any number of threads. Nothing is opened before the first call, and a server that went away is found again."""

    def __init__(self, settings: Milvus) -> None:
        self.settings = settings
        self._client: Any = None
        self._lock = threading.Lock()
        self._away: tuple[float, EngineAway] | None = None

    def call(self, what: str, *arguments: Any, **options: Any) -> Any:
        """A method of `pymilvus.MilvusClient` by name.

        Raises EngineAway when the server does not answer, NotPublished for a collection that is not there, EngineRefused
        for all else that it says no to, EngineMissing without the library.
        """
        if self._away and time.monotonic() < self._away[0]:
            raise self._away[1].with_traceback(None)
        try:
            return self._called(what, arguments, options)
        except EngineAway:  # it may have closed this one connection
            time.sleep(_REST)
            return self._called(what, arguments, options)

    def _called(self, what: str, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        try:
            client = self._opened()
            answer = getattr(client, what)(*arguments, **{"timeout": self.settings.timeout, "retry_times": 2} | options)
        except Exception as error:  # the library raises its own, gRPC's and Python's
            raise self._named(error, what) from None  # the cause may carry the token
        self._away = None
        return answer

    @property
    def away(self) -> bool:
        """Whether the last call found nobody."""
        return self._away is not None

    def write(self, what: str, *arguments: Any, **options: Any) -> Any:
        """As `call`, for what may take longer than a question."""
        return self.call(what, *arguments, **{"timeout": max(self.settings.timeout, _WRITING)} | options)

    def step(self, iterator: Any) -> list[dict[str, Any]]:
        """The next records of a query iterator, none at its end. Raises as `call`."""
        try:
            some: list[dict[str, Any]] = iterator.next()
        except Exception as error:
            raise self._named(error, "query") from None
        return some

    def close(self) -> None:
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _opened(self) -> Any:
        with self._lock:
            if self._client is None:
                settings = self.settings
                self._client = _library().MilvusClient(
                    uri=settings.uri.rstrip("/"),
                    token=settings.secret,
                    db_name=settings.database,
                    timeout=settings.timeout,
                    dedicated=True,
                    grpc_options=_QUIET,
                )
            return self._client

    def _named(self, error: Exception, what: str) -> Exception:
        if isinstance(error, EngineMissing):
            return error
        code, said = getattr(error, "code", None), self._plain(str(getattr(error, "message", "") or error))
        if isinstance(code, int) and code in _NO_COLLECTION:
            return NotPublished(self.settings.place, self.settings.collection)
        if isinstance(code, int) and code in _NOT_LOADED:
            return NotLoaded(self.settings.place, said)
        if _is_away(error, said):
            away = EngineAway(self.settings.place, said)
            self._away = time.monotonic() + _PAUSE, away
            return away
        return EngineRefused(self.settings.place, what, said)

    def _plain(self, text: str) -> str:
        """Of what the library says the first line, without the token."""
        text = " ".join(text.split())
        for secret in filter(None, {self.settings.secret, *self.settings.secret.split(":", 1)[1:]}):
            text = text.replace(secret, "…")
        return text[:300]


class NotLoaded(EngineRefused):
    """The collection is there and not in the server's memory, as after a restart."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(where, "search", reason)


def _is_away(error: Exception, said: str) -> bool:
    import grpc

    if isinstance(error, (grpc.RpcError, grpc.FutureTimeoutError, ConnectionError, TimeoutError)):
        return True
    words = said.casefold()
    signs = (
        "unavailable",
        "fail connecting",
        "deadline",
        "retry run out",
        "retry timeout",
        "closed channel",
        "cancelled",
    )
    return any(sign in words for sign in (*signs, *_STILL_STARTING))


@cache
def _library() -> Any:
    """pymilvus, told to keep quiet: what goes wrong is raised, and named here. Raises EngineMissing."""
    try:
        import pymilvus
    except ImportError:
        raise EngineMissing from None
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL + 1)
    return pymilvus


def library() -> Any:
    """For the classes of schemas. Raises EngineMissing."""
    return _library()
