"""`python -m indexer.conversion`: converts one model into an empty folder.

Reads a `Request` from standard input and writes `Line`s to standard output, a JSON document a line. What libraries print goes
to standard error.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from indexer.conversion.protocol import Line, Request
from indexer.errors import ModelNotFound


def main() -> None:
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    with os.fdopen(os.dup(1), "wb", buffering=0) as output:
        os.dup2(2, 1)
        _convert(request, lambda line: output.write(msgspec.json.encode(line) + b"\n"))


def _convert(request: Request, tell: Callable[[Line], object]) -> None:
    from indexer.conversion.convert import convert
    from indexer.encoder import Model

    def say(what: str) -> None:
        tell(Line(doing=what))

    try:
        model = Model(request.name, Path(request.model), request.digest, request.prompts)
        tell(Line(digest=convert(model, Path(request.folder), request.version, say).digest))
    except ModelNotFound as error:
        tell(Line(unusable=error.reason))
    except OSError as error:
        tell(Line(failed=str(error)))


if __name__ == "__main__":
    main()
