"""The chat widget as one script: its files, joined inside one function so that none of their names reaches the page."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from flask import Response, request

_FOLDER = Path(__file__).parents[1] / "static" / "widget"
_FILES = ("head", "style", "elements", "talk", "answer", "note", "chat")


@cache
def widget_script() -> bytes:
    parts = [(_FOLDER / f"{name}.js").read_text("utf-8") for name in _FILES]
    return ("(() => {\n" + "\n".join(parts) + "})();\n").encode()


def widget_response() -> Response:
    """The script; a browser that has this version is told so."""
    response = Response(widget_script(), mimetype="text/javascript")
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response
