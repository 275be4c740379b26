"""How a running service is found from the same machine: by a small file in the folder of each index that it serves.

The file is its owner's alone and holds the service's address and a secret that lives as long as the process. Whoever finds it
sends a challenge first, and the service answers with a code over it, the version, the settings and the generations that it
answers from, made with that secret (HMAC, RFC 2104). The finder makes the same code from its own settings and from what lies
in the index folder. Only where both are equal is a question sent: not to another program that has got the port of a service
that is gone, not to one with another model or other collections, not to one that answers from an older generation.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from indexer.milvus.settings import Milvus
from indexer.prompts import Prompts
from service.config import Config
from service.version import VERSION

FILE = ".server.json"
_MOST_BYTES = 4096
_KEY_PREFIX = "trellis_local_"


class Presence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """url: of the service, on a loopback address. pid: its process, for people who look. secret: 64 hexadecimal digits."""

    url: str
    pid: int
    secret: str

    @property
    def key(self) -> str:
        """Lets its bearer ask and read: whoever can read the file can read the index beside it."""
        return _KEY_PREFIX + self.secret

    def code(self, challenge: str, member: Member) -> str:
        """64 hexadecimal digits that only a holder of the secret can make."""
        told = msgspec.json.encode(["trellis presence", challenge, VERSION, *member])
        return hmac.new(self.secret.encode(), told, hashlib.sha256).hexdigest()


Member = tuple[str, str, str, Prompts | None, Milvus | None, str]
"""What has to be the same of a collection for its answers to be: name, index folder, model, prompts, engine, generation."""


class Codes(msgspec.Struct, frozen=True):
    """One for each collection of the service, in the order of its settings."""

    codes: list[str]


def member(config: Config, name: str, generation: str) -> Member:
    settings = config.all_collections()[name]
    model = os.path.realpath(settings.model) if os.path.isdir(settings.model) else settings.model  # noqa: PTH112 - "" is none
    folder = os.path.realpath(Path(settings.index).expanduser())
    return (name, folder, model, settings.prompts, config.milvus, generation)


def made(url: str) -> Presence:
    return Presence(url, os.getpid(), os.urandom(32).hex())


def folders_of(config: Config) -> list[Path]:
    """Where a service with these settings is looked for."""
    return [Path(each.index).expanduser() for each in config.all_collections().values()]


@contextmanager
def announced(presence: Presence, folders: Sequence[Path]) -> Iterator[None]:
    """While this lasts, the service is found in these folders. One that cannot be written to goes without."""
    data = msgspec.json.encode(presence)
    for folder in folders:
        with suppress(OSError):
            _write(folder / FILE, data)
    try:
        yield
    finally:
        for folder in folders:
            if find(folder) == presence:  # another service may have come after
                with suppress(OSError):
                    (folder / FILE).unlink()


def find(folder: Path) -> Presence | None:
    """The service that says it serves the index in this folder. A file that others could have written is none."""
    try:
        descriptor = os.open(folder / FILE, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return None
    try:
        data = os.read(descriptor, _MOST_BYTES) if _is_mine(os.fstat(descriptor)) else b""
    finally:
        os.close(descriptor)
    try:
        return msgspec.json.decode(data, type=Presence)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _is_mine(status: os.stat_result) -> bool:
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
        return False
    if not hasattr(os, "geteuid"):
        return True  # Windows: the folder's own access list decides
    return status.st_uid == os.geteuid() and not status.st_mode & 0o077


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all, readable for its owner from the first byte on."""
    aside = path.with_name(f"{FILE}.{os.getpid()}")
    aside.unlink(missing_ok=True)
    try:
        with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123
            file.write(data)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
