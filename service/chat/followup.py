"""What a question means after the questions before it, without a language model.

"And how long can it run?" after a question about AWS Lambda is asked as "and how long can it run? (Lambda)", and "what about
FIFO?" with the earlier question behind it, less the name that FIFO replaces. Whether a question needs that is read off its
form where the form tells; elsewhere the notes decide. A question is then asked twice, of all notes and of the part of the
outline where the last answer stood. One that goes on about that subject scores nearly as well there; one about something else
does not. docs/chat.md has what was measured.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import structs

from indexer.store import Store
from indexer.words import stem
from service import standing
from service.errors import ScopeNotFound
from service.search.query_syntax import EVERYTHING, Filters
from service.search.words import content_stems, words_of
from service.snapshot import OneOrMore, several
from service.types import QUESTION_LIMIT, Answer, Result

_LOOK_BACK = 3
"""Earlier questions that are read. Each costs one search."""
_OPENING = re.compile(
    r"^(?:(?:ok|okay|and|but|or|so|then|also|now|well|yes|no|thanks?|right)\b[\s,.!]*)+", re.IGNORECASE
)
_WHAT_ABOUT = re.compile(r"^(?:what|how) about\b|^(?:what|and|how) (?:if|else)\b", re.IGNORECASE)
_MORE = re.compile(
    r"^(?:tell me more|go on|(?:any )?more\b|(?:an? |for )?(?:example|instance|details?)\b|why\b|how come\b)",
    re.IGNORECASE,
)
_SENTENCE = re.compile(
    r"^(?:who|whom|whose|what|which|when|where|why|how|is|are|was|were|am|do|does|did|can|could|may|might|must|shall|should|"
    r"will|would|has|have|had|tell|show|list|name|explain|describe|give|find)\b",
    re.IGNORECASE,
)
_POINTING = re.compile(
    r"\b(?:it|its|it's|they|them|their|theirs|that|this|those|these|ones?|there|former|latter|both|neither)\b",
    re.IGNORECASE,
)
_FRAGMENT_WORDS = 6
_POINTS_FROM, _GOES_ON_FROM = 0.6, 0.8
"""Least share of its best score that a question must reach under the last subject to belong to it: when it points back and has
few words of its own, and otherwise.
"""
_FEW_WORDS = 3
_HEADING_WORDS = 8
_MANY = 200
"""Neighbours of a heading that are looked at."""
_PART = 8
"""The last subject is the outermost heading that holds at most one in so many of the notes."""


@dataclass(frozen=True, slots=True)
class _Topic:
    """What the talk is about. context: the question that opened it, with the last answer's heading once it has gone on.
    under: path to the part of the outline where the last answer stood. own_words: stems that name what was asked about, and
    not what stands beside it.
    """

    context: str
    subject: str
    under: tuple[str, ...]
    own_words: frozenset[str]


def understand(asked: OneOrMore, questions: Sequence[str], filters: Filters = EVERYTHING) -> str:
    """The last of these questions as it stands without the others. Raises RequestError."""
    topic: _Topic | None = None
    stores = {snapshot.collection: snapshot.store for snapshot in several(asked)}
    *earlier, last = questions
    for question in earlier[-_LOOK_BACK:]:
        whole = _complete(asked, question, topic, filters)
        found = standing.search(asked, whole, 1, filters=filters).results
        topic = _topic(stores[found[0].collection], question, whole, topic, found[0]) if found else topic
    return _complete(asked, last, topic, filters)


def _complete(asked: OneOrMore, question: str, topic: _Topic | None, filters: Filters) -> str:
    if topic is None or not _belongs(asked, question, topic, filters):
        return question
    if _replaces(question):
        context = _without(topic.context, topic.own_words)
    elif _MORE.search(_core(question)) or not content_stems(question):
        context = topic.context
    else:
        context = topic.subject
    return f"{question} ({context})"[:QUESTION_LIMIT]


def _belongs(asked: OneOrMore, question: str, topic: _Topic, filters: Filters) -> bool:
    """Whether a question goes on about the topic. That is asked of all notes, whatever part the reader keeps to."""
    if _replaces(question) or _MORE.search(_core(question)) or not content_stems(question):
        return True
    anywhere = structs.replace(filters, under=())
    here = _best(asked, question, structs.replace(filters, under=topic.under))
    if not here or not here.results:
        return False
    share = here.results[0].score / max(standing.search(asked, question, 1, filters=anywhere).results[0].score, 1e-9)
    points = _POINTING.search(question) and len(content_stems(question)) <= _FEW_WORDS
    return share >= _POINTS_FROM if points else here.answered and share >= _GOES_ON_FROM


def _best(asked: OneOrMore, question: str, filters: Filters) -> Answer | None:
    try:
        return standing.ask(asked, question, 5, filters=filters)
    except ScopeNotFound:
        return None


def _core(question: str) -> str:
    """The question without the words that only lead over to it."""
    return _OPENING.sub("", question.strip())


def _replaces(question: str) -> bool:
    """Whether the question only names another thing to ask the same about: "what about FIFO?", "and with batching?"."""
    core = _core(question)
    if _WHAT_ABOUT.search(core):
        return True
    short = len(words_of(core)) <= _FRAGMENT_WORDS
    return core != question.strip() and short and not _SENTENCE.search(core)


def _without(context: str, own_words: frozenset[str]) -> str:
    """The earlier question without the name of what it asked about, which the new one replaces."""
    kept = re.sub(r"\w+", lambda found: "" if stem(found.group()) in own_words else found.group(), context)
    return " ".join(part for part in kept.split() if any(map(str.isalnum, part))) or context


def _topic(store: Store, question: str, whole: str, before: _Topic | None, best: Result) -> _Topic:
    row = store.row_of(best.id)
    chain = [] if row is None else [*store.ancestors(row), row]
    went_on = before is not None and whole != question
    heading = best.path[-1] if best.path else best.text
    context = f"{before.context} {heading}" if went_on and before else question
    own_words = named = frozenset[str]()
    asked = content_stems(whole)
    for row in (row for row in chain if _is_heading(store, row)):
        stems = content_stems(store.node(row).text)
        if stems & asked:  # the innermost heading that the question names, by what its neighbours do not share
            beside = [content_stems(node.text) for node in store.nodes(_siblings(store, row)) if node.row != row]
            shared = frozenset[str]().union(*beside)
            own_words = stems - shared
            named |= stems
    subject = " ".join(word for word in words_of(context) if stem(word) in named) or context
    return _Topic(context, subject, _region(store, chain), own_words)


def _is_heading(store: Store, row: int) -> bool:
    """Whether something stands below it and it is short: a long line with a remark below it names no subject."""
    return bool(store.last[row] > row) and len(words_of(store.node(row).text)) <= _HEADING_WORDS


def _siblings(store: Store, row: int) -> list[int]:
    parent = int(store.parent[row])
    return store.children(parent)[:_MANY] if parent >= 0 else store.tops(_MANY)


def _region(store: Store, chain: Sequence[int]) -> tuple[str, ...]:
    """The path to the outermost node of the chain whose subtree is a small part of the notes, or to the innermost but one."""
    small = (at for at, row in enumerate(chain) if _PART * (int(store.last[row]) - row + 1) <= len(store))
    at = next(small, len(chain) - 1)
    at = min(at, max(len(chain) - 2, 0))
    return tuple(node.text for node in store.nodes(chain[: at + 1]))
