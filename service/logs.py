"""The log: one line an event, readable or as JSON, written by a thread of its own so that no request waits for a terminal.

No line holds a question, a note or a secret unless `log_questions` says so: requests are named by their route, errors by
their class and the places in the code that they came through. No text can begin a line of its own or move a cursor.
"""

from __future__ import annotations

import logging
import os
import queue
import re
import threading
import traceback
from contextlib import suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from indexer.errors import TrellisError
from service.config import Config
from service.errors import RequestError

REQUESTS = "trellis.requests"
request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Of the request that this thread is answering."""
_ROOT = Path(__file__).resolve().parents[1]
_MOST_WAITING = 10_000
"""Lines; when nobody takes them off (a stopped terminal, a full pipe), later ones are counted and dropped."""
_LONGEST = 2000
_PATIENCE = 1.0
"""Seconds."""
_UNSEEN = re.compile("[^ -\x7e\xa1-\u1fff\u2010-\u2027\u2030-\u205e\u2070-\ud7ff\uf900-\U000e0000]")


def harmless(text: str) -> str:
    """Without control characters, line separators and overrides of writing direction: their codes stand in their place."""
    return _UNSEEN.sub(lambda found: f"\\u{ord(found.group()):04x}", text)[:_LONGEST]


def start(config: Config, process: int = 0) -> Log:
    """Sends what the program logs to standard error from now on. Close it at the end. process: its number, where there are
    several.
    """
    log = Log(config, process=process)
    root = logging.getLogger()
    root.handlers[:] = [log]
    root.setLevel(logging.WARNING)
    logging.getLogger("trellis").setLevel(logging.INFO)
    logging.getLogger(REQUESTS).setLevel(logging.WARNING if config.log == "quiet" else logging.INFO)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # how many wait is a figure, not an event
    return log


class Log(logging.Handler):
    """Lines on their way to a file descriptor, of which it keeps one of its own: whoever closes theirs, and opens a file that
    gets the same number, finds no line of the log in it.
    """

    def __init__(self, config: Config, descriptor: int = 2, process: int = 0) -> None:
        super().__init__()
        self._process = process
        self._json = config.log == "json"
        self._tell_all = config.log_questions
        self._descriptor = _own(descriptor)
        self._given_up = False
        self._lines: queue.Queue[bytes | None] = queue.Queue(_MOST_WAITING)
        self._dropped = 0
        self._writer = threading.Thread(target=self._write, name="log", daemon=True)
        self._writer.start()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.line(record)
            self._lines.put_nowait(line.encode("utf-8", "replace") + b"\n")
        except queue.Full:
            self._dropped += 1
        except Exception:  # a log line must not cost an answer
            self._dropped += 1

    def close(self) -> None:
        """Waits a moment for the last lines to be written, but not for a reader that does not read: then they are lost."""
        if self._given_up:
            return
        with suppress(queue.Full):
            self._lines.put(None, timeout=_PATIENCE)
        self._writer.join(_PATIENCE)
        self._given_up = True
        super().close()

    def line(self, record: logging.LogRecord) -> str:
        fields = self._fields(record)
        if self._json:
            return msgspec.json.encode(fields).decode()
        time, level, message = (fields.pop(name) for name in ("time", "level", "message"))
        fields.pop("logger")
        rest = " ".join(f"{name}={_short(value)}" for name, value in fields.items())
        return f"{time} {level:7} {message} {rest}".rstrip()

    def _fields(self, record: logging.LogRecord) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if self._process:
            fields["process"] = self._process
        if known := request_id.get():
            fields["request"] = known
        fields |= getattr(record, "fields", {})
        if not self._tell_all:
            fields.pop("question", None)
        if record.exc_info and record.exc_info[1]:
            fields |= self._error(record.exc_info[1])
        return {name: harmless(value) if isinstance(value, str) else value for name, value in fields.items()}

    def _error(self, error: BaseException) -> dict[str, Any]:
        """The message of an error may quote what somebody asked or wrote, so it is told only when that may be told; those that
        we make ourselves of what is wrong with the index or the model never do.
        """
        frames = traceback.extract_tb(error.__traceback__)
        told = {"error": type(error).__name__, "at": " < ".join(_place(frame) for frame in reversed(frames))}
        ours = isinstance(error, TrellisError) and not isinstance(error, RequestError)
        return told | ({"says": str(error)} if self._tell_all or ours else {})

    def _write(self) -> None:
        """Past Python's own buffers and their locks: a thread that hangs here keeps nobody from ending the program."""
        while not self._given_up and (line := self._lines.get()) is not None:
            if self._dropped:
                line = f"{self._dropped} lines of the log were dropped: nobody read them\n".encode() + line
                self._dropped = 0
            try:
                while line:
                    line = line[os.write(self._descriptor, line) :]
            except OSError:
                continue
        os.close(self._descriptor)


def _own(descriptor: int) -> int:
    try:
        return os.dup(descriptor)
    except OSError:  # started without it: nobody will read
        return os.open(os.devnull, os.O_WRONLY)


def _place(frame: traceback.FrameSummary) -> str:
    path = Path(frame.filename)
    name = path.relative_to(_ROOT).as_posix() if path.is_relative_to(_ROOT) else path.name
    return f"{name}:{frame.lineno} {frame.name}"


def _short(value: object) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return f'"{text}"' if " " in text else text
