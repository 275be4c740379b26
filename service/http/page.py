"""The page for people, and what only it asks for: outlines part by part, parts to look under, the map."""

from __future__ import annotations

import logging
import re

import msgspec
from flask import Flask, Response, render_template, request
from msgspec import structs

from indexer.errors import TrellisError
from service import asking, standing
from service.collections import Collections
from service.config import Config
from service.errors import UNUSABLE, RequestError
from service.http.access import may
from service.http.parameters import collection, scope_path, whole_number
from service.http.wire import to_json
from service.map.opened import Maps
from service.outline import ROWS_AT_ONCE, view_outline
from service.scopes import find_scopes
from service.search.query_syntax import Filters, join_path
from service.types import Answer, Problem

UNEXPECTED = "Something went wrong inside Trellis. The cause is in its log."
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_log = logging.getLogger("trellis.web")


def add_page(app: Flask, notes: Collections, config: Config) -> None:
    app.add_template_filter(_harmless, "harmless")
    app.add_template_filter(join_path, "as_path")

    @app.get("/")
    def page() -> Response:
        question, under, file = request.args.get("q", "").strip(), scope_path(), request.args.get("file", "").strip()
        chosen, named = collection(), [member for member in notes.members if member.name]
        filters = Filters(tuple(under), file)
        reply = _answer(notes, config, question, chosen, filters) if question and may("ask") else None
        html = render_template(
            "page.html",
            question=question,
            under=under,
            file=file,
            collection=chosen,
            collections=named,
            titles=msgspec.json.encode({member.name: member.title for member in named}).decode()
            if len(named) > 1
            else "",
            reply=reply,
            data=_embedded(reply) if reply else "",
        )
        response = Response(html, mimetype="text/html")
        if question:
            response.headers["Cache-Control"] = "no-store"
        return response


def add_page_api(app: Flask, notes: Collections, config: Config) -> None:
    maps = Maps(keep=not config.read_only)

    @app.get("/api/nodes/<node_id>/outline")
    def outline(node_id: str) -> Response:
        start = whole_number("start", 0) if "start" in request.args else None
        zoom, top = request.args.get("zoom", ""), whole_number("top", ROWS_AT_ONCE)
        snapshot, note = asking.find_note(notes, node_id, collection())
        return to_json(
            standing.mark_outline(snapshot, view_outline(snapshot, note, asking.within(snapshot, zoom), start, top))
        )

    @app.get("/api/scopes")
    def scopes() -> Response:
        asked = notes.asked(collection()).snapshots
        found = find_scopes(asked, request.args.get("q", ""), whole_number("top", 8))
        return to_json(structs.replace(found, collections=asking.named(notes.states(), request.args.get("q", ""))))

    @app.get("/api/map")
    def picture() -> Response:
        snapshot = notes.asked(collection()).snapshots[0]
        folder = next(member.folder for member in notes.members if member.name == snapshot.collection)
        return Response(maps.view(snapshot, folder), mimetype="application/json")


def _answer(notes: Collections, config: Config, question: str, chosen: str, filters: Filters) -> Answer | Problem:
    """The answer, or what is wrong: the page has to come either way."""
    try:
        return asking.ask(notes, question, config.top, chosen, filters=filters)
    except RequestError as error:
        return Problem(error.title, error.status, str(error))
    except TrellisError as error:
        _log.error("unavailable", exc_info=error)
        return Problem("Service unavailable", 503, UNUSABLE)
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
