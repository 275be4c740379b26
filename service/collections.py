"""The collections of one service: each is notes with an index of its own, asked alone or together with the others.

One whose notes or index cannot be used takes no other down: it says why it does not answer, and is tried again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from indexer import encoder
from indexer.device import Device
from indexer.encoder import Encoder, Model
from indexer.errors import EngineError, IndexMissing, NotPublished, TrellisError
from indexer.generation import current_name, kept_model, read_manifest, require_match
from service.config import Collection, Config
from service.errors import CollectionNotFound, CollectionUnavailable
from service.snapshot import Answering, Current, Snapshot
from service.types import CollectionState

if TYPE_CHECKING:
    from indexer.build import Progress, Report
    from indexer.check import Verdict
    from indexer.merge import Merged
    from indexer.milvus.settings import Milvus
    from indexer.shards import Shard

_PAUSE = 5.0
"""Seconds between two tries to open an index that could not be opened."""


class Encoders:
    """One encoder in memory for each model, however many collections use it."""

    def __init__(self, wrap: Callable[[Encoder], Encoder] = lambda made: made) -> None:
        self._wrap = wrap
        self._made: dict[str, Encoder] = {}
        self._lock = threading.Lock()

    def of(self, model: Model, folder: Path) -> Encoder:
        """Loads the one that is kept beside the index in `folder` where the user's cache has none. Raises ModelError."""
        with self._lock:
            if model.digest not in self._made:
                self._made[model.digest] = self._wrap(encoder.load(model, kept_model(folder)))
            return self._made[model.digest]


class OpenCollection:
    """One collection: what the settings say of it, and the snapshot that answers now, or why none does."""

    def __init__(
        self,
        name: str,
        settings: Collection,
        encoders: Encoders,
        milvus: Milvus | None = None,
        device: Device = "cpu",
    ) -> None:
        self.name = name
        self.title = settings.title
        self.notes = [Path(place).expanduser() for place in settings.notes]
        self.folder = Path(settings.index).expanduser()
        self.leave_out = tuple(settings.ignore or ())
        self._model_name, self._prompts = settings.model, settings.prompts
        self._encoders = encoders
        self._device = device
        self.is_behind: Callable[[], bool] = bool
        """Whether notes have changed that the index does not have yet, as far as anybody follows them."""
        self.milvus = milvus.of(name) if milvus else None
        self._current: Answering | None = None
        self._problem: TrellisError | None = None
        self._lock = threading.Lock()
        self._next_try = 0.0

    @classmethod
    def around(cls, current: Answering) -> OpenCollection:
        """The unnamed collection of an index that is open already."""
        made = cls("", Collection(notes=["."], index=str(current.folder)), Encoders())
        made._current = current
        return made

    @property
    def current(self) -> Answering:
        """Raises TrellisError when the index cannot be opened."""
        if self._current is None:
            with self._lock:
                if self._current is None:
                    self._try_to_open()
        if self._current is None:
            raise (self._problem or IndexMissing(self.folder)).with_traceback(
                None
            )  # it is raised many times, and must not grow
        return self._current

    def get(self) -> Snapshot:
        """Raises CollectionUnavailable, and for the unnamed collection what is the matter itself."""
        try:
            return self.current.get()
        except TrellisError as error:
            if not self.name:
                raise
            raise CollectionUnavailable(self.name, error) from error

    def update(self, progress: Progress | None = None, shard: Shard | None = None, *, anew: bool = False) -> Report:
        """Brings the index up to date, or that of a part of the notes, and what is published of the whole; `anew`: compares all
        that is published. Raises TrellisError; the index is then as it was.
        """
        from indexer.build import ignore
        from service.indexing import update  # only indexing needs the readers, and `trellis ask` should start quickly

        model = encoder.locate(self._model_name, self._prompts)
        report = update(
            self.notes,
            self.folder,
            model,
            lambda wanted: self._encoders.of(wanted, self.folder),
            progress or ignore,
            leave_out=self.leave_out,
            shard=shard,
            milvus=None if shard else self.milvus,
            anew=anew,
            device=self._device,
        )
        self._problem, self._next_try = None, 0.0
        if self._current:
            self._current.refresh()
        return report

    def merge(self, parts: Sequence[Path], progress: Progress) -> Merged:
        """Makes the index out of those of parts of the notes. Raises TrellisError; the index is then as it was,
        unless it is Milvus that did not take it.
        """
        from service.indexing import merge, publish

        model = encoder.locate(self._model_name, self._prompts)
        load = lambda wanted: self._encoders.of(wanted, self.folder)  # noqa: E731
        merged = merge(parts, self.notes, self.folder, model, load, progress, self.leave_out)
        if self.milvus:
            publish(self.folder, model, self.milvus, progress)
        return merged

    def check(self) -> Verdict:
        """Whether the index is whole, current, and made by the model of the settings. Raises ModelError without a name."""
        from indexer.check import Verdict, check_index

        try:
            verdict = check_index(self.folder, encoder.locate(self._model_name, self._prompts), self.leave_out)
            return self._published_too(verdict) if self.milvus and verdict.whole else verdict
        except TrellisError as error:
            if not self.name:
                raise
            return Verdict(False, False, False, str(error), "", 0, "", "", [], [], [])

    def _published_too(self, verdict: Verdict) -> Verdict:
        """The verdict on an index, with what is to be said of its publication."""
        from msgspec import structs

        from indexer.milvus.connection import Connection
        from indexer.milvus.opened import Reader

        try:
            published = Reader(Connection(self.milvus)).now()[1] if self.milvus else ""
        except EngineError as error:
            return structs.replace(verdict, ok=False, problem=verdict.problem or str(error))
        if published == verdict.generation:
            return verdict
        problem = f"Milvus holds generation {published}: run 'trellis index' to publish this one."
        return structs.replace(verdict, ok=False, current=False, problem=verdict.problem or problem)

    def follow(self, tell: Callable[[str], None]) -> None:
        """Brings what is served up to date with the notes; opens it where it could not be opened before."""
        from service.indexing import follow

        if self._current is None:
            self.update()
        follow(self.notes, self.folder, self.current, tell, leave_out=self.leave_out, milvus=self.milvus)

    def refresh(self) -> bool:
        """Takes up a generation that somebody else made. Raises IndexFolderError; the one before then goes on answering."""
        return self._current.refresh() if self._current else False

    def is_outdated(self) -> bool:
        """Whether somebody else has made a newer generation than the one that answers."""
        with suppress(TrellisError):
            return bool(self._current and self._current.built and current_name(self.folder) != self._current.get().name)
        return False

    def fail(self, problem: TrellisError) -> None:
        """Remembers why the notes could not be indexed, for as long as there is no index either."""
        self._problem = problem

    def state(self) -> CollectionState:
        try:
            snapshot = self.get()
        except TrellisError as error:
            cause = error.__cause__ or error
            missing = isinstance(cause, (IndexMissing, NotPublished))
            return CollectionState(self.name, self.title, "missing" if missing else "broken", problem=str(cause))
        manifest = snapshot.generation.manifest
        return CollectionState(
            self.name,
            self.title,
            "ready",
            manifest.nodes,
            snapshot.name,
            manifest.model,
            manifest.borrowed,
            self.is_behind(),
        )

    def _open_folder(self, model: Model) -> Current:
        # A mismatch is known in milliseconds; a model that has to be converted first takes half a minute.
        require_match(self.folder, read_manifest(self.folder)[1], model)
        return Current(self.folder, model, self._encoders.of(model, self.folder), self.name)

    def _open_published(self, model: Model, milvus: Milvus) -> Answering:
        from service.published import PublishedCurrent  # only those who have Milvus need it

        return PublishedCurrent(milvus, self.folder, model, self._encoders.of(model, self.folder), self.name)

    def _try_to_open(self) -> None:
        if time.monotonic() < self._next_try:
            return
        try:
            model = encoder.locate(self._model_name, self._prompts)
            self._current = self._open_published(model, self.milvus) if self.milvus else self._open_folder(model)
        except TrellisError as error:
            if not (isinstance(error, IndexMissing) and self._problem):  # why there is none says more
                self._problem = error
            if not isinstance(error, EngineError):  # that knows itself when to be asked again
                self._next_try = time.monotonic() + _PAUSE


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question is asked of. unavailable: the collections that cannot be asked now. behind: whether notes of the others
    have changed that are not in their indexes yet.
    """

    snapshots: Sequence[Snapshot]
    unavailable: Sequence[CollectionState] = field(default=())
    behind: bool = False


class Notes(Protocol):
    """What the faces ask: all notes of the service, or a publication of them."""

    @property
    def names(self) -> Sequence[str]:
        """The names of the collections that can be chosen."""
        ...

    def asked(self, collection: str = "") -> Asked:
        """The collection of this name, or all. Raises CollectionNotFound or CollectionUnavailable."""
        ...


class Collections:
    """All collections of a service, by name; without `collections` in the settings one by the name ""."""

    def __init__(self, members: Sequence[OpenCollection]) -> None:
        self.members = list(members)

    @classmethod
    def of(cls, config: Config, encoders: Encoders) -> Collections:
        """Opens nothing yet."""
        members = config.all_collections().items()
        return cls([OpenCollection(name, each, encoders, config.milvus, config.device) for name, each in members])

    @property
    def names(self) -> Sequence[str]:
        return [member.name for member in self.members if member.name]

    def chosen(self, collection: str = "") -> list[OpenCollection]:
        """Raises CollectionNotFound."""
        chosen = [member for member in self.members if collection in ("", member.name)]
        if not chosen:
            raise CollectionNotFound(collection, self.names)
        return chosen

    def asked(self, collection: str = "") -> Asked:
        chosen = self.chosen(collection)
        if len(chosen) == 1:
            return Asked([chosen[0].get()], behind=chosen[0].is_behind())
        snapshots, unavailable = [], []
        for member in chosen:
            try:
                snapshots.append(member.get())
            except CollectionUnavailable as error:
                problem = error
                unavailable.append(member.state())
        if not snapshots:
            raise problem
        return Asked(snapshots, unavailable, any(member.is_behind() for member in chosen))

    def states(self) -> list[CollectionState]:
        return [member.state() for member in self.members]
