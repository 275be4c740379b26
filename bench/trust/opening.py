"""What it costs to verify every byte of an index before it is used: requirement 6."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.trust.runner import ROOT
from indexer.durable import read_verified, write_bytes

_TIMES = 7
_BLOCK = 64 << 20


@dataclass(frozen=True, slots=True)
class Cost:
    """In seconds of one core, so that other work on the machine does not count. verifying: to read and hash all files below the
    index as opening does. cold: of `trellis ask` in a new process. gigabyte: to read and verify 1 GB that the system holds in
    memory.
    """

    verifying: float
    cold: float
    gigabyte: float


def cost() -> Cost:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        index = folder / "index"
        main = [sys.executable, "-c", "from service.cli import main; main()"]
        subprocess.run([*main, "index", str(ROOT / "notes"), "--index", str(index)], check=True, capture_output=True)
        ask = [*main, "ask", "How long can a Lambda function run?", "--index", str(index)]
        cold = statistics.median(_seconds_of(ask) for _ in range(_TIMES))
        block = folder / "block"
        record = write_bytes(block, bytes(_BLOCK))
        times = []
        for _ in range(_TIMES):
            started = time.process_time()
            read_verified(block, record)
            times.append(time.process_time() - started)
        per_byte = statistics.median(times) / _BLOCK
        size = sum(path.stat().st_size for path in index.rglob("*") if path.is_file())
        return Cost(per_byte * size, cold, per_byte * (1 << 30))


def _seconds_of(command: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
