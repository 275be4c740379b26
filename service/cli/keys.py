"""The command `trellis keys`: who may ask from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from service.cli.support import configure, failing_clearly, json_option, plain, print_json


@click.group()
def keys() -> None:
    """Make, list and revoke the keys that requests from elsewhere need."""


@keys.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(["ask", "read", "admin"]),
    help="What it may: ask questions, read notes, everything; repeatable.  [default: ask and read]",
)
@click.option("--days", type=click.IntRange(1, 36500), metavar="N", help="Until it expires; left out, it does not.")
@click.option("--limit", "limits", metavar="RATES", help='Instead of `key_limit`: "60/minute; 2000/day".')
@json_option
@click.pass_obj
@failing_clearly
def add(
    config_file: Path | None, name: str, scopes: Sequence[str], days: int | None, limits: str | None, as_json: bool
) -> None:
    """Make a key and print it. It is shown this once: only its hash is kept."""
    path = _path(config_file)
    from service.keys import USUAL, add_key, check_new

    check_new(name, limits)
    key, secret = add_key(path, name, scopes or USUAL, days, limits)  # type: ignore[arg-type]  # click has checked them
    if as_json:
        print_json({"key": secret, "id": key.id, "name": key.name, "scopes": key.scopes, "expires": key.expires})
        return
    click.echo(secret)
    click.echo(f"Keep it well: it is not shown again. Send it as 'Authorization: Bearer {secret[:12]}…'.", err=True)


@keys.command("list")
@json_option
@click.pass_obj
@failing_clearly
def list_keys(config_file: Path | None, as_json: bool) -> None:
    """List the keys: id, name, scopes, expiry, limits. Their secrets are not kept anywhere."""
    path = _path(config_file)
    from service.keys import read_keys

    found = read_keys(path)
    if as_json:
        shown = ("id", "name", "scopes", "created", "expires", "limits")
        print_json([{name: getattr(key, name) for name in shown} for key in found])
        return
    for key in found:
        until = "has expired" if key.expired else f"until {key.expires}" if key.expires else "for ever"
        click.echo(
            plain(f"{key.id}  {key.name}: {', '.join(key.scopes)}, {until}{f', {key.limits}' if key.limits else ''}")
        )
    if not found:
        click.echo("There are no keys. 'trellis keys add NAME' makes one.", err=True)


@keys.command()
@click.argument("key", metavar="ID-or-NAME")
@click.pass_obj
@failing_clearly
def revoke(config_file: Path | None, key: str) -> None:
    """Take a key away. A running service refuses it from its next request on."""
    path = _path(config_file)
    from service.keys import revoke_key

    gone = revoke_key(path, key)
    click.echo(plain(f"revoked {gone.id} ({gone.name})"), err=True)


def _path(config_file: Path | None) -> Path:
    return Path(configure(config_file).keys).expanduser()
