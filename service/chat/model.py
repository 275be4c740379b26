"""A language model behind any OpenAI-compatible endpoint, through the maintained client library. It is imported when the first
answer is written, not before.
"""

from __future__ import annotations

import os
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from indexer.errors import ConfigError
from service.config import LanguageModel

if TYPE_CHECKING:
    from openai import OpenAI

_CONNECT = 5.0
_LOOK = 0.2
"""Seconds between looks at whether the reader has left."""
_LOOKS = 15
"""After so many looks without a word the reader is given a sign of life."""
_MOST_TOKENS = 700
_LONGEST = 20_000
"""Characters of a reply: more than so many tokens make. A server that goes on nevertheless would fill the memory."""


class ModelFailed(Exception):
    """The endpoint did not give what it should. The message is for the reader."""


class Gone(Exception):
    """The reader has left."""


class Endpoint:
    """Speaks to one model. Made once, used by any number of threads."""

    def __init__(self, settings: LanguageModel) -> None:
        """Raises ConfigError when the environment lacks the key that the settings name."""
        self.settings = settings
        self._key = os.environ.get(settings.key_from, "") if settings.key_from else "none"
        if not self._key:
            raise ConfigError(f"language_model: the environment variable '{settings.key_from}' holds no key.")
        self._client: OpenAI | None = None
        self._lock = threading.Lock()

    def stream(self, messages: Sequence[dict[str, str]], gone: Callable[[], bool]) -> Iterator[str]:
        """The model's words as they come, "" now and then while they do not. Raises ModelFailed when they stay away or break
        off, and Gone when the reader leaves; either way the request is closed.
        """
        self._ready()  # importing takes its time, which is not the endpoint's
        reading = _Reading(self._open, messages)
        try:
            yield from self._heard(reading, gone)
        finally:
            reading.stop()

    def _heard(self, reading: _Reading, gone: Callable[[], bool]) -> Iterator[str]:
        now, looks = time.monotonic(), 0
        last, patience, end = now, self.settings.patience, now + 4 * self.settings.patience
        while True:
            if gone():
                raise Gone
            try:
                item = reading.words.get(timeout=_LOOK)
            except queue.Empty:
                looks += 1
                if looks % _LOOKS == 0:
                    yield ""
                if time.monotonic() > min(last + patience, end):
                    raise ModelFailed("The language model did not go on in time.") from None
                continue
            if isinstance(item, ModelFailed):
                raise item
            if isinstance(item, Exception):
                raise ModelFailed(_words_for(item)) from item
            if item is None:
                return
            last = time.monotonic()
            if last > end:
                raise ModelFailed("The language model did not come to an end.")
            yield item

    def _open(self, messages: Sequence[dict[str, str]]) -> Any:
        return self._ready().chat.completions.create(
            model=self.settings.name,
            messages=list(messages),  # type: ignore[arg-type]
            max_tokens=_MOST_TOKENS,
            temperature=0,
            stream=True,
        )

    def _ready(self) -> OpenAI:
        with self._lock:
            self._client = self._client or self._connect()
            return self._client

    def _connect(self) -> OpenAI:
        from openai import DefaultHttpxClient, OpenAI, Timeout

        timeout = Timeout(self.settings.patience, connect=min(_CONNECT, self.settings.patience))
        http = DefaultHttpxClient(timeout=timeout, follow_redirects=False)  # notes go to that address, or nowhere
        return OpenAI(base_url=self.settings.url, api_key=self._key, max_retries=0, timeout=timeout, http_client=http)


class _Reading(threading.Thread):
    """Reads one reply, so that whoever waits for it can stop waiting. `words` gets text, then None, or an exception."""

    def __init__(self, begin: Callable[[Sequence[dict[str, str]]], Any], messages: Sequence[dict[str, str]]) -> None:
        super().__init__(name="language model", daemon=True)
        self.words: queue.SimpleQueue[str | Exception | None] = queue.SimpleQueue()
        self._begin, self._messages = begin, messages
        self._stopped = threading.Event()
        self._reply: Any = None
        self.start()

    def run(self) -> None:
        try:
            self._reply = self._begin(self._messages)
            with self._reply:
                self._read()
        except Exception as error:
            self.words.put(error)

    def _read(self) -> None:
        reason, length = None, 0
        for chunk in self._reply:
            if self._stopped.is_set():
                return
            choice = chunk.choices[0] if chunk.choices else None
            if choice:
                reason = choice.finish_reason or reason
                if choice.delta and isinstance(choice.delta.content, str) and choice.delta.content:
                    length += len(choice.delta.content)
                    if length > _LONGEST:
                        raise ModelFailed("The language model said more than it was asked for.")
                    self.words.put(choice.delta.content)
        self.words.put(None if reason else ConnectionError("the reply has no end"))

    def stop(self) -> None:
        """Ends the request now: a read that waits for a silent endpoint is woken up."""
        self._stopped.set()
        if self._reply is not None and self.is_alive():
            with suppress(Exception):
                stream = self._reply.response.extensions["network_stream"]
                stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)


def _words_for(error: Exception) -> str:
    """What went wrong, without the endpoint's own words, which may hold anything."""
    import openai

    match error:
        case openai.APITimeoutError():
            return "The language model did not reply in time."
        case openai.AuthenticationError() | openai.PermissionDeniedError():
            return "The language model did not accept the key."
        case openai.RateLimitError():
            return "The language model takes no more questions at the moment."
        case openai.APIStatusError():
            return f"The language model replied with status {error.status_code}."
        case openai.APIConnectionError():
            return "The language model cannot be reached."
        case _:
            return "The language model's reply broke off or could not be read."
