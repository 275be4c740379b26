"""Around every request: an id for it, how long it took, one line in the log, and figures."""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.wsgi import ClosingIterator

from service import stages
from service.http.access import Access
from service.logs import REQUESTS, request_id
from service.metrics import Metrics

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"})
ABOUT = "trellis.about"
"""In the environment of a request: what its route found out, for the log."""
_log = logging.getLogger(REQUESTS)

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Operations:
    """What the server and the application tell each other. leaving: whether the service is about to end."""

    def __init__(self, metrics: Metrics, access: Access) -> None:
        self.metrics = metrics
        self.access = access
        self.leaving: Callable[[], bool] = lambda: False

    def refused(self, reason: str) -> None:
        self.metrics.refused(reason)


class Observed:
    """The outermost layer of the application."""

    def __init__(self, app: Application, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        given = environ.get("HTTP_X_REQUEST_ID", "")
        known = given if _ID.fullmatch(given) else secrets.token_hex(8)
        request_id.set(known)
        about = environ[ABOUT] = {}
        seen = _Seen(environ, about, stages.begin(), time.perf_counter())

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            seen.status = status[:3]
            return start_response(status, [*headers, ("X-Request-Id", known)], *rest)

        return ClosingIterator(self._app(environ, start), lambda: seen.end(self._metrics))


class _Seen:
    """One request, from its first to its last byte."""

    def __init__(self, environ: dict[str, Any], about: dict[str, Any], record: stages.Record, started: float) -> None:
        method = environ.get("REQUEST_METHOD", "")
        self._method = method if method in _METHODS else "other"
        self._about = about
        self._record = record
        self._started = started
        self.status = ""

    def end(self, metrics: Metrics) -> None:
        seconds = time.perf_counter() - self._started
        route = self._about.pop("route", "none")
        metrics.answered(self._method, route, self.status, seconds, self._record)
        quiet = route.startswith("/static/") and self.status < "400"
        if quiet or not _log.isEnabledFor(logging.INFO):
            return
        fields = {
            "method": self._method,
            "route": route,
            "status": int(self.status or 0),
            "ms": round(seconds * 1000, 1),
        }
        fields |= {f"{name}_ms": round(taken * 1000, 1) for name, taken in self._record.seconds.items()}
        if self._record.recalled is not None:
            fields["cache"] = "hit" if self._record.recalled else "miss"
        _log.info("request", extra={"fields": fields | self._about})
