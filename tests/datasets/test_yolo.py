"""YOLO text files: read as they are, refused where they are wrong."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from taktsight.datasets.readers import apply_index, read_samples
from taktsight.datasets.regions import Polygon, Rectangle, Region, cover
from taktsight.datasets.samples import GOOD
from taktsight.errors import ConfigError, DataError
from taktsight.image_files import read_image

from .annotated import (
    assert_refused,
    assert_survives_damage,
    blob,
    covered,
    faults,
    photograph,
    regions,
    source,
    write,
)


def lay(root: Path, lines: str, names: str = "pit\nstain\n") -> Path:
    """Two images; the first has the lines, the second is good."""
    photograph(root, "images/a/1.png", "images/a/2.png")
    write(root / "classes.txt", names)
    write(root / "labels/a/2.txt", "")
    return write(root / "labels/a/1.txt", lines)


def test_boxes_and_polygons_are_read(tmp_path: Path) -> None:
    lay(tmp_path, "1 0.5 0.5 0.5 0.25\n\n0 0.1 0.1 0.2 0.1 0.2 0.2\n")
    one, two = read_samples("yolo", tmp_path)
    stain, pit = regions(one)
    assert stain == Region("stain", Rectangle(15, 15, 45, 25))
    assert isinstance(pit.shape, Polygon)
    assert np.allclose(pit.shape.rings, [[(6, 4), (12, 4), (12, 8)]])
    assert (one.label, two.label, two.regions) == ("stain", GOOD, ((),))


@pytest.mark.parametrize(
    "names", ["names: [pit, stain]\nnc: 2\n", "names:\n  0: pit\n  1: stain\n", "names: ['pit', 'stain']"]
)
def test_names_stand_in_yaml(tmp_path: Path, names: str) -> None:
    lay(tmp_path, "1 0.5 0.5 0.5 0.25")
    write(tmp_path / "data.yaml", names)
    assert read_samples("yolo", tmp_path)[0].label == "stain"


@pytest.mark.parametrize(
    ("image", "labels"),
    [("train/images/1.png", "train/labels/1.txt"), ("x/1.jpg", "x/1.txt"), ("1.png", "1.txt")],
)
def test_text_files_lie_mirrored_or_beside(tmp_path: Path, image: str, labels: str) -> None:
    photograph(tmp_path, image)
    write(tmp_path / "classes.txt", "pit")
    write(tmp_path / labels, "0 0.5 0.5 0.5 0.25")
    assert [sample.label for sample in read_samples("yolo", tmp_path)] == ["pit"]


@pytest.mark.parametrize("seed", range(8))
def test_contour_of_a_mask_comes_back_as_the_mask(tmp_path: Path, seed: int) -> None:
    mask = blob(seed)
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    lines = [" ".join(f"{x / 60:.5f} {y / 40:.5f}" for x, y in outline[:, 0]) for outline in outlines]
    lay(tmp_path, "\n".join(f"0 {line}" for line in lines))
    assert np.array_equal(covered(read_samples("yolo", tmp_path)[0]), mask)


def test_box_that_was_rounded_beyond_the_edge_is_cut_off(tmp_path: Path) -> None:
    lay(tmp_path, "0 0.5 0.5 1.02 1.02")
    assert regions(read_samples("yolo", tmp_path)[0])[0].shape == Rectangle(0, 0, 60, 40)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("0 0.5 0.5 0.5 0.25\n0 0.5 0.5 0.5", "line 2: has 4 fields"),
        ("0 0.5 0.5 0.5 0.25 0.9", "has 6 fields"),
        ("0", "has 1 fields"),
        ("2 0.5 0.5 0.5 0.25", r"class 2 has no name \(named are 0, 1\)"),
        ("-1 0.5 0.5 0.5 0.25", "the class is '-1', wanted is a whole number"),
        ("0.0 0.5 0.5 0.5 0.25", "the class is '0.0'"),
        ("pit 0.5 0.5 0.5 0.25", "the class is 'pit'"),
        ("9" * 5000 + " 0.5 0.5 0.5 0.25", "the class is '999"),
        ("0 nan 0.5 0.5 0.25", "field 2 is 'nan', wanted is a number"),
        ("0 0.5 1e999 0.5 0.25", "field 3 is '1e999'"),
        ("0 0,5 0.5 0.5 0.25", "field 2 is '0,5'"),
        ("0 0.5 0.5 -0.5 0.25", "has no size"),
        ("0 0.5 0.5 0 0.25", "has no size"),
        ("0 30 20 10 5", "lies outside the image, which is 60 pixels along x"),
        ("0 0.1 0.1 0.9 0.1 1.1 0.5", "x = 66 lies outside the image"),
        ("0 0.1 0.1 0.9 0.1 0.1 0.5 0.7", "has 8 fields"),
    ],
)
def test_line_that_is_wrong_is_one_fault_that_names_it(tmp_path: Path, lines: str, says: str) -> None:
    assert_refused("yolo", tmp_path, lay(tmp_path, lines), says)


def test_text_file_of_nothing_is_a_fault(tmp_path: Path) -> None:
    lay(tmp_path, "")
    assert_refused("yolo", tmp_path, write(tmp_path / "labels/a/3.txt", ""), "has no image")


def test_text_file_of_two_images_or_in_two_places_is_a_fault(tmp_path: Path) -> None:
    file = lay(tmp_path, "")
    photograph(tmp_path, "images/a/1.jpg")
    assert_refused("yolo", tmp_path, file, r"is the text file of 1\.jpg and 1\.png")
    (tmp_path / "images/a/1.jpg").unlink()
    write(tmp_path / "images/a/1.txt", "")
    found = faults("yolo", tmp_path)
    assert "has two text files" in found[0].message


def test_image_without_a_text_file_is_not_taken_for_good(tmp_path: Path) -> None:
    lay(tmp_path, "").unlink()
    with pytest.raises(DataError, match=r"1\.png: has no annotation"):
        read_samples("yolo", tmp_path)
    assert len(read_samples("yolo", tmp_path, unlabelled="leave_out")) == 1
    assert len(read_samples("yolo", tmp_path, unlabelled="good")) == 2


@pytest.mark.parametrize(
    ("file", "names"),
    [
        ("data.yaml", "names: [pit, 3]"),
        ("data.yaml", "names: {a: pit}"),
        ("data.yaml", "nc: 2"),
        ("data.yaml", "names: ["),
        ("data.yaml", "- pit"),
        ("classes.txt", ""),
        ("classes.txt", "pit\n\nstain"),
    ],
)
def test_names_that_cannot_be_read_are_a_wrong_configuration(tmp_path: Path, file: str, names: str) -> None:
    lay(tmp_path, "")
    write(tmp_path / file, names)
    with pytest.raises(ConfigError, match=file):
        read_samples("yolo", tmp_path)


def test_absent_names_are_a_wrong_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"has no data\.yaml or classes\.txt; write"):
        read_samples("yolo", photograph(tmp_path, "1.png"))


def test_image_that_is_none_is_a_fault_of_the_image(tmp_path: Path) -> None:
    lay(tmp_path, "0 0.5 0.5 0.5 0.25")
    image = write(tmp_path / "images/a/1.png", "version https://git-lfs.github.com/spec/v1")
    assert_refused("yolo", tmp_path, image, "Git LFS pointer")


def test_damaged_file_never_ends_in_another_error(tmp_path: Path) -> None:
    assert_survives_damage(
        "yolo", tmp_path, lay(tmp_path, "1 0.5 0.5 0.5 0.25\n0 0.1 0.1 0.2 0.1 0.2 0.2\n")
    )


def test_kolektor_is_read_as_its_masks_were_drawn(tmp_path: Path) -> None:
    root = source("kolektorsdd")
    samples = read_samples("yolo", root, annotations=write(tmp_path / "classes.txt", "crack"))
    indexed = apply_index(samples, root / "index.csv", part="item_reconstructed", split="split")
    assert (len(indexed), sum(sample.is_defective for sample in indexed)) == (175, 35)
    for sample in (sample for sample in samples if sample.is_defective):
        height, width = read_image(sample.images[0]).shape[:2]
        mask = np.zeros((height, width), np.uint8)
        text = (root / "labels" / sample.name).with_suffix(".txt").read_text()
        for line in text.splitlines():
            corners = np.array(line.split()[1:], float).reshape(-1, 2) * (width, height)
            cv2.fillPoly(mask, [np.round(corners).astype(np.int32)], (1,))
        drawn = [cover(region.shape, (height, width)) for region in regions(sample)]
        assert np.array_equal(np.any(drawn, axis=0), mask > 0), sample.name
