"""How many cores are ours, on any machine, and what a process keeps and gives back."""

import gc
import os
import weakref
from pathlib import Path

import pytest

from indexer.machine import give_back_memory, keep_loaded, share_memory, usable_cores

OURS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, OURS),
        ({"cpu.max": "max 100000\n"}, OURS),
        ({"cpu.max": "100000 100000\n"}, 1),
        ({"cpu.max": "20000 100000\n"}, 1),
        ({"cpu.max": "100000000 100000\n"}, OURS),
        ({"cpu.max": "what is this\n"}, OURS),
        ({"cpu.max": ""}, OURS),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, OURS),
        ({"cpu/cpu.cfs_quota_us": "50000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 1),
        ({"cpu/cpu.cfs_quota_us": "50000\n", "cpu/cpu.cfs_period_us": "0\n"}, OURS),
    ],
)
def test_a_quota_of_the_container_counts(tmp_path: Path, files: dict[str, str], cores: int) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert usable_cores(tmp_path) == cores


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system cannot bind a process to cores")
def test_cores_that_the_scheduler_keeps_from_us_do_not_count(tmp_path: Path) -> None:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        assert usable_cores(tmp_path) == 1
    finally:
        os.sched_setaffinity(0, before)


def test_memory_can_be_given_back_anywhere() -> None:
    share_memory()
    give_back_memory()


def test_garbage_is_found_among_what_comes_after_what_was_loaded() -> None:
    keep_loaded()
    try:
        assert gc.get_freeze_count() > 0

        class Knot:
            pass

        knot = Knot()
        knot.itself = knot
        gone = weakref.ref(knot)
        del knot
        gc.collect()
        assert gone() is None
    finally:
        gc.unfreeze()
