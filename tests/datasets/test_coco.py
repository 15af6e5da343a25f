"""COCO files: read as they are, refused where they are wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from taktsight.datasets.masks import read_mask
from taktsight.datasets.readers import read_samples
from taktsight.datasets.readers.run_strings import run_counts, run_string
from taktsight.datasets.regions import Polygon, Rectangle, Region
from taktsight.datasets.samples import GOOD
from taktsight.errors import ConfigError, DataError

from .annotated import (
    SIZE,
    box,
    covered,
    faults,
    photograph,
    regions,
    write,
)

Document = dict[str, Any]
RUNS = "m87Q1" + "0" * 43 + "_i0J[A"  # 40 × 60 pixels, made with the format's own library


def document() -> Document:
    """Four images: a box and a polygon, a mask as runs, a mask as a string, and nothing."""
    return {
        "info": {"year": 2024},
        "images": [
            {"id": 1, "file_name": "1.png", "height": 40, "width": 60},
            {"id": 2, "file_name": "2.png", "height": 40, "width": 60, "lot": "A7", "part": "p2"},
            {"id": 3, "file_name": "sub\\3.png", "height": 40, "width": 60},
            {"id": 4, "file_name": "4.png"},
        ],
        "categories": [{"id": 1, "name": "pit", "supercategory": "x"}, {"id": 5, "name": "stain"}],
        "annotations": [
            {
                "id": 1,
                "image_id": 1,
                "category_id": 1,
                "bbox": [2, 3, 4, 5],
                "segmentation": [],
                "area": 20,
            },
            {"id": 2, "image_id": 1, "category_id": 5, "segmentation": [[10, 10, 30, 10, 30, 20, 10, 20]]},
            {
                "id": 3,
                "image_id": 2,
                "category_id": 1,
                "iscrowd": 1,
                "segmentation": {"size": [40, 60], "counts": [0, 3, 2397]},
            },
            {"id": 4, "image_id": 3, "category_id": 5, "segmentation": {"size": [40, 60], "counts": RUNS}},
        ],
    }


def lay(root: Path, content: Document) -> Path:
    photograph(root, *(f"images/{name}.png" for name in ("1", "2", "sub/3", "4")))
    return write(root / "annotations" / "instances.json", json.dumps(content))


def test_boxes_polygons_and_runs_are_read(tmp_path: Path) -> None:
    lay(tmp_path, document())
    one, two, four, three = read_samples("coco", tmp_path)
    square = ((10, 10), (30, 10), (30, 20), (10, 20))
    assert regions(one) == (
        Region("pit", Rectangle(2, 3, 6, 8)),
        Region("stain", Polygon((square,))),
    )
    assert (one.label, one.labels, one.part) == ("stain", ("pit", "stain"), "images/1.png")
    assert (two.label, two.part, two.lot) == ("pit", "p2", "A7")
    assert (covered(two) == box(0, 0, 1, 3)).all()
    assert (four.label, four.regions) == (GOOD, ((),))
    assert (covered(three) == (box(7, 5, 30, 12) | box(50, 20, 51, 21))).all()


@pytest.mark.parametrize(
    "place",
    ["instances_train2017.json:train2017", "_annotations.coco.json:.", "a/b.json:data", "b.json:images"],
)
def test_images_lie_where_tools_put_them(tmp_path: Path, place: str) -> None:
    file, folder = place.split(":")
    photograph(tmp_path, f"{folder}/1.png")
    content = document() | {
        "images": document()["images"][:1],
        "annotations": document()["annotations"][:2],
    }
    write(tmp_path / file, json.dumps(content))
    assert read_samples("coco", tmp_path)[0].label == "stain"


def test_several_files_are_read_when_their_folder_is_named(tmp_path: Path) -> None:
    for number, split in enumerate(("train", "val"), start=1):
        photograph(tmp_path, f"{split}/1.png")
        image = document()["images"][0] | {"id": number}
        content = document() | {"images": [image], "annotations": []}
        write(tmp_path / "annotations" / f"instances_{split}.json", json.dumps(content))
    with pytest.raises(ConfigError, match=r"2 \.json files \(.*train\.json, .*val\.json\)"):
        read_samples("coco", tmp_path)
    samples = read_samples("coco", tmp_path, annotations=tmp_path / "annotations")
    assert [(sample.part, sample.split) for sample in samples] == [
        ("train/1.png", "train"),
        ("val/1.png", "val"),
    ]


def test_image_that_the_file_does_not_list_is_what_the_caller_says(tmp_path: Path) -> None:
    file = lay(tmp_path, document())
    photograph(tmp_path, "images/5.png")
    with pytest.raises(DataError, match=r"5\.png: has no annotation"):
        read_samples("coco", tmp_path)
    assert len(read_samples("coco", tmp_path, unlabelled="leave_out")) == 4
    assert read_samples("coco", tmp_path, unlabelled="good")[-2].label == GOOD
    file.write_text("{")
    assert len(faults("coco", tmp_path, unlabelled="good")) == 1


def test_label_of_an_image_is_a_defect_that_nobody_drew(tmp_path: Path) -> None:
    photograph(tmp_path, "1.png", "2.png", "3.png")
    images = [{"id": number, "file_name": f"{number}.png"} for number in (1, 2, 3)]
    images[0] |= {"label": "pit", "part": "p1"}
    images[1] |= {"label": GOOD}
    said = {"images": images, "annotations": [], "categories": [{"id": 1, "name": "pit"}]}
    write(tmp_path / "labels.json", json.dumps(said))
    samples = read_samples("coco", tmp_path)
    assert [sample.label for sample in samples] == ["pit", GOOD, GOOD]
    assert samples[0].part == "p1"
    assert read_mask(samples[0], SIZE) is None  # unknown, not empty


def test_label_of_an_image_must_be_among_those_drawn_on_it(tmp_path: Path) -> None:
    photograph(tmp_path, "1.png")
    drawn = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [2, 3, 4, 5]}
    said = {"images": [{"id": 1, "file_name": "1.png", "label": "stain"}], "annotations": [drawn]}
    write(tmp_path / "labels.json", json.dumps(said | {"categories": [{"id": 1, "name": "pit"}]}))
    with pytest.raises(DataError, match="the part is 'stain', and drawn on it is pit"):
        read_samples("coco", tmp_path)


@pytest.mark.parametrize("seed", range(5))
def test_run_string_is_read_back(seed: int) -> None:
    counts = np.random.default_rng(seed).integers(0, 40_000, 60).tolist()
    assert run_counts(run_string(counts)) == counts


def test_run_string_is_that_of_the_format(tmp_path: Path) -> None:
    assert run_string(run_counts(RUNS)) == RUNS
