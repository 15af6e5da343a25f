"""Label Studio exports: read as they are, refused where they are wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from taktsight.datasets.readers import read_samples
from taktsight.datasets.regions import Polygon, Rectangle, Region, cover
from taktsight.datasets.samples import GOOD

from .annotated import SIZE, assert_refused, assert_survives_damage, box, photograph, regions, write

BOX = {"x": 10, "y": 25, "width": 50, "height": 50, "rotation": 0, "rectanglelabels": ["pit"]}
RING = {"points": [[10, 25], [50, 25], [50, 75]], "closed": True, "polygonlabels": ["stain"]}


def result(kind: str, value: dict[str, Any], **more: Any) -> dict[str, Any]:
    entry = {"id": "Dx1", "type": kind, "from_name": "label", "to_name": "image", "value": value}
    return entry | {"original_width": 60, "original_height": 40, "image_rotation": 0} | more


def task(image: str, *results: Any, **more: Any) -> dict[str, Any]:
    made = [{"id": 1, "was_cancelled": False, "result": list(results), "lead_time": 3.5}]
    return {"id": 1, "data": {"image": image}, "annotations": made, "predictions": []} | more


def lay(root: Path, *tasks: Any) -> Path:
    """Two images; the last task says that the second is good."""
    photograph(root, "images/1.png", "images/2.png")
    return write(root / "export.json", json.dumps([*tasks, task("images/2.png")]))


def test_boxes_and_polygons_are_read(tmp_path: Path) -> None:
    lay(tmp_path, task("images/1.png", result("rectanglelabels", BOX), result("polygonlabels", RING)))
    one, two = read_samples("label_studio", tmp_path)
    assert regions(one) == (
        Region("pit", Rectangle(6, 10, 36, 30)),
        Region("stain", Polygon((((6, 10), (30, 10), (30, 30)),))),
    )
    assert (one.label, two.label, two.regions) == ("pit", GOOD, ((),))


def test_turned_box_lies_where_it_was_turned_to(tmp_path: Path) -> None:
    value = BOX | {"x": 50, "y": 25, "width": 20, "height": 50, "rotation": 90}
    lay(tmp_path, task("1.png", result("rectanglelabels", value)))
    (turned,) = regions(read_samples("label_studio", tmp_path)[0])
    assert np.array_equal(cover(turned.shape, SIZE), box(10, 10, 31, 23))  # its outline belongs to it


@pytest.mark.parametrize(
    "address",
    [
        "/data/upload/3/1.png",
        "/data/upload/3/0a1b2c3d-1.png",
        "/data/local-files/?d=images/1.png",
        "/data/local-files/?d=images%2F1.png",
        "1.png",
    ],
)
def test_image_is_found_by_its_address(tmp_path: Path, address: str) -> None:
    lay(tmp_path, task(address, result("rectanglelabels", BOX)))
    assert read_samples("label_studio", tmp_path)[0].label == "pit"


@pytest.mark.parametrize(("choice", "label"), [("dull", "dull"), ("fine", GOOD)])
def test_choice_is_the_label_of_the_part(tmp_path: Path, choice: str, label: str) -> None:
    lay(tmp_path, task("1.png", result("choices", {"choices": [choice]})))
    assert read_samples("label_studio", tmp_path, "fine")[0].label == label


@pytest.mark.parametrize("made", [[], [{"result": [], "was_cancelled": True}]])
def test_task_that_nobody_annotated_is_not_good(tmp_path: Path, made: list[Any]) -> None:
    lay(tmp_path, task("1.png", annotations=made))
    samples = read_samples("label_studio", tmp_path, unlabelled="leave_out")
    assert [sample.name for sample in samples] == ["2.png"]


def drawn(**values: Any) -> dict[str, Any]:
    return task("1.png", result("rectanglelabels", BOX | values))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (drawn(width=-5), r"tasks\[0\], result\[0\]: the box .* has no size"),
        (drawn(width=-5, rotation=30), "the box is -3×20 pixels large"),
        (drawn(x=60), "x = 66 lies outside the image"),
        (drawn(x=None), "has no x, y, width and height"),
        (drawn(x="10"), r"value\.x: .*valid number, got '10'"),
        (drawn(x=float("nan")), r"value\.x: .*finite number"),
        (drawn(rectanglelabels=[]), "has 0 labels, wanted is one"),
        (drawn(rectanglelabels=["pit", "stain"]), "has 2 labels"),
        (drawn(rectanglelabels=["good"]), "'good' is that of good parts"),
        (task("1.png", result("polygonlabels", RING | {"points": [[1, 2], [3, 4]]})), "has 2 corners"),
        (task("1.png", result("polygonlabels", RING | {"points": [[1, 2], [3, 4], [5]]})), "pair x, y"),
        (
            task("1.png", result("brushlabels", {"rle": [1, 2]})),
            "'brushlabels', which cannot be read; export",
        ),
        (task("1.png", result("rating", {"rating": 3})), "'rating', which cannot be read; draw with"),
        (task("1.png", result("rectanglelabels", BOX, original_width=61)), "was drawn on 61×40 pixels"),
        (task("1.png", {"value": BOX}), "type: Field required"),
        (task("1.png", 7), "got 7"),
        (task("1.png", result("choices", {"choices": ["a", "b"]})), "has the labels a, b; keep one"),
        (
            task("1.png", *(result("choices", {"choices": [each]}) for each in ("good", "a"))),
            "has the labels good, a; keep one",
        ),
        (task("1.png", result("choices", {"choices": "a"})), "the label is '', wanted is a name"),
        (
            task("1.png", result("rectanglelabels", BOX), result("choices", {"choices": ["dull"]})),
            "is 'dull', and",
        ),
        (
            task("1.png", result("rectanglelabels", BOX), result("choices", {"choices": ["good"]})),
            "is 'good', and",
        ),
        (task("1.png", annotations=[{"result": []}, {"result": []}]), "has 2 annotations; keep the one"),
        (task("s3://bucket/1.png"), "lies at 's3://bucket/1.png'; download it"),
        (task("/etc/1.png"), "absolute path"),
        (task("../../1.png"), "leads out of"),
        (task("7.png"), r"tasks\[0\]: the image '7.png' is not there"),
        (task("2.png"), "described a second time"),
        ({"image": "1.png", "label": []}, r"tasks\[0\]: data: Field required"),
    ],
)
def test_what_is_wrong_is_one_fault_that_names_the_task(tmp_path: Path, content: Any, says: str) -> None:
    assert_refused("label_studio", tmp_path, lay(tmp_path, content), says, unlabelled="leave_out")


def test_export_of_another_kind_is_a_fault(tmp_path: Path) -> None:
    photograph(tmp_path, "1.png")
    file = write(tmp_path / "export.json", '{"images": []}')
    assert_refused("label_studio", tmp_path, file, "is not a list of tasks; export it as 'JSON'")


def test_damaged_file_never_ends_in_another_error(tmp_path: Path) -> None:
    content = task("images/1.png", result("rectanglelabels", BOX), result("polygonlabels", RING))
    assert_survives_damage("label_studio", tmp_path, lay(tmp_path, content))
