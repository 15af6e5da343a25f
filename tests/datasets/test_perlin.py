"""Made-up defects: they lie where the mask says, look foreign, come again from the same seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from taktsight.datasets.datamodule import InspectionData
from taktsight.datasets.masks import FULL
from taktsight.datasets.perlin import LEAST_CHANGE, perlin_defect, perlin_noise
from taktsight.errors import ConfigError
from taktsight.image_files import encode_png
from taktsight.imaging import Canvas

Pixels = NDArray[np.uint8]


def turned_metal(seed: int, size: tuple[int, int] = (120, 160), channels: int = 1) -> Pixels:
    """Streaks of a lathe, brighter to one side."""
    rng = np.random.default_rng(seed)
    streaks = 120 + 12 * rng.standard_normal((size[0], 1)) + np.linspace(-30, 30, size[1])
    return np.repeat(streaks[:, :, np.newaxis], channels, axis=2).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
def test_what_changed_lies_where_the_mask_says_and_the_rest_is_untouched(channels: int) -> None:
    part, donor = turned_metal(0, channels=channels), turned_metal(1, channels=channels)
    before, seen = part.copy(), 0
    for seed in range(60):
        drawn, mask = perlin_defect(part, donor, np.random.default_rng(seed))
        assert (drawn.shape, mask.shape) == (part.shape, part.shape[:2])
        assert drawn.dtype == mask.dtype == np.uint8
        assert set(np.unique(mask)) <= {0, FULL}
        change = np.abs(drawn.astype(int) - part).mean(axis=2)
        if not mask.any():
            assert not change.any()
            continue
        seen += 1
        # The mask knows faint places from visible ones; its rim is softened by a pixel.
        assert change[mask == FULL].mean() > LEAST_CHANGE
        assert change[mask == 0].mean() < LEAST_CHANGE
        assert np.median(change[mask == 0]) == 0
    assert seen > 50
    assert np.array_equal(part, before)


def test_same_seed_gives_the_same_defect_and_another_seed_another() -> None:
    part, donor = turned_metal(0), turned_metal(1)
    one, again = (perlin_defect(part, donor, np.random.default_rng(5)) for _ in range(2))
    other = perlin_defect(part, donor, np.random.default_rng(6))
    assert np.array_equal(one[0], again[0])
    assert np.array_equal(one[1], again[1])
    assert not np.array_equal(one[1], other[1])


def test_defects_are_of_all_sizes_from_specks_to_a_quarter_of_the_part() -> None:
    part, donor = turned_metal(0, (256, 256)), turned_metal(1, (256, 256))
    shares = [
        (perlin_defect(part, donor, np.random.default_rng(seed))[1] > 0).mean() for seed in range(200)
    ]
    assert min(share for share in shares if share) < 0.01
    assert 0.02 < np.median(shares) < 0.10
    assert max(shares) > 0.2


def test_foreground_keeps_defects_off_the_table() -> None:
    part, donor = turned_metal(0), turned_metal(1)
    foreground = np.zeros(part.shape[:2], np.bool_)
    foreground[30:90, 40:120] = True
    marked = 0
    for seed in range(40):
        drawn, mask = perlin_defect(part, donor, np.random.default_rng(seed), foreground=foreground)
        assert not mask[~foreground].any()
        marked += bool(mask.any())
        far = np.ones_like(foreground)
        far[29:91, 39:121] = False  # the rim is softened by a pixel
        assert np.array_equal(drawn[far], part[far])
    assert marked > 20


def test_texture_can_come_from_the_part_itself_or_from_one_of_another_size() -> None:
    part = turned_metal(0)
    for donor in (part, turned_metal(1, (40, 300)), turned_metal(1, (300, 40)), turned_metal(1, (7, 5))):
        masks = [perlin_defect(part, donor, np.random.default_rng(seed))[1] for seed in range(20)]
        assert sum(bool(mask.any()) for mask in masks) > 10


def test_strip_of_a_few_pixels_gets_a_defect_too() -> None:
    for size in ((3, 200), (200, 3), (8, 8), (1, 1)):
        part = turned_metal(0, size)
        for seed in range(20):
            drawn, mask = perlin_defect(part, turned_metal(1), np.random.default_rng(seed))
            assert (drawn.shape, mask.shape) == (part.shape, size)


def test_part_that_is_its_own_even_texture_may_stay_as_it_was() -> None:
    """Grey on the same grey shows nothing: then no pixel may be called defective."""
    even = np.full((64, 64, 1), 128, np.uint8)
    for seed in range(100):
        drawn, mask = perlin_defect(even, even, np.random.default_rng(seed))
        assert mask.any() == (not np.array_equal(drawn, even))


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


def training_data(root: Path, *, cut_paste: float = 0.0, perlin: float = 0.0) -> InspectionData:
    return InspectionData(
        root=root,
        layout="mask_folder",
        canvas=Canvas(96, 128, 1),
        batch_size=1,
        augment="none",
        cut_paste=cut_paste,
        perlin=perlin,
        cache_dir=root / "cache",
    )


def test_share_of_the_good_training_tiles_carries_a_made_up_defect_with_the_only_label(
    tmp_path: Path,
) -> None:
    data = training_data(data_set(tmp_path, ("pit",)), perlin=0.5)
    train, drawn = data.split("train"), {True: 0, False: 0}
    loader = data.train_dataloader()
    for _ in range(6):
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
        training_data(data_set(tmp_path, ("pit", "stain")), perlin=0.5)


def test_shares_of_pasted_and_made_up_defects_are_together_at_most_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="together at most 1"):
        training_data(tmp_path, cut_paste=0.6, perlin=0.5)
