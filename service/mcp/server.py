"""The official SDK's server over the tools and resources. Both transports are served by what `make_server` makes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from functools import partial
from typing import Any, TypeVar

import anyio.to_thread
import mcp_types as mcp
import msgspec
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

from indexer.errors import TrellisError
from service.client.errors import ClientError
from service.errors import UNUSABLE, RequestError, ScopeMissing
from service.keys import Scope
from service.mcp import resources, tools
from service.mcp.addresses import FILE_TEMPLATE, NOTE_TEMPLATE
from service.mcp.reader import Reader
from service.mcp.shapes import schema_of
from service.version import VERSION

_log = logging.getLogger("trellis.mcp")
_ABOUT = (
    "Trellis answers from the user's own outline notes. Ask with ask_notes before you answer anything that the notes may "
    "cover, quote word for word, cite as file:line, and say so when the notes do not answer."
)
_UNEXPECTED = "Something went wrong inside Trellis. The cause is in its log."
_PLAIN = "text/plain"
T = TypeVar("T")

Context = Any
"""Of a request, as the SDK gives it: ServerRequestContext, whose types differ between transports."""


def make_server(
    reader: Callable[[], Reader], scopes: Callable[[Context], Collection[Scope]], *, private: bool
) -> Server[Any]:
    """reader: whom to ask, decided at each request. scopes: what the caller of a request may. private: whether callers may be
    told of places on this machine, as its own user may.
    """
    face = _Face(reader, scopes, private)
    return Server(
        "trellis",
        version=VERSION,
        title="Trellis",
        description="Search and question answering over outline notes",
        instructions=_ABOUT,
        on_list_tools=face.list_tools,
        on_call_tool=face.call_tool,
        on_list_resources=face.list_resources,
        on_list_resource_templates=face.list_templates,
        on_read_resource=face.read_resource,
        on_completion=face.complete,
    )


class _Face:
    def __init__(
        self, reader: Callable[[], Reader], scopes: Callable[[Context], Collection[Scope]], private: bool
    ) -> None:
        self._reader = reader
        self._scopes = scopes
        self._private = private
        self._tools = [_declared(tool) for tool in tools.TOOLS]

    async def list_tools(self, _: Context, __: object) -> mcp.ListToolsResult:
        return mcp.ListToolsResult(tools=self._tools)

    async def call_tool(self, context: Context, asked: mcp.CallToolRequestParams) -> mcp.CallToolResult:
        """What is wrong with a call is its result, in a sentence, so that the model can mend it."""
        tool = tools.BY_NAME.get(asked.name)
        if tool is None:
            raise MCPError(mcp.INVALID_PARAMS, f"There is no tool '{asked.name[:60]}'; tools/list names all of them.")
        try:
            self._require(context, tool.needs)
            taken = tools.taken(tool, asked.arguments)
            found = await self._run(lambda reader: tool.run(reader, taken))
        except TrellisError as error:
            return mcp.CallToolResult(content=[mcp.TextContent(text=self._said(error))], is_error=True)
        structured = msgspec.to_builtins(found)
        return mcp.CallToolResult(
            content=[mcp.TextContent(text=tool.tell(found))], structured_content=structured, is_error=False
        )

    async def list_resources(self, context: Context, _: object) -> mcp.ListResourcesResult:
        found = await self._answer(context, resources.files)
        return mcp.ListResourcesResult(
            resources=[
                mcp.Resource(uri=each.uri, name=each.name, description=each.description, mime_type=_PLAIN)
                for each in found
            ]
        )

    async def list_templates(self, _: Context, __: object) -> mcp.ListResourceTemplatesResult:
        return mcp.ListResourceTemplatesResult(
            resource_templates=[
                mcp.ResourceTemplate(
                    uri_template=NOTE_TEMPLATE,
                    name="note",
                    title="A note with its outline",
                    description="A note by its id; 'notes' stands for a collection without a name.",
                    mime_type=_PLAIN,
                ),
                mcp.ResourceTemplate(
                    uri_template=FILE_TEMPLATE,
                    name="file",
                    title="A file of the notes",
                    description="The outline of a file, with the numbers of its lines.",
                    mime_type=_PLAIN,
                ),
            ]
        )

    async def read_resource(self, context: Context, asked: mcp.ReadResourceRequestParams) -> mcp.ReadResourceResult:
        text = await self._answer(context, lambda reader: resources.text_of(reader, asked.uri))
        return mcp.ReadResourceResult(contents=[mcp.TextResourceContents(uri=asked.uri, mime_type=_PLAIN, text=text)])

    async def complete(self, context: Context, asked: mcp.CompleteRequestParams) -> mcp.CompleteResult:
        given = (asked.context.arguments if asked.context else None) or {}
        name, typed = asked.argument.name, asked.argument.value
        found = await self._answer(
            context, lambda reader: resources.complete(reader, name, typed, given.get("collection", ""))
        )
        return mcp.CompleteResult(completion=mcp.Completion(values=found[:100], total=len(found), has_more=False))

    async def _answer(self, context: Context, work: Callable[[Reader], T]) -> T:
        """Of what is no tool: what is wrong is an error of the protocol."""
        try:
            self._require(context, "read")
            return await self._run(work)
        except TrellisError as error:
            raise MCPError(mcp.INVALID_PARAMS, self._said(error)) from error

    async def _run(self, work: Callable[[Reader], T]) -> T:
        """In a thread: answering waits for the model, and nobody else should."""
        return await anyio.to_thread.run_sync(partial(self._guarded, work))

    def _guarded(self, work: Callable[[Reader], T]) -> T:
        try:
            return work(self._reader())
        except TrellisError:
            raise
        except Exception as error:
            _log.error("unexpected error", exc_info=error)
            raise TrellisError(_UNEXPECTED) from error

    def _require(self, context: Context, scope: Scope) -> None:
        if scope not in self._scopes(context):
            raise ScopeMissing(scope)

    def _said(self, error: TrellisError) -> str:
        told = self._private or isinstance(error, RequestError | ClientError) or str(error) == _UNEXPECTED
        if not told:
            _log.error("unavailable", exc_info=error)
        return str(error) if told else UNUSABLE


def _declared(tool: tools.ToolSpec) -> mcp.Tool:
    """Nothing that a tool does changes anything, or reaches beyond the notes."""
    return mcp.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=schema_of(tool.takes),
        output_schema=schema_of(tool.gives),
        annotations=mcp.ToolAnnotations(
            title=tool.title, read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        ),
    )
