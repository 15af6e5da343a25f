"""Variation: the mask goes where the defect goes, and the same seed shows the same parts."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

from taktsight.datasets.augment import Augmentation, augmentation
from taktsight.datasets.draws import Chance, Draw
from taktsight.datasets.masks import FULL, UNKNOWN

Pixels = NDArray[np.uint8]
SIZE = 96


def marked_part(channels: int = 1) -> tuple[Pixels, Pixels]:
    """A dark part with a bright L, and its mask; the L has no symmetry."""
    mask = np.full((SIZE, SIZE), 0, np.uint8)
    mask[30:66, 36:48] = mask[54:66, 36:70] = FULL
    image = np.where(mask[:, :, np.newaxis] > 0, np.uint8(230), np.uint8(20))
    return np.repeat(image, channels, axis=2), mask


def drawn(
    kind: Augmentation,
    image: Pixels,
    mask: Pixels,
    *,
    times: int,
    crop: tuple[int, int] | None = None,
    zoom: tuple[float, float] = (1.0, 1.0),
    seed: int = 0,
) -> list[tuple[Pixels, Pixels]]:
    chance = Chance(seed)
    pipeline = augmentation(kind, crop=crop, zoom=zoom, chance=chance)
    pairs = []
    for position in range(times):
        chance.begin_draw(Draw(0, position, 0))
        pairs.append(pipeline(image=image, mask=mask))
    return [(pair["image"], pair["mask"]) for pair in pairs]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("crop", [None, (64, 80), (128, 112)])
@pytest.mark.parametrize("kind", ["none", "light", "strong"])
def test_mask_moves_with_the_defect(
    kind: Augmentation, crop: tuple[int, int] | None, channels: int
) -> None:
    image, mask = marked_part(channels)
    for moved, moved_mask in drawn(kind, image, mask, times=25, crop=crop):
        assert moved.shape == (*(crop or (SIZE, SIZE)), channels)
        assert moved.dtype == moved_mask.dtype == np.dtype(np.uint8)
        assert moved.shape[:2] == moved_mask.shape
        seen, said = moved[:, :, 0] > 125, moved_mask > 127
        # The image is interpolated and blurred, the mask is not: they may differ along the edge.
        assert int((seen & said).sum()) >= 0.8 * int((seen | said).sum())


def test_part_is_turned_over_in_all_four_ways_equally_often() -> None:
    image, mask = marked_part()
    ways = Counter(pair[1].tobytes() for pair in drawn("light", image, mask, times=400))
    assert len(ways) == 4
    assert min(ways.values()) > 70  # 100 are expected; four standard deviations are 35


def test_strong_variation_moves_the_defect_to_many_places() -> None:
    image, mask = marked_part()
    assert len({pair[1].tobytes() for pair in drawn("strong", image, mask, times=40)}) >= 20


def test_no_variation_leaves_the_part_as_it_is() -> None:
    image, mask = marked_part()
    for same, same_mask in drawn("none", image, mask, times=3):
        assert np.array_equal(same, image)
        assert np.array_equal(same_mask, mask)


@pytest.mark.parametrize("kind", ["light", "strong"])
def test_unknown_pixels_stay_unknown(kind: Augmentation) -> None:
    image, mask = marked_part()
    mask[:10] = UNKNOWN
    for _, moved in drawn(kind, image, mask, times=20, crop=(64, 64)):
        assert set(np.unique(moved)) <= {0, FULL, UNKNOWN}
    unknown = np.full_like(mask, UNKNOWN)
    for _, moved in drawn(kind, image, unknown, times=20, crop=(128, 128)):
        assert np.unique(moved).tolist() == [UNKNOWN]


def test_same_seed_shows_the_same_parts() -> None:
    image, mask = marked_part()
    first, again, other = (
        drawn("strong", image, mask, times=6, crop=(64, 64), seed=seed) for seed in (1, 1, 2)
    )
    assert all(
        np.array_equal(a[0], b[0]) and np.array_equal(a[1], b[1]) for a, b in zip(first, again, strict=True)
    )
    assert not all(np.array_equal(a[0], b[0]) for a, b in zip(first, other, strict=True))


def test_one_part_is_not_shown_twice_the_same() -> None:
    image, mask = marked_part()
    shown = {pair[0].tobytes() for pair in drawn("strong", image, mask, times=20, crop=(64, 64))}
    assert len(shown) == 20


def test_uniform_part_stays_in_its_place_in_brightness() -> None:
    flat = np.full((SIZE, SIZE, 1), 120, np.uint8)
    means = [pair[0].mean() for pair in drawn("strong", flat, np.zeros((SIZE, SIZE), np.uint8), times=60)]
    # ±15 % of brightness on ±15 % of contrast and gamma 0.75–1.3: no part goes black or white.
    assert 40 < min(means) < 115 < 125 < max(means) < 215


@pytest.mark.parametrize("kind", ["none", "light", "strong"])
def test_zoomed_part_shows_its_defect_at_every_size_within_the_range(kind: Augmentation) -> None:
    image, mask = marked_part(1)
    wide = (2 * SIZE, 2 * SIZE)  # the whole part fits: nothing of the defect is cut off
    as_it_was = int((mask == FULL).sum())
    pairs = drawn(kind, image, mask, times=60, crop=wide, zoom=(0.5, 1.5))
    areas = [int((said > 127).sum()) / as_it_was for _, said in pairs]
    pose = 1.15**2 if kind == "strong" else 1.0  # a strong augmentation varies the size as well
    assert 0.25 * 0.9 / pose <= min(areas) < 0.5
    assert 1.6 < max(areas) <= 2.25 * 1.1 * pose
    for moved, said in pairs:
        assert moved.shape == (*wide, 1)
        seen = moved[:, :, 0] > 125
        assert int((seen & (said > 127)).sum()) >= 0.7 * int((seen | (said > 127)).sum())
