"""Token vectors: what is stored is near to what was encoded, and MaxSim is what brute force says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import late
from indexer.late import DIMENSION, Projection, fit, join, laid_out

RANDOM = np.random.default_rng(7)


def unit(rows: int, dimension: int) -> np.ndarray:
    vectors = RANDOM.normal(size=(rows, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_few_tokens_keep_all_their_dimensions() -> None:
    projection = fit(unit(100, 96))
    assert projection.matrix.shape == (96, 96)


def test_many_tokens_are_projected_to_their_principal_dimensions() -> None:
    """Vectors that lie in 20 dimensions of 384 lose nothing."""
    vectors = unit(5000, 20) @ np.linalg.qr(RANDOM.normal(size=(384, 20)))[0].T.astype(np.float32)
    projection = fit(vectors)
    assert projection.matrix.shape == (384, DIMENSION)
    some, projected = vectors[:50], projection.apply(vectors[:50])
    assert np.allclose(projected @ projected.T, some @ some.T, atol=1e-3)


def test_one_byte_a_number_costs_little() -> None:
    vectors = unit(3000, 128)
    projection = fit(vectors)
    whole = projection.apply(vectors)
    stored = projection.encode(vectors).astype(np.float32) * projection.scale
    assert np.abs((stored * whole).sum(axis=1) - 1).max() < 0.01


def test_best_matches_are_those_of_brute_force() -> None:
    projection = Projection(np.eye(8, dtype=np.float32), 1 / 127)
    parts = [projection.encode(unit(count, 8)) for count in (3, 0, 3000, 1, 0)]  # 3,000: more than are compared at once
    tokens = join(parts, projection)
    query = unit(4, 8)
    first, last = np.array([0, 1, 1, 2, 4, 0]), np.array([0, 1, 2, 3, 4, 4])
    found = tokens.best_matches(query, first, last)
    for row, (start, end) in enumerate(zip(first, last, strict=True)):
        codes = np.concatenate(parts[start : end + 1]).astype(np.float32) * projection.scale
        expected = (codes @ query.T).max(axis=0) if len(codes) else np.zeros(4)
        assert np.allclose(found[row], expected, atol=1e-5)


def test_what_is_written_is_what_is_read() -> None:
    projection = Projection(unit(8, 3), 0.5)
    read = Projection.from_bytes(projection.to_bytes())
    assert np.array_equal(read.matrix, projection.matrix)
    assert read.scale == 0.5


def test_a_pickle_is_not_opened(tmp_path) -> None:
    evil = np.array([{"a": 1}], dtype=object)
    np.savez(tmp_path / "evil.npz", matrix=evil, scale=evil)
    with pytest.raises(ValueError, match="allow_pickle"):
        Projection.from_bytes((tmp_path / "evil.npz").read_bytes())


@given(st.data())
def test_chunks_of_several_segments_are_laid_out_in_any_order(data: st.DataObject) -> None:
    projection = Projection(np.eye(2, dtype=np.float32), 1.0)
    sizes = data.draw(st.lists(st.lists(st.integers(0, 3), max_size=6), min_size=1, max_size=4))
    texts = [
        [np.full((count, 2), 10 * part + at, np.int8) for at, count in enumerate(counts)]
        for part, counts in enumerate(sizes)
    ]
    parts = [(each.codes, each.offsets) for each in (join(text, projection) for text in texts)]
    every = [text for part in texts for text in part]
    slots = data.draw(st.lists(st.sampled_from(range(len(every))), unique=True) if every else st.just([]))
    laid = laid_out(parts, np.array(slots, np.int64), projection)
    assert len(laid.offsets) == len(slots) + 1
    for row, slot in enumerate(slots):
        assert laid.of_chunk(row).tolist() == every[slot].tolist()
    some = np.array(slots[::-1][: len(slots) // 2], np.int64)
    again = laid_out(parts, some, projection)
    assert again.codes.tolist() == [token for slot in some.tolist() for token in every[slot].tolist()]


@given(st.data())
def test_blocks_may_end_anywhere_in_a_run(data: st.DataObject) -> None:
    """A block of two tokens has ends everywhere: in a run, between two, and after several short ones."""
    projection = Projection(np.eye(3, dtype=np.float32), 1 / 127)
    sizes = data.draw(st.lists(st.integers(0, 7), min_size=1, max_size=6))
    tokens = join([projection.encode(unit(size, 3)) for size in sizes], projection)
    rows = st.integers(0, len(sizes) - 1)
    runs = np.array(data.draw(st.lists(st.tuples(rows, rows).map(sorted), max_size=5)), np.int64).reshape(-1, 2)
    query = unit(data.draw(st.integers(0, 3)), 3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(late, "_HELD", 2)
        patch.setattr(late, "_COMPARED", 2)
        found = tokens.best_matches(query, runs[:, 0], runs[:, 1])
    assert found.shape == (len(runs), len(query))
    for row, (first, last) in enumerate(runs):
        codes = tokens.codes[tokens.offsets[first] : tokens.offsets[last + 1]].astype(np.float32) * projection.scale
        assert np.allclose(found[row], (codes @ query.T).max(axis=0) if len(codes) else 0, atol=1e-5)


def test_of_too_much_text_some_tokens_of_long_runs_stand_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Room for ten tokens: five for each run, the short one whole, of the long one every second."""
    projection = Projection(np.eye(1, dtype=np.float32), 1.0)
    long, short = np.arange(10, dtype=np.int8)[:, None], np.array([[3], [1]], np.int8)
    tokens = join([long, short], projection)
    rows, query = np.array([0, 1]), np.ones((1, 1), np.float32)
    assert tokens.best_matches(query, rows, rows).tolist() == [[9], [3]]
    monkeypatch.setattr(late, "_MOST", 10)
    assert tokens.best_matches(query, rows, rows).tolist() == [[8], [3]]
    monkeypatch.setattr(late, "_MOST", 12)  # all there are
    assert tokens.best_matches(query, rows, rows).tolist() == [[9], [3]]
