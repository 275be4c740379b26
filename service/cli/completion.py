"""Completion in the shell: the command that prints the script, and what options are completed with.

Names of collections come from the settings; headings, tags and states from the service, where one runs on this machine: opening
the index would take longer than one waits for a Tab.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click
from click.shell_completion import CompletionItem, get_completion_class

from service.cli.support import configure, fail

if TYPE_CHECKING:
    from service.config import Config

_VARIABLE = "_TRELLIS_COMPLETE"
_PATIENCE = 0.5
"""Seconds for the service to answer."""
_MOST = 50
_SPECIAL = re.compile(r"[^\w@%+=:,./-]")
"""What bash would not take for a part of the word."""


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that completes `trellis` in a shell; docs/deploy.md says where it goes."""
    of_shell = get_completion_class(shell)
    if of_shell is None:
        fail(f"There is no completion for {shell}.")
    from service.cli import main

    try:
        click.echo(of_shell(main, {}, "trellis", _VARIABLE).source())
    except RuntimeError as error:  # it asks bash for its version
        fail(str(error))


def files(*_: Any) -> list[CompletionItem]:
    return [CompletionItem("", type="file")]


def folders(*_: Any) -> list[CompletionItem]:
    return [CompletionItem("", type="dir")]


def collections(context: click.Context, _: click.Parameter, begun: str) -> list[CompletionItem]:
    config = _settings(context)
    named = config.collections.items() if config else ()
    return [CompletionItem(name, help=each.title or None) for name, each in named if name.startswith(begun)]


def headings(context: click.Context, _: click.Parameter, begun: str) -> list[CompletionItem]:
    """Headings that begin so; behind a ">" whole paths."""
    from service.search.query_syntax import join_path

    found = _ask(context, "/api/scopes", q=begun.rpartition(">")[2].strip(), top=_MOST).get("headings", [])
    whole = ">" in begun
    return _beginning(begun, (join_path([*each["path"], each["text"]] if whole else [each["text"]]) for each in found))


def tags(context: click.Context, _: click.Parameter, begun: str) -> list[CompletionItem]:
    return _beginning(begun, _values(context, "tag"))


def states(context: click.Context, _: click.Parameter, begun: str) -> list[CompletionItem]:
    return _beginning(begun, ("open", "done", *_values(context, "todo")))


def properties(context: click.Context, _: click.Parameter, begun: str) -> list[CompletionItem]:
    return _beginning(begun, _values(context, "where"))


def _values(context: click.Context, kind: str) -> list[str]:
    return [each["value"] for each in _ask(context, "/api/filters").get(kind, [])]


def _beginning(begun: str, values: Iterable[str]) -> list[CompletionItem]:
    fitting = (value for value in dict.fromkeys(values) if value.casefold().startswith(begun.casefold()))
    return [CompletionItem(_as_typed(value)) for value in fitting if value.isprintable()][:_MOST]


def _as_typed(value: str) -> str:
    """With two backslashes for bash, whose script takes away one: the other shells quote what they insert themselves."""
    return _SPECIAL.sub(r"\\\\\g<0>", value) if os.environ.get(_VARIABLE, "").startswith("bash") else value


def _settings(context: click.Context) -> Config | None:
    """The settings that the command would have; None where they are wrong: that is told when it is run."""
    from indexer.errors import TrellisError

    given = context.find_root().params.get("config_file")
    try:
        return configure(Path(given) if given else None)
    except TrellisError:
        return None


def _ask(context: click.Context, path: str, **parameters: str | int) -> dict[str, Any]:
    """What the service of these settings says, if it runs on this machine and answers at once."""
    import json
    from http.client import HTTPConnection, HTTPException
    from urllib.parse import urlencode

    config = _settings(context)
    if config is None or config.host not in ("127.0.0.1", "::1", "localhost"):
        return {}
    connection = HTTPConnection(config.host, config.port, timeout=_PATIENCE)
    try:
        connection.request("GET", f"{path}?{urlencode(parameters)}")
        answer = connection.getresponse()
        return cast(dict[str, Any], json.load(answer)) if answer.status == 200 else {}
    except (OSError, HTTPException, ValueError):
        return {}
    finally:
        connection.close()
