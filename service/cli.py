"""The command line: `trellis`. It translates to calls of the packages; nothing heavy is imported before a command needs it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import cache, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from indexer.build import Report
    from indexer.encoder import Encoder, Model
    from service.config import Config
    from service.snapshot import Current

NO_ANSWER = 1
BAD_INPUT = 2


def _failing_clearly(command: Callable[..., None]) -> Callable[..., None]:
    """The one place where errors become exit codes."""

    @wraps(command)
    def run(*args: Any, **options: Any) -> None:
        from indexer.errors import TrellisError

        try:
            command(*args, **options)
        except TrellisError as error:
            _fail(str(error))
        except BrokenPipeError:
            sys.stderr.close()

    return run


def _fail(message: str) -> NoReturn:
    click.echo(f"trellis: {_plain(message)}", err=True)
    raise SystemExit(BAD_INPUT)


index_option = click.option("--index", "index", metavar="DIR", help="The index folder.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
top_option = click.option("--top", type=int, metavar="N", help="How many results.")
notes_argument = click.argument("notes", nargs=-1)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", "config_file", metavar="FILE", type=click.Path(path_type=Path), help="Settings file.")
@click.version_option(package_name="trellis")
@click.pass_context
def main(context: click.Context, config_file: Path | None) -> None:
    """Ask your outline: search and question answering over your own notes."""
    context.obj = config_file


@main.command()
@notes_argument
@index_option
@click.option("--account", "accounted", is_flag=True, help="Say for each file where its lines went.")
@json_option
@click.pass_obj
@_failing_clearly
def index(config_file: Path | None, notes: Sequence[str], index: str | None, accounted: bool, as_json: bool) -> None:
    """Build the index or bring it up to date; unchanged notes cost nothing."""
    from msgspec import structs

    config = _configure(config_file, notes=list(notes) or None, index=index)
    report = _build(config)
    _print_problems(report)
    if as_json:
        _print_json(report if accounted else structs.replace(report, accounts=[]))
        return
    if accounted:
        from service.show import show_accounts

        click.echo(_plain(show_accounts(report.accounts)))
    for line in _skipped(report):
        click.echo(_plain(line), err=True)
    click.echo(_summary(report))


@main.command()
@notes_argument
@index_option
@click.option("--host", metavar="H", help="Address to listen on.")
@click.option("--port", type=int, metavar="P", help="Port to listen on; 0 takes any free one.")
@click.option("--watch/--no-watch", "watch", default=None, help="Follow changes of the notes.")
@click.pass_obj
@_failing_clearly
def serve(config_file: Path | None, notes: Sequence[str], **options: Any) -> None:
    """Index the notes and serve the page, the widget and the HTTP interface."""
    from indexer.machine import give_back_memory, share_memory
    from service.batching import SharedEncoder
    from service.follow import Follower
    from service.http.server import bind, serve, url_of

    share_memory()
    config = _configure(config_file, notes=list(notes) or None, **options)
    bound = bind(config.host, config.port)
    follower = Follower(_places(config), lambda: _follow(config, current))
    report = _build(config)
    _print_problems(report)
    click.echo(_summary(report), err=True)
    current = _open(config, SharedEncoder)
    give_back_memory()
    if config.watch:
        follower.start()

    from service.http.web import create_app

    serve(create_app(current, config), bound, ready=lambda: click.echo(url_of(bound)))


@main.command()
@click.argument("question")
@top_option
@click.option("--under", metavar="PATH", default="", help='Only below this path, as "Identity > STS".')
@click.option("--file", "file", metavar="GLOB", default="", help="Only in files whose name matches.")
@click.option("--tag", "tags", metavar="TAG", multiple=True, help="Only with this tag, own or inherited; repeatable.")
@click.option("--todo", metavar="STATE", default="", help="Only 'open', 'done' or a TODO keyword.")
@click.option("--after", metavar="DATE", default="", help="Only with a date from this day, month or year on.")
@click.option("--before", metavar="DATE", default="", help="Only with a date before it.")
@click.option("--where", metavar="NAME=VALUE", multiple=True, help="Only with this property; repeatable.")
@click.option("--explain", "explained", is_flag=True, help="Say why each result stands where it stands.")
@index_option
@json_option
@click.pass_obj
@_failing_clearly
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
    index: str | None,
    as_json: bool,
) -> None:
    """Answer a question from the notes. Exit status 1 says that the notes do not answer it."""
    config = _configure(config_file, index=index)
    from service import answering
    from service.search.query_syntax import Filters, split_path, split_property
    from service.show import show_answer

    top = config.top if top is None else top
    answering.check_question(question, top)
    properties = tuple(map(split_property, where))
    filters = Filters(tuple(split_path(under)), file, tuple(tags), todo, after, before, properties)
    answer = answering.ask(_open(config).get(), question, top, filters=filters, explained=explained)
    if as_json:
        _print_json(answer)
    else:
        click.echo(_plain(show_answer(answer)))
    raise SystemExit(0 if answer.answered else NO_ANSWER)


@main.command()
@click.argument("node", metavar="ID-or-FILE:LINE")
@top_option
@index_option
@json_option
@click.pass_obj
@_failing_clearly
def related(config_file: Path | None, node: str, top: int | None, index: str | None, as_json: bool) -> None:
    """Find the notes nearest in meaning to a node."""
    config = _configure(config_file, index=index)
    from service import answering
    from service.show import show_related

    snapshot = _open(config).get()
    file, colon, line = node.rpartition(":")
    node_id = answering.node_at(snapshot, file, int(line)) if colon and line.isdecimal() else node
    found = answering.related(snapshot, node_id, config.top if top is None else top)
    if as_json:
        _print_json(found)
    else:
        click.echo(_plain(show_related(found)))


@main.command("eval")
@click.argument("questions", type=click.Path(path_type=Path))
@click.option("--compare", "earlier", type=click.Path(path_type=Path), metavar="RUN", help="An earlier run's --json.")
@index_option
@json_option
@click.pass_obj
@_failing_clearly
def evaluate(config_file: Path | None, questions: Path, earlier: Path | None, index: str | None, as_json: bool) -> None:
    """Score retrieval on questions with known answers, one JSON object a line."""
    config = _configure(config_file, index=index)
    from service import answering
    from service.measure import evaluate as evaluation

    asked = evaluation.read_questions(questions)
    before = evaluation.read_run(earlier) if earlier else None
    snapshot = _open(config).get()
    result = evaluation.evaluate(asked, lambda question: answering.ask(snapshot, question, evaluation.DEPTH), before)
    if as_json:
        _print_json(result)
    else:
        click.echo(_plain(evaluation.table(result)))


@main.command()
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
    config_file: Path | None, index: str | None, out: Path, sample: int | None, gate: float | None, as_json: bool
) -> None:
    """Ask for each note by its own words, and write a page of what cannot be found and why.

    Exit status 1 says that less was found than --gate asks for.
    """
    config = _configure(config_file, index=index)
    from service.judge.known_items import SAMPLE
    from service.measure.report import measure_findability
    from service.measure.report_page import check_request, render_report, write_page
    from service.measure.report_text import summary
    from service.show import ProgressBars

    check_request(gate, out)
    snapshot = _open(config).get()
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
@index_option
@json_option
@click.pass_obj
@_failing_clearly
def check(config_file: Path | None, index: str | None, as_json: bool) -> None:
    """Say whether the index is whole, current, and made by this model. Exit status 1 says that it is not."""
    config = _configure(config_file, index=index)
    from indexer.check import check_index
    from indexer.encoder import locate

    verdict = check_index(_folder(config), locate(config.model))
    if as_json:
        _print_json(verdict)
    else:
        click.echo(_plain("\n".join(verdict.lines())))
    raise SystemExit(0 if verdict.ok else 1)


def _configure(config_file: Path | None, **options: Any) -> Config:
    """The settings of the file, overruled by what the command line gives."""
    from msgspec import structs

    from service.config import load_config, make_config

    config = load_config(config_file)
    given = {name: value for name, value in options.items() if value is not None}
    return make_config(structs.asdict(config) | given, "command line")


def _places(config: Config) -> list[Path]:
    return [Path(place).expanduser() for place in config.notes]


def _folder(config: Config) -> Path:
    return Path(config.index).expanduser()


def _build(config: Config) -> Report:
    from indexer.encoder import locate
    from service.indexing import update
    from service.show import ProgressBars

    with ProgressBars() as bars:
        return update(_places(config), _folder(config), locate(config.model), _loader(_folder(config)), bars)


def _open(config: Config, wrap: Callable[[Encoder], Encoder] = lambda encoder: encoder) -> Current:
    from indexer.encoder import locate
    from indexer.generation import read_manifest, require_match
    from service.snapshot import Current

    folder, model = _folder(config), locate(config.model)
    # A mismatch is known in milliseconds; a model that has to be converted first takes half a minute.
    require_match(folder, read_manifest(folder)[1], model)
    return Current(folder, model, wrap(_loader(folder)(model)))


@cache
def _loader(folder: Path) -> Callable[[Model], Encoder]:
    """Loads a model once in a process, and the one that is kept beside the index where the user's cache has none."""
    from indexer.encoder import load
    from indexer.generation import kept_model

    return cache(lambda model: load(model, kept_model(folder)))


def _follow(config: Config, current: Current) -> None:
    from service.indexing import follow

    follow(_places(config), _folder(config), current, lambda message: click.echo(f"trellis: {message}", err=True))


def _summary(report: Report) -> str:
    resumed = f" ({report.resumed:,} before an interruption)" if report.resumed else ""
    return (
        f"{report.nodes:,} nodes of {report.files:,} files: {report.embedded:,} embedded{resumed}, {report.kept:,} kept, "
        f"{report.removed:,} removed, in {report.seconds:.1f} s"
    )


def _skipped(report: Report) -> list[str]:
    """What was passed over and why; hidden files go without saying."""
    lines = []
    for group in report.skipped:
        if group.reason != "hidden":
            names = ", ".join(group.names[:3]) + (", …" if group.count > 3 else "")
            lines.append(f"passed over {group.count:,}: {group.reason}: {names}")
    return lines


def _print_problems(report: Report) -> None:
    if report.notice:
        click.echo(f"trellis: {_plain(report.notice)}", err=True)
    for problem in report.problems[:100]:
        click.echo(f"trellis: {_plain(str(problem))}", err=True)
    if len(report.problems) > 100:
        click.echo(f"trellis: and {len(report.problems) - 100:,} more", err=True)


def _print_json(value: Any) -> None:
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def _plain(text: str) -> str:
    """Without control characters: a note must not be able to move the cursor or colour the terminal."""
    return "".join(
        c if c == "\n" or c.isprintable() or c in "\u200d\ufe0f" else "\ufffd" for c in text.replace("\t", " ")
    )
