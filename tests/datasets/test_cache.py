"""Prepared images: exactly what the line would see, made again whenever a file changes."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from taktsight.datasets.cache import Cache, open_cache
from taktsight.datasets.masks import FULL, UNKNOWN, read_mask
from taktsight.datasets.samples import GOOD, Sample
from taktsight.errors import DataError
from taktsight.image_files import encode_png
from taktsight.imaging import Canvas, prepare
from taktsight.records import Image

CANVAS = Canvas(64, 64, 1, 1, 32)


def noise(height: int = 40, width: int = 50, seed: int = 0) -> Image:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 1), dtype=np.uint8)


def square(height: int = 40, width: int = 50, value: int = 255) -> Image:
    """A mask of 8×8 defective pixels."""
    mask = np.zeros((height, width, 1), np.uint8)
    mask[16:24, 16:24] = value
    return mask


def store(path: Path, image: Image) -> Path:
    path.write_bytes(encode_png(image))
    return path


def pit(folder: Path, image: Image, mask: Image | None) -> Sample:
    masks = (store(folder / "mask.png", mask),) if mask is not None else ()
    return Sample((store(folder / "part.png", image),), "pit", masks)


def good(folder: Path, name: str = "good.png", seed: int = 0) -> Sample:
    return Sample((store(folder / name, noise(seed=seed)),), GOOD)


def opened(sample: Sample, folder: Path, canvas: Canvas = CANVAS) -> Cache:
    return open_cache([sample], canvas, folder / "cache")


def homes(folder: Path) -> set[Path]:
    return set((folder / "cache").iterdir())


def test_network_is_shown_what_the_line_would_show_it(tmp_path: Path) -> None:
    image = noise(150, 90)
    for factor in (1, 2, 4, 8):
        canvas = Canvas(64, 64, 1, factor, 32)
        tiles, _ = prepare(image, None, canvas)
        assert np.array_equal(opened(pit(tmp_path, image, square(150, 90)), tmp_path, canvas).images, tiles)


def test_mono_image_is_shown_to_a_colour_network_as_grey(tmp_path: Path) -> None:
    cache = opened(good(tmp_path), tmp_path, Canvas(64, 64, 3, 1, 32))
    assert cache.images.shape == (1, 64, 64, 3)
    assert np.array_equal(cache.images[0, :40, :50, 2], noise()[:, :, 0])


def test_tiles_know_their_sample_and_what_of_them_is_padding(tmp_path: Path) -> None:
    small, large = good(tmp_path), Sample((store(tmp_path / "large.png", noise(64, 100)),), GOOD)
    cache = open_cache([small, large], CANVAS, tmp_path / "cache")
    assert cache.owners.tolist() == [0, 1, 1, 1]
    assert cache.sizes.tolist() == [[40, 50], [64, 64], [64, 64], [64, 36]]
    assert cache.images.dtype == cache.masks.dtype == np.dtype(np.uint8)


def test_part_without_a_defect_has_an_empty_mask(tmp_path: Path) -> None:
    assert np.unique(opened(good(tmp_path), tmp_path).masks).tolist() == [0]


def test_mask_lies_on_its_image(tmp_path: Path) -> None:
    masks = opened(pit(tmp_path, noise(), square()), tmp_path).masks
    assert np.unique(masks).tolist() == [0, FULL]
    assert np.argwhere(masks[0] == FULL).min(axis=0).tolist() == [16, 16]
    assert int((masks == FULL).sum()) == 64


@pytest.mark.parametrize(("grey", "defective"), [(1, False), (127, False), (128, True), (255, True)])
def test_grey_edge_of_a_mask_counts_from_the_middle(tmp_path: Path, grey: int, defective: bool) -> None:
    mask = square()
    mask[0, 0] = grey
    read = read_mask(pit(tmp_path, noise(), mask), (40, 50))
    assert read is not None
    assert bool(read[0, 0] == FULL) is defective


def test_down_scaled_mask_holds_the_share_that_is_defective(tmp_path: Path) -> None:
    mask = np.zeros((64, 64, 1), np.uint8)
    mask[4:12, 4:12] = 255  # a quarter of each of four blocks of 8×8
    mask[32:40, 32:40] = 255  # one whole block
    masks = opened(pit(tmp_path, noise(64, 64), mask), tmp_path, Canvas(64, 64, 1, 8, 32)).masks
    quarter = round(FULL / 4)
    assert masks[0, :2, :2] == pytest.approx(np.full((2, 2), quarter), abs=1)  # two roundings
    assert masks[0, 4, 4] == FULL
    assert masks.max() == FULL < UNKNOWN


@pytest.mark.parametrize(
    "mask", [None, square(value=0), square(value=100)], ids=["absent", "empty", "too pale"]
)
def test_defect_that_nobody_drew_is_unknown_not_good(tmp_path: Path, mask: Image | None) -> None:
    assert np.unique(opened(pit(tmp_path, noise(), mask), tmp_path).masks).tolist() == [UNKNOWN]


def test_view_without_a_mask_is_unknown(tmp_path: Path) -> None:
    sample = Sample((store(tmp_path / "part.png", noise()),), "pit", (None,))
    assert read_mask(sample, (40, 50)) is None


def test_mask_of_another_size_is_refused_with_both_sizes(tmp_path: Path) -> None:
    sample = pit(tmp_path, noise(40, 50), square(50, 40))
    with pytest.raises(DataError, match=r"mask\.png: is 40×50 pixels, its image .*part\.png 50×40"):
        opened(sample, tmp_path)


@pytest.mark.parametrize("content", [b"", b"no image", encode_png(noise())[:200]])
@pytest.mark.parametrize("file", ["part.png", "mask.png"])
def test_file_that_is_no_image_is_named(tmp_path: Path, file: str, content: bytes) -> None:
    sample = pit(tmp_path, noise(), square())
    (tmp_path / file).write_bytes(content)
    with pytest.raises(DataError, match=file):
        opened(sample, tmp_path)


def test_file_that_is_absent_is_named(tmp_path: Path) -> None:
    sample = pit(tmp_path, noise(), square())
    (tmp_path / "mask.png").unlink()
    with pytest.raises(DataError, match=r"mask\.png: cannot be read"):
        opened(sample, tmp_path)


def test_no_sample_is_nothing_to_prepare(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no sample to prepare"):
        open_cache([], CANVAS, tmp_path)


def test_second_opening_reads_what_the_first_prepared(tmp_path: Path) -> None:
    sample = pit(tmp_path, noise(), square())
    first = opened(sample, tmp_path)
    (home,) = homes(tmp_path)
    marked = np.load(home / "sizes.npy") + 7
    np.save(home / "sizes.npy", marked)
    again = opened(sample, tmp_path)
    assert np.array_equal(again.sizes, marked)
    assert again.data_digest == first.data_digest
    assert homes(tmp_path) == {home}


@pytest.mark.parametrize("file", ["part.png", "mask.png"])
def test_file_that_changed_is_prepared_again(tmp_path: Path, file: str) -> None:
    sample = pit(tmp_path, noise(), square())
    before = opened(sample, tmp_path)
    store(tmp_path / file, noise(seed=5))
    after = opened(sample, tmp_path)
    assert len(homes(tmp_path)) == 2
    assert before.data_digest != after.data_digest
    assert not np.array_equal(before.images, after.images) or not np.array_equal(before.masks, after.masks)


def test_file_that_changed_but_not_in_size_is_prepared_again(tmp_path: Path) -> None:
    sample = good(tmp_path)
    path = sample.images[0]
    path.write_bytes(encode_png(noise(seed=1), 0))
    before, size = opened(sample, tmp_path), path.stat().st_size
    path.write_bytes(encode_png(noise(seed=2), 0))
    os.utime(path, ns=(1, 1))
    assert path.stat().st_size == size
    assert not np.array_equal(opened(sample, tmp_path).images, before.images)


def test_another_canvas_or_label_is_another_cache(tmp_path: Path) -> None:
    sample = good(tmp_path)
    opened(sample, tmp_path)
    opened(sample, tmp_path, Canvas(64, 64, 1, 2, 32))
    assert np.unique(opened(Sample(sample.images, "pit"), tmp_path).masks).tolist() == [UNKNOWN]
    assert len(homes(tmp_path)) == 3


def test_image_with_its_mask_is_not_taken_for_two_images(tmp_path: Path) -> None:
    masked = pit(tmp_path, noise(), square())
    both = [Sample((path,), "pit") for path in (*masked.images, *filter(None, masked.masks))]
    assert len(opened(masked, tmp_path).owners) == 1
    assert len(open_cache(both, CANVAS, tmp_path / "cache").owners) == 2


def test_digest_of_the_data_is_that_of_the_content_not_of_the_place(tmp_path: Path) -> None:
    (tmp_path / "moved").mkdir()
    here, there = pit(tmp_path, noise(), square()), pit(tmp_path / "moved", noise(), square())
    assert opened(here, tmp_path).data_digest == opened(there, tmp_path / "moved").data_digest


def cut_short(array: Path) -> None:
    array.write_bytes(array.read_bytes()[:100])


@pytest.mark.parametrize("file", ["images.npy", "masks.npy", "sizes.npy", "owners.npy"])
def test_cache_that_was_cut_short_is_made_again(tmp_path: Path, file: str) -> None:
    sample = pit(tmp_path, noise(), square())
    whole = opened(sample, tmp_path)
    kept = (np.array(whole.images), np.array(whole.masks))
    (home,) = homes(tmp_path)
    (home / "done.json").unlink()
    cut_short(home / file)
    again = opened(sample, tmp_path)
    assert np.array_equal(again.images, kept[0])
    assert np.array_equal(again.masks, kept[1])
    assert (home / "done.json").is_file()


def test_training_keeps_its_images_while_another_one_prepares_them_again(tmp_path: Path) -> None:
    sample = good(tmp_path)
    running = opened(sample, tmp_path)
    (home,) = homes(tmp_path)
    before: NDArray[np.uint8] = np.array(running.images)
    (home / "done.json").unlink()
    opened(sample, tmp_path)
    np.lib.format.open_memmap(home / "images.npy", mode="r+")[:] = (
        0  # what the running one has mapped is its own
    )
    assert np.array_equal(running.images, before)
    assert sorted(file.name for file in home.iterdir()) == [
        "done.json",
        "images.npy",
        "masks.npy",
        "owners.npy",
        "sizes.npy",
        "views.npy",
    ]


def test_disk_that_is_full_is_named_and_nothing_stays_behind(tmp_path: Path) -> None:
    sample = pit(tmp_path, noise(), square())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))  # less than the prepared image
        with pytest.raises(DataError, match=r"prepared images cannot be kept there.*cache_dir"):
            opened(sample, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert homes(tmp_path) == set()
    opened(sample, tmp_path)
