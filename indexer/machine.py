"""What this machine lets one process use, what the process keeps and gives back, and how it starts another."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from collections.abc import Callable
from math import ceil
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
_ARENA_MAX, _MMAP_THRESHOLD = -8, -3
"""Of glibc's malloc.h."""
_APART = 2 << 20
"""Bytes from which a block of memory is mapped by itself, and given back when it is freed."""


def usable_cores(cgroup: Path = _CGROUP) -> int:
    """How many cores are ours: no more than the scheduler lets us run on, nor than a container's CPU quota pays for."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(affinity, _quota(cgroup) or affinity))


def _quota(cgroup: Path) -> int | None:
    """Cores that the control group allows, rounded up; None without a limit. Version 2 has one file, version 1 two."""
    try:
        if (cgroup / "cpu.max").is_file():
            quota, period = (cgroup / "cpu.max").read_text("ascii").split()[:2]
        else:
            quota, period = ((cgroup / "cpu" / f"cpu.cfs_{name}_us").read_text("ascii") for name in ("quota", "period"))
        return ceil(int(quota) / int(period)) if int(quota) > 0 else None
    except (OSError, ValueError, ZeroDivisionError):  # "max", or not a Linux with control groups
        return None


def share_memory() -> None:
    """Call before threads are started that come and go: what one of them has freed is then there for the others. glibc would
    otherwise keep a store for each thread, and put ever larger blocks into it, between which it frays: a service that is edited
    for hours would grow. Elsewhere nothing happens.
    """
    if mallopt := _glibc("mallopt"):
        mallopt(_ARENA_MAX, 2)
        mallopt(_MMAP_THRESHOLD, _APART)


def give_back_memory() -> None:
    """Call after work that needed much: glibc gives back to the system what is free. Elsewhere nothing happens."""
    if trim := _glibc("malloc_trim"):
        trim(0)


def keep_loaded() -> None:
    """Call when what a process needs all its life is loaded: Python's collector does not look through it again for garbage."""
    gc.collect()
    gc.freeze()


def _glibc(name: str) -> Callable[..., int] | None:
    if os.name != "posix":
        return None
    return getattr(ctypes.CDLL(None), name, None)


def apart(module: str, *arguments: str) -> tuple[list[str], dict[str, str]]:
    """The command that runs a module of ours in a process of its own, and its environment."""
    packages = str(Path(__file__).resolve().parents[1])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [packages, os.environ.get("PYTHONPATH")]))}
    # -P: a file of the folder that one happens to stand in must not be taken for a library.
    return [sys.executable, "-P", "-m", module, *arguments], environment
