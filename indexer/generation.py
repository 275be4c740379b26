"""One generation of the index on disk, opened: every byte verified before anything reads it.

    index/CURRENT                         "<SHA-256 of the manifest>\\n"
    index/generations/<first 16 digits>/  manifest.json  structure.npz  files.json  projection.npz  extras
    index/segments/<first 16 digits>/     what nodes say, shared by all generations in which they say it
    index/models/<first 16 digits>/       the converted model, shared by all generations that it made

CURRENT names the manifest by its hash, the manifest names every file of its own and of its segments by size and hash, and the
converted model by the hash of its own manifest: one chain covers every byte.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

import msgspec

from indexer.chunks import CHUNKING
from indexer.converted import Damaged, Kept, open_kept
from indexer.durable import FileRecord, NotAsWritten, map_verified, read_verified
from indexer.encoder import Model, Vectors
from indexer.errors import IndexBusy, IndexDamaged, IndexFolderError, IndexMismatch, IndexMissing, NotAnIndex
from indexer.late import Projection, TokenVectors, laid_out
from indexer.numbering import RowMask, Rows
from indexer.pointer import CURRENT
from indexer.store import Store
from indexer.store.postings import Postings
from indexer.store.segment import CONTENTS, FILES, TEXTS, TOKENS, VECTORS, WORDS, Contents, Segment, SegmentRecord
from indexer.store.structure import FileList, Structure
from indexer.vectors import Scores, VectorIndex, read_index

FORMAT = 7
"""Version of everything on disk. Raised whenever an older Trellis could misread what a newer one wrote, or the reverse."""


GENERATIONS = "generations"
SEGMENTS = "segments"
MODELS = "models"
MANIFEST = "manifest.json"
STRUCTURE = "structure.npz"
FILE_LIST = "files.json"
PROJECTION = "projection.npz"


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a generation is made of. segments: in the order in which their slots are counted. sources: SHA-256 of each notes
    file by its name. notes: the places that were indexed. converted: SHA-256 of the manifest of the converted model that
    made the vectors; "" when the model ran as it is. notebooks: the program whose folder a file lies in. former: the names
    that renamed files had before, the latest first.
    """

    format: int
    chunking: int
    model: str
    model_digest: str
    converted: str
    dimension: int
    nodes: int
    chunks: int
    borrowed: int
    created: str
    notes: list[str]
    sources: dict[str, str]
    files: dict[str, FileRecord]
    segments: list[SegmentRecord]
    notebooks: dict[str, str] = {}
    former: dict[str, list[str]] = {}


class Generation:
    """An opened generation: verified, read-only, safe to share between threads. extras: what else was kept, by file name."""

    def __init__(
        self,
        name: str,
        manifest: Manifest,
        structure: Structure,
        files: FileList,
        projection: Projection,
        segments: Sequence[Segment],
        extras: Mapping[str, bytes] = MappingProxyType({}),
    ) -> None:
        self.name = name
        self.manifest = manifest
        self.store = Store(structure, files, segments)
        self.vectors = VectorIndex([segment.vectors for segment in segments], structure.chunk_slots)
        self.extras = extras
        self._projection = projection

    @cached_property
    def tokens(self) -> TokenVectors:
        """The token vectors of all chunks, by row."""
        parts = [(segment.codes, segment.contents.offsets) for segment in self.store.segments]
        return laid_out(parts, self.store.structure.chunk_slots, self._projection)

    @property
    def tokens_projection(self) -> Projection:
        """That of `tokens`, without laying these out."""
        return self._projection

    @property
    def token_count(self) -> int:
        """How many token vectors there are."""
        return len(self.tokens.codes)

    def nearest(self, query: Vectors, top: int, mask: RowMask | None = None) -> tuple[Scores, Rows]:
        """See `indexer.engine.Opened`."""
        return self.vectors.nearest(query, top, None if mask is None else mask[self.store.chunk_node])

    def candidates(
        self, query: Vectors, depth: int, words: Sequence[str], lexical_depth: int, mask: RowMask | None = None
    ) -> tuple[tuple[Scores, Rows], tuple[Rows, Scores]]:
        """See `indexer.engine.Opened`."""
        return self.nearest(query, depth, mask), self.store.match(words, lexical_depth, mask)

    def close(self) -> None:
        self.store.close()


_Read = TypeVar("_Read")

Extras = Callable[[Generation], Mapping[str, bytes]]
"""Asked, before a generation is committed, for small files to keep with it."""


def current_name(folder: Path) -> str:
    """Which generation is current, read anew from the disk: cheap enough to ask often. Raises IndexMissing or NotAnIndex."""
    return _current_hash(folder)[:16]


def _current_hash(folder: Path) -> str:
    try:
        text = (folder / CURRENT).read_bytes().decode("ascii")
    except FileNotFoundError:
        require_index_folder(folder)
        raise IndexMissing(folder) from None
    except NotADirectoryError:
        raise NotAnIndex(folder, "a file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise IndexDamaged(folder, f"CURRENT cannot be read ({error})") from error
    if not re.fullmatch(r"[0-9a-f]{64}\n", text):
        raise IndexDamaged(folder, "CURRENT does not hold the name of a generation")
    return text.strip()


def require_index_folder(folder: Path) -> None:
    """Raises NotAnIndex when the folder is there and holds something else. Hidden files and a README do not count."""
    if folder.is_file():
        raise NotAnIndex(folder, "a file")
    if not folder.is_dir():
        return
    known = {CURRENT, GENERATIONS, SEGMENTS, MODELS, "README.md"}
    foreign = sorted(
        entry.name for entry in folder.iterdir() if not entry.name.startswith(".") and entry.name not in known
    )
    if foreign:
        raise NotAnIndex(folder, foreign[0])


def read_manifest(folder: Path) -> tuple[str, Manifest]:
    """The name and the manifest of the current generation; its hash is checked, its files are not."""
    expected = _current_hash(folder)
    path = folder / GENERATIONS / expected[:16] / MANIFEST
    try:
        data = path.read_bytes()
    except OSError as error:
        raise IndexDamaged(
            folder, f"{_inside(path, folder)}, which CURRENT names, cannot be read ({error.strerror})"
        ) from error
    if hashlib.sha256(data).hexdigest() != expected:
        raise IndexDamaged(folder, f"{_inside(path, folder)} and CURRENT do not belong together")
    try:
        version = msgspec.json.decode(data, type=_Version).format
        if version != FORMAT:
            raise IndexMismatch(folder, "format version", version, FORMAT)
        return expected[:16], msgspec.json.decode(data, type=Manifest)
    except msgspec.DecodeError as error:
        raise IndexDamaged(folder, f"{_inside(path, folder)}: {error}") from error


class _Version(msgspec.Struct):
    format: int


def require_match(folder: Path, manifest: Manifest, model: Model) -> None:
    """Raises IndexMismatch unless this model and these chunking rules made the index."""
    if difference := mismatch(manifest, model):
        raise IndexMismatch(folder, *difference)


def mismatch(manifest: Manifest, model: Model) -> tuple[str, object, object] | None:
    """What made the index and is not as it has to be, as it was and as it is."""
    if manifest.chunking != CHUNKING:
        return "version of the chunking rules", manifest.chunking, CHUNKING
    if manifest.model_digest != model.digest:
        made_by = f"'{manifest.model}' ({manifest.model_digest[:12]}, {manifest.dimension} dimensions)"
        return "model", made_by, f"'{model.name}' ({model.digest[:12]})"
    return None


def model_place(folder: Path, digest: str) -> Path:
    """Where the converted model with this manifest is kept beside the index."""
    return folder / MODELS / digest[:16]


def kept_model(folder: Path) -> Kept | None:
    """The converted model that is kept beside the index, its files unread; None when there is none, whatever the reason."""
    try:
        digest = read_manifest(folder)[1].converted
        return open_kept(model_place(folder, digest), digest) if digest else None
    except (IndexFolderError, Damaged):
        return None


def require_kept_model(folder: Path, manifest: Manifest, *, thorough: bool = False) -> None:
    """Verifies the converted model beside the index, which whoever has no other one loads. Raises IndexDamaged."""
    if not manifest.converted:
        return
    place = model_place(folder, manifest.converted)
    try:
        kept = open_kept(place, manifest.converted)
        if kept is None:
            raise Damaged("manifest.json is missing")
        kept.verify(thorough=thorough)
    except Damaged as error:
        raise IndexDamaged(folder, f"{_inside(place, folder)}/{error}") from error


def open_generation(
    folder: Path, model: Model, *, like: Generation | None = None, thorough: bool = False
) -> Generation:
    """The current generation, every byte verified. Raises an IndexFolderError that names what is wrong.

    A generation that a newer one replaced and cleared away while it was being opened is tried again. like: an opened generation
    whose segments are used again where they are the same. thorough: verify cryptographic hashes too, at a tenth of the speed.
    """
    for _ in range(3):
        name, manifest = read_manifest(folder)
        require_match(folder, manifest, model)
        try:
            return _open(folder, name, manifest, like, thorough)
        except IndexDamaged:
            if current_name(folder) == name:
                raise
    raise IndexBusy(folder)


def _open(folder: Path, name: str, manifest: Manifest, like: Generation | None, thorough: bool) -> Generation:
    place = folder / GENERATIONS / name
    if not manifest.files.keys() >= {STRUCTURE, FILE_LIST, PROJECTION}:
        raise IndexDamaged(folder, f"{name} lists fewer files than it should")
    data = {
        file: _verified(folder, place / file, partial(read_verified, record=record, thorough=thorough))
        for file, record in manifest.files.items()
    }
    structure = Structure.from_bytes(data.pop(STRUCTURE))
    files = FileList.from_bytes(data.pop(FILE_LIST))
    projection = Projection.from_bytes(data.pop(PROJECTION))
    opened = {segment.record.name: segment for segment in like.store.segments} if like and not thorough else {}
    segments = [opened.get(record.name) or open_segment(folder, record, thorough) for record in manifest.segments]
    generation = Generation(name, manifest, structure, files, projection, segments, data)
    _require_whole(folder, generation)
    return generation


def _require_whole(folder: Path, generation: Generation) -> None:
    """Files that are each as they were written belong together only if their counts agree."""
    manifest, structure = generation.manifest, generation.store.structure
    if generation.vectors.d != manifest.dimension:
        raise IndexMismatch(folder, "dimension", generation.vectors.d, manifest.dimension)
    for segment in generation.store.segments:
        counts = {segment.record.chunks, segment.vectors.ntotal, len(segment.contents.offsets) - 1}
        if len(counts) != 1:
            raise IndexDamaged(folder, f"{segment.record.name} holds {segment.vectors.ntotal} vectors")
    if len(structure.parent) != manifest.nodes or len(structure.chunk_slots) != manifest.chunks:
        raise IndexDamaged(folder, f"{generation.name} holds {len(structure.parent)} nodes")


def open_segment(folder: Path, record: SegmentRecord, thorough: bool = False) -> Segment:
    """A segment of this index folder, every byte verified. Raises IndexDamaged."""
    place = folder / SEGMENTS / record.name
    if set(record.files) != set(FILES):
        raise IndexDamaged(folder, f"{record.name} lists other files than it should")
    codes = _verified(folder, place / TOKENS, partial(map_verified, record=record.files[TOKENS], thorough=thorough))
    data = {
        file: _verified(folder, place / file, partial(read_verified, record=record.files[file], thorough=thorough))
        for file in (TEXTS, WORDS, VECTORS, CONTENTS)
    }
    words, contents = Postings.from_bytes(data[WORDS]), Contents.from_bytes(data[CONTENTS])
    return Segment(record, place / TEXTS, words, read_index(data.pop(VECTORS)), codes, contents)


def _verified(folder: Path, path: Path, read: Callable[[Path], _Read]) -> _Read:
    try:
        return read(path)
    except NotAsWritten as error:
        raise IndexDamaged(folder, f"{_inside(path, folder)} {error}") from error


def _inside(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()
