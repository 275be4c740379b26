"""A turn of conversation: the question understood from the turns before, the notes asked, the answer as events."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence

from service import answering, standing
from service.chat.compose import passages_of, quotations
from service.chat.followup import understand
from service.chat.model import Gone
from service.chat.sources import SourceList
from service.chat.types import MESSAGE_LIMIT, ChatMessage, Done, Event, Failed, Sources, Token
from service.chat.writer import Writer, WriterFailed
from service.collections import Asked
from service.errors import InvalidRequest
from service.search.query_syntax import EVERYTHING, Filters
from service.types import Answer

_log = logging.getLogger("trellis.chat")
_RESULTS = 6
"""Results that an answer is made from: a language model reads them all, quotations take the first ones."""


def converse(
    asked: Asked,
    messages: Sequence[ChatMessage],
    filters: Filters = EVERYTHING,
    *,
    writer: Writer | None = None,
    page: str = "/",
    gone: Callable[[], bool] = lambda: False,
) -> Iterator[Event]:
    """The events of the answer. Raises RequestError at once when the conversation cannot be answered; what breaks later comes
    as an event. `gone` says whether the reader has left: a language model is then not listened to any longer.
    """
    questions = check_messages(messages)
    question = understand(asked.snapshots, questions, filters)
    answer = standing.ask(asked.snapshots, question, _RESULTS, filters=filters)
    return _guarded(_Turn(asked, questions, answer, page).events(writer, gone))


def check_messages(messages: Sequence[ChatMessage]) -> list[str]:
    """The user's questions, oldest first. Raises RequestError."""
    if not messages:
        raise InvalidRequest("'messages' is empty. Send the conversation so far, the question last.")
    if len(messages) > MESSAGE_LIMIT:
        raise InvalidRequest(
            f"There are {len(messages)} messages; at most {MESSAGE_LIMIT} can be sent. Drop the oldest."
        )
    if messages[-1].role != "user":
        raise InvalidRequest("The last message must be the user's: it is the question.")
    *earlier, last = [message.content for message in messages if message.role == "user"]
    said = [question.strip() for question in earlier if question.strip()]
    return [answering.check_question(question, 1) for question in [*said, last]]


class _Turn:
    """One answer on its way out."""

    def __init__(self, asked: Asked, questions: Sequence[str], answer: Answer, page: str) -> None:
        self._snapshots = {snapshot.collection: snapshot for snapshot in asked.snapshots}
        self._unavailable = list(asked.unavailable)
        self._questions = questions
        self._answer = answer
        self._sources = SourceList(page)
        self._text: list[str] = []
        self._cited: dict[int, None] = {}

    def events(self, writer: Writer | None, gone: Callable[[], bool]) -> Iterator[Event]:
        answer, snapshots = self._answer, self._snapshots
        writes = writer if writer and answer.answered else None
        draft = writes.draft(snapshots, self._questions, answer, self._sources) if writes else None
        passages = passages_of(snapshots, answer)
        quoted = list(quotations(passages, self._sources, answered=answer.answered))
        sources = self._sources.sources
        yield Sources(
            answer.question, answer.answered, answer.confidence, sources, answer.generation, self._unavailable
        )
        told, notice, dropped = standing.notice(answer.outdated), "", 0
        if draft:
            try:
                yield from self._spoken(draft.tokens(gone))
                dropped, notice = draft.dropped, draft.notice
            except Gone:
                return  # nobody is there to read the rest
            except WriterFailed as failure:
                notice, draft = str(failure), None
                if self._text:
                    yield from self._spoken([Token("\n\n")])
        if not draft:
            yield from self._spoken(quoted)
        text, cited = "".join(self._text), list(self._cited)
        yield Done(
            text,
            answer.answered,
            "model" if draft else "quotes",
            cited,
            dropped,
            " ".join(filter(None, [notice, told])),
        )

    def _spoken(self, tokens: Iterator[Token] | Sequence[Token]) -> Iterator[Token]:
        for token in tokens:
            self._text.append(token.text)
            if token.kind == "cite":
                self._cited[token.n] = None
            yield token


def _guarded(events: Iterator[Event]) -> Iterator[Event]:
    try:
        yield from events
    except Exception as error:  # the status is long sent
        _log.error("unexpected error while answering", exc_info=error)
        yield Failed("Internal error", 500, "Something went wrong inside Trellis. The cause is in its log.")
