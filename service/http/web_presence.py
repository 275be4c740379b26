"""The route by which the command line of the same machine finds out whether a service answers as it would itself."""

from __future__ import annotations

import re

from flask import Flask, Response, request

from indexer.errors import TrellisError
from service.collections import Collections, OpenCollection
from service.config import Config
from service.errors import InvalidRequest
from service.http.wire import to_json
from service.presence import Codes, Presence, member

_CHALLENGE = re.compile(r"[0-9a-f]{16,64}", re.ASCII)


def add_presence(app: Flask, notes: Collections, config: Config, presence: Presence | None) -> None:
    @app.get("/api/presence")
    def codes() -> Response:
        challenge = request.args.get("challenge", "")
        if not _CHALLENGE.fullmatch(challenge):
            raise InvalidRequest("'challenge' must be 16 to 64 hexadecimal digits, made anew for each request.")
        if presence is None:
            return to_json(Codes([]))
        made = [presence.code(challenge, member(config, each.name, _generation(each))) for each in notes.members]
        return to_json(Codes(made))


def _generation(collection: OpenCollection) -> str:
    try:
        return collection.get().name
    except TrellisError:
        return ""
