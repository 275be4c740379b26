"""What it costs to verify every byte of an index before it is used: requirement 6."""

from __future__ import annotations

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
    """In seconds. verifying: to hash all files below the index as opening does. cold: of `trellis ask` in a new process.
    gigabyte: to read and verify 1 GB that lies in memory already, as after writing it.
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
            started = time.perf_counter()
            read_verified(block, record)
            times.append(time.perf_counter() - started)
        per_byte = statistics.median(times) / _BLOCK
        size = sum(path.stat().st_size for path in index.rglob("*") if path.is_file())
        return Cost(per_byte * size, cold, per_byte * (1 << 30))


def _seconds_of(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, capture_output=True, check=False)
    return time.perf_counter() - started
