"""What both clients hand to the HTTP library, and what they make of its errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from service.client.calls import Call
from service.client.errors import StreamBroken, TimedOut, Unreachable
from service.client.replies import is_loopback, service_url
from service.version import VERSION


def options_of(url: str, key: str, timeout: float) -> tuple[str, dict[str, Any]]:
    """The address of the service, and how the library's client is made. Raises InvalidRequest. Redirects are not followed: no
    service sends any, and a key must not go where it was not meant for.
    """
    address = service_url(url)
    headers = {"User-Agent": f"trellis/{VERSION}", "Accept": "application/json, application/problem+json"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    environment = not is_loopback(address)  # questions to this machine go through no proxy
    return address, {"base_url": address, "headers": headers, "timeout": timeout, "trust_env": environment}


def request_of(call: Call[Any], *, stream: bool = False) -> dict[str, Any]:
    headers = {"Accept": "text/event-stream, application/problem+json"} if stream else {}
    if call.body is not None:
        headers["Content-Type"] = "application/json"
    parameters = {"params": list(call.parameters)} if call.parameters else {}
    return {"method": call.method, "url": call.path, "content": call.body, "headers": headers, **parameters}


@contextmanager
def translated(url: str, timeout: float, *, streaming: bool = False) -> Iterator[None]:
    """The library's errors as ours. streaming: the answer has begun already."""
    import httpx2

    try:
        yield
    except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
        raise Unreachable(url, error) from error
    except httpx2.TransportError as error:
        reason = str(error) or type(error).__name__
        if streaming:
            raise StreamBroken(url, reason) from error
        if isinstance(error, httpx2.TimeoutException):
            raise TimedOut(url, timeout) from error
        raise Unreachable(url, reason, sent=True) from error
