"""What to embed, decided without embedding anything."""

from hypothesis import given
from hypothesis import strategies as st

from indexer.plan import borrow, plan_vectors

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


P, Q, R = b"p", b"q", b"r"


def test_what_came_under_another_heading_borrows_its_old_vector() -> None:
    plan = borrow(plan_vectors({A: 0, B: 1}, [A, C]), [(0, P), (1, Q)], [P, Q], at_most=0)
    assert (plan.kept, plan.embed, plan.borrowed) == ([(0, 0)], [], [(1, 1)])
    assert plan.taken == [(0, 0), (1, 1)]


def test_new_words_are_always_embedded() -> None:
    plan = borrow(plan_vectors({A: 0}, [B, C]), [(0, P)], [Q, R], at_most=0)
    assert (plan.embed, plan.borrowed) == ([[0], [1]], [])


def test_the_first_ones_are_embedded_as_far_as_allowed() -> None:
    plan = borrow(plan_vectors({}, [A, B, C, D]), [(0, P), (1, P), (2, Q)], [P, R, P, Q], at_most=1)
    assert plan.embed == [[0], [1]]
    assert plan.borrowed == [(2, 0), (3, 2)]


def test_each_old_chunk_lends_once_and_only_if_it_would_be_dropped() -> None:
    plan = borrow(plan_vectors({A: 0, B: 1}, [A, C, D]), [(0, P), (1, P)], [P, P, P], at_most=0)
    assert (plan.embed, plan.borrowed) == ([[2]], [(1, 1)])


@given(
    st.dictionaries(hashes, st.integers(0, 99)),
    st.lists(hashes),
    st.lists(st.tuples(st.integers(0, 99), st.sampled_from([P, Q, R])), unique_by=lambda pair: pair[0]),
    st.integers(0, 20),
)
def test_borrowing_loses_no_chunk(
    old: dict[bytes, int], new: list[bytes], own: list[tuple[int, bytes]], at_most: int
) -> None:
    words = [(P, Q, R)[digest[0] % 3] for digest in new]  # equal chunks have equal words
    plan = borrow(plan_vectors(old, new), own, words, at_most)
    assert sorted([row for row, _ in plan.taken] + [row for rows in plan.embed for row in rows]) == list(
        range(len(new))
    )
    assert all(dict(own)[lender] == words[row] for row, lender in plan.borrowed)
    assert not {lender for _, lender in plan.borrowed} & {row for _, row in plan.kept}
