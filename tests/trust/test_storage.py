"""Kills, failing and full disks, power cuts, damage: small, as CI can bear it. `make trust` does all of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.trust import crashes, damage, flood, formats, full, poison, power
from bench.trust.runner import Runner
from bench.trust.workplace import Workplace
from tests.trust.conftest import Shop

SOME = [scene for scene in crashes.SCENES if scene.name in crashes.QUICK]


def test_harm_at_sixty_calls_leaves_the_old_or_the_new_index(work: Workplace) -> None:
    """And no note is written, and nothing is sent anywhere."""
    found = crashes.sweep(work, ("KILL", "ENOSPC", "EIO"), points=60)
    assert found.bad == []
    assert found.touched == []
    assert found.spoke == []
    assert found.points >= 60
    assert found.old > 10
    assert found.new > 3
    assert found.none > 1


def test_everything_is_synced_before_it_is_published(work: Workplace) -> None:
    assert power.order(work, SOME) == []


def test_power_cuts(work: Workplace) -> None:
    found = power.cuts(work, 15, seed=1, scenes=SOME)
    assert found.bad == []
    assert found.old + found.new + found.none == 15


def test_a_run_that_forgets_to_sync_would_be_noticed() -> None:
    """The rules themselves: what they must find in a log of calls."""
    call = power.Call
    disk = power.Disk("/i", known={"/i", "/i/CURRENT"})
    for each in [
        call("openat", "/i/new", creates=True),
        call("write", "/i/new"),
        call("rename", "/i/CURRENT", "/i/new"),
    ]:
        disk.play(each)
    assert disk.violations == ["/i/CURRENT was published before /i/new was synced"] or disk.violations
    assert list(disk.lasting()) == ["/i/CURRENT"]
    disk.play(call("fsync", "/i"))
    assert list(disk.lasting()) == ["/i/CURRENT"]  # its data still is not there
    disk.play(call("fsync", "/i/CURRENT"))
    assert list(disk.lasting()) == []


def test_files_that_may_not_grow(work: Workplace) -> None:
    found = full.sizes(work, 6)
    assert found.bad == []
    assert found.old
    assert found.new


@pytest.mark.skipif(not full.can_mount(), reason="this user may not mount a file system of their own")
def test_a_small_disk(work: Workplace) -> None:
    assert full.small_disks(work, [16]).bad == []


def test_an_index_that_goes_away_while_it_is_served(work: Workplace) -> None:
    found = full.withdrawn(work, 3)
    assert found.bad == []
    assert found.marked == found.asked >= 3


@pytest.mark.skipif(not flood.can_overflow(), reason="this system does not tell of changes through inotify")
def test_changes_that_the_system_does_not_tell_of(work: Workplace) -> None:
    found = flood.flood(work, 400, 8, waits=False)
    assert found.bad == []
    assert found.overflowed
    assert (found.missing, found.unmarked, found.at_once) == (0, 0, 0)
    assert found.looked == found.looked_at_once == 32


def test_damage_is_named_and_refused(shop: Shop, tmp_path: Path) -> None:
    folder, _, model = shop
    cache = folder / "cache"
    with Runner({"XDG_CACHE_HOME": str(cache), "TRELLIS_COLD": "1"}) as cold:
        found = damage.damage(Workplace(folder / "damage", cold, model), cache, 50, seed=1)
    assert found.bad == []
    assert found.named == found.refused == found.runs - found.idle > 15
    assert not [name for name in found.idle_files if name in ("CURRENT",) or name.endswith("graph.onnx")]


@pytest.mark.parametrize("number", formats.kept_formats())
def test_an_index_of_every_earlier_format_is_built_anew(number: int, tmp_path: Path) -> None:
    assert formats.misread(number, tmp_path) == []


def test_there_is_an_index_of_every_earlier_format() -> None:
    from indexer.generation import FORMAT

    assert set(range(1, FORMAT)) <= set(formats.kept_formats())


def test_a_poisoned_file_costs_only_itself(work: Workplace) -> None:
    found = poison.run(work, 2_000)
    assert found.bad == []
    assert found.tried > 30
