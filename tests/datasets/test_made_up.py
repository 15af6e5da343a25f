"""Made-up defects: they lie where the mask says, look foreign, come again from the same seed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from taktsight.datasets.datamodule import InspectionData
from taktsight.datasets.draws import DrawOrder
from taktsight.datasets.made_up.defect import LEAST_CHANGE, made_up_defect
from taktsight.datasets.made_up.perlin import perlin_noise
from taktsight.datasets.made_up.shapes import Cover, band, blots, crack, patch, pits, stain
from taktsight.datasets.masks import FULL
from taktsight.errors import ConfigError
from taktsight.image_files import encode_png
from taktsight.imaging import Canvas

Pixels = NDArray[np.uint8]
Shape = Callable[[tuple[int, int], np.random.Generator], Cover]


def turned_metal(seed: int, size: tuple[int, int] = (120, 160), channels: int = 1) -> Pixels:
    """Streaks of a lathe, brighter to one side."""
    rng = np.random.default_rng(seed)
    streaks = 120 + 12 * rng.standard_normal((size[0], 1)) + np.linspace(-30, 30, size[1])
    return np.repeat(streaks[:, :, np.newaxis], channels, axis=2).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
def test_defect_can_be_seen_where_the_mask_says_and_hardly_elsewhere(channels: int) -> None:
    part, donor = turned_metal(0, channels=channels), turned_metal(1, channels=channels)
    before, seen = part.copy(), 0
    for seed in range(80):
        drawn, mask = made_up_defect(part, donor, np.random.default_rng(seed))
        assert (drawn.shape, mask.shape) == (part.shape, part.shape[:2])
        assert drawn.dtype == mask.dtype == np.uint8
        assert set(np.unique(mask)) <= {0, FULL}
        change = np.abs(drawn.astype(int) - part).mean(axis=2)
        if not mask.any():
            assert not change.any()
            continue
        seen += 1
        inside, outside = change[mask == FULL], change[mask == 0]
        assert inside.mean() >= LEAST_CHANGE - 0.5  # rounded to whole grey levels
        assert not outside.size or outside.mean() < inside.mean()
    assert seen > 40
    assert np.array_equal(part, before)


def test_same_seed_gives_the_same_defect_and_another_seed_another() -> None:
    part, donor = turned_metal(0), turned_metal(1)
    one, again = (made_up_defect(part, donor, np.random.default_rng(5)) for _ in range(2))
    other = made_up_defect(part, donor, np.random.default_rng(6))
    assert np.array_equal(one[0], again[0])
    assert np.array_equal(one[1], again[1])
    assert not np.array_equal(one[1], other[1])


def test_defects_are_of_all_sizes_from_specks_to_a_quarter_of_the_part() -> None:
    part, donor = turned_metal(0, (256, 256)), turned_metal(1, (256, 256))
    drawn = [made_up_defect(part, donor, np.random.default_rng(seed))[1] for seed in range(300)]
    shares = [float((mask > 0).mean()) for mask in drawn if mask.any()]
    assert min(shares) < 0.001
    assert 0.005 < np.median(shares) < 0.10
    assert max(shares) > 0.25


@pytest.mark.parametrize("shape", [blots, crack, pits, stain, band, patch])
def test_each_kind_covers_some_of_most_parts_and_never_all(shape: Shape) -> None:
    covers = [shape((96, 160), np.random.default_rng(seed)) for seed in range(60)]
    assert all(cover.shape == (96, 160) and cover.dtype == np.float32 for cover in covers)
    assert all(cover.min() >= 0 and cover.max() <= 1 + 1e-6 for cover in covers)
    assert sum(bool((cover >= 0.3).any()) for cover in covers) > 40
    assert not any((cover >= 0.3).all() for cover in covers)


def test_crack_is_long_and_thin() -> None:
    for seed in range(30):
        covered = crack((128, 128), np.random.default_rng(seed)) >= 0.5
        # A ball of half the thickest crack leaves nothing of it.
        opened = cv2.morphologyEx(covered.astype(np.uint8), cv2.MORPH_OPEN, np.ones((13, 13), np.uint8))
        assert not opened[8:-8, 8:-8].any()


def test_what_drowns_in_the_grain_of_a_rough_part_is_not_called_a_defect() -> None:
    rough = np.random.default_rng(0).normal(128, 60, (128, 128, 1)).clip(0, 255).astype(np.uint8)
    for seed in range(60):
        drawn, mask = made_up_defect(rough, rough, np.random.default_rng(seed))
        if mask.any():
            assert np.abs(drawn.astype(int) - rough)[mask > 0].mean() > 20


def test_texture_can_come_from_the_part_itself_or_from_one_of_another_size() -> None:
    part = turned_metal(0)
    for donor in (part, turned_metal(1, (40, 300)), turned_metal(1, (300, 40)), turned_metal(1, (7, 5))):
        masks = [made_up_defect(part, donor, np.random.default_rng(seed))[1] for seed in range(20)]
        assert sum(bool(mask.any()) for mask in masks) > 8


def test_strip_of_a_few_pixels_gets_a_defect_too() -> None:
    for size in ((3, 200), (200, 3), (8, 8), (1, 1)):
        part = turned_metal(0, size)
        for seed in range(40):
            drawn, mask = made_up_defect(part, turned_metal(1), np.random.default_rng(seed))
            assert (drawn.shape, mask.shape) == (part.shape, size)


def test_noise_is_zero_at_the_lattice_smooth_between_and_within_one() -> None:
    """At a corner all slopes are 0; beside it the noise rises as its gradient says, at most √2 a cell."""
    noise = perlin_noise((257, 385), (32.0, 64.0), np.random.default_rng(3))
    assert np.abs(noise).max() <= 1.0
    assert noise.std() > 0.2
    # Pixel centres lie half a pixel beside the corners: 0.5 px ÷ 32 px a cell × √2.
    corners = noise[::32, ::64]
    assert np.abs(corners).max() <= 2**0.5 * (0.5 / 32 + 0.5 / 64)
    assert np.abs(np.diff(noise, axis=0)).max() < 3 / 32
    assert np.abs(np.diff(noise, axis=1)).max() < 3 / 64


def data_set(root: Path, labels: tuple[str, ...]) -> Path:
    for number in range(60):
        label = labels[number // 2 % len(labels)] if number % 2 else "good"
        image, mask = turned_metal(number, (80, 100)), np.zeros((80, 100, 1), np.uint8)
        if label != "good":
            image[20:30, 40:52], mask[20:30, 40:52] = 10, 255
        for kind, content in (("images", image), ("masks", mask)):
            file = root / kind / label / f"part-{number}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(encode_png(content))
    return root


def training_data(root: Path, *, cut_paste: float = 0.0, made_up: float = 0.0) -> InspectionData:
    return InspectionData(
        root=root,
        layout="mask_folder",
        canvas=Canvas(96, 128, 1),
        batch_size=1,
        augment="none",
        cut_paste=cut_paste,
        made_up=made_up,
        cache_dir=root / "cache",
    )


def test_share_of_the_good_training_tiles_carries_a_made_up_defect_with_the_only_label(
    tmp_path: Path,
) -> None:
    data = training_data(data_set(tmp_path, ("pit",)), made_up=0.5)
    train, drawn = data.split("train"), {True: 0, False: 0}
    loader = data.train_dataloader()
    assert isinstance(loader.sampler, DrawOrder)
    for epoch in range(6):
        loader.sampler.set_epoch(epoch)
        for _, masks, _, labels, owners in loader:
            assert bool((masks == FULL).any()) is (int(labels[0]) == 0)
            if not train[int(owners[0])].is_defective:
                drawn[int(labels[0]) == 0] += 1
    assert 0.3 < drawn[True] / sum(drawn.values()) < 0.7
    for _, masks, _, labels, owners in data.val_dataloader():
        assert [int(label) == 0 for label in labels] == [
            data.split("val")[int(owner)].is_defective for owner in owners
        ]
        assert int((masks == FULL).any(dim=2).any(dim=1).sum()) == int((labels == 0).sum())


def test_defects_without_a_name_are_refused_where_there_are_two_names(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"2 labels \(pit, stain\).*merge the labels"):
        training_data(data_set(tmp_path, ("pit", "stain")), made_up=0.5)


def test_shares_of_pasted_and_made_up_defects_are_together_at_most_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="together at most 1"):
        training_data(tmp_path, cut_paste=0.6, made_up=0.5)
