"""The picture of the vectors: near is near, and the same is the same."""

from __future__ import annotations

import numpy as np
import pytest

from service.map import layout
from service.map.layout import EDGE, Places, place_beside


def groups(count: int, size: int, seed: int = 0) -> np.ndarray:
    """`count` groups of `size` unit vectors, each group around a direction of its own."""
    random = np.random.default_rng(seed)
    middles = np.repeat(random.normal(size=(count, 64)), size, axis=0)
    vectors = (middles + 0.4 * random.normal(size=middles.shape)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def draw(vectors: np.ndarray) -> Places:
    return layout.draw(len(vectors), vectors.__getitem__)


def test_neighbours_in_meaning_are_neighbours_in_the_picture() -> None:
    places = draw(groups(6, 50)).astype(float)
    distance = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    assert (distance.argmin(axis=1) // 50 == np.arange(300) // 50).mean() > 0.97


def test_the_same_vectors_give_the_same_picture() -> None:
    assert (draw(groups(4, 40)) == draw(groups(4, 40))).all()


def test_what_is_new_stands_beside_its_like() -> None:
    vectors = groups(5, 40)
    old = draw(vectors[:-1])
    place = place_beside(vectors[-1:], vectors[:-1], old)
    assert np.linalg.norm(old.astype(float) - place, axis=1).argmin() // 40 == 4


@pytest.mark.parametrize("count", [1, 2, 3, 39, 41])
def test_few_notes_have_a_picture_too(count: int) -> None:
    drawn = draw(groups(1, count))
    assert drawn.shape == (count, 2)
    assert np.abs(drawn.astype(int)).max() <= EDGE


def test_equal_vectors_and_vectors_of_one_dimension_have_a_picture() -> None:
    assert draw(np.ones((50, 1), np.float32)).shape == (50, 2)


def test_beyond_the_sample_neighbours_are_still_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "_SAMPLE", 100)
    monkeypatch.setattr(layout, "_AT_ONCE", 70)
    places = draw(groups(5, 80)).astype(float)
    middles = np.array([np.median(places[first : first + 80], axis=0) for first in range(0, 400, 80)])
    nearest = np.linalg.norm(places[:, None] - middles[None], axis=2).argmin(axis=1)
    assert (nearest == np.arange(400) // 80).mean() > 0.97
