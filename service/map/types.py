"""What a map is made of, for programs."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from service.types import InCollection


class MapLabel(msgspec.Struct, frozen=True):
    """The name of a region of the map: a heading, amid what stands below it."""

    id: str
    text: str
    x: int
    y: int
    notes: int


class MapView(msgspec.Struct, frozen=True, omit_defaults=True):
    """The picture of all notes, or of 50,000 of more, in reading order. Near is near in meaning; far apart means little."""

    edge: Annotated[int, Meta(description="Coordinates run from -edge to edge.")]
    x: list[int]
    y: list[int]
    ids: Annotated[str, Meta(description="The ids of the nodes, 16 characters each.")]
    section: Annotated[list[int], Meta(description="For each node the number of its section.")]
    sections: Annotated[list[str], Meta(description="Names: files, or outermost headings where there is one file.")]
    by_file: Annotated[bool, Meta(description="Whether sections are files.")]
    labels: Annotated[list[MapLabel], Meta(description="Largest first.")]
    generation: str
    collection: InCollection = ""
    notes: Annotated[int, Meta(description="How many notes there are, where only some of very many have a point.")] = 0
