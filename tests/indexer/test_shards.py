"""Which files belong to which part of the notes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import ConfigError
from indexer.shards import Shard, parse_shard

sizes = st.dictionaries(st.text(min_size=1, max_size=8), st.integers(0, 1 << 24), max_size=40)


@given(sizes, st.integers(1, 9), st.randoms())
def test_every_file_is_in_exactly_one_part_whatever_the_order(
    files: dict[str, int], count: int, chance: object
) -> None:
    shuffled = list(files.items())
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    parts = [Shard(number, count).files(files) for number in range(1, count + 1)]
    assert parts == [Shard(number, count).files(dict(shuffled)) for number in range(1, count + 1)]
    assert sorted(file for part in parts for file in part) == sorted(files)


@given(sizes, st.integers(1, 9))
def test_no_part_has_much_more_than_another(files: dict[str, int], count: int) -> None:
    """No two loads differ by more than the largest file, as far as sizes count, which is to a factor of two."""
    loads = [sum(2 * files[file] + 1 for file in Shard(number, count).files(files)) for number in range(1, count + 1)]
    largest = max((1 << size.bit_length() for size in files.values()), default=0)
    assert max(loads) <= 2 * (min(loads) + 2 * largest) + 2 * len(files)


def test_an_edit_moves_no_file() -> None:
    files = {f"{number}.txt": 1000 + 7 * number for number in range(200)}
    before = Shard(2, 5).files(files)
    files["100.txt"] += 90  # 1,700 before: it stays between two powers of two
    assert Shard(2, 5).files(files) == before


def test_parts_are_written_as_people_write_them() -> None:
    assert parse_shard("2/8") == Shard(2, 8)
    assert str(Shard(2, 8)) == "2/8"


@pytest.mark.parametrize("text", ["0/8", "9/8", "2", "2/", "/8", "a/b", "-1/2", "1/1000000", "2 / 8", "", "٢/٨x"])
def test_what_is_no_part_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="no part of the notes"):
        parse_shard(text)
