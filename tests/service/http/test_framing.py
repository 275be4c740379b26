"""Requests are read the same however their bytes come."""

from __future__ import annotations

import pytest
from waitress.adjustments import Adjustments

from bench.trust.framing import CASES, GOOD
from service.http.framing import StrictParser

SETTINGS = Adjustments(max_request_header_size=16_384, max_request_body_size=65_536)


def status(*parts: bytes) -> int:
    """Of the first request in these bytes; 0: it is not whole."""
    parser = StrictParser(SETTINGS)
    for part in parts:
        rest = part
        while rest and not parser.completed:
            rest = rest[parser.received(rest) :]
    if parser.error:
        return int(parser.error.code)
    return 200 if parser.completed else 0


SHORT = [(name, data) for name, data in [(name, data) for name, data, _ in CASES] + GOOD if len(data) < 1000]


@pytest.mark.parametrize(("name", "data"), SHORT, ids=[name for name, _ in SHORT])
def test_one_by_one_and_in_two_parts_wherever_they_part(name: str, data: bytes) -> None:
    whole = status(data)
    assert status(*(data[at : at + 1] for at in range(len(data)))) == whole
    assert {status(data[:at], data[at:]) for at in range(1, len(data))} == {whole}
