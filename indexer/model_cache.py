"""Converted models: made once a user, found by the digest of the original and the version of the rules, verified before use.

A conversion is made aside and renamed into place, so that a cache has a whole one or none.
"""

from __future__ import annotations

import atexit
import hashlib
import logging
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from indexer.converted import Damaged, Kept, open_kept
from indexer.encoder import Model
from indexer.errors import ConversionFailed

CONVERSION = 3
"""Version of the rules of conversion. A model that was converted under other rules is converted again."""

Found = tuple[Kept, dict[str, bytes]]
"""Where a converted model lies and what it is, and the verified bytes of its files."""

_log = logging.getLogger("trellis.model")


def cache_folder() -> Path:
    """Where this user's converted models are kept; XDG_CACHE_HOME moves it on Linux."""
    import platformdirs

    return platformdirs.user_cache_path("trellis", appauthor=False) / "models"


def place_of(model: Model) -> Path:
    return cache_folder() / hashlib.sha256(f"{CONVERSION} {model.digest}".encode()).hexdigest()[:16]


def find(model: Model, beside: Kept | None = None) -> Found | None:
    """The converted model from the cache, or else from beside the index, verified; None when there is none."""
    for place in (place_of(model), beside):
        try:
            kept = open_kept(place) if isinstance(place, Path) else place
            if kept and (kept.converted.version, kept.converted.model_digest) == (CONVERSION, model.digest):
                return kept, {name: kept.read(name) for name in kept.converted.files}
        except Damaged as error:
            _log.warning("A converted model is damaged and not used: %s", error)
    return None


def make(model: Model) -> Found:
    """Converts the model, which takes some tens of seconds, unless another process is doing so: then its result is taken.

    Raises ModelNotFound or ConversionFailed.
    """
    with _room(place_of(model)) as place:
        if place.parent == cache_folder() and (found := find(model)):
            return found
        _log.warning("Converting the model '%s' once, for this and all later runs; about half a minute.", model.name)
        try:
            _clear_away(place)
            return _convert(model, place)
        except (OSError, Damaged) as error:
            raise ConversionFailed(str(error)) from error


def _convert(model: Model, place: Path) -> Found:
    from indexer.conversion.protocol import Request, run_conversion

    aside = Path(tempfile.mkdtemp(prefix=f".new-{place.name}-", dir=place.parent))
    try:
        request = Request(model.name, str(model.folder.absolute()), model.digest, str(aside), CONVERSION, model.prompts)
        digest = run_conversion(request, lambda what: _log.warning("  %s", what))
        aside.chmod(0o755)
        shutil.rmtree(place, ignore_errors=True)  # a damaged one
        aside.rename(place)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    kept = open_kept(place, digest)
    if kept is None:
        raise Damaged(f"'{place}' is not there any more")
    return kept, {name: kept.read(name) for name in kept.converted.files}


def _clear_away(place: Path) -> None:
    """Removes what a killed conversion of the same model has left, and conversions under older rules."""
    for left in place.parent.glob(f".new-{place.name}-*"):
        shutil.rmtree(left, ignore_errors=True)
    for other in place.parent.glob("[!.]*"):
        try:
            kept = open_kept(other)
        except Damaged:
            continue
        if kept and kept.converted.version < CONVERSION:
            shutil.rmtree(other, ignore_errors=True)


@contextmanager
def _room(place: Path) -> Iterator[Path]:
    """Where the conversion goes, one process at a time: `place`, or a folder of this run where no cache can be written."""
    from filelock import FileLock

    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(place.parent / f".{place.name}.lock")
        lock.acquire()
    except OSError as error:
        _log.warning("'%s' cannot be written (%s): the converted model is not kept.", place.parent, error.strerror)
        folder = Path(tempfile.mkdtemp(prefix="trellis-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        yield folder / place.name
        return
    try:
        yield place
    finally:
        lock.release()
