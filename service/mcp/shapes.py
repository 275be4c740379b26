"""What tools take and give, made of the classes that HTTP takes and gives: the same names and meanings, and less of it, since
all of it lands in the context of a model.
"""

from __future__ import annotations

from typing import Annotated, Any, get_type_hints

import msgspec
from msgspec import Meta

from service.types import (
    AskRequest,
    InCollection,
    NodeRef,
    Said,
    Source,
    Stale,
)

TOP, MOST = 5, 20
ROWS, MOST_ROWS = 40, 200

Top = Annotated[int, Meta(ge=1, le=MOST, description=f"How many places at most, 1 to {MOST}.")]
Uri = Annotated[str, Meta(description="The note as a resource: trellis://collection/id.")]
NodeId = Annotated[str, Meta(description="What read_note and related_notes take.")]
_NODE = Annotated[
    str, Meta(min_length=1, max_length=1000, description="A node's id, its trellis:// URI, or a place as file:line.")
]


def _asking(name: str, first: str, about: str) -> type[msgspec.Struct]:
    """The fields of AskRequest that narrow, with another first one."""
    hints = get_type_hints(AskRequest, include_extras=True)
    kept = [each for each in msgspec.structs.fields(AskRequest) if each.name not in ("question", "top", "explain")]
    narrowing = [(each.name, hints[each.name], _default(each)) for each in kept]
    given: list[Any] = [(first, Annotated[str, Meta(min_length=1, description=about)]), ("top", Top, TOP), *narrowing]
    return msgspec.defstruct(name, given, forbid_unknown_fields=True, module=__name__)


def _default(field: msgspec.structs.FieldInfo) -> Any:
    made = field.default_factory
    return field.default if made is msgspec.NODEFAULT else msgspec.field(default_factory=made)


Asking = _asking("Asking", "question", "The question, in whole words, as one would ask a person.")
Searching = _asking("Searching", "query", "Words or a phrase to find the nearest notes for.")


class Reading(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which note to read, and how much around it."""

    node: _NODE
    collection: Annotated[str, Meta(description="The collection it is in, where that is not plain.")] = ""
    start: Annotated[int, Meta(ge=0, description="The first row of the outline.")] = 0
    rows: Annotated[int, Meta(ge=1, le=MOST_ROWS, description="How many rows of the outline at most.")] = ROWS


class Relating(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """To which note others are sought."""

    node: _NODE
    collection: Annotated[str, Meta(description="The collection it is in, where that is not plain.")] = ""
    top: Top = TOP


class Listing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing needs to be said."""


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of the notes, word for word."""

    line: Annotated[int, Meta(description="Its number in the file, 1-based.")]
    text: str
    depth: Annotated[int, Meta(description="Levels below the outermost line of the excerpt.")] = 0
    hit: Annotated[bool, Meta(description="Whether it is part of what matched.")] = False


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """A place in the notes, to be cited as file:line."""

    uri: Uri
    node: NodeId
    score: Annotated[float, Meta(description="0 to 1, higher is better.")]
    path: Annotated[list[str], Meta(description="The headings above, outermost first.")]
    source: Source
    lines: Annotated[list[Line], Meta(description="The lines that matched, in their outline.")]
    collection: InCollection = ""
    stale: Stale = ""


class Asked(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer to a question."""

    answered: Annotated[bool, Meta(description="False when the notes do not cover it; places are then the nearest.")]
    confidence: Annotated[float, Meta(description="Probability, 0 to 1, that these places answer.")]
    quote: Annotated[str, Meta(description="The answer, word for word from the notes; '' when there is none.")]
    quoted_from: Annotated[str, Meta(description="URI of the note that the quote stands in, or ''.")]
    places: list[Place]
    remarks: Annotated[list[str], Meta(description="What was left out or read otherwise than meant.")] = []


class Searched(msgspec.Struct, frozen=True, omit_defaults=True):
    """The places nearest to a query, without a judgement whether they answer anything."""

    places: list[Place]
    remarks: Annotated[list[str], Meta(description="What was left out or read otherwise than meant.")] = []


class Row(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of an outline."""

    node: NodeId
    line: int
    depth: Annotated[int, Meta(description="Levels below the outermost row.")]
    text: str
    below: Annotated[int, Meta(description="How many rows stand below it.")] = 0
    here: Annotated[bool, Meta(description="Whether it is the note that was asked for.")] = False


class Note(msgspec.Struct, frozen=True, omit_defaults=True):
    """A note with the outline that it stands in: its own subtree, or its parent's where it has none."""

    uri: Uri
    node: NodeId
    text: str
    path: list[str]
    source: Source
    outline: list[Row]
    total: Annotated[int, Meta(description="How many rows that outline has; 'start' gets to those that are not here.")]
    start: Annotated[int, Meta(description="The first row that is given.")]
    parent: NodeRef | None = None
    attributes: Annotated[list[Said], Meta(description="What the note says of itself: tags, dates, properties.")] = []
    collection: InCollection = ""
    stale: Stale = ""


class Neighbour(msgspec.Struct, frozen=True, omit_defaults=True):
    """A note near in meaning, from elsewhere."""

    uri: Uri
    node: NodeId
    score: Annotated[float, Meta(description="Cosine similarity, 0 to 1.")]
    path: list[str]
    text: str
    source: Source
    because: Annotated[str, Meta(description="What the two have in common.")] = ""
    stale: Stale = ""


class Related(msgspec.Struct, frozen=True, omit_defaults=True):
    """The notes nearest in meaning to one."""

    node: NodeId
    notes: list[Neighbour]
    collection: InCollection = ""


def schema_of(kind: type[Any]) -> dict[str, Any]:
    """JSON Schema of an object, as tools declare it."""
    (top,), parts = msgspec.json.schema_components((kind,), ref_template="#/$defs/{name}")
    name = top["$ref"].rpartition("/")[2]
    whole = dict(parts.pop(name))
    return {**whole, "$defs": parts} if parts else whole
