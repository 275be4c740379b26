"""Settings: one class, read once at the edge, from `trellis.yaml` and then from the command line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from indexer.device import Device
from indexer.errors import ConfigError
from indexer.milvus.settings import Milvus
from indexer.prompts import DEFAULT_MODEL, Prompts

CONFIG_FILE = "trellis.yaml"
COLLECTIONS = ".collections"
"""Inside the index folder: the indexes of the collections that name none."""

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Top = Annotated[int, msgspec.Meta(ge=1, le=50)]
Rate = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[1-9]\d{0,8} ?/ ?(second|minute|hour|day)( ?; ?[1-9]\d{0,8} ?/ ?(second|minute|hour|day))*$"
    ),
]
Processes = Annotated[int, msgspec.Meta(ge=1, le=64)] | Literal["auto"]
Origin = Annotated[str, msgspec.Meta(pattern=r"^https?://[^/\s,*]+$")]


class LanguageModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A language model behind an OpenAI-compatible endpoint.

    url: the endpoint, such as "http://127.0.0.1:11434/v1". name: the model's name there.
    key_from: the environment variable that holds the key; empty when none is needed.
    patience: seconds that it may be silent; a whole answer may take four times as long.
    """

    url: Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s]+$")]
    name: Annotated[str, msgspec.Meta(min_length=1)]
    key_from: str = ""
    patience: Annotated[float, msgspec.Meta(gt=0, le=600)] = 20.0


Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]


class Collection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Notes with an index of their own, asked alone or together with the others.

    notes: files and folders. index: the folder for the index; left out, one inside the service's. model, prompts, ignore: as in
    `Config`, whose they are where they are left out. title: what people see; left out, the name.
    """

    notes: Annotated[list[str], msgspec.Meta(min_length=1)]
    index: str = ""
    model: str = ""
    prompts: Prompts | None = None
    ignore: list[str] | None = None
    title: str = ""


class Publication(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of the notes that other sites may ask, by an index of its own.

    under: paths such as "Identity > STS", each with all below it. file: a glob on file names; both given, both must fit.
    collection: whose notes; needed where there are collections.
    origins: the pages that may carry its widget, as "https://example.org"; they reach this part and nothing else.
    """

    under: list[Annotated[str, msgspec.Meta(min_length=1)]] = []
    file: str = ""
    collection: str = ""
    origins: list[Origin] = []

    def __post_init__(self) -> None:
        if not self.under and not self.file:
            raise ValueError("a publication needs `under` or `file`, or it would publish everything")


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Every setting of Trellis. Relative paths are relative to the folder of `trellis.yaml`.

    notes: files and folders to index. index: the folder for the index, made if missing.
    model: the default model's name, a folder, or the name of a model on the hub.
    ignore: patterns as in .gitignore of what to pass over in the notes folders.
    collections: several bodies of notes by name, each with its own index, instead of `notes`.
    prompts: what the model wants to see before questions (`query`) and notes (`document`), where it does not say so itself.
    device: on what much is embedded; on "auto" on a graphics card that PyTorch can use (CUDA), if there is one.
    host, port: where to serve; port 0 takes any free one. watch: whether `serve` follows changes of the notes.
    processes: how many processes answer on that port; on "auto" as many as there are cores.
    read_only: whether `serve` leaves the index to somebody else, writes nothing to it and takes up each new generation.
    top: how many results `ask` gives.
    allowed_origins: pages of which other origins may ask (the widget), as "https://example.org".
    publications: parts of the notes that other sites may ask, by name.
    language_model: writes the answers of conversations; without one they are quotations.
    allowed_hosts: under which other host names the service may be called; loopback names always work.
    access: who needs a key: on "auto" everybody but this machine, on "key" everybody, on "open" nobody.
    keys: the file with the hashes of the keys. key_limit: how often each key may ask; public_limit: how often each caller of a
    publication may.
    milvus: a Milvus server or cluster that holds what is asked, for many services at once (see `indexer.milvus.settings`).
    log: a line for each request as "text" or "json", or only what goes wrong ("quiet"). log_questions: with what was asked.
    """

    notes: list[str] = msgspec.field(default_factory=lambda: ["notes"])
    index: str = "index"
    model: str = DEFAULT_MODEL
    ignore: list[str] = []
    collections: dict[Name, Collection] = {}
    prompts: Prompts | None = None
    device: Device = "auto"
    host: str = "127.0.0.1"
    port: Port = 8000
    watch: bool = True
    processes: Processes = 1
    read_only: bool = False
    top: Top = 8
    allowed_origins: list[Origin] = []
    allowed_hosts: list[str] = []
    access: Literal["auto", "key", "open"] = "auto"
    keys: str = "trellis-keys.json"
    key_limit: Rate = "600/minute"
    public_limit: Rate = "60/minute"
    log: Literal["text", "json", "quiet"] = "text"
    log_questions: bool = False
    language_model: LanguageModel | None = None
    publications: dict[Name, Publication] = {}
    milvus: Milvus | None = None

    def __post_init__(self) -> None:
        indexes = [os.path.normpath(collection.index) for collection in self.all_collections().values()]
        if len(set(indexes)) < len(indexes):
            raise ValueError("each of `collections` needs an index folder of its own")
        if self.milvus and self.publications:
            raise ValueError("`publications` are made from the index folder; serve them without `milvus`")
        for name, publication in self.publications.items():
            if publication.collection not in (self.collections or {""}):
                known = (
                    f"one of {', '.join(self.collections)}" if self.collections else "left out without `collections`"
                )
                raise ValueError(f"the `collection` of the publication '{name}' must be {known}")

    def only(self, collection: str) -> Config:
        """The settings with this collection alone, and what is published of it. Raises ConfigError."""
        if collection not in self.collections:
            known = f"there are {', '.join(self.collections)}" if self.collections else "the settings name none"
            raise ConfigError(f"There is no collection '{collection}': {known}.")
        published = {name: each for name, each in self.publications.items() if each.collection == collection}
        chosen = {collection: self.collections[collection]}
        return msgspec.structs.replace(self, collections=chosen, publications=published)

    def all_collections(self) -> dict[str, Collection]:
        """Every collection by name, with nothing left out; without `collections` there is one, by the name ""."""
        if not self.collections:
            return {
                "": Collection(
                    notes=self.notes, index=self.index, model=self.model, prompts=self.prompts, ignore=self.ignore
                )
            }
        return {
            name: Collection(
                notes=each.notes,
                index=each.index or str(Path(self.index) / COLLECTIONS / name),
                model=each.model or self.model,
                prompts=each.prompts if each.prompts or each.model else self.prompts,
                ignore=self.ignore if each.ignore is None else each.ignore,
                title=each.title or name,
            )
            for name, each in self.collections.items()
        }


def load_config(path: Path | None = None) -> Config:
    """The settings in `path`, or in `trellis.yaml` of the working folder if there is one, else the defaults.

    Raises ConfigError for a key that does not exist or a value of the wrong type, naming the file and the key.
    """
    path = path or Path(CONFIG_FILE)
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        if path != Path(CONFIG_FILE):
            raise ConfigError(f"There is no settings file '{path}'.") from None
        return Config()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"'{path}' cannot be read: {error}") from error
    import yaml  # most run without a settings file, and `trellis ask` should start quickly

    from indexer.safe_yaml import read_yaml

    try:
        settings = read_yaml(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"'{path}' cannot be read as YAML: {' '.join(str(error).split())}") from error
    settings = {} if settings is None else settings
    if not isinstance(settings, dict):
        raise ConfigError(f"'{path}' must hold settings as 'name: value' lines.")
    if settings.get("collections") and "notes" in settings:
        raise ConfigError(f"{path}: give `notes` in each of `collections`, or only `notes`, not both.")
    config = make_config(settings, str(path))
    base = path.resolve().parent
    collections = {name: _placed(base, each) for name, each in config.collections.items()}
    placed = _placed(base, config)
    return msgspec.structs.replace(placed, collections=collections, keys=_beside(base, config.keys))


def make_config(settings: dict[str, Any], origin: str) -> Config:
    settings = _as_list(settings)
    if isinstance(collections := settings.get("collections"), dict):
        settings["collections"] = {name: _as_list(each) for name, each in collections.items()}
    try:
        return msgspec.convert(settings, Config)
    except msgspec.ValidationError as error:
        known = ", ".join(Config.__struct_fields__)
        reason = str(error).replace(" - at `$.", ": `").replace("Object contains unknown field", "unknown setting")
        raise ConfigError(f"{origin}: {reason}. The settings are {known}.") from error


def _as_list(settings: Any) -> Any:
    """With `notes` as a list: one place alone may stand as it is."""
    if isinstance(settings, dict):
        return {**settings, "notes": [settings["notes"]]} if isinstance(settings.get("notes"), str) else {**settings}
    return settings


Placed = TypeVar("Placed", Config, Collection)


def _placed(base: Path, settings: Placed) -> Placed:
    """With all places relative to the folder `base`."""
    return msgspec.structs.replace(
        settings,
        notes=[_beside(base, place) for place in settings.notes],
        index=_beside(base, settings.index) if settings.index else "",
        model=_beside(base, settings.model) if settings.model and (base / settings.model).is_dir() else settings.model,
    )


def _beside(base: Path, place: str) -> str:
    try:
        path = Path(place).expanduser()
    except RuntimeError:
        raise ConfigError(f"'{place}' stands in the home folder of somebody whom this machine does not know.") from None
    if path.is_absolute() or base == Path.cwd():
        return str(path)
    return str(base / path)
