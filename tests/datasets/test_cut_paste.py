"""Pasted defects: the mask lies on what was pasted, the rest of the part stays as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from taktsight.datasets.cut_paste import MARGIN_PX, paste_defect
from taktsight.datasets.datamodule import InspectionData
from taktsight.datasets.draws import DrawOrder
from taktsight.datasets.masks import FULL, UNKNOWN
from taktsight.errors import DataError
from taktsight.image_files import encode_png
from taktsight.imaging import Canvas

Pixels = NDArray[np.uint8]
PIT = np.s_[20:30, 40:52]


def part(level: int, size: tuple[int, int] = (80, 100)) -> Pixels:
    return np.full((*size, 1), level, np.uint8)


def donor(level: int, pit: int) -> tuple[Pixels, Pixels]:
    image, mask = part(level), np.zeros((80, 100), np.uint8)
    image[PIT], mask[PIT] = pit, FULL
    return image, mask


def pasted_on(
    ground: Pixels, image: Pixels, mask: Pixels, rng: np.random.Generator
) -> tuple[Pixels, Pixels]:
    planes = paste_defect([ground, good_mask(ground)], [image, mask], rng)
    assert planes is not None
    pasted, pasted_mask = planes
    return pasted, pasted_mask


def good_mask(image: Pixels) -> Pixels:
    return np.zeros(image.shape[:2], np.uint8)


def test_defect_is_where_the_mask_says_and_the_rest_is_untouched() -> None:
    for seed in range(20):
        pasted, mask = pasted_on(part(90), *donor(90, 20), np.random.default_rng(seed))
        assert np.count_nonzero(mask) == 120
        assert pasted[mask == FULL].max() <= 30
        changed = pasted[:, :, 0] != 90
        rows, columns = np.nonzero(mask)
        near = np.zeros_like(changed)
        near[
            rows.min() - MARGIN_PX : rows.max() + 1 + MARGIN_PX,
            columns.min() - MARGIN_PX : columns.max() + 1 + MARGIN_PX,
        ] = True
        assert not (changed & ~near).any()


def test_defect_is_as_dark_against_its_new_part_as_it_was_against_its_own() -> None:
    pasted, mask = pasted_on(part(180), *donor(90, 30), np.random.default_rng(0))
    assert np.median(pasted[mask == FULL]) == pytest.approx(60, abs=1)


def test_defect_stays_about_where_it_was() -> None:
    """Or where it comes to lie when the donor is turned over."""
    middles = []
    for seed in range(60):
        _, mask = pasted_on(part(90), *donor(90, 20), np.random.default_rng(seed))
        middles.append(np.argwhere(mask).mean(axis=0))
    rows, columns = np.array(middles).T
    from_edge = np.minimum(rows, 79 - rows), np.minimum(columns, 99 - columns)
    assert (np.abs(from_edge[0] - 24.5) < 8).all()
    assert (np.abs(from_edge[1] - 45.5) < 11).all()
    assert len(set(rows)) > 10


def test_defect_that_nobody_drew_or_that_is_too_large_is_not_pasted() -> None:
    rng = np.random.default_rng(0)
    image, mask = donor(90, 20)
    ground, strip = part(90), part(90, (12, 100))
    assert paste_defect([ground, good_mask(ground)], [image, np.full_like(mask, UNKNOWN)], rng) is None
    assert paste_defect([strip, good_mask(strip)], [image, mask], rng) is None


def test_what_kind_a_defect_is_comes_with_it() -> None:
    image, mask = donor(90, 20)
    kinds = np.where(mask == FULL, np.uint8(3), np.uint8(0))
    ground = part(90)
    planes = paste_defect(
        [ground, good_mask(ground), good_mask(ground)], [image, mask, kinds], np.random.default_rng(1)
    )
    assert planes is not None
    assert np.array_equal(planes[2] == 3, planes[1] == FULL)


def test_half_of_the_good_tiles_carry_a_defect_with_its_label(tmp_path: Path) -> None:
    for number in range(60):
        label = "good" if number % 2 else "pit"
        image, mask = donor(90, 20) if label == "pit" else (part(120), part(0)[:, :, 0])
        for kind, content in (("images", image), ("masks", mask[:, :, np.newaxis])):
            file = tmp_path / kind / label / f"part-{number}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(encode_png(content))
    data = InspectionData(
        root=tmp_path,
        layout="mask_folder",
        canvas=Canvas(96, 128, 1, 1, 32),
        batch_size=1,
        augment="none",
        cut_paste=0.5,
        cache_dir=tmp_path / "cache",
    )
    train, seen = data.split("train"), {True: 0, False: 0}
    loader = data.train_dataloader()
    assert isinstance(loader.sampler, DrawOrder)
    for epoch in range(6):
        loader.sampler.set_epoch(epoch)
        for images, masks, _, labels, owners in loader:
            assert images.shape[1:] == (96, 128, 1)
            assert bool((masks == FULL).any()) is (int(labels[0]) == 0)
            if not train[int(owners[0])].is_defective:
                seen[bool(int(labels[0]) == 0)] += 1
    assert 0.3 < seen[True] / sum(seen.values()) < 0.7


def test_data_without_masks_cannot_paste(tmp_path: Path) -> None:
    for number in range(20):
        file = tmp_path / ("good" if number % 2 else "pit") / f"part-{number}.png"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(encode_png(part(90)))
    data = InspectionData(
        root=tmp_path,
        layout="class_folder",
        canvas=Canvas(96, 128, 1),
        batch_size=1,
        cut_paste=0.5,
        cache_dir=tmp_path / "cache",
    )
    with pytest.raises(DataError, match="no training mask shows one"):
        data.train_dataloader()
