"""Token vectors: what is stored is near to what was encoded, and MaxSim is what brute force says."""

from __future__ import annotations

import numpy as np
import pytest

from indexer.late import DIMENSION, Projection, TokenVectors, fit, join

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
    parts = [projection.encode(unit(count, 8)) for count in (3, 0, 5, 1, 0)]
    tokens = join(parts, projection)
    query = unit(4, 8)
    first, last = np.array([0, 1, 1, 2, 4, 0]), np.array([0, 1, 2, 3, 4, 4])
    found = tokens.best_matches(query, first, last)
    for row, (start, end) in enumerate(zip(first, last, strict=True)):
        codes = np.concatenate(parts[start : end + 1]).astype(np.float32) * projection.scale
        expected = (codes @ query.T).max(axis=0) if len(codes) else np.zeros(4)
        assert np.allclose(found[row], expected, atol=1e-5)


def test_what_is_written_is_what_is_read() -> None:
    tokens = join(
        [np.array([[1, -2]], np.int8), np.empty((0, 2), np.int8)], Projection(np.eye(2, dtype=np.float32), 0.5)
    )
    read = TokenVectors.from_bytes(tokens.to_bytes())
    assert np.array_equal(read.codes, tokens.codes)
    assert np.array_equal(read.offsets, [0, 1, 1])
    assert read.projection.scale == 0.5


def test_a_pickle_is_not_opened(tmp_path) -> None:
    evil = np.array([{"a": 1}], dtype=object)
    np.savez(tmp_path / "evil.npz", codes=evil, offsets=evil, matrix=evil, scale=evil)
    with pytest.raises(ValueError, match="allow_pickle"):
        TokenVectors.from_bytes((tmp_path / "evil.npz").read_bytes())
