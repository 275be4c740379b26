"""HTTP: routes that translate requests to calls of `service.answering` and errors to problem documents (RFC 9457)."""

from __future__ import annotations

import logging
from contextlib import suppress
from functools import partial

from flask import Blueprint, Flask, Response, current_app, g, render_template, request
from flask.typing import ResponseReturnValue
from msgspec import structs
from werkzeug.exceptions import HTTPException

from indexer.errors import EngineError, NotWithEngine, Republished, TrellisError
from service import answering, asking, standing
from service.chat.writer import Writer
from service.choices import choices
from service.collections import Asked, Collections, Notes, OpenCollection
from service.config import Config
from service.errors import UNUSABLE, KeyRefused, Leaving, Overloaded, RequestError
from service.http import openapi
from service.http.access import Access
from service.http.beside import Beside
from service.http.docs_page import add_docs
from service.http.guards import HostGuard, OriginRefused, check_origin, close_page
from service.http.observe import Observed, Operations
from service.http.operations import add_operations, tell_about
from service.http.page import UNEXPECTED, add_page, add_page_api
from service.http.parameters import collection, given_filters, whole_number
from service.http.web_chat import Streams, add_chat
from service.http.web_mcp import add_mcp
from service.http.web_presence import add_presence
from service.http.web_published import Published, add_published_pages
from service.http.widget import widget_response
from service.http.wire import body_of, problem_response, to_json
from service.metrics import Metrics
from service.presence import Presence
from service.publications import Publications
from service.snapshot import Current
from service.types import TOP_ASK, AskRequest, CollectionList, CollectionState, Health, Problem

WAITING = "WAITING"
"""Setting of the application: a function that tells how many requests wait for a thread."""
OPERATIONS = "OPERATIONS"
"""Setting of the application: its `Operations`."""
_MOST_WAITING = 64
BODY_LIMIT = 64 * 1024
_RUNS = 4
"""So often a request is run, as long as what it reads is published anew meanwhile."""
_ENGINE_RETRY = 5
"""Seconds after which an engine that does not answer may be asked again."""
_log = logging.getLogger("trellis.web")


def create_app(
    current: Current | Collections, config: Config, beside: Beside | None = None, presence: Presence | None = None
) -> Flask:
    """The web application over all collections, or over the one index that a service without collections has. beside: what it
    shares with other processes that answer for the same service. presence: how it is found from this machine.
    """
    notes = current if isinstance(current, Collections) else Collections([OpenCollection.around(current)])
    app = Flask("service", static_folder="static", static_url_path="/static")
    app.config["MAX_CONTENT_LENGTH"] = BODY_LIMIT
    app.config[WAITING] = int  # none, as long as no server says otherwise
    app.url_map.merge_slashes = False  # no redirect leads anywhere
    operations = _observe(app, notes, config, beside, presence)
    app.before_request(lambda: check_origin(config))
    app.before_request(operations.access.check)
    app.before_request(lambda: _check_load(app))
    app.after_request(lambda response: close_page(response, config))
    app.after_request(tell_about)
    add_operations(app, operations)
    _add_pages(app, notes, config)
    writer = Writer.of(config)
    streams = Streams()
    operations.metrics.count_streams(streams.taken)
    _add_api(app, notes, config)
    _add_health(app, notes)
    add_presence(app, notes, config, presence)
    add_mcp(app, notes)
    add_chat(app, notes, writer, streams, page="/")
    if config.publications:
        published = Blueprint("published", __name__, url_prefix="/p/<publication>")
        shown = Published(Publications(notes, config, beside.figures if beside else None))
        published.url_value_preprocessor(shown.choose)
        _add_api(published, shown, config)
        _add_published_health(published, shown)
        add_chat(published, shown, writer, streams, page="")
        add_published_pages(published, shown)
        app.register_blueprint(published)
    _add_errors(app, notes, operations)
    return app


def _observe(
    app: Flask, notes: Collections, config: Config, beside: Beside | None, presence: Presence | None
) -> Operations:
    """Around the routes: whose name it is called by, and around that, what is known of every request."""
    metrics = Metrics(lambda: notes.asked().snapshots, beside.figures if beside else None)
    metrics.count_waiting(partial(_waiting, app))
    access = Access(config, metrics.refused, beside.limiter if beside else None, presence)
    operations = app.config[OPERATIONS] = Operations(metrics, access)
    app.wsgi_app = Observed(HostGuard(app.wsgi_app, config, metrics.refused), metrics)  # type: ignore[method-assign]
    return operations


def _waiting(app: Flask) -> int:
    return int(app.config[WAITING]())


_REASONS = {429: "rate", 503: "load"}
"""Refusals that the figures tell apart, by status."""


def _check_load(app: Flask) -> None:
    """Refuses questions at once when many wait already. A queue without end would keep everyone waiting. Raises Overloaded."""
    waiting = _waiting(app)
    if waiting > _MOST_WAITING and (request.path.startswith("/api/") or request.path == "/mcp"):
        raise Overloaded(waiting)


def _add_pages(app: Flask, notes: Collections, config: Config) -> None:
    add_page(app, notes, config)
    add_page_api(app, notes, config)
    add_docs(app)

    @app.get("/demo")
    def demo() -> str:
        return render_template("demo.html")

    @app.get("/widget.js")
    def widget() -> Response:
        return widget_response()


def _add_api(app: Flask | Blueprint, notes: Notes, config: Config) -> None:
    @app.post("/api/ask")
    def ask() -> Response:
        body = body_of(AskRequest)
        filters = asking.filters_of(body)
        return to_json(
            asking.ask(notes, body.question, body.top, body.collection, filters=filters, explained=body.explain)
        )

    @app.get("/api/search")
    def search() -> Response:
        query, top = request.args.get("q", ""), whole_number("top", config.top)
        explained = request.args.get("explain", "") in ("1", "true")
        found = asking.search(notes, query, top, collection(), filters=given_filters(), explained=explained)
        return to_json(found)

    @app.get("/api/nodes/<node_id>")
    def node(node_id: str) -> Response:
        return to_json(standing.view_node(*asking.find_note(notes, node_id, collection())))

    @app.get("/api/place")
    def place() -> Response:
        file, line = request.args.get("file", ""), whole_number("line", 0)
        return to_json(standing.view_node(*asking.find_place(notes, file, line, collection())))

    @app.get("/api/nodes/<node_id>/related")
    def related(node_id: str) -> Response:
        top = whole_number("top", config.top)
        answering.require_top(top, TOP_ASK)
        return to_json(standing.related(*asking.find_note(notes, node_id, collection()), top))

    @app.get("/api/filters")
    def filters() -> Response:
        return to_json(choices([snapshot.store for snapshot in notes.asked(collection()).snapshots]))

    @app.get("/openapi.json")
    def openapi_json() -> Response:
        return to_json(openapi.describe())


def _add_health(app: Flask, notes: Collections) -> None:
    @app.get("/healthz")
    def healthz() -> Response:
        if current_app.config[OPERATIONS].leaving():
            raise Leaving
        asked = notes.asked()
        named = [structs.replace(state, problem="") for state in notes.states() if state.name]  # problems name folders
        return to_json(_health(asked, named))

    @app.get("/api/collections")
    def collections() -> Response:
        return to_json(
            CollectionList([structs.replace(state, problem=state.problem and UNUSABLE) for state in notes.states()])
        )


def _add_published_health(app: Blueprint, shown: Published) -> None:
    @app.get("/healthz")
    def healthz() -> Response:
        return to_json(_health(shown.asked(), []))


def _health(asked: Asked, states: list[CollectionState]) -> Health:
    manifests = [snapshot.generation.manifest for snapshot in asked.snapshots]
    return Health(
        "ok" if all(state.state == "ready" for state in states) else "degraded",
        sum(manifest.nodes for manifest in manifests),
        answering.generation_of(asked.snapshots),
        ", ".join(dict.fromkeys(manifest.model for manifest in manifests)),
        sum(manifest.borrowed for manifest in manifests),
        states,
        asked.behind,
    )


def _add_errors(app: Flask, notes: Collections, operations: Operations) -> None:
    """The one place where errors become HTTP."""

    @app.errorhandler(RequestError)
    def bad_request(error: RequestError) -> Response:
        response = problem_response(Problem(error.title, error.status, str(error)))
        if error.retry_after:
            response.headers["Retry-After"] = str(error.retry_after)
        if isinstance(error, KeyRefused):
            response.headers["WWW-Authenticate"] = 'Bearer realm="trellis"'
        if reason := _REASONS.get(error.status) or ("origin" if isinstance(error, OriginRefused) else ""):
            operations.refused(reason)
        return response

    @app.errorhandler(Republished)
    def again(error: Republished) -> ResponseReturnValue:
        """Once more, over what is published now: reading changes nothing, so that the request can be run again."""
        g.runs = g.get("runs", 1) + 1
        if g.runs > _RUNS:
            return engine(error)
        for member in notes.members:
            with suppress(TrellisError):  # the request says what is the matter
                member.current.refresh()
        try:
            return app.make_response(app.dispatch_request())
        except Exception as other:  # what is raised here is not given to the other handlers by itself
            return app.handle_user_exception(other)

    @app.errorhandler(EngineError)
    def engine(error: EngineError) -> Response:
        _log.error("unavailable: %s", error)
        response = problem_response(Problem("Service unavailable", 503, error.for_callers))
        response.headers["Retry-After"] = str(_ENGINE_RETRY)
        return response

    @app.errorhandler(NotWithEngine)
    def not_here(error: NotWithEngine) -> Response:
        return problem_response(Problem("Not with this engine", 501, str(error)))

    @app.errorhandler(TrellisError)
    def unavailable(error: TrellisError) -> Response:
        _log.error("unavailable", exc_info=error)
        return problem_response(Problem("Service unavailable", 503, UNUSABLE))

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        code = error.code or 500
        detail = f"At most {BODY_LIMIT // 1024} kB can be sent." if code == 413 else str(error.description)
        response = problem_response(Problem(error.name, code, detail))
        for name, value in error.get_headers():
            if name == "Allow":
                response.headers[name] = value
        return response

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        _log.error("unexpected error", exc_info=error)
        return problem_response(Problem("Internal error", 500, UNEXPECTED))
