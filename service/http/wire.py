"""JSON in and out: what every route shares."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from flask import Response, request
from werkzeug.exceptions import UnsupportedMediaType

from service.errors import InvalidRequest
from service.types import Problem

T = TypeVar("T")


def body_of(kind: type[T]) -> T:
    """The request's body. Raises InvalidRequest, and UnsupportedMediaType for a body that is not declared as JSON: forms of
    other sites cannot declare that.
    """
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("Send the question as JSON, with 'Content-Type: application/json'.")
    try:
        return msgspec.json.decode(request.get_data(), type=kind)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"The request does not fit: {error}.") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"The body is not valid JSON: {error}.") from error
    except RecursionError as error:  # also within a field that no route knows, which is passed over
        raise InvalidRequest("The body is not valid JSON: it is nested too deeply.") from error


def to_json(value: Any) -> Response:
    return Response(msgspec.json.encode(value), mimetype="application/json")


def problem_response(problem: Problem) -> Response:
    return Response(msgspec.json.encode(problem), status=problem.status, mimetype="application/problem+json")
