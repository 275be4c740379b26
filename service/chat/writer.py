"""An answer in a language model's words, of which only what the cited notes support is let through."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence

from service.chat.compose import Snapshots, notes_of
from service.chat.model import Endpoint, ModelFailed
from service.chat.prompt import NO_ANSWER, messages_for, speaks_to_a_model
from service.chat.sentences import Sentence, Sentences
from service.chat.sources import SourceList
from service.chat.support import Evidence
from service.chat.types import Token
from service.config import Config
from service.types import Answer

_log = logging.getLogger("trellis.chat")
_QUOTED_INSTEAD = "Here are the notes in their own words."


class WriterFailed(Exception):
    """There is no answer in the model's words, or no more of it. The message is for the reader."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason} {_QUOTED_INSTEAD}")


class Writer:
    """Writes answers with one language model."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    @classmethod
    def of(cls, config: Config) -> Writer | None:
        """None when no language model is set up. Raises ConfigError when its key is missing."""
        return cls(Endpoint(config.language_model)) if config.language_model else None

    def draft(self, snapshots: Snapshots, questions: Sequence[str], answer: Answer, sources: SourceList) -> Draft:
        return Draft(self._endpoint, snapshots, questions, answer, sources)


class Draft:
    """One answer while it is written. dropped: sentences that were left out so far."""

    def __init__(
        self, endpoint: Endpoint, snapshots: Snapshots, questions: Sequence[str], answer: Answer, sources: SourceList
    ) -> None:
        self.dropped = 0
        self._endpoint = endpoint
        self._snapshots = snapshots
        self._answer = answer
        self._messages = messages_for(questions, answer.question, answer.results)
        self._numbers = [sources.number(*note) for note in notes_of(snapshots, answer.results)]
        self._evidence: dict[tuple[int, ...], Evidence] = {}

    @property
    def notice(self) -> str:
        if not self.dropped:
            return ""
        sentences = "One sentence" if self.dropped == 1 else f"{self.dropped} sentences"
        return f"{sentences} of the language model were left out: no cited note supports them."

    def tokens(self, gone: Callable[[], bool]) -> Iterator[Token]:
        """What may be shown, sentence by sentence. Raises WriterFailed when nothing (more) may be."""
        written = 0
        for sentence in self._sentences(gone):
            if sentence is None:
                yield Token("")
                continue
            numbers = self._supporting(sentence)
            if not numbers:
                self.dropped += 1
                continue
            if written:
                yield Token("\n" if sentence.starts_line else " ")
            yield Token(sentence.text)
            for number in numbers:
                yield Token(" ")
                yield Token(f"[{number}]", "cite", number)
            written += 1
        if not written:
            raise WriterFailed("Nothing that the language model wrote is supported by the notes.")

    def _sentences(self, gone: Callable[[], bool]) -> Iterator[Sentence | None]:
        """None is a sign of life."""
        sentences, heard = Sentences(), ""
        try:
            for piece in self._endpoint.stream(self._messages, gone):
                if not piece:
                    yield None
                heard = (heard + piece)[-2 * len(NO_ANSWER) :]
                if NO_ANSWER in heard:
                    raise WriterFailed("The language model found no answer in these notes.")
                yield from sentences.feed(piece)
            yield from sentences.finish()
        except ModelFailed as failure:
            _log.warning("%s (%s)", failure, type(failure.__cause__).__name__)
            raise WriterFailed(str(failure)) from failure

    def _supporting(self, sentence: Sentence) -> list[int]:
        """The sources that support a sentence, among those that it cites; all of them if only all together do. None when it
        cites a note that the model was not given: what else would it have made up?
        """
        if not sentence.cited or not all(1 <= n <= len(self._numbers) for n in sentence.cited):
            return []
        if speaks_to_a_model(sentence.text):
            return []
        alone = [n for n in dict.fromkeys(sentence.cited) if self._rests_on((n,)).supports(sentence.text)]
        together = tuple(dict.fromkeys(sentence.cited))
        if not alone and len(together) > 1 and self._rests_on(together).supports(sentence.text):
            alone = list(together)
        return list(dict.fromkeys(self._numbers[n - 1] for n in alone))

    def _rests_on(self, excerpts: tuple[int, ...]) -> Evidence:
        if excerpts not in self._evidence:
            results = [self._answer.results[n - 1] for n in excerpts]
            lines = [line.text for result in results for line in result.excerpt if not speaks_to_a_model(line.text)]
            trail = [text for result in results for text in result.path]
            self._evidence[excerpts] = Evidence(
                self._snapshots[results[0].collection], lines, trail, self._answer.question
            )
        return self._evidence[excerpts]
