"""A client of a running Trellis, typed with the classes that the service itself answers with.

    from service.client import Trellis

    with Trellis("http://127.0.0.1:8000") as trellis:
        print(trellis.ask("How long can a function run?").answer)

`AsyncTrellis` is the same for asyncio. Both raise `ClientError`, by kind; docs/client.md lists them. Importing this loads
neither NumPy, FAISS nor Flask, and the HTTP library only when a client is made.
"""

from service.chat.types import ChatMessage
from service.client.awaiting import AsyncTrellis
from service.client.blocking import Trellis
from service.client.errors import (
    Ambiguous,
    BadRequest,
    ClientError,
    KeyNeeded,
    NotAllowed,
    NotFound,
    NotTrellis,
    NotUnderstood,
    Refused,
    StreamBroken,
    TimedOut,
    TooMany,
    Unavailable,
    Unreachable,
)
from service.client.retrying import Retrying

__all__ = [
    "Ambiguous",
    "AsyncTrellis",
    "BadRequest",
    "ChatMessage",
    "ClientError",
    "KeyNeeded",
    "NotAllowed",
    "NotFound",
    "NotTrellis",
    "NotUnderstood",
    "Refused",
    "Retrying",
    "StreamBroken",
    "TimedOut",
    "TooMany",
    "Trellis",
    "Unavailable",
    "Unreachable",
]
