"""Nearest training parts: by angle about what all parts share, one exposure of each piece."""

from __future__ import annotations

import numpy as np
import pytest

from taktsight.training.evaluation.nearest import nearest_parts

COMMON = np.array([50.0, 50.0], np.float32)


def around(*degrees: float) -> np.ndarray:
    turned = np.radians(degrees)
    return np.asarray(COMMON + np.stack([np.cos(turned), np.sin(turned)], axis=1), np.float32)


def test_the_nearest_come_first_with_their_cosine_distance() -> None:
    features = around(0, 90, 180, 270)
    found = nearest_parts(around(10)[0], features, [0, 1, 2, 3], ["", "", "", ""])
    assert [part for part, _ in found] == [0, 1, 3]
    assert [distance for _, distance in found] == pytest.approx(
        [1 - np.cos(np.radians(angle)) for angle in (10, 80, 100)], abs=1e-4
    )


def test_a_piece_that_was_exposed_twice_is_shown_once() -> None:
    features = around(0, 5, 90, 180, 270, 275)
    found = nearest_parts(around(1)[0], features, range(6), ["a", "a", "b", "c", "d", "d"])
    assert [part for part, _ in found] == [0, 2, 5]


def test_the_best_tile_speaks_for_its_part() -> None:
    features = around(180, 2, 90, 270)
    assert nearest_parts(around(0)[0], features, [7, 7, 1, 0], ["", ""] + [""] * 6)[0][0] == 7


def test_a_part_is_its_own_nearest() -> None:
    rng = np.random.default_rng(0)
    features = rng.random((20, 16), np.float32)
    for part in range(20):
        nearest, distance = nearest_parts(features[part], features, range(20), [""] * 20)[0]
        assert nearest == part
        assert distance < 1e-5
