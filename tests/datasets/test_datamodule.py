"""Batches: the right shapes, the same ones for the same seed, the part and not its padding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from taktsight.datasets.datamodule import InspectionData
from taktsight.datasets.draws import DrawOrder
from taktsight.datasets.masks import FULL, UNKNOWN
from taktsight.datasets.prepared_split import Crops, defective_share
from taktsight.errors import ConfigError, DataError
from taktsight.image_files import encode_png
from taktsight.imaging import Canvas

LABELS = ("pit", "scratch")
CANVAS = Canvas(64, 64, 1, 1, 32)


def draw_parts(root: Path, counts: dict[str, int], size: tuple[int, int] = (40, 48)) -> None:
    """Images whose brightness is 100 or more everywhere, and masks of a square in the middle."""
    number = 0
    for label, parts in counts.items():
        for _ in range(parts):
            image = np.random.default_rng(number).integers(100, 200, (*size, 1), dtype=np.uint8)
            mask = np.zeros((*size, 1), np.uint8)
            mask[10:20, 12:24] = 255
            for kind, content in (("images", image), ("masks", mask)):
                file = root / kind / label / f"part-{number}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(encode_png(content))
            number += 1


def module(root: Path, **values: Any) -> InspectionData:
    fixed: dict[str, Any] = {
        "root": root,
        "layout": "mask_folder",
        "canvas": CANVAS,
        "batch_size": 4,
        "augment": "none",
        "cache_dir": root / "cache",
    }
    return InspectionData(**(fixed | values))


@pytest.fixture
def product(tmp_path: Path) -> Path:
    draw_parts(tmp_path, {"good": 30, "pit": 10, "scratch": 5})
    return tmp_path


def batches(data: InspectionData, epoch: int = 0) -> list[Crops]:
    loader = data.train_dataloader()
    assert isinstance(loader.sampler, DrawOrder)
    loader.sampler.set_epoch(epoch)
    return [Crops(*batch) for batch in loader]


def test_batch_holds_crops_masks_labels_and_owners(product: Path) -> None:
    data = module(product)
    assert data.labels == LABELS
    for crops in batches(data):
        assert (crops.images.shape, crops.images.dtype) == ((4, 64, 64, 1), torch.uint8)
        assert (crops.masks.shape, crops.masks.dtype) == ((4, 64, 64), torch.uint8)
        assert (crops.labels.shape, crops.labels.dtype) == ((4,), torch.int64)
        assert (crops.owners.shape, crops.owners.dtype) == ((4,), torch.int64)


def test_good_part_has_the_label_after_the_defects_and_an_empty_mask(product: Path) -> None:
    data = module(product)
    train = data.split("train")
    for crops in batches(data):
        for mask, label, owner in zip(crops.masks, crops.labels, crops.owners, strict=True):
            sample = train[int(owner)]
            assert int(label) == (LABELS.index(sample.label) if sample.is_defective else len(LABELS))
            assert bool((mask == FULL).any()) is sample.is_defective


def test_validation_sees_every_part_once_and_in_order(product: Path) -> None:
    data = module(product, crop=(32, 32), augment="strong")
    owners = [int(owner) for crops in data.val_dataloader() for owner in Crops(*crops).owners]
    assert owners == list(range(len(data.split("val"))))
    first = Crops(*next(iter(data.val_dataloader())))
    assert np.array_equal(first.images.numpy(), np.asarray(data.cache("val").images[:4]))


def test_same_seed_gives_the_same_batches(product: Path) -> None:
    def epoch(seed: int) -> list[Crops]:
        return batches(module(product, seed=seed, crop=(32, 32), augment="strong"))

    first, again, other = epoch(3), epoch(3), epoch(4)
    assert len(first) == len(again) > 2
    for one, same in zip(first, again, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, same, strict=True))
    assert not all(
        torch.equal(one.images, another.images) for one, another in zip(first, other, strict=False)
    )


def test_next_epoch_is_another_one(product: Path) -> None:
    data = module(product, crop=(32, 32), augment="strong")
    first, second = (torch.cat([crops.images for crops in batches(data, epoch)]) for epoch in range(2))
    assert not torch.equal(first, second)


def label_shares(product: Path, balance: float) -> list[float]:
    """Shares of pit, scratch and good in what 40 epochs draw."""
    data = module(product, balance=balance, batch_size=9)
    drawn = torch.cat([crops.labels for epoch in range(40) for crops in batches(data, epoch)])
    return [float((drawn == label).float().mean()) for label in range(3)]


def test_balance_0_draws_labels_as_often_as_they_occur(product: Path) -> None:
    train = module(product).split("train")
    occur = [sum(sample.label == label for sample in train) / len(train) for label in (*LABELS, "good")]
    assert label_shares(product, 0.0) == pytest.approx(occur, abs=0.05)


def test_balance_1_draws_labels_equally_often(product: Path) -> None:
    assert label_shares(product, 1.0) == pytest.approx([1 / 3] * 3, abs=0.05)


def test_crops_come_from_the_part_not_from_its_padding(tmp_path: Path) -> None:
    draw_parts(tmp_path, {"good": 5, "pit": 15}, size=(40, 48))
    canvas = Canvas(128, 128, 1, 1, 32)
    data = module(tmp_path, canvas=canvas, crop=(24, 24))
    inside = [np.asarray(image)[:40, :48, 0] for image in data.cache("train").images]
    windows = np.lib.stride_tricks.sliding_window_view(np.stack(inside), (24, 24), axis=(1, 2))
    for _ in range(4):
        for crops in batches(data):
            for image, owner in zip(crops.images.numpy(), crops.owners, strict=True):
                assert (windows[int(owner)] == image[:, :, 0]).all(axis=(2, 3)).any()


def test_part_smaller_than_the_crop_is_padded_with_its_own_edge(tmp_path: Path) -> None:
    draw_parts(tmp_path, {"good": 5, "pit": 15}, size=(20, 48))
    for crops in batches(module(tmp_path, crop=(32, 32))):
        assert crops.images.shape == (4, 32, 32, 1)
        assert int(crops.images.min()) >= 100  # no black bar that only training would know


def test_training_set_that_fills_no_batch_is_refused(product: Path) -> None:
    with pytest.raises(DataError, match=r"training tiles do not fill a batch of 64: lower batch_size"):
        module(product, batch_size=64).train_dataloader()


def test_defect_that_no_training_part_shows_is_refused(tmp_path: Path) -> None:
    draw_parts(tmp_path, {"good": 6, "pit": 6, "scratch": 1})
    files = sorted((tmp_path / "images").rglob("*.png"))
    splits = {
        "scratch": ["test"],
        "good": ["train", "val", "test"] * 2,
        "pit": ["train", "val", "test"] * 2,
    }
    rows = [f"{file.relative_to(tmp_path)},{splits[file.parent.name].pop()}" for file in files]
    (tmp_path / "index.csv").write_text("\n".join(["image,split", *rows]))
    with pytest.raises(DataError, match="no training part shows scratch: nothing could learn it"):
        module(tmp_path, index=tmp_path / "index.csv", split_column="split")


def test_split_in_the_index_is_checked(product: Path) -> None:
    files = sorted((product / "images").rglob("*.png"))
    rows = [
        f"{file.relative_to(product)},{'train' if number % 2 else 'test'},same"
        for number, file in enumerate(files)
    ]
    (product / "index.csv").write_text("\n".join(["image,split,tile", *rows]))
    with pytest.raises(DataError, match="part same lies in test, train"):
        module(product, index=product / "index.csv", split_column="split", part_column="tile")


def test_unknown_pixels_weigh_nothing_and_covered_ones_their_share() -> None:
    share, known = defective_share(torch.tensor([[[0, FULL // 2, FULL, UNKNOWN]]], dtype=torch.uint8))
    assert share.tolist() == [[[0.0, 0.5, 1.0, 0.0]]]
    assert known.tolist() == [[[1.0, 1.0, 1.0, 0.0]]]
    assert share.dtype == known.dtype == torch.float32


@pytest.mark.parametrize(
    ("name", "value"), [("cut_paste", 1.5), ("balance", -0.1), ("batch_size", 0), ("seed", -1)]
)
def test_option_out_of_its_range_is_named(product: Path, name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=rf"data\.{name} .* got {value}"):
        module(product, **{name: value})


def test_broken_image_for_validation_is_found_before_the_first_step(product: Path) -> None:
    data = module(product)
    data.split("val")[0].images[0].write_bytes(b"broken")
    with pytest.raises(DataError, match="is not an image"):
        data.setup("fit")


@pytest.mark.parametrize("zoom", [(0.0, 1.0), (-0.5, 1.0), (1.2, 0.8)])
def test_zoom_that_is_no_range_of_sizes_is_refused(product: Path, zoom: tuple[float, float]) -> None:
    with pytest.raises(ConfigError, match=r"data\.zoom goes from a factor above 0"):
        module(product, zoom=zoom, crop=(32, 32))


def test_zoom_without_a_crop_is_refused_tiles_of_many_sizes_make_no_batch(product: Path) -> None:
    with pytest.raises(ConfigError, match=r"data\.zoom .* set data\.crop"):
        module(product, zoom=(0.5, 1.0))


def test_zoomed_crops_make_batches_and_val_stays_as_the_line_sees_it(product: Path) -> None:
    data = module(product, zoom=(0.5, 1.0), crop=(32, 32))
    assert {batch.images.shape for batch in batches(data)} == {(4, 32, 32, 1)}
    plain = module(product)
    zoomed, seen = next(iter(data.val_dataloader())), next(iter(plain.val_dataloader()))
    assert torch.equal(zoomed.images, seen.images)
