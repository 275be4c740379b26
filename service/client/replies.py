"""What came back, as what was asked for or as the error that it is."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlsplit

import msgspec

from service.chat.types import Done, Event, Failed
from service.client.calls import Call
from service.client.errors import NotTrellis, NotUnderstood, StreamBroken, refusal
from service.errors import InvalidRequest
from service.types import Problem

T = TypeVar("T")
_JSON = ("application/json", "text/plain")
_BEHIND = {
    502: "the proxy in front of it does not reach it",
    503: "what is in front of it cannot reach it now",
    504: "the proxy in front of it waited too long for it",
}


def service_url(url: str) -> str:
    """The address without a slash at its end. Raises InvalidRequest for what is none."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise InvalidRequest(f"'{url}' is not the address of a service; write it as http://127.0.0.1:8000.")
    return url.rstrip("/")


def is_loopback(url: str) -> bool:
    """Whether a proxy named in the environment has no part in reaching it."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_reply(url: str, call: Call[T], status: int, headers: Mapping[str, str], body: bytes) -> T:
    """The answer. Raises Refused, NotTrellis or NotUnderstood. headers: with names that any case finds."""
    if status != 200:
        raise_refusal(url, status, headers, body)
    kind = _kind(headers)
    if kind not in _JSON:
        raise NotTrellis(url, f"it sends {kind or 'something without a type'}")
    try:
        if call.answer is str:
            return body.decode()  # type: ignore[return-value]
        return msgspec.json.decode(body, type=call.answer)
    except msgspec.ValidationError as error:
        raise NotUnderstood(url, error) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotTrellis(url, f"what it sends is no JSON ({error})") from error


def raise_refusal(url: str, status: int, headers: Mapping[str, str], body: bytes) -> NoReturn:
    """Raises what an answer means that is not the one asked for."""
    kind = _kind(headers)
    if kind == "application/problem+json":
        try:
            problem = msgspec.json.decode(body, type=Problem)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise NotTrellis(url, f"what it sends is no problem document ({error})") from error
        raise refusal(problem, _seconds(headers.get("Retry-After", "")), headers.get("X-Request-Id", ""))
    if status in _BEHIND:
        problem = Problem("Service unavailable", 503, f"The service does not answer: {_BEHIND[status]} ({status}).")
        raise refusal(problem, _seconds(headers.get("Retry-After", "")), "")
    if location := headers.get("Location"):
        raise NotTrellis(url, f"it sends one on to {urlsplit(location).netloc or location[:100]}")
    raise NotTrellis(url, f"it answers {status} with {kind or 'something without a type'}")


def is_stream(headers: Mapping[str, str]) -> bool:
    return _kind(headers) == "text/event-stream"


def read_event(url: str, data: str) -> Event:
    """Raises Refused for an error that the stream tells of, and NotUnderstood."""
    try:
        event: Event = msgspec.json.decode(data, type=Event)
    except msgspec.DecodeError as error:
        raise NotUnderstood(url, error) from error
    if isinstance(event, Failed):
        raise refusal(Problem(event.title, event.status, event.detail), 0, "")
    return event


def check_ended(url: str, last: Any) -> None:
    """Raises StreamBroken when the last event of a stream was not its end."""
    if not isinstance(last, Done):
        raise StreamBroken(url, "the connection ended")


def _kind(headers: Mapping[str, str]) -> str:
    return headers.get("Content-Type", "").partition(";")[0].strip().casefold()


def _seconds(retry_after: str) -> float:
    """What the service asks to wait; a date, which only a proxy would send, counts as one second."""
    if not retry_after:
        return 0.0
    return float(retry_after) if retry_after.isdecimal() else 1.0
