"""The log: whole lines, nothing that somebody asked or wrote, and nobody who waits for it."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from indexer.errors import IndexMissing
from service.config import Config
from service.logs import Log, harmless

HOSTILE = 'a\r\n2026-01-01 info forged\x1b[2J\x00\u2028\u2029\x85\x9b\u202e\u2066"} {"level":"forged"'


def line_of(config: Config, **more: object) -> str:
    record = logging.makeLogRecord({"name": "trellis.requests", "levelname": "INFO", "msg": "request"} | more)
    log = Log(config)
    try:
        return log.line(record)
    finally:
        log.close()


@pytest.mark.parametrize("kind", ["text", "json"])
def test_no_text_begins_a_line_or_moves_a_cursor(kind: str) -> None:
    line = line_of(Config(log=kind), msg=HOSTILE, fields={"route": HOSTILE})
    assert len(line.splitlines()) == 1
    assert line.isprintable()
    if kind == "json":
        assert json.loads(line)["level"] == "info"


def test_letters_of_all_scripts_stay() -> None:
    text = "Grüße, Ωμέγα, привет, 日本語, 한국어, हिन्दी, שלום, “quoted” … 🍅"
    assert harmless(text) == text


def test_questions_and_messages_of_errors_are_told_only_when_asked_for() -> None:
    try:
        raise ValueError("the purple hippopotamus")
    except ValueError as error:
        told = {"fields": {"question": "purple?"}, "exc_info": (ValueError, error, error.__traceback__)}
    quiet, open_ = line_of(Config(log="json"), **told), line_of(Config(log="json", log_questions=True), **told)
    assert "purple" not in quiet
    assert json.loads(quiet)["error"] == "ValueError"
    assert "test_logs.py" in json.loads(quiet)["at"]
    assert json.loads(open_)["says"] == "the purple hippopotamus"
    assert json.loads(open_)["question"] == "purple?"


def test_what_is_wrong_with_the_index_is_told(tmp_path: object) -> None:
    try:
        raise IndexMissing(tmp_path)  # type: ignore[arg-type]
    except IndexMissing as error:
        line = line_of(Config(log="json"), exc_info=(IndexMissing, error, error.__traceback__))
    assert "There is no index" in json.loads(line)["says"]


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        with suppress(OSError):
            os.close(end)


def fill(log: Log) -> logging.LogRecord:
    record = logging.makeLogRecord({"name": "trellis", "levelname": "INFO", "msg": "x" * 500})
    for _ in range(15_000):
        log.emit(record)
    return record


def test_a_reader_that_does_not_read_stops_nobody(pipe: tuple[int, int]) -> None:
    """The pipe takes some 64 kB; the rest is dropped, counted, and told when somebody reads again."""
    reader, writer = pipe
    log = Log(Config(log="json"), writer)
    record = fill(log)
    os.set_blocking(reader, False)
    came = b""
    while b"dropped" not in came:
        try:
            came += os.read(reader, 1 << 20)
        except BlockingIOError:
            log.emit(record)
    assert b"nobody read them" in came
    log.close()


def test_a_closed_log_writes_nothing_more_and_nothing_into_the_next_file_of_that_number(
    pipe: tuple[int, int], tmp_path: Path
) -> None:
    reader, writer = pipe
    log = Log(Config(log="json"), writer)
    fill(log)
    log.close()
    os.close(writer)
    with (tmp_path / "other").open("wb") as other:
        os.dup2(other.fileno(), writer)
        while os.read(reader, 1 << 20):  # to the end: nobody holds the other end any more
            pass
        log.close()
    assert (tmp_path / "other").read_bytes() == b""


def test_a_log_of_a_program_without_standard_error_goes_nowhere(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    os.close(writer)
    log = Log(Config(log="json"), writer)
    fill(log)
    log.close()
    assert os.read(reader, 1) == b""
