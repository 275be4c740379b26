"""The commands that ask: `trellis ask`, `related` and `mcp`, through a service that runs already where there is one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.cli.completion import headings, properties, states, tags
from service.cli.options import collection_option, index_option, top_option
from service.cli.support import configure, failing_clearly, json_option, plain, print_json, uncollected

if TYPE_CHECKING:
    from service.config import Config
    from service.instant import Instant

NO_ANSWER = 1

server_option = click.option(
    "--server/--no-server", "by_server", default=True, help="Ask through a service that runs on the same index, if any."
)


@click.command()
@click.argument("question")
@top_option
@click.option(
    "--under",
    metavar="PATH",
    default="",
    shell_complete=headings,
    help='Only below this path, as "Identity > STS".',
)
@click.option("--file", "file", metavar="GLOB", default="", help="Only in files whose name matches.")
@click.option(
    "--tag",
    "tags",
    metavar="TAG",
    multiple=True,
    shell_complete=tags,
    help="Only with this tag, own or inherited; repeatable.",
)
@click.option(
    "--todo",
    metavar="STATE",
    default="",
    shell_complete=states,
    help="Only 'open', 'done', a TODO keyword, or any with '*'.",
)
@click.option("--after", metavar="DATE", default="", help="Only with a date from this day, month or year on.")
@click.option("--before", metavar="DATE", default="", help="Only with a date before it.")
@click.option(
    "--where",
    metavar="NAME=VALUE",
    multiple=True,
    shell_complete=properties,
    help="Only with this property; repeatable.",
)
@click.option("--explain", "explained", is_flag=True, help="Say why each result stands where it stands.")
@collection_option
@index_option
@server_option
@json_option
@click.pass_obj
@failing_clearly
@uncollected()
def ask(
    config_file: Path | None,
    question: str,
    top: int | None,
    under: str,
    file: str,
    tags: Sequence[str],
    todo: str,
    after: str,
    before: str,
    where: Sequence[str],
    explained: bool,
    collection: str | None,
    index: str | None,
    as_json: bool,
    by_server: bool,
) -> None:
    """Answer a question from the notes. Exit status 1 says that the notes do not answer it."""
    config = configure(config_file, collection, index=index)
    from service.cli.show import show_answer, show_unavailable
    from service.search.query_syntax import Filters, split_path, split_property

    top = config.top if top is None else top
    properties = tuple(map(split_property, where))
    filters = Filters(tuple(split_path(under)), file, tuple(tags), todo, after, before, properties)
    with _running(config, by_server) as running:
        answer = running.ask(question, top, filters, explained) if running else None
    if answer is None:
        from service import answering, asking
        from service.collections import Collections, Encoders

        answering.check_question(question, top)
        answer = asking.ask(Collections.of(config, Encoders()), question, top, filters=filters, explained=explained)
    click.echo(plain(show_unavailable(answer.unavailable)), nl=False, err=True)
    for notice in answer.notices:
        click.echo(plain(notice), err=True)
    if as_json:
        print_json(answer)
    else:
        click.echo(plain(show_answer(answer)))
    raise SystemExit(0 if answer.answered else NO_ANSWER)


@click.command()
@click.argument("node", metavar="ID-or-FILE:LINE")
@top_option
@collection_option
@index_option
@server_option
@json_option
@click.pass_obj
@failing_clearly
@uncollected()
def related(
    config_file: Path | None,
    node: str,
    top: int | None,
    collection: str | None,
    index: str | None,
    as_json: bool,
    by_server: bool,
) -> None:
    """Find the notes nearest in meaning to a node."""
    config = configure(config_file, collection, index=index)
    from service.cli.show import show_related

    top = config.top if top is None else top
    with _running(config, by_server) as running:
        found = running.related(node, top) if running else None
    if found is None:
        from service import asking, standing
        from service.collections import Collections, Encoders
        from service.reference import place_of

        notes = Collections.of(config, Encoders())
        place = place_of(node, notes.names)
        snapshot, node_id = asking.find_place(notes, *place) if place else asking.find_note(notes, node)
        found = standing.related(snapshot, node_id, top)
    if as_json:
        print_json(found)
    else:
        click.echo(plain(show_related(found)))


@click.command()
@collection_option
@index_option
@server_option
@click.pass_obj
@failing_clearly
def mcp(config_file: Path | None, collection: str | None, index: str | None, by_server: bool) -> None:
    """Serve the notes to a language model's tools, on standard input and output (Model Context Protocol)."""
    config = configure(config_file, collection, index=index)
    try:
        from service.mcp.stdio import run
    except ImportError as error:
        if not (error.name or "").startswith("mcp"):
            raise
        from service.errors import McpMissing

        raise McpMissing from error
    run(config, by_server)


@contextmanager
def _running(config: Config, wanted: bool) -> Iterator[Instant | None]:
    """A service that runs and answers as the index would that these settings name, if one is wanted and there."""
    from service.instant import Instant

    reached = Instant.reach(config) if wanted else None
    try:
        yield reached
    finally:
        if reached:
            reached.close()
