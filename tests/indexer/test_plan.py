"""What to embed, decided without embedding anything."""

from hypothesis import given
from hypothesis import strategies as st

from indexer.plan import plan_vectors

A, B, C, D = b"a", b"b", b"c", b"d"


def test_the_first_time_everything_is_embedded() -> None:
    plan = plan_vectors({}, [A, B, C])
    assert (plan.kept, plan.embed, plan.to_embed) == ([], [[0], [1], [2]], 3)


def test_nothing_changed_nothing_is_embedded() -> None:
    plan = plan_vectors({A: 0, B: 1}, [A, B])
    assert (plan.kept, plan.embed, plan.to_embed) == ([(0, 0), (1, 1)], [], 0)


def test_what_moved_keeps_its_vector() -> None:
    assert plan_vectors({A: 0, B: 1, C: 2}, [C, A]).kept == [(0, 2), (1, 0)]


def test_only_what_is_new_is_embedded() -> None:
    plan = plan_vectors({A: 0, B: 1}, [A, D, B, C])
    assert (plan.kept, plan.embed) == ([(0, 0), (2, 1)], [[1], [3]])


def test_equal_chunks_are_embedded_once_and_keep_a_row_each() -> None:
    plan = plan_vectors({A: 5}, [B, A, B, A, B])
    assert (plan.kept, plan.embed, plan.to_embed) == ([(1, 5), (3, 5)], [[0, 2, 4]], 3)


hashes = st.sampled_from([bytes([n]) for n in range(12)])


@given(st.dictionaries(hashes, st.integers(0, 99)), st.lists(hashes))
def test_every_new_chunk_gets_its_vector_from_exactly_one_place(old: dict[bytes, int], new: list[bytes]) -> None:
    plan = plan_vectors(old, new)
    assert sorted([row for row, _ in plan.kept] + [row for rows in plan.embed for row in rows]) == list(range(len(new)))
    assert all(old[new[row]] == old_row for row, old_row in plan.kept)
    assert all(new[row] not in old for rows in plan.embed for row in rows)
    texts = [{new[row] for row in rows} for rows in plan.embed]
    assert all(len(some) == 1 for some in texts)
    assert len(set.union(set(), *texts)) == len(texts)
