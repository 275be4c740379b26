"""What an indexing run has embedded so far, so that a run that was stopped is continued by the next one.

One file beside the index, only ever added to; each record comes with its length and its hash, so a record that was cut off by a
kill or a crash, and all behind it, is recognised and dropped. It goes when the generation is there.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

_NAME = ".unfinished"
_MAGIC = b"trellis-journal-1 "
_HEAD = struct.Struct("<Q32s")
_LARGEST = 1 << 30


class Record(msgspec.Struct, frozen=True, array_like=True):
    """Some chunks. hashes: theirs. vectors: float32, chunk after chunk. counts: how many token vectors each has. tokens: those,
    as codes (int8) when `coded`, and as float32 otherwise. projection: the one of the codes from here on, if it is a new one.
    """

    hashes: list[bytes]
    vectors: bytes
    counts: list[int]
    tokens: bytes
    coded: bool
    projection: bytes = b""


class Journal:
    """The journal of an index folder. `key` says all that the vectors depend on; records under another key are dropped."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self._path = folder / _NAME
        self._head = _MAGIC + hashlib.sha256(key).hexdigest().encode() + b"\n"
        self._file: BinaryIO | None = None
        self._end = 0

    def records(self) -> Iterator[Record]:
        """The whole records of an earlier run, in their order. What is added later comes behind the last of them."""
        self._end = 0
        try:
            file = self._path.open("rb")
        except FileNotFoundError:
            return
        with file:
            if file.read(len(self._head)) != self._head:
                return
            self._end = file.tell()
            while record := _read(file):
                self._end = file.tell()
                yield record

    def add(self, record: Record) -> None:
        """Raises OSError."""
        if self._file is None:
            self._file = self._open()
        data = msgspec.msgpack.encode(record)
        self._file.write(_HEAD.pack(len(data), hashlib.sha256(data).digest()) + data)
        self._file.flush()

    def close(self) -> None:
        if self._file:
            self._file.close()

    def _open(self) -> BinaryIO:
        """At the end of the last whole record, with nothing behind it."""
        file = os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644), "r+b")
        file.truncate(self._end)
        file.seek(self._end)
        if not self._end:
            file.write(self._head)
        return file


def remove_journal(folder: Path) -> None:
    (folder / _NAME).unlink(missing_ok=True)


def _read(file: BinaryIO) -> Record | None:
    """The next record; None at the end, or where a record is not whole."""
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    size, digest = _HEAD.unpack(head)
    if size > _LARGEST:
        return None
    data = file.read(size)
    if len(data) < size or hashlib.sha256(data).digest() != digest:
        return None
    try:
        return msgspec.msgpack.decode(data, type=Record)
    except msgspec.DecodeError:
        return None
