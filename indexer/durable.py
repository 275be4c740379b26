"""The one module that writes to the index folder. Every byte is hashed on its way to the disk, never by reading back:
a file that a full disk cut short would otherwise be blessed with the hash of what is left of it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import msgspec


class FileRecord(msgspec.Struct, frozen=True):
    """What a file held when it was written."""

    bytes: int
    sha256: str


class HashingWriter:
    """Writes to a file and hashes what it writes. Any failure to write raises OSError."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes | memoryview) -> int:
        written = self._file.write(data)
        if written != len(data):
            raise OSError(f"only {written} of {len(data)} bytes could be written")
        self._hash.update(data)
        self.size += written
        return written

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


def write_file(path: Path, fill: Callable[[HashingWriter], None]) -> tuple[int, str]:
    """A new file filled by `fill`, on the disk when this returns. Answers its size in bytes and its SHA-256."""
    with path.open("xb") as file:
        writer = HashingWriter(file)
        fill(writer)
        file.flush()
        os.fsync(file.fileno())
    return writer.size, writer.sha256


def write_bytes(path: Path, data: bytes) -> tuple[int, str]:
    """A new file that holds `data`; otherwise as `write_file`."""

    def fill(writer: HashingWriter) -> None:
        writer.write(data)

    return write_file(path, fill)


def replace_file(path: Path, data: bytes) -> None:
    """The whole old file or the whole new one, whatever happens meanwhile."""
    aside = path.with_name(f".{path.name}.new")
    aside.unlink(missing_ok=True)
    write_bytes(aside, data)
    aside.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder last. Where folders cannot be opened (Windows) the system does it by itself."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
