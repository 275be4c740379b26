"""What all commands share: settings, errors as exit codes, and what may be printed on a terminal."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from service.config import Config

BAD_INPUT = 2

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")


def failing_clearly(command: Callable[..., None]) -> Callable[..., None]:
    """The one place where errors become exit codes."""

    @wraps(command)
    def run(*args: Any, **options: Any) -> None:
        from indexer.errors import TrellisError

        try:
            command(*args, **options)
        except TrellisError as error:
            fail(str(error))
        except BrokenPipeError:
            sys.stderr.close()

    return run


@contextmanager
def uncollected() -> Iterator[None]:
    """For a command that loads, answers and ends: looking for garbage among what is being loaded finds none, and takes time."""
    collected = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collected:
            gc.enable()


def fail(message: str) -> NoReturn:
    click.echo(f"trellis: {plain(message)}", err=True)
    raise SystemExit(BAD_INPUT)


def configure(config_file: Path | None, collection: str | None = None, **options: Any) -> Config:
    """The settings of the file, overruled by what the command line gives: notes or an index named there are asked instead of
    the collections of the settings.
    """
    from msgspec import structs

    from indexer.errors import ConfigError
    from service.config import load_config, make_config

    config = load_config(config_file)
    given = {name: value for name, value in options.items() if value is not None}
    if collection is not None:
        if not given.keys().isdisjoint({"notes", "index"}):
            raise ConfigError("--collection chooses from the settings: leave NOTES and --index out beside it.")
        config = config.only(collection)
    elif config.collections and not given.keys().isdisjoint({"notes", "index"}):
        config = structs.replace(config, collections={}, publications={})
    return make_config(structs.asdict(config) | given, "command line")


def print_json(value: Any) -> None:
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def plain(text: str) -> str:
    """Without control characters: a note must not be able to move the cursor or colour the terminal."""
    return "".join(
        c if c == "\n" or c.isprintable() or c in "\u200d\ufe0f" else "\ufffd" for c in text.replace("\t", " ")
    )
