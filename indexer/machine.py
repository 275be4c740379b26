"""What this machine lets one process use."""

from __future__ import annotations

import os
from math import ceil
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


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
