"""Routes for those who run the service: is it alive, is it ready, how does it fare."""

from __future__ import annotations

from flask import Flask, Response, g, request

from service.http.observe import ABOUT, Operations
from service.http.wire import to_json
from service.metrics import CONTENT_TYPE
from service.types import Alive


def add_operations(app: Flask, operations: Operations) -> None:
    @app.get("/livez")
    def livez() -> Response:
        return to_json(Alive())

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(operations.metrics.text(), content_type=CONTENT_TYPE)


def tell_about(response: Response) -> Response:
    """Leaves for the log by which route and with which key the request came: neither its address nor its contents."""
    about = request.environ.get(ABOUT)
    if about is not None:
        about["route"] = request.url_rule.rule if request.url_rule else "none"
        if key := g.get("key"):
            about["key"] = key.id
        if question := g.get("question"):
            about["question"] = question
    return response
