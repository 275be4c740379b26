"""Who may ask from elsewhere: keys, of which only hashes are kept.

A key is `trellis_<id>_<secret>` with 256 random bits in the secret. It is shown once, when it is made. The file holds its
SHA-256, which is enough for a secret that nobody can guess: slow hashes protect passwords that people think up.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import re
import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import msgspec

from indexer.durable import sync_folder
from indexer.errors import ConfigError
from service.config import Rate
from service.errors import KeyFileError, KeyNameTaken, NoSuchKey

Scope = Literal["ask", "read", "admin"]
SCOPES: tuple[Scope, ...] = ("ask", "read", "admin")
USUAL: tuple[Scope, ...] = ("ask", "read")
"""What the page needs."""
_log = logging.getLogger("trellis.keys")
_PREFIX = "trellis"
_SECRET_BYTES = 32
_NAME = re.compile(r"[\w.@-][\w .@-]{0,59}")


class Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One key, without its secret. sha256: of the whole key. expires: ISO 8601, "" for never. limits: how often it may ask;
    None for what the settings say.
    """

    id: str
    name: str
    sha256: str
    scopes: list[Scope]
    created: str
    expires: str = ""
    limits: Rate | None = None

    def __post_init__(self) -> None:
        """Raises ValueError: a time that nobody can compare with now is found when the file is read, not when a key is used."""
        if self.expires and datetime.fromisoformat(self.expires).tzinfo is None:
            raise ValueError(f"'expires' of {self.id} lacks its offset from UTC")

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes or "admin" in self.scopes

    @property
    def expired(self) -> bool:
        return bool(self.expires) and datetime.fromisoformat(self.expires) <= datetime.now(UTC)


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keys: list[Key] = []
    version: Literal[1] = 1


_NOBODY = Key(id="", name="", sha256=hashlib.sha256(secrets.token_bytes()).hexdigest(), scopes=[], created="")


class KeyRing:
    """The keys of a file as it stands: every look-up sees what was added or revoked before it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._mark: tuple[int, ...] | None = None
        self._keys: dict[str, Key] = {}

    def find(self, presented: str) -> Key | None:
        """The key that was presented, if it is one and has not expired. Takes as long for one that is not."""
        prefix, _, rest = presented.partition("_")
        key = self._all().get(rest.partition("_")[0], _NOBODY)
        digest = hashlib.sha256(presented.encode("utf-8", "surrogatepass")).hexdigest()
        same = hmac.compare_digest(digest, key.sha256)
        return key if same and prefix == _PREFIX and not key.expired else None

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> dict[str, Key]:
        """A file that cannot be read lets nobody in."""
        mark = _mark(self._path)
        with self._lock:
            if mark != self._mark:
                try:
                    self._keys = {key.id: key for key in read_keys(self._path)}
                except KeyFileError as error:
                    _log.error("no key is accepted: %s", error)
                    self._keys = {}
                self._mark = mark
            return self._keys


def _mark(path: Path) -> tuple[int, ...]:
    """Changes whenever the file does."""
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size


def read_keys(path: Path) -> list[Key]:
    """All keys, the oldest first; none when there is no file. Raises KeyFileError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=_File).keys
    except FileNotFoundError:
        return []
    except OSError as error:
        raise KeyFileError(path, error.strerror or str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise KeyFileError(path, str(error)) from error


def add_key(
    path: Path, name: str, scopes: Sequence[Scope], days: int | None = None, limits: str | None = None
) -> tuple[Key, str]:
    """Makes a key. Answers it and, this once, its secret form. Raises KeyNameTaken or KeyFileError."""
    made = datetime.now(UTC)
    identity = secrets.token_hex(4)
    secret = f"{_PREFIX}_{identity}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    key = Key(
        id=identity,
        name=name,
        sha256=hashlib.sha256(secret.encode()).hexdigest(),
        scopes=list(dict.fromkeys(scopes)),
        created=made.isoformat(timespec="seconds"),
        expires=(made + timedelta(days=days)).isoformat(timespec="seconds") if days else "",
        limits=limits,
    )
    with _changing(path):
        keys = read_keys(path)
        if any(name in (other.name, other.id) for other in keys):
            raise KeyNameTaken(name)
        _write(path, [*keys, key])
    return key, secret


def check_new(name: str, limits: str | None) -> None:
    """Raises ConfigError for a name or limits that a key cannot have."""
    if not _NAME.fullmatch(name):
        raise ConfigError("The name of a key is at most 60 letters, digits, spaces, dots, hyphens, @ and underscores.")
    try:
        msgspec.convert(limits, Rate | None)
    except msgspec.ValidationError:
        raise ConfigError(f"'{limits}' are no limits; write them as '60/minute; 2000/day'.") from None


def revoke_key(path: Path, which: str) -> Key:
    """Takes a key away, by its name or id. Raises NoSuchKey or KeyFileError."""
    with _changing(path):
        keys = read_keys(path)
        gone = next((key for key in keys if which in (key.id, key.name)), None)
        if gone is None:
            raise NoSuchKey(which)
        _write(path, [key for key in keys if key is not gone])
    return gone


@contextmanager
def _changing(path: Path) -> Iterator[None]:
    """One at a time."""
    from filelock import FileLock

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f".{path.name}.lock"), timeout=10):
            yield
    except OSError as error:  # filelock's Timeout is one too
        raise KeyFileError(path, error.strerror or str(error)) from error


def _write(path: Path, keys: Sequence[Key]) -> None:
    """The whole old file or the whole new one, for its owner's eyes."""
    data = msgspec.json.format(msgspec.json.encode(_File(list(keys))), indent=1)
    aside = path.with_name(f".{path.name}.new")
    aside.unlink(missing_ok=True)
    with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123 - a descriptor
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    sync_folder(path.parent)
