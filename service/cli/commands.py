"""The command line: `trellis`. It translates to calls of the packages; nothing heavy is imported before a command needs it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.cli.ask import ask, mcp, related
from service.cli.completion import completion, files
from service.cli.keys import keys
from service.cli.merge import merge
from service.cli.options import collection_option, index_option
from service.cli.support import BAD_INPUT, json_option
from service.cli.support import configure as _configure
from service.cli.support import fail as _fail
from service.cli.support import failing_clearly as _failing_clearly
from service.cli.support import plain as _plain
from service.cli.support import print_json as _print_json

if TYPE_CHECKING:
    from indexer.build import Report
    from indexer.encoder import Encoder
    from service.collections import Collections
    from service.config import Config


notes_argument = click.argument("notes", nargs=-1, shell_complete=files)


class _WholeOrAuto(click.ParamType):  # type: ignore[type-arg]
    """The settings say what is allowed."""

    name = "number"

    def convert(self, value: Any, param: Any, context: Any) -> Any:
        return int(value) if str(value).isdecimal() else value


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", "config_file", metavar="FILE", type=click.Path(path_type=Path), help="Settings file.")
@click.version_option(package_name="trellis")
@click.pass_context
def main(context: click.Context, config_file: Path | None) -> None:
    """Ask your outline: search and question answering over your own notes."""
    # numpy's products are small here, and the threads it would share them among wait for each other by spinning: twice the
    # processor time of a question. Work is shared among cores by the texts and the questions instead.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    context.obj = config_file


@main.command()
@notes_argument
@index_option
@collection_option
@click.option("--shard", "shard", metavar="K/N", help="Only the K-th of N parts, into an index folder of its own.")
@click.option("--account", "accounted", is_flag=True, help="Say for each file where its lines went.")
@click.option("--republish", "anew", is_flag=True, help="Compare all that Milvus holds with the index, and mend it.")
@json_option
@click.pass_obj
@_failing_clearly
def index(
    config_file: Path | None,
    notes: Sequence[str],
    index: str | None,
    collection: str | None,
    shard: str | None,
    accounted: bool,
    anew: bool,
    as_json: bool,
) -> None:
    """Build the index or bring it up to date; unchanged notes cost nothing.

    With --shard it is that of a part of the files, which 'trellis merge' makes one with the others.
    """
    config = _configure(config_file, collection, notes=list(notes) or None, index=index)
    from indexer.errors import TrellisError
    from indexer.shards import parse_shard
    from service.cli.show import show_indexed
    from service.serving import build

    part = parse_shard(shard) if shard is not None else None
    failed = False
    documents = []
    for member in _collections(config).members:
        try:
            report = build(member, part, anew)
        except TrellisError as error:
            if not member.name:
                raise
            failed = True
            click.echo(f"trellis: {member.name}: {_plain(str(error))}", err=True)
            documents.append({"collection": member.name, "problem": str(error)})
            continue
        documents.append(_document(member.name, report, accounted))
        printed, remarks = show_indexed(report, member.name, accounted)
        click.echo(_plain(remarks), nl=False, err=True)
        if not as_json:
            click.echo(_plain(printed))
    if as_json:
        _print_json(documents[0] if "collection" not in documents[0] else {"collections": documents})
    if failed:
        raise SystemExit(BAD_INPUT)


@main.command()
@notes_argument
@index_option
@collection_option
@click.option("--host", metavar="H", help="Address to listen on.")
@click.option("--port", type=int, metavar="P", help="Port to listen on; 0 takes any free one.")
@click.option("--watch/--no-watch", "watch", default=None, help="Follow changes of the notes.")
@click.option(
    "--processes", type=_WholeOrAuto(), metavar="N|auto", help="How many processes answer; auto: one for each core."
)
@click.option(
    "--read-only", "read_only", is_flag=True, default=None, help="Only read the index; it is updated elsewhere."
)
@click.option(
    "--access",
    type=click.Choice(["auto", "key", "open"]),
    help="Who needs a key: everybody but this machine (auto), everybody, nobody.",
)
@click.option("--log", type=click.Choice(["text", "json", "quiet"]), help="The log on standard error.")
@click.pass_obj
@_failing_clearly
def serve(config_file: Path | None, notes: Sequence[str], collection: str | None, **options: Any) -> None:
    """Index the notes and serve the page, the widget and the HTTP interface."""
    config = _configure(config_file, collection, notes=list(notes) or None, **options)
    from service.http.access import require_closed
    from service.http.door import bind, near_url, url_of
    from service.http.processes import count_of, serve_alone, supervise
    from service.presence import announced, folders_of, made

    notice = require_closed(config)
    bound = bind(config.host, config.port)
    if notice:
        click.echo(f"trellis: {_plain(notice)}", err=True)
    count = count_of(config)
    run = partial(supervise, count=count) if count > 1 else serve_alone
    presence = made(near_url(bound)) if near_url(bound) else None
    with ExitStack() as until_the_end:

        def ready() -> None:
            if presence:
                until_the_end.enter_context(announced(presence, folders_of(config)))
            click.echo(url_of(bound))

        status = run(config, bound, ready=ready, presence=presence)
    raise SystemExit(status)


main.add_command(keys)
main.add_command(ask)
main.add_command(related)
main.add_command(mcp)
main.add_command(completion)
main.add_command(merge)


@main.command("eval")
@click.argument("questions", type=click.Path(path_type=Path))
@click.option("--compare", "earlier", type=click.Path(path_type=Path), metavar="RUN", help="An earlier run's --json.")
@collection_option
@index_option
@json_option
@click.pass_obj
@_failing_clearly
def evaluate(
    config_file: Path | None,
    questions: Path,
    earlier: Path | None,
    collection: str | None,
    index: str | None,
    as_json: bool,
) -> None:
    """Score retrieval on questions with known answers, one JSON object a line."""
    config = _configure(config_file, collection, index=index)
    from service import answering
    from service.measure import evaluate as evaluation

    asked = evaluation.read_questions(questions)
    before = evaluation.read_run(earlier) if earlier else None
    snapshots = _collections(config).asked().snapshots
    result = evaluation.evaluate(asked, lambda question: answering.ask(snapshots, question, evaluation.DEPTH), before)
    if as_json:
        _print_json(result)
    else:
        click.echo(_plain(evaluation.table(result)))


@main.command()
@collection_option
@index_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    default=Path("trellis-report.html"),
    show_default=True,
    help="Where to write the page.",
)
@click.option("--sample", type=click.IntRange(min=1), metavar="N", help="Ask for at most N nodes.  [default: 1000]")
@click.option("--gate", type=float, metavar="SHARE", help="Fail when less than this share, 0 to 1, is found among ten.")
@json_option
@click.pass_obj
@_failing_clearly
def report(
    config_file: Path | None,
    collection: str | None,
    index: str | None,
    out: Path,
    sample: int | None,
    gate: float | None,
    as_json: bool,
) -> None:
    """Ask for each note by its own words, and write a page of what cannot be found and why.

    Exit status 1 says that less was found than --gate asks for.
    """
    config = _configure(config_file, collection, index=index)
    from service.cli.show import ProgressBars
    from service.judge.known_items import SAMPLE
    from service.measure.report import measure_findability
    from service.measure.report_page import check_request, render_report, write_page
    from service.measure.report_text import summary

    check_request(gate, out)
    members = _collections(config).members
    if len(members) > 1:
        _fail(f"A report is of one collection: --collection {' or '.join(member.name for member in members)}.")
    snapshot = members[0].get()
    with ProgressBars() as bars:
        result = measure_findability(snapshot, sample or SAMPLE, bars)
    write_page(out, render_report(result))
    if as_json:
        _print_json(result)
    else:
        click.echo(_plain(f"{summary(result)}\nThe page: {out}"))
    if gate is not None and not result.passes(gate):
        click.echo(f"trellis: less than {gate:.2%} was found among the first ten.", err=True)
        raise SystemExit(1)


@main.command()
@collection_option
@index_option
@json_option
@click.pass_obj
@_failing_clearly
def doctor(config_file: Path | None, collection: str | None, index: str | None, as_json: bool) -> None:
    """Say what a maintainer would ask for: versions, machine, index, model, settings, limits. No notes, no secrets."""
    config = _configure(config_file, collection, index=index)
    from service.doctor import examine

    found = examine(config)
    if as_json:
        _print_json(found)
    else:
        click.echo(_plain("\n".join(found.lines())))
    raise SystemExit(0 if found.well else 1)


@main.command()
@index_option
@collection_option
@json_option
@click.pass_obj
@_failing_clearly
def check(config_file: Path | None, collection: str | None, index: str | None, as_json: bool) -> None:
    """Say whether the index is whole, current, and made by this model. Exit status 1 says that it is not."""
    verdicts = {
        member.name: member.check() for member in _collections(_configure(config_file, collection, index=index)).members
    }
    every = all(verdict.ok for verdict in verdicts.values())
    if not as_json:
        for name, verdict in verdicts.items():
            click.echo(_plain("\n".join(f"{name}: {line}" if name else line for line in verdict.lines())))
    elif "" in verdicts:
        _print_json(verdicts[""])
    else:
        _print_json({"ok": every, "collections": verdicts})
    raise SystemExit(0 if every else 1)


def _collections(config: Config, wrap: Callable[[Encoder], Encoder] = lambda encoder: encoder) -> Collections:
    from service.collections import Collections, Encoders

    return Collections.of(config, Encoders(wrap))


def _document(name: str, report: Report, accounted: bool) -> dict[str, Any]:
    """The report of one collection as JSON has it."""
    from msgspec import structs

    document = structs.asdict(report if accounted else structs.replace(report, accounts=[]))
    return {"collection": name, **document} if name else document
