"""`trellis merge`: one index out of parts that were indexed apart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from service.cli.support import configure, fail, failing_clearly, json_option, plain, print_json


@click.command()
@click.argument("parts", nargs=-1, required=True, metavar="PART...", type=click.Path(path_type=Path))
@click.option(
    "--notes", "notes", metavar="PLACE", multiple=True, help="The notes; repeatable. Left out, the settings say."
)
@click.option("--index", "index", metavar="DIR", help="The index folder to make.")
@click.option("--collection", metavar="NAME", help="The collection of the settings that the parts are of.")
@json_option
@click.pass_obj
@failing_clearly
def merge(
    config_file: Path | None,
    parts: Sequence[Path],
    notes: Sequence[str],
    index: str | None,
    collection: str | None,
    as_json: bool,
) -> None:
    """Make one index out of those of parts of the notes ('trellis index --shard K/N').

    Nothing that a part has embedded is embedded again; what no part has is.
    """
    config = configure(config_file, collection, notes=list(notes) or None, index=index)
    from service.cli.show import show_indexed
    from service.collections import Collections, Encoders
    from service.serving import merge as merge_parts

    members = Collections.of(config, Encoders()).members
    if len(members) > 1:
        fail(f"The parts are of one collection: --collection {' or '.join(member.name for member in members)}.")
    merged = merge_parts(members[0], list(parts))
    for remark in merged.remarks:
        click.echo(f"trellis: {plain(remark)}", err=True)
    printed, remarks = show_indexed(merged.report, members[0].name)
    click.echo(plain(remarks), nl=False, err=True)
    if as_json:
        print_json(merged)
    else:
        click.echo(plain(f"{merged.parts:,} parts: {printed}"))
