"""Drawn defects: their pixels, and whose pixels they are where several kinds lie on one part."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from taktsight.datasets.cache import open_cache
from taktsight.datasets.draws import Draw
from taktsight.datasets.masks import FULL, UNKNOWN, read_mask
from taktsight.datasets.prepared_split import PreparedSplit
from taktsight.datasets.regions import Rectangle, Region
from taktsight.datasets.samples import GOOD, Sample, defect_labels
from taktsight.image_files import encode_png
from taktsight.imaging import Canvas

STAIN = Region("stain", Rectangle(8, 8, 40, 32))
PIT = Region("pit", Rectangle(16, 16, 24, 24))


def drawn(folder: Path, *regions: Region, label: str = "stain", name: str = "part.png") -> Sample:
    path = folder / name
    path.write_bytes(encode_png(np.full((40, 48, 1), 90, np.uint8)))
    return Sample((path,), label, regions=(regions,))


def test_pixels_of_all_drawings_are_defective(tmp_path: Path) -> None:
    mask = read_mask(drawn(tmp_path, STAIN, PIT), (40, 48))
    assert mask is not None
    assert np.count_nonzero(mask == FULL) == 32 * 24


def test_pit_on_a_stain_is_a_pit(tmp_path: Path) -> None:
    for order in ((STAIN, PIT), (PIT, STAIN)):
        sample = drawn(tmp_path, *order)
        pit, stain = (read_mask(sample, (40, 48), label=label) for label in ("pit", "stain"))
        assert pit is not None
        assert stain is not None
        assert np.count_nonzero(pit) == 64
        assert np.count_nonzero(stain) == 32 * 24 - 64
        assert not (pit & stain).any()


def test_defect_that_nobody_drew_has_unknown_pixels(tmp_path: Path) -> None:
    sample = drawn(tmp_path, label="pit")
    assert read_mask(sample, (40, 48)) is None
    cache = open_cache([sample], Canvas(64, 64, 1, 1, 32), tmp_path / "cache")
    assert (cache.masks == UNKNOWN).all()


def test_part_has_every_label_that_was_drawn_on_it(tmp_path: Path) -> None:
    samples = [drawn(tmp_path, STAIN, PIT), drawn(tmp_path, label=GOOD)]
    assert [sample.labels for sample in samples] == [("pit", "stain"), ()]
    assert defect_labels(samples) == ("pit", "stain")


def test_cache_knows_the_label_of_each_defective_pixel_at_half_size(tmp_path: Path) -> None:
    samples = [drawn(tmp_path, STAIN, PIT), drawn(tmp_path, label=GOOD, name="good.png")]
    cache = open_cache(samples, Canvas(32, 32, 1, 2, 0), tmp_path / "cache", ("pit", "stain"))
    assert cache.kinds is not None
    kinds = np.where(cache.masks[0] == FULL, cache.kinds[0], 9)
    assert (kinds[8:12, 8:12] == 0).all()
    assert np.count_nonzero(kinds == 0) == 16
    assert np.count_nonzero(kinds == 1) == 16 * 12 - 16


def test_part_with_one_label_needs_no_label_per_pixel(tmp_path: Path) -> None:
    assert open_cache([drawn(tmp_path, STAIN)], Canvas(64, 64, 1, 1, 32), tmp_path / "cache").kinds is None


def test_drawing_that_changes_is_another_cache(tmp_path: Path) -> None:
    caches = [
        open_cache([drawn(tmp_path, region)], Canvas(64, 64, 1, 1, 32), tmp_path / "cache")
        for region in (STAIN, Region("stain", Rectangle(8, 8, 40, 33)))
    ]
    assert caches[0].data_digest != caches[1].data_digest
    assert not np.array_equal(caches[0].masks, caches[1].masks)


def test_training_draws_label_and_pixels_together(tmp_path: Path) -> None:
    samples = [drawn(tmp_path, STAIN, PIT)]
    cache = open_cache(samples, Canvas(64, 64, 1, 1, 32), tmp_path / "cache", ("pit", "stain"))
    tiles = PreparedSplit(samples, cache, ("pit", "stain"), augment="light", crop=(32, 32), seed=1)
    for position in range(20):
        image, mask, kinds, target, owner = tiles[Draw(0, position, 0)]
        assert image.shape == (32, 32, 1)
        assert mask.shape == kinds.shape == (32, 32)
        assert (target, owner) == (1, 0)
        assert (mask[kinds == 1] == FULL).all()  # nothing but drawn pixels is a stain
