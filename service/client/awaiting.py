"""The same client for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack

from service.chat.types import ChatMessage, CitationState, Event
from service.client import calls
from service.client.errors import ClientError
from service.client.replies import check_ended, is_stream, raise_refusal, read_event, read_reply
from service.client.retrying import Retrying
from service.client.wire import options_of, request_of, translated
from service.map.types import MapView
from service.types import (
    Alive,
    Answer,
    Choices,
    CollectionState,
    Health,
    NodeView,
    OutlineView,
    RelatedResults,
    Scopes,
    SearchResults,
)

if TYPE_CHECKING:
    import httpx2

T = TypeVar("T")


class AsyncTrellis:
    """Asks a running Trellis from asyncio; `Trellis` says what its methods answer.

    url: as 'trellis serve' prints it; with /p/NAME behind it, a publication. key: where one is needed. timeout: seconds for
    connecting, and for each piece of an answer. retrying: what is done about refusals that pass and connections that break.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        key: str = "",
        timeout: float = 30.0,
        retrying: Retrying | None = None,
    ) -> None:
        import httpx2  # takes longer than all else here

        self._retrying = retrying or Retrying()
        self._timeout = timeout
        self._url, options = options_of(url, key, timeout)
        self._http = httpx2.AsyncClient(**options)

    async def ask(self, question: str, **narrowing: Unpack[calls.Narrowing]) -> Answer:
        """The ranked excerpts that answer, and whether the notes answer at all."""
        return await self._send(calls.ask(question, **narrowing))

    async def search(self, query: str, **narrowing: Unpack[calls.Narrowing]) -> SearchResults:
        """The ranking alone."""
        return await self._send(calls.search(query, **narrowing))

    async def node(self, node_id: str, collection: str = "") -> NodeView:
        """One node: text, path, place, parent, children."""
        return await self._send(calls.node(node_id, collection))

    async def node_at(self, file: str, line: int, collection: str = "") -> NodeView:
        """The node at a line of a file, 1-based."""
        return await self._send(calls.place(file, line, collection))

    async def related(self, node_id: str, top: int = 8, collection: str = "") -> RelatedResults:
        """The notes nearest in meaning from elsewhere in the outline."""
        return await self._send(calls.related(node_id, top, collection))

    async def outline(
        self, node_id: str, zoom: str = "", start: int | None = None, top: int | None = None, collection: str = ""
    ) -> OutlineView:
        """The outline around a node, at most 200 rows at once; of its file, or of the subtree of `zoom`."""
        return await self._send(calls.outline(node_id, zoom, start, top, collection))

    async def filters(self, collection: str = "") -> Choices:
        """What there is to filter by."""
        return await self._send(calls.filters(collection))

    async def scopes(self, typed: str = "", top: int = 8, collection: str = "") -> Scopes:
        """Files and headings by name."""
        return await self._send(calls.scopes(typed, top, collection))

    async def map(self, collection: str = "") -> MapView:
        """The picture of all notes."""
        return await self._send(calls.picture(collection))

    async def citation(self, note: str, digest: str, quoted: str, parent: str = "") -> CitationState:
        """What has become of a cited note."""
        return await self._send(calls.citation(note, digest, quoted, parent))

    async def collections(self) -> list[CollectionState]:
        """The collections of notes, and whether they can be asked."""
        return (await self._send(calls.collections())).collections

    async def health(self) -> Health:
        """Whether questions can be answered. Raises Unavailable while they cannot."""
        return await self._send(calls.health())

    async def alive(self) -> Alive:
        """Whether the service runs, ready or not."""
        return await self._send(calls.alive())

    async def metrics(self) -> str:
        """The figures for Prometheus; needs a key with the scope `admin` where keys are needed."""
        return await self._send(calls.metrics())

    async def description(self) -> dict[str, Any]:
        """The contract in OpenAPI 3.1."""
        return await self._send(calls.description())

    async def chat(
        self,
        messages: str | Sequence[ChatMessage],
        under: Sequence[str] = (),
        file: str = "",
        collection: str = "",
    ) -> AsyncIterator[Event]:
        """A turn of conversation, event by event: `Sources`, `Token`s, `Done`. Close the iterator to
        end the answer early (`contextlib.aclosing`).
        """
        import httpx2

        response = await self._open(calls.chat(messages, under, file, collection))
        last: Event | None = None
        try:
            with translated(self._url, self._timeout, streaming=True):
                async for event in httpx2.EventSource(response):
                    last = read_event(self._url, event.data)
                    yield last
            check_ended(self._url, last)
        finally:
            await response.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Lets the connections go."""
        await self._http.aclose()

    async def _send(self, call: calls.Call[T]) -> T:
        """Sends it, again where that may help. Raises ClientError."""
        tries = 1
        while True:
            try:
                with translated(self._url, self._timeout):
                    response = await self._http.request(**request_of(call))
                return read_reply(self._url, call, response.status_code, response.headers, response.content)
            except ClientError as error:
                await self._rest(self._retrying.pause(tries, error), error)
            tries += 1

    async def _open(self, call: calls.Call[Any]) -> httpx2.Response:
        """A stream that has begun. An answer that may be on its way is not asked for twice. Raises ClientError."""
        tries = 1
        while True:
            try:
                with translated(self._url, self._timeout):
                    request = self._http.build_request(**request_of(call, stream=True))
                    response = await self._http.send(request, stream=True)
                    if response.status_code == 200 and is_stream(response.headers):
                        return response
                    await response.aread()
                raise_refusal(self._url, response.status_code, response.headers, response.content)
            except ClientError as error:
                await self._rest(self._retrying.pause(tries, error, costly=True), error)
            tries += 1

    async def _rest(self, seconds: float | None, error: ClientError) -> None:
        """Raises the error when there is no use in waiting."""
        if seconds is None:
            raise error
        await asyncio.sleep(seconds)
