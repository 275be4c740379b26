"""Values read from the query string."""

from __future__ import annotations

from flask import request

from service.errors import InvalidRequest
from service.search.query_syntax import Filters, split_path, split_property


def whole_number(name: str, default: int) -> int:
    """Raises InvalidRequest."""
    text = request.args.get(name, str(default))
    try:
        return int(text)
    except ValueError:
        raise InvalidRequest(f"'{name}' must be a whole number, not '{text[:40]}'.") from None


def collection() -> str:
    """The collection that is asked for; "" for all."""
    return request.args.get("collection", "").strip()


def scope_path() -> list[str]:
    """The segments of 'under': ancestors parted by ">", or the parameter several times."""
    return [segment for value in request.args.getlist("under") for segment in split_path(value)]


def given_filters() -> Filters:
    """The filters in the parameters of a request. Raises InvalidRequest."""
    given = request.args
    return Filters(
        under=tuple(scope_path()),
        file=given.get("file", ""),
        tag=tuple(given.getlist("tag")),
        todo=given.get("todo", ""),
        after=given.get("after", ""),
        before=given.get("before", ""),
        where=tuple(map(split_property, given.getlist("where"))),
    )
