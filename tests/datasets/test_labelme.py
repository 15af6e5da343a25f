"""labelme files: read as they are, refused where they are wrong."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from taktsight.datasets.readers import apply_index, read_samples
from taktsight.datasets.regions import Polygon, Rectangle, Region, area_px
from taktsight.datasets.samples import GOOD
from taktsight.errors import DataError

from .annotated import assert_refused, assert_survives_damage, faults, photograph, regions, source, write

PIT: dict[str, Any] = {
    "label": "pit",
    "points": [[4.5, 5], [20, 5], [20, 15.25]],
    "group_id": None,
    "shape_type": "polygon",
    "flags": {},
}


def document(*shapes: dict[str, Any], **values: Any) -> str:
    content: dict[str, Any] = {
        "version": "5.4.1",
        "flags": {},
        "shapes": list(shapes),
        "imagePath": "..\\images\\1.png",
        "imageData": None,
        "imageHeight": 40,
        "imageWidth": 60,
    }
    return json.dumps(content | values)


def lay(root: Path, content: str) -> Path:
    """Two images; the file is about the first, the second is good."""
    photograph(root, "images/1.png", "images/2.png")
    write(root / "label/2.json", document(imagePath="2.png"))
    return write(root / "label/1.json", content)


def test_polygons_rectangles_and_circles_are_read(tmp_path: Path) -> None:
    corner = {"label": "stain", "shape_type": "rectangle", "points": [[30, 20], [10, 8]]}
    ball = {"label": "ball", "shape_type": "circle", "points": [[30, 20], [30, 30]]}
    lay(tmp_path, document(PIT, corner, ball))
    one, two = read_samples("labelme", tmp_path)
    pit, stain, circle = regions(one)
    assert pit == Region("pit", Polygon((((4.5, 5), (20, 5), (20, 15.25)),)))
    assert stain == Region("stain", Rectangle(10, 8, 30, 20))
    assert area_px(circle.shape) == pytest.approx(3.1416 * 100, rel=0.003)  # 64 corners, not a circle
    assert (one.label, one.labels, two.label) == ("ball", ("ball", "pit", "stain"), GOOD)


def test_image_lies_beside_its_file(tmp_path: Path) -> None:
    photograph(tmp_path, "a/1.png", "1.png")
    write(tmp_path / "a/1.json", document(PIT, imagePath="1.png"))
    write(tmp_path / "1.json", document(imagePath="1.png", imageHeight=None, imageWidth=None))
    assert [sample.label for sample in read_samples("labelme", tmp_path)] == [GOOD, "pit"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (document(PIT | {"points": [[4, 5], [20, 5]]}), r"shapes\[0\]: the polygon has 2 corners"),
        (document(PIT | {"points": [[4, 5], [20, 5], [20]]}), "is not a pair x, y"),
        (
            document(PIT | {"points": [[4, 5], [20, 5], [20, "a"]]}),
            r"points\.2\.1: .*valid number, got 'a'",
        ),
        (document(PIT | {"points": [[4, 5], [20, 5], [20, float("inf")]]}), "finite number, got inf"),
        (document(PIT | {"points": [[4, 5], [20, 5], [62, 15]]}), "x = 62 lies outside the image"),
        (document(PIT | {"points": None}), "points: .*valid list"),
        (document(PIT | {"label": 7}), "label: .*valid string, got 7"),
        (document(PIT | {"label": "good"}), "'good' is that of good parts"),
        (document(PIT | {"label": "a\nb"}), "wanted is a name"),
        (document(PIT | {"shape_type": "line"}), "is a 'line', which cannot be read; draw"),
        (document(PIT | {"shape_type": "mask"}), "is a 'mask', which cannot be read"),
        (document(PIT | {"shape_type": "circle"}), "a circle has two points"),
        (document(PIT | {"shape_type": "rectangle", "points": [[4, 5], [4, 9]]}), "has no size"),
        (document(PIT | {"shape_type": "circle", "points": [[5, 5], [5, 30]]}), "lies outside the image"),
        (document(PIT, imageHeight=20), "was made on 60×20 pixels, and .* has 60×40"),
        (document(PIT, imagePath="../../../1.png"), "leads out of"),
        (document(PIT, imagePath="/images/1.png"), "absolute path"),
        (document(PIT, imagePath="3.png"), "is not there"),
        (document(PIT, imagePath=None), "imagePath: .*valid string, got None"),
        (document(PIT).replace("shapes", "forms"), "shapes: Field required"),
        (document(PIT)[:60], "is not JSON"),
        ("", "is not JSON"),
    ],
)
def test_what_is_wrong_is_one_fault_that_names_the_shape(tmp_path: Path, content: str, says: str) -> None:
    assert_refused("labelme", tmp_path, lay(tmp_path, content), says, unlabelled="leave_out")


def test_file_in_another_encoding_is_a_fault(tmp_path: Path) -> None:
    file = lay(tmp_path, document())
    file.write_bytes(document(PIT).encode("utf-16"))
    assert_refused("labelme", tmp_path, file, "is not UTF-8 .*save it as UTF-8")


def test_image_of_a_file_that_cannot_be_read_is_never_good(tmp_path: Path) -> None:
    lay(tmp_path, document(PIT)[:-9])
    samples = read_samples("labelme", tmp_path, unlabelled="good", on_fault=lambda fault: None)
    assert [sample.name for sample in samples] == ["2.png"]


def test_second_file_about_one_image_is_a_fault(tmp_path: Path) -> None:
    lay(tmp_path, document(PIT))
    other = write(tmp_path / "label/3.json", document())
    assert_refused("labelme", tmp_path, other, "described a second time")


def test_damaged_file_never_ends_in_another_error(tmp_path: Path) -> None:
    assert_survives_damage("labelme", tmp_path, lay(tmp_path, document(PIT)))


def test_ball_screws_are_read_with_their_index() -> None:
    root = source("bsdata")
    with pytest.raises(DataError, match="has no annotation; annotate it, or say"):
        read_samples("labelme", root, annotations=root / "label")
    samples = read_samples("labelme", root, annotations=root / "label", unlabelled="good")
    samples = apply_index(samples, root / "index.csv", part="series")
    assert Counter(sample.label for sample in samples) == {GOOD: 175, "Pitting": 156}
    assert sum(len(regions(sample)) for sample in samples if sample.is_defective) == 225
    assert faults("labelme", root, annotations=root / "label", unlabelled="leave_out") == []
