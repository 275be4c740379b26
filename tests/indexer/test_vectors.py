"""FAISS against brute force, and what it is not given."""

import io
from typing import Any

import faiss
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import vectors as vectors_module
from indexer.durable import HashingWriter
from indexer.vectors import VectorIndex, build_index, read_index, write_index


def unit_vectors(count: int, dimension: int, seed: int = 1) -> Any:
    vectors = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def nearest(index: faiss.Index, *arguments: Any) -> Any:
    """In one segment, every vector of which is in use."""
    return vectors_module.nearest(VectorIndex([index], np.arange(index.ntotal)), *arguments)


def stored_vectors(index: faiss.Index, rows: Any) -> Any:
    return vectors_module.stored_vectors(VectorIndex([index], np.arange(index.ntotal)), rows)


def brute_force(vectors: Any, query: Any, top: int, mask: Any = None) -> list[int]:
    similarities = vectors.astype(np.float64) @ query.astype(np.float64)
    allowed = [row for row in range(len(vectors)) if mask is None or mask[row]]
    return sorted(allowed, key=lambda row: -similarities[row])[:top]


@given(
    count=st.integers(1, 200),
    dimension=st.sampled_from([3, 17, 64, 384]),
    top=st.integers(1, 250),
    share=st.none() | st.sampled_from([0.0, 0.05, 0.5, 1.0]),
    seed=st.integers(0, 10_000),
)
def test_faiss_finds_what_brute_force_finds(
    count: int, dimension: int, top: int, share: float | None, seed: int
) -> None:
    vectors, query = unit_vectors(count, dimension, seed), unit_vectors(1, dimension, seed + 1)[0]
    mask = None if share is None else np.random.default_rng(seed).random(count) < share
    scores, rows = nearest(build_index(vectors), query, top, mask)
    expected = brute_force(vectors, query, top, mask)
    assert len(rows) == len(expected)
    np.testing.assert_allclose(scores, vectors[rows] @ query, atol=1e-5)
    np.testing.assert_allclose(scores, vectors[expected] @ query, atol=1e-5)  # rows may swap where scores are equal
    assert (np.diff(scores) <= 0).all()
    assert len(set(rows.tolist())) == len(rows)
    assert mask is None or mask[rows].all()


def test_the_nearest_of_a_thousand_are_the_same_rows_in_the_same_order() -> None:
    vectors, query = unit_vectors(1000, 384), unit_vectors(1, 384, seed=2)[0]
    mask = np.arange(1000) % 3 == 0
    assert nearest(build_index(vectors), query, 20)[1].tolist() == brute_force(vectors, query, 20)
    assert nearest(build_index(vectors), query, 20, mask)[1].tolist() == brute_force(vectors, query, 20, mask)


@pytest.mark.parametrize("only", [0, 7, 8, 9, 63, 64, 99])
def test_a_mask_of_one_finds_that_one(only: int) -> None:
    vectors = unit_vectors(100, 16)
    mask = np.zeros(100, bool)
    mask[only] = True
    scores, rows = nearest(build_index(vectors), vectors[50], 10, mask)
    assert rows.tolist() == [only]
    assert scores[0] == pytest.approx(float(vectors[only] @ vectors[50]), abs=1e-5)


def test_a_vector_is_nearest_to_itself_with_similarity_one() -> None:
    vectors = unit_vectors(50, 16)
    scores, rows = nearest(build_index(vectors), vectors[7], 1)
    assert rows.tolist() == [7]
    assert scores[0] == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("top", [0, -1])
def test_none_are_asked_for(top: int) -> None:
    scores, rows = nearest(build_index(unit_vectors(5, 4)), unit_vectors(1, 4)[0], top)
    assert (len(scores), len(rows)) == (0, 0)


def test_an_index_of_nothing_finds_nothing() -> None:
    scores, rows = nearest(build_index(np.empty((0, 4), np.float32)), unit_vectors(1, 4)[0], 5)
    assert (len(scores), len(rows)) == (0, 0)


GOOD = unit_vectors(3, 4)


@pytest.mark.parametrize(
    ("vectors", "complaint"),
    [
        (GOOD.astype(np.float64), r"not \(3, 4\) float64"),
        (GOOD.astype(np.float16), "float16"),
        (GOOD[0], r"not \(4,\) float32"),
        (GOOD[None], r"not \(1, 3, 4\) float32"),
        (GOOD * 2, r"unit length, but one has 2\.0000"),
        (GOOD * np.array([[1], [1], [0]], np.float32), r"one has 0\.0000"),
        (GOOD * np.array([[1], [1], [1.01]], np.float32), r"one has 1\.0100"),
        (np.where(np.eye(3, 4) > 0, np.nan, GOOD).astype(np.float32), "unit length"),
        (np.where(np.eye(3, 4) > 0, np.inf, GOOD).astype(np.float32), "unit length"),
    ],
    ids=["float64", "float16", "one axis", "three axes", "too long", "zero", "a little long", "nan", "infinite"],
)
def test_what_is_no_row_of_unit_vectors_is_refused(vectors: Any, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        build_index(vectors)


def test_vectors_that_lie_apart_in_memory_are_taken() -> None:
    vectors = np.asfortranarray(unit_vectors(20, 8))
    assert nearest(build_index(vectors), vectors[3], 1)[1].tolist() == [3]


def test_an_index_written_and_read_again_is_the_same() -> None:
    vectors = unit_vectors(40, 24)
    file = io.BytesIO()
    writer = HashingWriter(file)
    write_index(build_index(vectors), writer)
    index = read_index(file.getvalue())
    assert writer.size == len(file.getvalue())
    assert (index.ntotal, index.d) == (40, 24)
    np.testing.assert_array_equal(stored_vectors(index, np.arange(40)), vectors)


def test_stored_vectors_come_in_the_order_asked_for() -> None:
    vectors = unit_vectors(10, 8)
    rows = np.array([7, 0, 7, 3])
    np.testing.assert_array_equal(stored_vectors(build_index(vectors), rows), vectors[rows])


class FullDisk(io.BytesIO):
    """Takes so many bytes and then says so, or only writes less."""

    def __init__(self, room: int, silent: bool) -> None:
        super().__init__()
        self.room, self.silent = room, silent

    def write(self, data: Any) -> int:
        data = bytes(data)
        if len(data) > self.room:
            if not self.silent:
                raise OSError(28, "No space left on device")
            data = data[: self.room]
        self.room -= len(data)
        return super().write(data)


@pytest.mark.parametrize("silent", [False, True], ids=["an error", "a short write"])
@pytest.mark.parametrize("room", [0, 1, 40, 100, 3000, 3870])
def test_a_disk_that_is_full_is_noticed(room: int, silent: bool) -> None:
    index = build_index(unit_vectors(40, 24))
    with pytest.raises(OSError, match=r"No space left|bytes could be written"):
        write_index(index, HashingWriter(FullDisk(room, silent)))


class TestBeyondExactSearch:
    """Above a size vectors are grouped and rounded; the size is lowered here."""

    @pytest.fixture(autouse=True)
    def soon(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(vectors_module, "EXACT_UP_TO", 1000)
        monkeypatch.setattr(vectors_module, "_NARROW", 100)

    def crowd(self, count: int, seed: int = 3) -> Any:
        """Vectors in groups, as those of real texts are."""
        random = np.random.default_rng(seed)
        centres = unit_vectors(60, 48)
        vectors = centres[random.integers(60, size=count)] + 0.15 * random.standard_normal((count, 48))
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)

    def opened(self, index: Any) -> Any:
        file = io.BytesIO()
        write_index(index, HashingWriter(file))
        return read_index(file.getvalue())

    def recall(self, index: Any, vectors: Any, mask: Any = None) -> float:
        queries = self.crowd(50, seed=4)
        hits = 0
        for query in queries:
            rows = nearest(index, query, 10, mask)[1].tolist()
            assert len(set(rows)) == len(rows) == 10
            assert mask is None or mask[rows].all()
            hits += len(set(rows) & set(brute_force(vectors, query, 10, mask)))
        return hits / 500

    def test_nearly_all_of_the_nearest_are_found(self) -> None:
        vectors = self.crowd(5000)
        index = self.opened(build_index(vectors))
        assert not isinstance(index, faiss.IndexFlat)
        assert self.recall(index, vectors) > 0.95

    @pytest.mark.parametrize("share", [0.01, 0.015, 0.1, 0.9])
    def test_a_filter_is_applied_before_the_cut(self, share: float) -> None:
        vectors = self.crowd(5000)
        mask = np.random.default_rng(5).random(5000) < share
        assert self.recall(self.opened(build_index(vectors)), vectors, mask) > 0.95

    def test_rows_keep_their_numbers_and_nearly_their_vectors(self) -> None:
        vectors = self.crowd(3000)
        stored = stored_vectors(self.opened(build_index(vectors)), np.arange(3000))
        assert np.abs(stored - vectors).max() < 0.01
        assert (stored * vectors).sum(axis=1).min() > 0.999

    def test_an_update_keeps_the_centroids_unless_the_size_has_changed_much(self) -> None:
        vectors = self.crowd(6000)
        old = self.opened(build_index(vectors[:5000]))
        new = build_index(vectors, old)
        assert new.ntotal == 6000
        centroids = [np.asarray(index.quantizer.reconstruct_n(0, index.quantizer.ntotal)) for index in (old, new)]
        assert np.array_equal(*centroids)
        assert self.recall(self.opened(new), vectors) > 0.95
        assert build_index(self.crowd(30_000), old).quantizer.ntotal > old.quantizer.ntotal

    def test_an_update_to_little_is_exact_again(self) -> None:
        vectors = self.crowd(5000)
        small = build_index(vectors[:900], self.opened(build_index(vectors)))
        assert isinstance(small, faiss.IndexFlat)
        assert self.recall(small, vectors[:900]) == 1.0


@given(st.data())
def test_several_segments_are_searched_as_one(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(0, 30), min_size=1, max_size=4))
    seed = data.draw(st.integers(0, 1000))
    vectors = unit_vectors(sum(sizes), 12, seed)
    parts = [build_index(part) for part in np.split(vectors, np.cumsum(sizes)[:-1])]
    slots = data.draw(st.lists(st.sampled_from(range(len(vectors))), unique=True) if len(vectors) else st.just([]))
    index = VectorIndex(parts, np.array(slots, np.int64))
    mask = data.draw(st.none() | st.lists(st.booleans(), min_size=len(slots), max_size=len(slots)).map(np.array))
    mask = mask if mask is None else mask.astype(bool)
    query = unit_vectors(1, 12, seed + 1)[0]
    scores, rows = vectors_module.nearest(index, query, 7, mask)
    expected = brute_force(vectors[slots], query, 7, mask)
    assert len(rows) == len(expected)
    np.testing.assert_allclose(scores, vectors[slots][expected] @ query, atol=1e-5)
    assert mask is None or mask[rows].all()
    np.testing.assert_array_equal(vectors_module.stored_vectors(index, rows), vectors[slots][rows])
