"""Our COCO against COCO's own library, and FiftyOne's import as its documentation and code describe it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco_masks
from pycocotools.coco import COCO

from taktsight.datasets.readers import read_samples
from taktsight.datasets.readers.run_strings import run_counts
from taktsight.datasets.regions import Cover, Polygon, Rectangle, Region, RunLengths, cover, run_lengths
from taktsight.datasets.samples import GOOD, Sample
from taktsight.datasets.writers.coco import write_coco
from taktsight.datasets.writers.fiftyone import write_fiftyone
from taktsight.errors import DataError

from .annotated import SIZE, photograph, regions
from .test_convert import PIT, STAIN, parts

HEIGHT, WIDTH = SIZE
# The library's compiled part speaks to NumPy as before NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def noise(seed: int) -> Cover:
    """(H, W) many pieces, with holes; now and then nearly all or nearly nothing."""
    draw = np.random.default_rng(seed)
    return np.asarray(draw.random(SIZE) < draw.choice([0.001, 0.1, 0.5, 0.999]))


@pytest.mark.parametrize("seed", range(40))
def test_compressed_run_lengths_of_the_library_are_read_bit_for_bit(seed: int) -> None:
    pixels = noise(seed)
    runs = coco_masks.encode(np.asfortranarray(pixels.astype(np.uint8)))
    counts = tuple(run_counts(runs["counts"].decode()))
    assert np.array_equal(cover(RunLengths(HEIGHT, WIDTH, counts), SIZE), pixels)


@pytest.mark.parametrize("seed", range(40))
def test_library_reads_our_run_lengths_bit_for_bit(seed: int) -> None:
    pixels = noise(seed)
    runs = {"size": [HEIGHT, WIDTH], "counts": list(run_lengths(pixels).counts)}
    assert np.array_equal(coco_masks.decode(coco_masks.frPyObjects(runs, HEIGHT, WIDTH)) > 0, pixels)


def star(seed: int, spread: float) -> list[tuple[float, float]]:
    """Eight corners about the middle of the image; of spread 0 an octagon."""
    draw = np.random.default_rng(seed)
    turns = (draw.uniform(0, 2 * np.pi) + np.arange(8) * np.pi / 4).tolist()
    reach = draw.uniform(18 - spread, 18, 8).tolist()
    return [(30 + 1.4 * r * np.cos(t), 20 + r * np.sin(t)) for r, t in zip(reach, turns, strict=True)]


def filled_by_library(ring: list[tuple[float, float]]) -> Cover:
    flat = [[float(value) for corner in ring for value in corner]]
    runs = coco_masks.merge(coco_masks.frPyObjects(flat, HEIGHT, WIDTH))
    return np.asarray(coco_masks.decode(runs) > 0)


@pytest.mark.parametrize("seed", range(40))
def test_polygon_loses_no_more_than_a_pixel_of_what_the_library_fills(seed: int) -> None:
    ring = star(seed, spread=14)
    ours, theirs = cover(Polygon((tuple(ring),)), SIZE), filled_by_library(ring)
    assert not (theirs & ~_grown(ours)).any()
    assert ours.sum() > theirs.sum()  # the outline counts here: a spike thinner than a pixel is not lost


@pytest.mark.parametrize("seed", range(40))
def test_polygon_without_spikes_reaches_less_than_two_pixels_further(seed: int) -> None:
    """A pixel because the library counts corners from the outer edge, half of one by rounding."""
    ring = star(seed, spread=0)
    ours, theirs = cover(Polygon((tuple(ring),)), SIZE), filled_by_library(ring)
    assert not (ours & ~_grown(_grown(theirs))).any()


def _grown(pixels: Cover) -> Cover:
    """Every pixel with its eight neighbours."""
    padded = np.pad(pixels, 1)
    shifts = [padded[y : y + HEIGHT, x : x + WIDTH] for y in range(3) for x in range(3)]
    return np.asarray(np.any(shifts, axis=0))


def test_library_opens_what_we_write(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_coco(parts(tmp_path / "in"), tmp_path / "in", tmp_path / "out")
    opened = COCO(str(tmp_path / "out/annotations/instances_test.json"))
    assert [category["name"] for category in opened.loadCats(opened.getCatIds())] == ["pit", "stain"]
    (two,) = (image for image in opened.loadImgs(opened.getImgIds()) if image["file_name"] == "a/2.jpg")
    masks = [opened.annToMask(each) for each in opened.loadAnns(opened.getAnnIds(imgIds=two["id"]))]
    back = read_samples("coco", tmp_path / "out", annotations=tmp_path / "out" / "annotations")[2]
    assert np.array_equal(
        np.any(masks, axis=0), np.any([_covered(region) for region in regions(back)], axis=0)
    )


def _covered(region: Region) -> Cover:
    return cover(region.shape, SIZE)


def imported(folder: Path) -> Iterator[tuple[Path, list[dict[str, Any]]]]:
    """What FiftyOne's importer makes of a folder: each image with its labels, boxes and masks.

    It looks up ``file_name`` below ``data/``, wants width and height, takes the class by the category's id,
    the mask cut to the rounded box, and every other key of an annotation as an attribute.
    """
    content = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    names = {category["id"]: category["name"] for category in content["categories"]}
    for image in content["images"]:
        size = image["height"], image["width"]
        found = []
        for entry in content["annotations"]:
            if entry["image_id"] == image["id"]:
                x, y, width, height = entry["bbox"]
                mask = None
                if entry["segmentation"]:
                    runs = coco_masks.frPyObjects(entry["segmentation"], *size)
                    whole = coco_masks.decode(runs) > 0
                    mask = whole[round(y) : round(y + height), round(x) : round(x + width)]
                attributes = {key: entry.get(key, "") for key in ("part", "lot", "camera")}
                found.append(
                    {"label": names[entry["category_id"]], "box": entry["bbox"], "mask": mask} | attributes
                )
        yield folder / "data" / image["file_name"], found


def test_fiftyone_shows_the_pixels_that_we_train_on(tmp_path: Path) -> None:
    write_fiftyone(parts(tmp_path / "in"), tmp_path / "in", tmp_path / "out")
    ((image, (pit, stain)),) = imported(tmp_path / "out" / "train")
    assert image.is_file()
    assert (pit["label"], pit["mask"], pit["box"]) == ("pit", None, [2, 3, 4.5, 5.25])
    ys, xs = np.nonzero(_covered(STAIN))
    assert stain["box"] == [xs.min(), ys.min(), xs.max() + 1 - xs.min(), ys.max() + 1 - ys.min()]
    inside = _covered(STAIN)[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
    assert np.array_equal(stain["mask"], inside)
    assert (stain["part"], stain["lot"]) == ("p1", "A")


def test_fiftyone_gets_good_parts_without_labels_and_a_folder_for_each_split(tmp_path: Path) -> None:
    write_fiftyone(parts(tmp_path / "in"), tmp_path / "in", tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["test", "train"]
    labels = {
        image.name: [each["label"] for each in found] for image, found in imported(tmp_path / "out/test")
    }
    assert labels == {"2.jpg": ["pit", "pit"], "3.png": []}


def test_fiftyone_layout_without_splits_is_read_back(tmp_path: Path) -> None:
    photograph(tmp_path / "in", "x/1.png", "2.png")
    thin = Region(
        "stain", Polygon((((20, 5), (20, 30), (20, 10)),))
    )  # no width: FiftyOne would cut it away
    samples = [
        Sample((tmp_path / "in/x/1.png",), "stain", regions=((thin, PIT),)),
        Sample((tmp_path / "in/2.png",), GOOD),
    ]
    write_fiftyone(samples, tmp_path / "in", tmp_path / "out")
    (_, none), (_, (line, _)) = sorted(imported(tmp_path / "out"))
    assert none == []
    assert (line["mask"].shape, line["mask"].all()) == ((26, 1), True)
    two, one = read_samples("coco", tmp_path / "out")
    assert (one.label, two.label) == ("stain", GOOD)
    assert regions(one)[1] == PIT
    assert np.array_equal(_covered(regions(one)[0]), _covered(thin))


def test_fiftyone_is_not_told_that_a_defect_nobody_drew_is_good(tmp_path: Path) -> None:
    photograph(tmp_path / "in", "1.png")
    sample = Sample((tmp_path / "in/1.png",), "stain")
    with pytest.raises(DataError, match="nobody drew where"):
        write_fiftyone([sample], tmp_path / "in", tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_box_stays_a_box(tmp_path: Path) -> None:
    photograph(tmp_path / "in", "1.png")
    drawn = Region("pit", Rectangle(1, 2, 4, 8))
    write_fiftyone(
        [Sample((tmp_path / "in/1.png",), "pit", regions=((drawn,),))], tmp_path / "in", tmp_path / "out"
    )
    (sample,) = read_samples("coco", tmp_path / "out")
    assert regions(sample) == (drawn,)
