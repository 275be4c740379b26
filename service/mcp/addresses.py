"""How notes and files are named to a model: by URI, by id, or as file:line.

trellis://notes/0a1b2c3d4e5f6a7b         a note; "notes" stands for the collection that has no name
trellis://home/0a1b2c3d4e5f6a7b          a note of the collection "home"
trellis://home/file/ideas/2026.org       a file
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from service.errors import InvalidRequest
from service.mcp.reader import Reader
from service.reference import place_of
from service.types import NodeView

SCHEME = "trellis://"
UNNAMED = "notes"
"""Collections have names or are alone, so a collection that is called this is never mistaken."""
NOTE_TEMPLATE = f"{SCHEME}{{collection}}/{{id}}"
FILE_TEMPLATE = f"{SCHEME}{{collection}}/file/{{+file}}"
_URI = re.compile(rf"{SCHEME}([a-z0-9][a-z0-9-]{{0,39}})/(?:file/(.+)|([^/?#]{{1,100}}))", re.ASCII | re.DOTALL)


def uri_of(collection: str, node: str) -> str:
    return f"{SCHEME}{collection or UNNAMED}/{quote(node, safe='')}"


def file_uri(collection: str, file: str) -> str:
    return f"{SCHEME}{collection or UNNAMED}/file/{quote(file)}"


def parse(uri: str) -> tuple[str, str, str]:
    """Collection, file and node of a URI; the file or the node is "". Raises InvalidRequest."""
    found = _URI.fullmatch(uri)
    if not found:
        raise InvalidRequest(f"'{uri[:100]}' is no address of a note; write {NOTE_TEMPLATE} or {FILE_TEMPLATE}.")
    collection = found[1]
    return collection, unquote(found[2] or ""), unquote(found[3] or "")


def known(reader: Reader, collection: str) -> str:
    """The name of a collection as the service has it."""
    if collection == UNNAMED and all(not state.name for state in reader.collections()):
        return ""
    return collection


def resolve(reader: Reader, reference: str, collection: str = "") -> NodeView:
    """The note that is meant. Raises TrellisError."""
    if reference.startswith(SCHEME):
        named, file, node = parse(reference)
        named = known(reader, named)
        return reader.node_at(file, 0, named) if file else reader.node(node, named)
    collection = known(reader, collection) if collection else ""
    place = place_of(reference, ()) and place_of(reference, {state.name for state in reader.collections()} - {""})
    return reader.node_at(*place, collection) if place else reader.node(reference, collection)
