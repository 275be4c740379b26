"""Following the notes: a change is noticed and swapped in; notes that vanish leave the old index answering."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from indexer.errors import IndexBusy, IndexUnwritable, NotesError
from service import follow
from service.answering import search
from service.follow import Follower, signature
from service.snapshot import Current
from tests.conftest import TINY_MODEL, Workshop

PATIENCE = 30.0
"""Seconds until a test gives up. No test is about how long something takes."""


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


class Following:
    """Notes that are followed and the index that answers."""

    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop
        self.current = Current(workshop.index, TINY_MODEL, workshop.encoder)
        self.errors: list[Exception] = []
        self.updates = 0
        self.looks = 0
        self.before_look: Callable[[], object] = lambda: None
        self.follower = Follower([workshop.notes], self.update)
        self.follower.start()

    def update(self) -> None:
        self.updates += 1
        if self.errors:
            raise self.errors.pop(0)
        self.workshop.build()
        self.current.refresh()

    def found(self) -> list[str]:
        return [result.text for result in search(self.current.get(), "apple").results]

    def files(self) -> list[str]:
        return sorted(result.source.file for result in search(self.current.get(), "apple").results)

    def some_looks(self, count: int = 4) -> None:
        until = self.looks + count
        wait_until(lambda: self.looks >= until)


@pytest.fixture
def following(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Following]:
    """Notes with one apple, looked at often."""
    for pause in ("_INTERVAL", "_INTERVAL_WHEN_TOLD", "_REST"):
        monkeypatch.setattr(follow, pause, 0.02)
    yield from followed(workshop, monkeypatch)


@pytest.fixture
def told(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Following]:
    """Notes with one apple, looked at only when the system tells of a change."""
    for pause in ("_INTERVAL", "_INTERVAL_WHEN_TOLD"):
        monkeypatch.setattr(follow, pause, 10 * PATIENCE)
    yield from followed(workshop, monkeypatch)


def followed(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Following]:
    workshop.write("red apple\n")
    workshop.build()
    counted: list[Following] = []
    really = follow.find_sources

    def count(*places: object) -> object:
        for one in counted:
            one.before_look()
            one.looks += 1
        return really(*places)

    monkeypatch.setattr(follow, "find_sources", count)
    counted.append(Following(workshop))
    yield counted[0]
    counted[0].follower.stop()
    counted[0].follower.join(PATIENCE)
    assert not counted[0].follower.is_alive()


def test_a_changed_file_is_swapped_in(following: Following) -> None:
    before = following.current.get()
    assert following.found() == ["red apple"]
    following.workshop.write("green apple\n")
    wait_until(lambda: following.found() == ["green apple"])
    assert following.current.get().name != before.name


def test_the_system_tells_of_changes(told: Following) -> None:
    told.workshop.write("green apple\n")
    wait_until(lambda: told.found() == ["green apple"])
    told.workshop.write("apple cake\n", "deeper/more.txt")
    wait_until(lambda: sorted(told.found()) == ["apple cake", "green apple"])
    (told.workshop.notes / "deeper" / "more.txt").rename(told.workshop.notes / "moved.txt")
    wait_until(lambda: told.files() == ["moved.txt", "notes.txt"])


def test_who_asks_meanwhile_keeps_the_snapshot_it_took(following: Following) -> None:
    before = following.current.get()
    following.workshop.write("green apple\n")
    wait_until(lambda: following.current.get() is not before)
    assert [result.text for result in search(before, "apple").results] == ["red apple"]


def test_a_new_file_and_a_removed_one_are_noticed(following: Following) -> None:
    following.workshop.write("apple cake\n", "more.txt")
    wait_until(lambda: sorted(following.found()) == ["apple cake", "red apple"])
    (following.workshop.notes / "notes.txt").unlink()
    wait_until(lambda: following.found() == ["apple cake"])


def test_unchanged_notes_are_left_alone(following: Following) -> None:
    following.some_looks()
    assert following.updates == 0


def test_notes_that_vanish_leave_the_old_index_answering(following: Following) -> None:
    before = following.current.get()
    shutil.rmtree(following.workshop.notes)
    following.some_looks()
    assert following.current.get() is before
    assert following.found() == ["red apple"]
    assert following.updates == 0


def test_notes_that_come_back_are_followed_again(following: Following) -> None:
    shutil.rmtree(following.workshop.notes)
    following.some_looks()
    following.workshop.notes.mkdir()
    following.workshop.write("green apple\n")
    wait_until(lambda: following.found() == ["green apple"])


def test_an_empty_notes_folder_leaves_the_old_index_answering(following: Following) -> None:
    (following.workshop.notes / "notes.txt").unlink()
    following.some_looks()
    assert following.found() == ["red apple"]


@pytest.mark.parametrize("error", [NotesError("cannot be read"), RuntimeError("a bug")])
def test_an_update_that_fails_does_not_end_the_following(following: Following, error: Exception) -> None:
    following.errors.append(error)
    following.workshop.write("green apple\n")
    wait_until(lambda: following.updates == 1)
    assert following.found() == ["red apple"]
    following.workshop.write("yellow apple, the third\n")
    wait_until(lambda: following.found() == ["yellow apple, the third"])


def test_it_says_that_the_index_is_behind_for_as_long_as_it_is(following: Following) -> None:
    assert not following.follower.behind
    behind: list[bool] = []
    really = following.workshop.build

    def build() -> object:
        behind.append(following.follower.behind)
        return really()

    following.workshop.build = build  # type: ignore[method-assign,assignment]
    following.workshop.write("green apple\n")
    wait_until(lambda: following.found() == ["green apple"] and not following.follower.behind)
    assert behind == [True]
    following.errors.append(NotesError("cannot be read"))
    following.workshop.write("yellow apple, the third\n")
    wait_until(lambda: following.updates == 2)
    following.some_looks()
    assert following.follower.behind  # it is not tried again, and the index still lacks it
    following.workshop.write("blue apple, which is the fourth\n")
    wait_until(lambda: not following.follower.behind)
    assert following.found() == ["blue apple, which is the fourth"]


def test_a_change_that_is_taken_back_leaves_nothing_behind(following: Following) -> None:
    more = following.workshop.notes / "more.txt"

    def come_and_go() -> None:
        if following.follower.behind:
            more.unlink(missing_ok=True)

    following.before_look = come_and_go
    more.write_text("apple cake\n", "utf-8")
    wait_until(lambda: not more.exists())
    following.some_looks()
    assert not following.follower.behind
    assert following.updates == 0


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left"), IndexUnwritable(Path("index"), "Read-only file system")]
)
def test_a_change_that_the_disk_did_not_take_is_tried_again(
    following: Following, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Though nothing changes any more: the disk has room again later."""
    monkeypatch.setattr(follow, "_LAST_RETRY", 0.05)
    following.follower._retry = 0.05
    following.errors += [error] * 3
    following.workshop.write("green apple\n")
    wait_until(lambda: following.found() == ["green apple"])
    assert following.updates == 4


def test_a_change_that_met_a_busy_index_is_not_forgotten(following: Following) -> None:
    """Another `trellis index` held the lock: when it is done, the change still has to come in."""
    following.errors.append(IndexBusy(following.workshop.index))
    following.workshop.write("green apple\n")
    wait_until(lambda: following.updates >= 1)
    following.some_looks(20)
    assert following.found() == ["green apple"]


def test_a_file_that_is_still_being_written_is_waited_for(following: Following) -> None:
    """While the file differs at every look nothing is indexed; once it rests, it is."""
    following.before_look = lambda: following.workshop.write("green apple\n" * (following.looks + 1))
    following.some_looks(5)
    assert following.updates == 0
    following.before_look = lambda: None
    wait_until(lambda: "green apple" in following.found())


def test_a_file_that_never_rests_is_taken_as_it_is_in_the_end(
    following: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "_PATIENCE", 0.1)
    number = 0
    deadline = time.monotonic() + PATIENCE
    while "green apple" not in following.found():
        assert time.monotonic() < deadline
        number += 1
        following.workshop.write("green apple\n" * number)
        time.sleep(0.005)


def test_the_signature_is_that_of_notes_files_only(workshop: Workshop) -> None:
    workshop.write("red apple\n")
    before = signature([workshop.notes])
    workshop.write("not notes\n", "picture.png")
    workshop.write("hidden\n", ".swp.txt")
    assert signature([workshop.notes]) == before
    workshop.write("red apple!\n")
    assert signature([workshop.notes]) != before
