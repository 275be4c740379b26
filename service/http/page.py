"""The page for people, and what only it asks for: outlines part by part, parts to look under, the map."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence

import msgspec
from flask import Flask, Response, render_template, request

from indexer.errors import TrellisError
from service import recent
from service.config import Config
from service.errors import RequestError
from service.http.parameters import scope_path, whole_number
from service.http.wire import to_json
from service.outline import ROWS_AT_ONCE, view_outline
from service.picture import view_map
from service.scopes import find_scopes
from service.search.query_syntax import join_path
from service.snapshot import Current
from service.types import Answer, Problem

UNEXPECTED = "Something went wrong inside Trellis. The cause is in its log."
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_log = logging.getLogger("trellis.web")


def add_page(app: Flask, current: Current, config: Config) -> None:
    app.add_template_filter(_harmless, "harmless")
    app.add_template_filter(join_path, "as_path")

    @app.get("/")
    def page() -> Response:
        question, under, file = request.args.get("q", "").strip(), scope_path(), request.args.get("file", "").strip()
        reply = _answer(current, config, question, under, file) if question else None
        html = render_template(
            "page.html", question=question, under=under, file=file, reply=reply, data=_embedded(reply) if reply else ""
        )
        response = Response(html, mimetype="text/html")
        if question:
            response.headers["Cache-Control"] = "no-store"
        return response


def add_page_api(app: Flask, current: Current) -> None:
    @app.get("/api/nodes/<node_id>/outline")
    def outline(node_id: str) -> Response:
        start = whole_number("start", 0) if "start" in request.args else None
        zoom, top = request.args.get("zoom", ""), whole_number("top", ROWS_AT_ONCE)
        return to_json(view_outline(current.get(), node_id, zoom, start, top))

    @app.get("/api/scopes")
    def scopes() -> Response:
        return to_json(find_scopes(current.get(), request.args.get("q", ""), whole_number("top", 8)))

    drawn: dict[str, bytes] = {}  # the map of the current generation, once somebody has opened it

    @app.get("/api/map")
    def picture() -> Response:
        snapshot = current.get()
        data = drawn.get(snapshot.name)
        if data is None:
            data = msgspec.json.encode(view_map(snapshot))
            drawn.clear()
            drawn[snapshot.name] = data
        return Response(data, mimetype="application/json")


def _answer(current: Current, config: Config, question: str, under: Sequence[str], file: str) -> Answer | Problem:
    """The answer, or what is wrong: the page has to come either way."""
    try:
        return recent.ask(current.get(), question, config.top, under, file)
    except RequestError as error:
        return Problem(error.title, error.status, str(error))
    except TrellisError as error:
        return Problem("Service unavailable", 503, str(error))
    except Exception as error:
        _log.error("unexpected error", exc_info=error)
        return Problem("Internal error", 500, UNEXPECTED)


def _embedded(reply: Answer | Problem) -> str:
    """As JSON that can stand inside a script element: the page's script shows it and need not ask again."""
    text = msgspec.json.encode(reply).decode()
    return re.sub("[<>&\x7f-\x9f\u2028-\u202e\u2066-\u2069]", lambda sign: f"\\u{ord(sign.group()):04x}", text)


def _harmless(text: str) -> str:
    """Controls and overrides of writing direction as visible signs, as `static/elements.js` shows them."""
    return _UNSEEN.sub("\ufffd", text)
