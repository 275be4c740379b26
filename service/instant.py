"""Asking by way of a service that runs already, where there is one for the same index: nothing has to be loaded then.

Whatever is in the way (nobody there, another version, other settings, a refusal, silence) is no error: the answer is None, and
the caller opens the index itself, which says what is wrong, if something is. So both ways print the same.
"""

from __future__ import annotations

import http.client
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec

from indexer.errors import TrellisError
from indexer.pointer import peek
from service.client import calls
from service.client.replies import is_loopback, read_reply
from service.config import Config
from service.presence import Codes, Presence, find, member
from service.reference import place_of
from service.search.query_syntax import Filters
from service.types import Answer, RelatedResults

_PATIENCE, _PATIENCE_ASKED = 1.0, 20.0
"""Seconds for finding out who is there, and for an answer."""
_NOT_TO_BE_HAD = (OSError, http.client.HTTPException, TrellisError, msgspec.MsgspecError, ValueError)

T = TypeVar("T")


class Instant:
    """A service that has shown that it answers from the same index, and a connection to it. collection: what has to be named,
    where it serves others too.
    """

    def __init__(
        self, presence: Presence, connection: http.client.HTTPConnection, names: Collection[str] = frozenset()
    ) -> None:
        """names: of the collections that are asked."""
        self.presence = presence
        self.collection = ""
        self._names = names
        self._connection = connection

    @classmethod
    def reach(cls, config: Config) -> Instant | None:
        """The service that answers for all that these settings ask."""
        collections = config.all_collections()
        presence = find(Path(next(iter(collections.values())).index).expanduser())
        if presence is None or not is_loopback(presence.url):
            return None
        try:
            place = urlsplit(presence.url)
            connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=_PATIENCE)
            found = cls(presence, connection, config.collections.keys())
        except ValueError:
            return None
        try:
            if found._is_the_same(config):
                return found
        except _NOT_TO_BE_HAD:
            pass
        found.close()
        return None

    def close(self) -> None:
        self._connection.close()

    def ask(self, question: str, top: int, filters: Filters, explained: bool) -> Answer | None:
        """The answer of the service; None when it has none that is whole."""
        if self.collection and "collection:" in question.casefold():
            return None  # which collection a question names, the service decides by all that it has
        given: dict[str, Any] = msgspec.structs.asdict(filters) | {"where": dict(filters.where)}
        if len(given["where"]) < len(filters.where):
            return None  # two values of one property cannot be said over HTTP
        answer = self._try(calls.ask(question, top=top, **given, collection=self.collection, explain=explained))
        if answer is None or answer.unavailable:
            return None
        return msgspec.structs.replace(answer, behind=False)  # only who follows the notes knows of it

    def related(self, node: str, top: int) -> RelatedResults | None:
        """node: an id, or file:line."""
        place = place_of(node, self._names)
        if place:
            found = self._try(calls.place(*place, self.collection))
            if found is None:
                return None
            node = f"{found.collection}:{found.id}" if found.collection else found.id
        elif ":" in node and node.rpartition(":")[0] not in self._names:
            return None
        return self._try(calls.related(node, top, self.collection))

    def send(self, call: calls.Call[T]) -> T:
        """Raises ClientError, OSError or HTTPException."""
        target = urlsplit(self.presence.url).path.rstrip("/") + call.path
        if call.parameters:
            target += f"?{urlencode(call.parameters)}"
        headers = {"Authorization": f"Bearer {self.presence.key}"}
        if call.body is not None:
            headers["Content-Type"] = "application/json"
        self._connection.request(call.method, target, call.body, headers)
        reply = self._connection.getresponse()
        return read_reply(self.presence.url, call, reply.status, reply.headers, reply.read())  # type: ignore[arg-type]

    def _try(self, call: calls.Call[T]) -> T | None:
        try:
            return self.send(call)
        except _NOT_TO_BE_HAD:
            self._connection.close()
            return None

    def _is_the_same(self, config: Config) -> bool:
        """Whether it holds the secret, and the same version, settings and generations are behind its answers."""
        challenge = os.urandom(16).hex()
        self._connection.request("GET", f"/api/presence?challenge={challenge}")
        reply = self._connection.getresponse()
        told = read_reply(self.presence.url, calls.Call("", Codes), reply.status, reply.headers, reply.read())  # type: ignore[arg-type]
        expected = []
        for name, each in config.all_collections().items():
            generation = peek(Path(each.index).expanduser())
            if not generation:
                return False
            expected.append(self.presence.code(challenge, member(config, name, generation)))
        if self._connection.sock:
            self._connection.sock.settimeout(_PATIENCE_ASKED)
        if told.codes == expected:
            return True
        if len(expected) == 1 and config.collections and expected[0] in told.codes:
            self.collection = next(iter(config.collections))
            return True
        return False
