"""Writes of the index that fail, in every way that can be brought about: the old index stays whole and in use."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer import durable, generation, generation_writing
from indexer.errors import IndexBusy, IndexUnwritable
from indexer.generation import open_generation
from tests.conftest import ROOT, TINY_MODEL, Workshop


def texts(index: Path) -> list[str]:
    """All texts of the current generation, opened anew."""
    opened = open_generation(index, TINY_MODEL)
    try:
        return [node.text for node in opened.store.run(0, len(opened.store))]
    finally:
        opened.close()


@pytest.fixture
def built(workshop: Workshop) -> Workshop:
    workshop.write("""
        Identity
            STS
                AssumeRole gives temporary keys
            IAM
        Storage
            S3
        """)
    workshop.build()
    return workshop


Breaker = Callable[[pytest.MonkeyPatch], None]


def no_space(*_: object, **__: object) -> int:
    raise OSError(28, "No space left on device")


def break_write_number(count: int) -> Breaker:
    def breaker(patch: pytest.MonkeyPatch) -> None:
        write, calls = durable.HashingWriter.write, iter(range(count))

        def failing(self: durable.HashingWriter, data: bytes) -> int:
            return write(self, data) if next(calls, None) is not None else no_space()

        patch.setattr(durable.HashingWriter, "write", failing)

    return breaker


def break_call(target: object, name: str, after: int = 0) -> Breaker:
    def breaker(patch: pytest.MonkeyPatch) -> None:
        real, calls = getattr(target, name), iter(range(after))

        def failing(*args: object, **options: object) -> object:
            return real(*args, **options) if next(calls, None) is not None else no_space()

        patch.setattr(target, name, failing)

    return breaker


@pytest.mark.parametrize(
    "breaker",
    [
        *[break_write_number(count) for count in range(12)],
        *[break_call(os, "fsync", after) for after in range(14)],
        break_call(Path, "rename"),
        break_call(Path, "replace"),
        break_call(generation_writing.tempfile, "mkdtemp"),
    ],
    ids=[
        *[f"write {count}" for count in range(12)],
        *[f"fsync {after}" for after in range(14)],
        "rename",
        "replace",
        "mkdtemp",
    ],
)
def test_a_write_that_fails_keeps_the_old_index_and_the_next_run_repairs(
    built: Workshop, monkeypatch: pytest.MonkeyPatch, breaker: Breaker
) -> None:
    before = texts(built.index)
    built.write("Storage\n    EBS\n")
    with monkeypatch.context() as patch:
        breaker(patch)
        with pytest.raises(IndexUnwritable, match="cannot be written: No space left on device"):
            built.build()
    assert texts(built.index) == before
    assert built.build().nodes == 2
    assert texts(built.index) == ["Storage", "EBS"]
    assert not list((built.index / "generations").glob(".new-*"))


def test_a_file_size_limit_of_the_system_keeps_the_old_index(built: Workshop) -> None:
    """The real thing in a process of its own: the system itself refuses to write more than so many bytes a file."""
    pytest.importorskip("resource")
    before = texts(built.index)
    largest = max(path.stat().st_size for path in built.index.rglob("*") if path.is_file())
    built.write("".join(f"Line {number} of many.\n" for number in range(200)))
    script = """
import resource, sys
from pathlib import Path
from indexer.build import build
from indexer.errors import IndexUnwritable
from tests.conftest import TINY_MODEL, TinyEncoder

notes, index, *sizes = sys.argv[1:]
for size in map(int, sizes):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    try:
        build([Path(notes)], Path(index), TINY_MODEL, loader=lambda _: TinyEncoder())
        print("built", size)
    except IndexUnwritable as error:
        print("refused", size, error)
"""
    sizes = [0, 1, 64, 100, 600, 4096, 10_000, 20_000, 40_000, largest]
    ran = subprocess.run(
        [sys.executable, "-c", script, str(built.notes), str(built.index), *map(str, sizes)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    outcomes = ran.stdout.splitlines()
    assert [line.split()[:2] for line in outcomes] == [["refused", str(size)] for size in sizes]
    assert all("cannot be written: File too large. What was there before is unchanged." in line for line in outcomes)
    assert texts(built.index) == before
    assert built.build().nodes == 200
    assert len(texts(built.index)) == 200


def test_one_writer_at_a_time_and_a_killed_one_leaves_no_lock(built: Workshop) -> None:
    script = """
import sys
from pathlib import Path
from indexer.generation_writing import write_lock

with write_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
    built.write("S3\n")
    with subprocess.Popen(
        [sys.executable, "-c", script, str(built.index)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(IndexBusy, match=r"Another 'trellis index' is writing to '.*'\. Try again when it is done"):
            built.build()
        assert len(texts(built.index)) == 6  # reading goes on
        other.kill()
    assert built.build().nodes == 1


def test_a_generation_replaced_while_it_is_opened_is_tried_again(
    built: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, interrupted = generation._verified, []
    monkeypatch.setattr(generation_writing, "_KEEP_FOR", 0)

    def verified(folder: Path, path: Path, read: Callable[[Path], object]) -> object:
        if not interrupted:
            interrupted.append(True)
            for number in range(3):
                built.write(f"Line {number}\n")
                built.build()
        return real(folder, path, read)

    monkeypatch.setattr(generation, "_verified", verified)
    assert texts(built.index) == ["Line 2"]


def test_what_was_replaced_a_moment_ago_stays_for_those_who_read_it_elsewhere(
    built: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def edit(number: int) -> set[str]:
        built.write(f"Line {number}\n")
        built.build()
        return {path.name for path in (built.index / "generations").iterdir()}

    first = generation.current_name(built.index)
    for number in range(4):
        assert first in edit(number)
    for number in range(4, 12):
        left = edit(number)
    assert len(left) == generation_writing._KEEP_MOST
    assert first not in left
    monkeypatch.setattr(generation_writing, "_KEEP_FOR", 0)
    assert len(edit(12)) == generation_writing._KEEP
