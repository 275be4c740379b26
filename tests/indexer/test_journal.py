"""The journal of a run: whole records are found again, and nothing else is taken for one."""

from pathlib import Path

import pytest

from indexer.journal import Journal, Record, remove_journal

KEY = b"model, rules"
RECORDS = [
    Record([b"one", b"two"], b"vectors", [2, 0], b"tokens", coded=False),
    Record([b"three"], b"more", [1], b"codes", coded=True, projection=b"matrix"),
    Record([], b"", [], b"", coded=True),
]


def written(folder: Path, records: list[Record] = RECORDS, key: bytes = KEY) -> Path:
    journal = Journal(folder, key)
    assert list(journal.records()) == []
    for record in records:
        journal.add(record)
    journal.close()
    return folder / ".unfinished"


def read(folder: Path, key: bytes = KEY) -> list[Record]:
    return list(Journal(folder, key).records())


def test_what_was_added_is_there(tmp_path: Path) -> None:
    written(tmp_path)
    assert read(tmp_path) == RECORDS


def test_without_a_record_there_is_no_file(tmp_path: Path) -> None:
    journal = Journal(tmp_path, KEY)
    assert list(journal.records()) == []
    journal.close()
    assert list(tmp_path.iterdir()) == []


def test_cut_off_anywhere_the_whole_records_remain(tmp_path: Path) -> None:
    path = written(tmp_path)
    data = path.read_bytes()
    seen = set()
    for length in range(len(data)):
        path.write_bytes(data[:length])
        found = read(tmp_path)
        assert found == RECORDS[: len(found)]
        seen.add(len(found))
    assert seen == {0, 1, 2}


def test_any_flipped_byte_drops_its_record_and_what_comes_after(tmp_path: Path) -> None:
    path = written(tmp_path)
    data = path.read_bytes()
    for at in range(len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 0x40]) + data[at + 1 :])
        found = read(tmp_path)
        assert len(found) < len(RECORDS)
        assert found == RECORDS[: len(found)]


def test_a_run_goes_on_behind_the_last_whole_record(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_bytes(path.read_bytes()[:-3] + b"and rubbish of some length behind it")
    journal = Journal(tmp_path, KEY)
    assert list(journal.records()) == RECORDS[:2]
    journal.add(RECORDS[0])
    journal.close()
    assert read(tmp_path) == [*RECORDS[:2], RECORDS[0]]


@pytest.mark.parametrize("content", [b"", b"rubbish", b"trellis-journal-1 ", b"x" * 1000])
def test_another_file_in_its_place_is_written_over(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".unfinished").write_bytes(content)
    assert read(tmp_path) == []
    written(tmp_path)
    assert read(tmp_path) == RECORDS


def test_vectors_of_another_model_are_not_taken(tmp_path: Path) -> None:
    written(tmp_path)
    assert read(tmp_path, b"another model") == []
    written(tmp_path, RECORDS[:1], b"another model")
    assert read(tmp_path) == []


def test_removing_it(tmp_path: Path) -> None:
    remove_journal(tmp_path)
    written(tmp_path)
    remove_journal(tmp_path)
    assert list(tmp_path.iterdir()) == []
