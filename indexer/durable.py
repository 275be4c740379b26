"""The one module that writes to the index folder. Every byte is hashed on its way to the disk, never by reading back:
a file that a full disk cut short would otherwise be blessed with the hash of what is left of it.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_128

_MAPPED_FROM = 1 << 28
"""Bytes. Smaller files are read whole: what is mapped could still be cut short under the reader's hands."""

_PIECE = 1 << 20
"""Bytes that are read at once from a file that is not needed whole."""


class FileRecord(msgspec.Struct, frozen=True):
    """What a file held when it was written. xxh3: its XXH3-128, which is read at the speed of memory and verified whenever an
    index is opened; the SHA-256 is what `trellis check` verifies.
    """

    bytes: int
    sha256: str
    xxh3: str


class NotAsWritten(Exception):
    """A file does not hold what it was written with; the text goes on after its name: "has 3 bytes instead of 4"."""


class HashingWriter:
    """Writes to a file and hashes what it writes. Any failure to write raises OSError."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._sha256 = hashlib.sha256()
        self._xxh3 = xxh3_128()
        self.size = 0

    def write(self, data: bytes | memoryview) -> int:
        written = self._file.write(data)
        if written != len(data):
            raise OSError(f"only {written} of {len(data)} bytes could be written")
        self._sha256.update(data)
        self._xxh3.update(data)
        self.size += written
        return written

    @property
    def record(self) -> FileRecord:
        return FileRecord(self.size, self._sha256.hexdigest(), self._xxh3.hexdigest())


def write_file(path: Path, fill: Callable[[HashingWriter], None]) -> FileRecord:
    """A new file filled by `fill`, on the disk when this returns."""
    with path.open("xb") as file:
        writer = HashingWriter(file)
        fill(writer)
        file.flush()
        os.fsync(file.fileno())
    return writer.record


def write_bytes(path: Path, data: bytes) -> FileRecord:
    """A new file that holds `data`; otherwise as `write_file`."""

    def fill(writer: HashingWriter) -> None:
        writer.write(data)

    return write_file(path, fill)


def copy_verified(source: Path, target: Path, record: FileRecord) -> None:
    """A new file with what another holds if that is what was written there. Raises NotAsWritten or OSError."""

    def fill(writer: HashingWriter) -> None:
        with file:
            while data := file.read(_PIECE):
                writer.write(data)

    try:
        file = source.open("rb")
    except OSError as error:
        raise NotAsWritten(f"cannot be read ({error.strerror})") from error
    if write_file(target, fill) != record:
        raise NotAsWritten("does not have the contents it was written with")


def write_array(path: Path, parts: Sequence[NDArray[Any]]) -> FileRecord:
    """A new file in NumPy's own format, which can be mapped into memory: the rows of all parts, one after the other."""
    head = {"descr": np.lib.format.dtype_to_descr(parts[0].dtype), "fortran_order": False}
    shape = (sum(len(part) for part in parts), *parts[0].shape[1:])

    def fill(writer: HashingWriter) -> None:
        np.lib.format.write_array_header_1_0(writer, head | {"shape": shape})
        for part in parts:
            if part.size:
                writer.write(np.ascontiguousarray(part).data.cast("B"))

    return write_file(path, fill)


def folder_mode() -> int:
    """The permissions that a new folder has by the user's wish; one made for temporary files has fewer."""
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o755 & ~mask


def verify(path: Path, record: FileRecord, *, thorough: bool = False) -> None:
    """Raises NotAsWritten unless the file holds what was written. It is read in pieces, so that its size takes no memory."""
    size, fast, sure = 0, xxh3_128(), hashlib.sha256()
    try:
        with path.open("rb") as file:
            while data := file.read(_PIECE):
                size += len(data)
                fast.update(data)
                if thorough:
                    sure.update(data)
    except OSError as error:
        raise NotAsWritten(f"cannot be read ({error.strerror})") from error
    _compare(record, size, fast.hexdigest(), sure.hexdigest() if thorough else record.sha256)


def read_verified(path: Path, record: FileRecord, *, thorough: bool = False) -> bytes:
    """A file's bytes if they are those that were written. thorough: compare their SHA-256 too. Raises NotAsWritten."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise NotAsWritten(f"cannot be read ({error.strerror})") from error
    _verify(data, record, thorough)
    return data


def map_verified(path: Path, record: FileRecord, *, thorough: bool = False) -> NDArray[Any]:
    """The array in a file of `write_array`, verified; a large one stays on disk and is read as it is needed. Raises
    NotAsWritten.
    """
    if record.bytes < _MAPPED_FROM:
        return np.asarray(np.load(io.BytesIO(read_verified(path, record, thorough=thorough)), allow_pickle=False))
    try:
        _verify(np.memmap(path, np.uint8, "r").data, record, thorough)
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except (OSError, ValueError) as error:
        raise NotAsWritten(f"cannot be read ({error})") from error


def _verify(data: bytes | memoryview, record: FileRecord, thorough: bool) -> None:
    sure = hashlib.sha256(data).hexdigest() if thorough else record.sha256
    _compare(record, len(data), xxh3_128(data).hexdigest(), sure)


def _compare(record: FileRecord, size: int, xxh3: str, sha256: str) -> None:
    if size != record.bytes:
        raise NotAsWritten(f"has {size:,} bytes instead of {record.bytes:,}")
    if (xxh3, sha256) != (record.xxh3, record.sha256):
        raise NotAsWritten("does not have the contents it was written with")


def replace_file(path: Path, data: bytes) -> None:
    """The whole old file or the whole new one, whatever happens meanwhile."""
    aside = path.with_name(f".{path.name}.new")
    aside.unlink(missing_ok=True)
    write_bytes(aside, data)
    aside.replace(path)
    sync_folder(path.parent)


def make_folder(folder: Path) -> None:
    """The folder and those above it, their names on the disk when this returns. One that is there is left as it is."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for place in missing:
        sync_folder(place.parent)


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder last. Where folders cannot be opened (Windows) the system does it by itself."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
