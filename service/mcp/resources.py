"""Notes and files as resources: what a person or a client picks, where tools are what a model calls."""

from __future__ import annotations

from dataclasses import dataclass

from service.errors import InvalidRequest
from service.mcp import words
from service.mcp.addresses import file_uri, known, parse
from service.mcp.reader import Reader
from service.mcp.shapes import MOST_ROWS, Reading
from service.mcp.tools import read
from service.scopes import MOST

_ROWS_OF_A_FILE = 2000
_OFFERED = 50
_DEEPEST = 40
"""Rows below so many levels are indented no further: their spaces would be more than their words."""


@dataclass(frozen=True, slots=True)
class FileResource:
    uri: str
    name: str
    description: str


def files(reader: Reader) -> list[FileResource]:
    """The files of all collections, as many as are listed at once; the others are found by completing their names."""
    found = reader.scopes("", MOST).files
    return [
        FileResource(
            file_uri(each.collection, each.file),
            f"{each.collection}: {each.file}" if each.collection else each.file,
            f"{each.notes:,} notes",
        )
        for each in found
    ]


def text_of(reader: Reader, uri: str) -> str:
    """A note with its outline, or the outline of a file. Raises TrellisError."""
    collection, file, node = parse(uri)
    if node:
        return words.tell_note(read(reader, Reading(uri, rows=MOST_ROWS)))
    return _outline(reader, file, known(reader, collection))


def complete(reader: Reader, argument: str, typed: str, collection: str = "") -> list[str]:
    """What the arguments of the templates can be. Raises InvalidRequest."""
    if argument == "collection":
        names = [state.name or "notes" for state in reader.collections()]
        return [name for name in names if name.startswith(typed)]
    if argument == "file":
        chosen = known(reader, collection) if collection else ""
        return [each.file for each in reader.scopes(typed[:200], _OFFERED, chosen).files]
    if argument == "id":
        chosen = known(reader, collection) if collection else ""
        return [each.id for each in reader.scopes(typed[:200], _OFFERED, chosen).headings]
    raise InvalidRequest(f"There is no argument '{argument[:40]}'; the templates have collection, id and file.")


def _outline(reader: Reader, file: str, collection: str) -> str:
    """Row by row as it is indented, each with its line; cut where that is too much for one answer."""
    first = reader.node_at(file, 0, collection)
    lines, start, total = [f"{file}"], 0, 1
    while start < min(total, _ROWS_OF_A_FILE):
        view = reader.outline(first.id, "", start, MOST_ROWS, first.collection)
        if not view.rows:
            break
        lines += [f"{row.line:>5} {'    ' * min(row.depth, _DEEPEST)}{row.text}" for row in view.rows if not row.gone]
        start, total = start + len(view.rows), view.total
    if start < total:
        lines.append(f"({total - start:,} more rows; read_note with 'start' reads on)")
    return "\n".join(lines)
