"""What a conversion and the process that asks for it tell each other; the asking side never imports PyTorch."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterable

import msgspec

from indexer.errors import ConversionFailed, ModelNotFound
from indexer.machine import apart
from indexer.prompts import Prompts


class Request(msgspec.Struct, frozen=True):
    """name, model, digest: the model and its folder. folder: where the result goes. version: of the rules of conversion.
    prompts: those that are given instead of the model's own.
    """

    name: str
    model: str
    digest: str
    folder: str
    version: int
    prompts: Prompts | None = None


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """doing: what comes next. The last line has one of the others: the digest of the manifest that was written, why the model
    cannot even be loaded, or what failed.
    """

    doing: str = ""
    digest: str = ""
    unusable: str = ""
    failed: str = ""


def run_conversion(request: Request, say: Callable[[str], None]) -> str:
    """Converts in a process of its own and answers the digest of the manifest. Raises ModelNotFound or ConversionFailed."""
    command, environment = apart("indexer.conversion")
    with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as errors:
        asked.write(msgspec.json.encode(request))
        asked.seek(0)
        with subprocess.Popen(command, stdin=asked, stdout=subprocess.PIPE, stderr=errors, env=environment) as process:  # noqa: S603
            last = _listen(process.stdout or (), say)
        errors.seek(0)
        trouble = errors.read().decode("utf-8", "replace").strip().splitlines()
    if last.unusable:
        raise ModelNotFound(request.name, last.unusable)
    if not last.digest:
        ended = f"it ended with status {process.returncode}"
        raise ConversionFailed(last.failed or (trouble[-1] if trouble else ended))
    return last.digest


def _listen(lines: Iterable[bytes], say: Callable[[str], None]) -> Line:
    last = Line()
    for data in lines:
        last = msgspec.json.decode(data, type=Line)
        if last.doing:
            say(last.doing)
    return last
