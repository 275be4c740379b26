"""What a conversation sends and gets, and what a citation link says when it is opened."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from service.types import ExcerptLine, InCollection, Source, Unavailable

MESSAGE_LIMIT = 40
"""Messages of one request. A client drops the oldest; what was said ten questions ago does not change what is meant now."""


class ChatMessage(msgspec.Struct, frozen=True):
    """One turn. Only what the user asked is read: an answer is found anew, so that nobody can put words into the notes."""

    role: Literal["user", "assistant"]
    content: str


class ChatRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A conversation so far; the last message is the question."""

    messages: Annotated[list[ChatMessage], Meta(description="In order, oldest first; the last one is the user's.")]
    under: Annotated[list[str], Meta(description="Only nodes under this path, outermost ancestor first.")] = []
    file: Annotated[str, Meta(description="Only files whose name matches this glob.")] = ""
    collection: Annotated[str, Meta(description="Only this collection of notes; left out, all of them.")] = ""


class ChatSource(msgspec.Struct, frozen=True, omit_defaults=True):
    """A note that the answer may cite as [n]."""

    n: Annotated[int, Meta(description="Its number, 1 for the first; '[1]' in the text means this one.")]
    id: Annotated[str, Meta(description="The node's id.")]
    hash: Annotated[str, Meta(description="Hash of the node's text: what a citation link compares.")]
    quote: Annotated[str, Meta(description="Verbatim from the node; its source lines are parted by newlines.")]
    path: Annotated[list[str], Meta(description="Texts of the ancestors, outermost first, without the node.")]
    text: Annotated[str, Meta(description="The node's own text.")]
    source: Source
    url: Annotated[str, Meta(description="Opens the note with what has become of it since; relative to the service.")]
    collection: InCollection = ""


class Sources(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="event", tag="sources"):
    """First: what the answer is made from, and whether the notes answer at all."""

    question: Annotated[str, Meta(description="The question as it was understood from the turns before.")]
    answered: Annotated[bool, Meta(description="False when the notes do not cover it.")]
    confidence: Annotated[float, Meta(description="Probability, 0 to 1, that the notes answer.")]
    sources: Annotated[
        list[ChatSource], Meta(description="In the order of their numbers; the nearest when unanswered.")
    ]
    generation: Annotated[str, Meta(description="Which build of the index answered.")]
    unavailable: Unavailable = []


class Token(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="event", tag="token"):
    """Then, any number of times: the next piece of the answer. All texts one after the other are the answer."""

    text: str
    kind: Annotated[
        Literal["text", "trail", "quote", "cite"],
        Meta(
            description="Words of the service or of the model; the headings above what follows; a node of the notes, "
            "verbatim between “ and ”; a citation such as '[1]'."
        ),
    ] = "text"
    n: Annotated[int, Meta(description="The source that a quote or a citation is of.")] = 0


class Done(msgspec.Struct, frozen=True, tag_field="event", tag="done"):
    """Last: the whole answer once more, and how it came about."""

    text: str
    answered: bool
    mode: Annotated[Literal["quotes", "model"], Meta(description="Who put the answer together.")]
    citations: Annotated[list[int], Meta(description="The sources that the answer cites, in order of their first use.")]
    dropped: Annotated[int, Meta(description="Sentences of the model left out: no cited note supports them.")]
    notice: Annotated[str, Meta(description="What the reader should know about how this answer came about, or ''.")]


class Failed(msgspec.Struct, frozen=True, tag_field="event", tag="error"):
    """Instead of `done`, when something breaks after the stream has begun; the fields are those of a problem document."""

    title: str
    status: int
    detail: str


Event = Sources | Token | Done | Failed

State = Literal["same", "moved", "edited", "deleted"]


class CitedNote(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a cited note stands now."""

    id: str
    path: list[str]
    text: str
    source: Source
    collection: InCollection = ""


class CitationState(msgspec.Struct, frozen=True):
    """What has become of a cited note."""

    state: Annotated[State, Meta(description="'moved': the same text elsewhere. 'edited': another text in its place.")]
    message: Annotated[str, Meta(description="The state in words.")]
    quote: Annotated[str, Meta(description="What was quoted, as the link carries it.")]
    note: Annotated[CitedNote | None, Meta(description="The note as it is now; null when it is deleted.")]
    excerpt: Annotated[
        list[ExcerptLine], Meta(description="The note among its neighbours as they are now; it is the hit.")
    ]
    generation: Annotated[str, Meta(description="Which build of the index was looked at.")]
