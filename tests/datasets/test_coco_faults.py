"""COCO files that are wrong: one fault that names the file and the entry, and no image taken for good."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .annotated import assert_refused, assert_survives_damage, faults
from .test_coco import RUNS, Document, document, lay

FIRST = {"annotations": document()["annotations"][:1]}


def change(key: str, number: int, **values: Any) -> Document:
    content = document()
    content[key][number] |= values
    return content


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            change("annotations", 0, bbox=[2, 3, -4, 5]),
            r"annotations\[0\] \(id 1\): the box .* has no size",
        ),
        (change("annotations", 0, bbox=[2, 3, 4, 39]), "y = 42 lies outside the image, which is 40 pixels"),
        (change("annotations", 0, bbox=[2, 3, 4]), "neither a segmentation nor a bbox"),
        (change("annotations", 0, bbox=None), "neither a segmentation nor a bbox"),
        (change("annotations", 0, bbox=[2, 3, 4, float("nan")]), r"bbox\.3: .*finite number"),
        (change("annotations", 0, bbox=[2, 3, 4, "5"]), r"bbox\.3: .*valid number, got '5'"),
        (change("annotations", 0, bbox=[10**400, 3, 4, 5]), r"bbox\.0"),
        (change("annotations", 1, segmentation=[[10, 10, 30, 10]]), "has 2 corners, wanted are 3 or more"),
        (change("annotations", 1, segmentation=[[10, 10, 30, 10, 30, 20, 4]]), "has 7 numbers"),
        (
            change("annotations", 1, segmentation=[[10, 10, 70, 10, 30, 20]]),
            "x = 70 lies outside the image",
        ),
        (change("annotations", 1, category_id=7), r"category_id 7 is not among the categories \(1, 5\)"),
        (change("annotations", 2, segmentation={"size": [40, 60], "counts": [5, 5]}), "sum to 10 pixels"),
        (
            change("annotations", 2, segmentation={"size": [40, 60], "counts": [2410, -10]}),
            "a run length is negative",
        ),
        (
            change("annotations", 2, segmentation={"size": [60, 40], "counts": [2400]}),
            r"for \[60, 40\] rows",
        ),
        (change("annotations", 2, segmentation={"size": [40, 60], "counts": [2400]}), "cover no pixel"),
        (change("annotations", 3, segmentation={"size": [40, 60], "counts": RUNS[:-1]}), "cut short"),
        (change("annotations", 3, segmentation={"size": [40, 60], "counts": "é"}), "hold 'é' where it"),
        (change("annotations", 3, segmentation={"size": [40, 60], "counts": "o" * 99}), "where it cannot"),
        (change("annotations", 3, image_id=99), "there is no image 99"),
        (change("categories", 0, name="good") | FIRST, "'good' is that of good parts"),
        (change("categories", 0, name=" ") | FIRST, "the label is ' ', wanted is a name"),
        (change("categories", 1, id=1, name="pit2") | {"annotations": []}, "the id 1 has two names"),
        (change("images", 0, width=61), "was made on 61×40 pixels, and .* has 60×40"),
    ],
)
def test_what_is_wrong_is_one_fault_that_names_the_entry(
    tmp_path: Path, content: Document, says: str
) -> None:
    assert_refused("coco", tmp_path, lay(tmp_path, content), says)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("/etc/1.png", "absolute path"),
        ("C:\\parts\\1.png", "absolute path"),
        ("../../../../1.png", "leads out of"),
        ("absent.png", "is not there"),
        ("", "is not there"),
        ("a\0\ud800.png", "is not there"),
        ("x" * 5000, "is not there"),
    ],
)
def test_name_of_no_image_of_ours_is_one_fault(tmp_path: Path, name: str, says: str) -> None:
    file = lay(tmp_path, change("images", 3, file_name=name))
    assert_refused("coco", tmp_path, file, says, unlabelled="leave_out")


def test_image_listed_twice_is_left_out_whole(tmp_path: Path) -> None:
    file = lay(tmp_path, change("images", 3, file_name="./1.png"))
    assert_refused("coco", tmp_path, file, "described a second time", unlabelled="leave_out")
    file.write_text(json.dumps(change("images", 1, id=1)))
    assert "given to 2 images" in str(faults("coco", tmp_path)[1])


def test_annotation_of_nobody_makes_no_image_good(tmp_path: Path) -> None:
    """It may be a defect of any of them."""
    content = change("annotations", 0, image_id=None)
    found = faults("coco", lay(tmp_path, content).parents[1], unlabelled="good")
    assert ["image_id" in fault.message for fault in found] == [True]


@pytest.mark.parametrize(
    "content", ["", "[]", "{", "[" * 100_000, "null", '{"images": [], "annotations": []}', "ÿ"]
)
def test_file_that_is_no_coco_is_one_fault(tmp_path: Path, content: str) -> None:
    file = lay(tmp_path, document())
    file.write_bytes(content.encode("latin-1"))
    assert_refused("coco", tmp_path, file, "is not JSON|valid dict|Field required|is not UTF-8")


def test_damaged_file_never_ends_in_another_error(tmp_path: Path) -> None:
    assert_survives_damage("coco", tmp_path, lay(tmp_path, document()))
