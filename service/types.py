"""What callers send and get. The HTTP contract and its OpenAPI description come from these classes."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

InCollection = Annotated[str, Meta(description="The collection it is from; left out where none has a name.")]
TOP_ASK = 50
TOP_SEARCH = 100
QUESTION_LIMIT = 4000
PATH_ENDS = 16
"""Of a path of more than twice as many ancestors, so many are shown from either end."""
NODE_LIMIT = 100_000
"""Characters of a node that is opened. It is shown whole, unless it is rather a file than a note."""
ATTRIBUTES_SHOWN, ATTRIBUTE_LIMIT = 200, 1000

_MANY = f"Of over {2 * PATH_ENDS} the first and last {PATH_ENDS}, '…' between; long ones end in '…'."
Path = Annotated[list[str], Meta(description=f"Texts of the ancestors, outermost first, without the node. {_MANY}")]


Behind = Annotated[
    bool,
    Meta(
        description="Left out when false. Files were changed that the index does not have yet: what is new in them cannot be "
        "found so far."
    ),
]


class CollectionState(msgspec.Struct, frozen=True, omit_defaults=True):
    """A collection of notes, and whether it can be asked."""

    name: Annotated[str, Meta(description="What 'collection' takes; '' where the service has one without a name.")]
    title: str
    state: Annotated[
        Literal["ready", "missing", "broken"], Meta(description="'missing': there is no index. Else see 'problem'.")
    ]
    nodes: int = 0
    generation: str = ""
    model: str = ""
    pending: int = 0
    behind: Behind = False
    problem: Annotated[str, Meta(description="Why it cannot be asked now.")] = ""


class Outdated(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file that was changed since the index was made, so that some of what matched does not stand in it any more."""

    file: str
    state: Literal["changed", "deleted"]
    places: Annotated[int, Meta(description="How many results are left out for that reason.")]
    collection: InCollection = ""


Unavailable = Annotated[
    list[CollectionState], Meta(description="The collections that could not be asked, when all were to be.")
]
OutdatedFiles = Annotated[
    list[Outdated], Meta(description="Files of which results are left out, since they were changed meanwhile.")
]
Stale = Annotated[
    Literal["", "changed", "deleted", "unreachable"],
    Meta(
        description="Left out when the file is as it was indexed. 'changed': the file was changed since, what is shown "
        "of it still stands there. 'deleted': this does not stand there any more. 'unreachable': the file cannot be read."
    ),
]


class AskRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A question in free words."""

    question: Annotated[str, Meta(description="The question, in any words.")]
    top: Annotated[int, Meta(description=f"How many results at most, 1 to {TOP_ASK}.")] = 8
    under: Annotated[list[str], Meta(description="Only nodes under this path, outermost ancestor first.")] = []
    file: Annotated[str, Meta(description="Only files whose name matches this glob.")] = ""
    tag: Annotated[list[str], Meta(description="Only nodes with all of these tags, their own or inherited.")] = []
    todo: Annotated[
        str, Meta(description="Only nodes that are 'open' or 'done', or have this TODO keyword; '*' for any.")
    ] = ""
    after: Annotated[str, Meta(description="Only nodes with a date from this day, month or year on.")] = ""
    before: Annotated[str, Meta(description="Only nodes with a date before this day, month or year.")] = ""
    where: Annotated[dict[str, str], Meta(description="Only nodes with these properties; '*' is any value.")] = {}
    collection: Annotated[str, Meta(description="Only this collection of notes; left out, all of them.")] = ""
    explain: Annotated[bool, Meta(description="Say for each result why it stands where it stands.")] = False


class Source(msgspec.Struct, frozen=True):
    """A place in the notes. Lines are 1-based lines of the file as it stands in the notes folder."""

    file: Annotated[str, Meta(description="Name relative to the notes folder.")]
    line: Annotated[int, Meta(description="The node's own first line.")]
    start_line: Annotated[int, Meta(description="First line of the excerpt.")]
    end_line: Annotated[int, Meta(description="Last line of the excerpt.")]


class ExcerptLine(msgspec.Struct, frozen=True):
    """One line of an excerpt."""

    line: Annotated[int, Meta(description="Its number in the file, 1-based.")]
    depth: Annotated[int, Meta(description="Levels below the outermost line of the excerpt.")]
    text: Annotated[
        str, Meta(description="As it stands in the file, without indentation and bullet; cut if very long.")
    ]
    hit: Annotated[bool, Meta(description="Whether it is part of a node that matched.")]
    marks: Annotated[list[tuple[int, int]], Meta(description="Spans [start, end) worth highlighting.")]
    marker: Annotated[str, Meta(description="The bullet or number before the text, if any.")] = ""


class View(msgspec.Struct, frozen=True):
    """One view of relevance: what it gave, and how much it counts."""

    name: str
    value: float
    weight: float
    meaning: str


class WordMatch(msgspec.Struct, frozen=True):
    """A word of the question and the word of the notes that is closest to it in this result."""

    word: str
    weight: Annotated[float, Meta(description="Its share of the late view, all words adding up to 1.")]
    match: Annotated[str, Meta(description="'' where it cannot be told: far into a long note, or after many such.")]
    similarity: float
    line: int
    inherited: Annotated[bool, Meta(description="Whether it stands in an ancestor above the excerpt.")]


class Explanation(msgspec.Struct, frozen=True):
    """Why a result stands where it stands."""

    understood: Annotated[str, Meta(description="The question as it was ranked, with spelling and acronyms mended.")]
    views: list[View]
    words: list[WordMatch]
    merged: Annotated[list[str], Meta(description="Why several hits are one result.")]


class Elided(msgspec.Struct, frozen=True):
    """What stands beside an excerpt, in the same part of the outline, and is not shown."""

    siblings: Annotated[int, Meta(description="How many direct children of that part.")]
    notes: Annotated[int, Meta(description="The same with all that stands below them.")]


class Cut(msgspec.Struct, frozen=True):
    """Where in the outline an excerpt was cut out."""

    node: Annotated[str, Meta(description="Id of the node from whose subtree it is taken.")]
    depth: Annotated[int, Meta(description="Levels of the excerpt's outermost line below that node.")]
    rows: Annotated[int, Meta(description="Nodes in that subtree, the node itself counted.")]
    before: Elided
    after: Elided


class Result(msgspec.Struct, frozen=True, omit_defaults=True):
    """A ranked excerpt of the notes."""

    id: Annotated[str, Meta(description="The node's id, stable while its file, path and text stay the same.")]
    score: Annotated[float, Meta(description="0 to 1, higher is better; results come in this order.")]
    path: Path
    text: Annotated[str, Meta(description="The node's own text, cut where it is very long.")]
    excerpt: Annotated[list[ExcerptLine], Meta(description="The matched lines in their outline, at most 12.")]
    source: Source
    why: Explanation | None = None
    path_ids: Annotated[list[str], Meta(description="Ids of `path`; '…' has that of the first that is left out.")] = []
    cut: Cut | None = None
    collection: InCollection = ""
    stale: Stale = ""


class Quotation(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the notes say, word for word."""

    text: Annotated[str, Meta(description="One or more lines of the notes, verbatim, parted by newlines.")]
    node: Annotated[str, Meta(description="Id of the node it stands in.")]
    collection: InCollection = ""


class CollectionList(msgspec.Struct, frozen=True):
    """All collections of the service."""

    collections: list[CollectionState]


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer to a question."""

    question: str
    answered: Annotated[bool, Meta(description="False when the notes do not cover it; results are then the nearest.")]
    confidence: Annotated[
        float,
        Meta(
            description="Probability, 0 to 1, that these results answer; 0 when what came first was rewritten meanwhile."
        ),
    ]
    answer: Quotation | None
    results: list[Result]
    generation: Annotated[str, Meta(description="Which build of the index answered.")]
    took_ms: float
    unavailable: Unavailable = []
    outdated: OutdatedFiles = []
    behind: Behind = False
    notices: Annotated[list[str], Meta(description="What of the question looks like a filter and is none.")] = []


class SearchResults(msgspec.Struct, frozen=True, omit_defaults=True):
    """A ranking alone, without a judgement whether it answers anything."""

    query: str
    results: list[Result]
    generation: str
    took_ms: float
    unavailable: Unavailable = []
    outdated: OutdatedFiles = []
    behind: Behind = False
    notices: Annotated[list[str], Meta(description="What of the query looks like a filter and is none.")] = []


class NodeRef(msgspec.Struct, frozen=True):
    """A node named by another."""

    id: str
    text: str
    line: int


class Said(msgspec.Struct, frozen=True):
    """Something that a node says of itself: a tag, a TODO state, a date, a property."""

    name: str
    value: str


class NodeView(msgspec.Struct, frozen=True, omit_defaults=True):
    """One node with its place in the outline."""

    id: str
    text: Annotated[str, Meta(description=f"The node's own text; one of over {NODE_LIMIT:,} characters ends in '…'.")]
    path: Path
    source: Source
    parent: NodeRef | None
    children: Annotated[list[NodeRef], Meta(description="In order; the first 1,000.")]
    child_count: int
    attributes: Annotated[
        list[Said],
        Meta(
            description=f"What it says of itself, not what it inherits; the first {ATTRIBUTES_SHOWN}, cut if very long."
        ),
    ]
    collection: InCollection = ""
    stale: Stale = ""


class OutlineRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """A node as a line of an outline that is shown part by part."""

    id: str
    line: int
    depth: Annotated[int, Meta(description="Levels below the outermost row of this outline.")]
    text: Annotated[str, Meta(description="The node's own text.")]
    place: Annotated[int, Meta(description="Which of its siblings it is, from 1.")]
    siblings: Annotated[int, Meta(description="How many they are, itself counted.")]
    below: Annotated[int, Meta(description="How many rows stand below it.")] = 0
    marker: Annotated[str, Meta(description="The bullet or number before the text, if any.")] = ""
    gone: Annotated[bool, Meta(description="Whether it does not stand in the file any more.")] = False


class OutlineView(msgspec.Struct, frozen=True, omit_defaults=True):
    """A part of the outline in which a node stands: of its whole file, or of the subtree that is zoomed into."""

    node: str
    text: Annotated[str, Meta(description="The node's own text.")]
    at: Annotated[int, Meta(description="The node's row, from 0.")]
    source: Source
    path: Annotated[list[NodeRef], Meta(description=f"The node's ancestors, outermost first. {_MANY}")]
    zoom: Annotated[NodeRef | None, Meta(description="The outermost row, when it is not the whole file.")]
    start: Annotated[int, Meta(description="The first row that is given here.")]
    total: Annotated[int, Meta(description="How many rows there are.")]
    rows: list[OutlineRow]
    cite: Annotated[str, Meta(description="A link to the node that survives edits, relative to the service.")]
    generation: str
    collection: InCollection = ""
    stale: Stale = ""


class Heading(msgspec.Struct, frozen=True, omit_defaults=True):
    """A node with others below it, as something to look under."""

    id: str
    text: str
    path: list[str]
    notes: Annotated[int, Meta(description="How many nodes stand below it.")]
    collection: InCollection = ""


class NotesFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file of the notes."""

    file: str
    notes: int
    collection: InCollection = ""


class Scopes(msgspec.Struct, frozen=True, omit_defaults=True):
    """Parts of the notes that a search can be kept to."""

    files: list[NotesFile]
    headings: list[Heading]
    collections: Annotated[list[CollectionState], Meta(description="Where there are several.")] = []


class LinePair(msgspec.Struct, frozen=True):
    """Two lines that are near in meaning, one of each note."""

    here: str
    there: str
    similarity: float


class Reason(msgspec.Struct, frozen=True):
    """Why two notes are related."""

    under: Annotated[list[str], Meta(description=f"The ancestors that both have, outermost first. {_MANY}")]
    lines: Annotated[list[LinePair], Meta(description="The closest lines of the two, in them or below them.")]
    terms: Annotated[
        list[str], Meta(description="Words that both have, elsewhere than in these ancestors; rarest first.")
    ]


class RelatedNode(msgspec.Struct, frozen=True, omit_defaults=True):
    """A node near in meaning, from elsewhere in the outline."""

    id: str
    score: Annotated[float, Meta(description="Cosine similarity, 0 to 1.")]
    path: Path
    text: Annotated[str, Meta(description="The node's own text, cut where it is very long.")]
    source: Source
    why: Reason
    stale: Stale = ""


class RelatedResults(msgspec.Struct, frozen=True, omit_defaults=True):
    """Never the node itself, its ancestors or its descendants."""

    node: str
    results: list[RelatedNode]
    generation: str
    collection: InCollection = ""


class Choice(msgspec.Struct, frozen=True):
    """A value to filter by."""

    value: str
    count: Annotated[int, Meta(description="How many nodes state it, stand in the file, or stand under the heading.")]


class Choices(msgspec.Struct, frozen=True):
    """What there is to filter by, the commonest first; at most 200 of each."""

    tag: list[Choice]
    todo: list[Choice]
    where: Annotated[list[Choice], Meta(description="Properties, as name=value.")]
    file: list[Choice]
    under: Annotated[list[Choice], Meta(description="The topmost headings, in the order of the notes.")]


class Health(msgspec.Struct, frozen=True, omit_defaults=True):
    """Present once questions can be answered. Of several collections the numbers add up."""

    status: Annotated[str, Meta(description="'ok', or 'degraded' when a collection cannot be asked.")]
    nodes: int
    generation: str
    model: str
    pending: Annotated[
        int, Meta(description="Notes that came under other headings and are still to be embedded with them.")
    ]
    collections: Annotated[list[CollectionState], Meta(description="Each of them, where they have names.")] = []
    behind: Behind = False


class Alive(msgspec.Struct, frozen=True):
    """The process runs and answers; whether questions can be answered is what Health says."""

    status: str = "alive"


class Problem(msgspec.Struct, frozen=True):
    """An error, after RFC 9457."""

    title: str
    status: int
    detail: Annotated[str, Meta(description="What went wrong and what to change.")]
    type: str = "about:blank"
