"""Settings: one class, read once at the edge, from `trellis.yaml` and then from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec

from indexer.encoder import DEFAULT_MODEL
from indexer.errors import ConfigError

CONFIG_FILE = "trellis.yaml"

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Top = Annotated[int, msgspec.Meta(ge=1, le=50)]
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


class Publication(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of the notes that other sites may ask, by an index of its own.

    under: paths such as "Identity > STS", each with all below it. file: a glob on file names; both given, both must fit.
    origins: the pages that may carry its widget, as "https://example.org"; they reach this part and nothing else.
    """

    under: list[Annotated[str, msgspec.Meta(min_length=1)]] = []
    file: str = ""
    origins: list[Origin] = []

    def __post_init__(self) -> None:
        if not self.under and not self.file:
            raise ValueError("a publication needs `under` or `file`, or it would publish everything")


PublicationName = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Every setting of Trellis. Relative paths are relative to the folder of `trellis.yaml`.

    notes: files and folders to index. index: the folder for the index, made if missing.
    model: the default model's name, a folder, or the name of a model on the hub.
    host, port: where to serve; port 0 takes any free one. watch: whether `serve` follows changes of the notes.
    top: how many results `ask` gives.
    allowed_origins: pages of which other origins may ask (the widget), as "https://example.org".
    publications: parts of the notes that other sites may ask, by name.
    language_model: writes the answers of conversations; without one they are quotations.
    allowed_hosts: under which other host names the service may be called; loopback names always work.
    """

    notes: list[str] = msgspec.field(default_factory=lambda: ["notes"])
    index: str = "index"
    model: str = DEFAULT_MODEL
    host: str = "127.0.0.1"
    port: Port = 8000
    watch: bool = True
    top: Top = 8
    allowed_origins: list[Origin] = []
    allowed_hosts: list[str] = []
    language_model: LanguageModel | None = None
    publications: dict[PublicationName, Publication] = {}


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

    try:
        settings = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # the last two: no such date, nested too deep
        raise ConfigError(f"'{path}' is not valid YAML: {' '.join(str(error).split())}") from error
    settings = {} if settings is None else settings
    if not isinstance(settings, dict):
        raise ConfigError(f"'{path}' must hold settings as 'name: value' lines.")
    config = make_config(settings, str(path))
    base = path.resolve().parent
    return msgspec.structs.replace(
        config,
        notes=[_beside(base, place) for place in config.notes],
        index=_beside(base, config.index),
        model=_beside(base, config.model) if (base / config.model).is_dir() else config.model,
    )


def make_config(settings: dict[str, Any], origin: str) -> Config:
    if isinstance(settings.get("notes"), str):
        settings = {**settings, "notes": [settings["notes"]]}
    try:
        return msgspec.convert(settings, Config)
    except msgspec.ValidationError as error:
        known = ", ".join(Config.__struct_fields__)
        reason = str(error).replace(" - at `$.", ": `").replace("Object contains unknown field", "unknown setting")
        raise ConfigError(f"{origin}: {reason}. The settings are {known}.") from error


def _beside(base: Path, place: str) -> str:
    path = Path(place).expanduser()
    if path.is_absolute() or base == Path.cwd():
        return str(path)
    return str(base / path)
