"""Data sets written as COCO and as mask folders: what was read comes back, byte for byte the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from taktsight.cli import main
from taktsight.datasets.readers import apply_index, read_samples
from taktsight.datasets.regions import Polygon, Rectangle, Region, cover
from taktsight.datasets.samples import GOOD, Sample
from taktsight.datasets.writers.coco import write_coco
from taktsight.datasets.writers.mask_folder import write_mask_folder
from taktsight.errors import DataError

from .annotated import SIZE, blob, covered, photograph, regions, source, write

Writer = Callable[[Sequence[Sample], Path, Path], None]
PIT = Region("pit", Rectangle(2, 3, 6.5, 8.25))
STAIN = Region("stain", Polygon((((10.1, 10), (30, 10), (30, 20.7)), ((40, 30), (50, 30), (45, 35)))))


def parts(root: Path) -> list[Sample]:
    """A drawn part with two labels, one with a mask in two pieces, a good one."""
    photograph(root, "a/1.png", "a/2.jpg", "3.png")
    mask = root / "masks" / "2.png"
    mask.parent.mkdir()
    mask.write_bytes(cv2.imencode(".png", two_pieces().astype(np.uint8) * 255)[1].tobytes())
    return [
        Sample((root / "a/1.png",), "stain", regions=((PIT, STAIN),), part="p1", lot="A", split="train"),
        Sample((root / "a/2.jpg",), "pit", (mask,), part="p2", camera="top", split="test"),
        Sample((root / "3.png",), GOOD, part="p3", split="test"),
    ]


def two_pieces() -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    pixels = blob(3)
    pixels[:5, :9] = False
    pixels[1:3, 2:7] = True
    pixels[18:21, 29:32] = False  # a hole, which a polygon cannot have
    return pixels


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_coco_gives_back_regions_masks_and_what_is_known_of_the_part(tmp_path: Path) -> None:
    samples = parts(tmp_path / "in")
    write_coco(samples, tmp_path / "in", tmp_path / "out")
    back = read_samples("coco", tmp_path / "out", annotations=tmp_path / "out" / "annotations")
    three, one, two = back
    assert regions(one) == (PIT, STAIN)
    assert (one.label, one.part, one.lot, one.split) == ("stain", "p1", "A", "train")
    assert np.array_equal(covered(two), two_pieces())
    assert (len(regions(two)), two.part, two.camera, two.split) == (2, "p2", "top", "test")
    assert (three.label, three.regions, three.split) == (GOOD, ((),), "test")
    assert two.images[0].read_bytes() == samples[1].images[0].read_bytes()


def test_coco_is_what_other_tools_expect(tmp_path: Path) -> None:
    write_coco(parts(tmp_path / "in"), tmp_path / "in", tmp_path / "out")
    train, test = (
        json.loads((tmp_path / f"out/annotations/instances_{split}.json").read_text())
        for split in ("train", "test")
    )
    assert (
        train["categories"] == test["categories"] == [{"id": 1, "name": "pit"}, {"id": 2, "name": "stain"}]
    )
    assert [image["file_name"] for image in test["images"]] == ["a/2.jpg", "3.png"]
    assert {entry["image_id"] for entry in test["annotations"]} == {1}
    pit, stain = train["annotations"]
    assert (pit["bbox"], pit["area"], pit["segmentation"]) == ([2, 3, 4.5, 5.25], 23.625, [])
    assert stain["segmentation"] == [[10.1, 10, 30, 10, 30, 20.7], [40, 30, 50, 30, 45, 35]]
    assert stain["bbox"] == pytest.approx([10.1, 10, 39.9, 25])
    assert {entry["iscrowd"] for entry in train["annotations"] + test["annotations"]} == {0}


def test_mask_folder_gives_back_masks_and_index(tmp_path: Path) -> None:
    samples = parts(tmp_path / "in")[1:]
    drawn = replace(samples[1], label="stain", regions=((STAIN,),))
    write_mask_folder([samples[0], drawn], tmp_path / "in", tmp_path / "out")
    back = read_samples("mask_folder", tmp_path / "out")
    index = tmp_path / "out" / "index.csv"
    two, three = apply_index(back, index, part="part", lot="lot", camera="camera", split="split")
    assert np.array_equal(covered(two), two_pieces())
    assert np.array_equal(covered(three), cover(STAIN.shape, SIZE))
    assert (two.part, two.camera, two.split, three.label) == ("p2", "top", "test", "stain")


def test_defect_that_nobody_drew_stays_one(tmp_path: Path) -> None:
    photograph(tmp_path / "in", "1.png")
    undrawn = [Sample((tmp_path / "in/1.png",), "dull")]
    write_mask_folder(undrawn, tmp_path / "in", tmp_path / "out")
    assert [sample.label for sample in read_samples("mask_folder", tmp_path / "out")] == ["dull"]
    with pytest.raises(DataError, match="is 'dull' and nobody drew where, and COCO would call it good"):
        write_coco(undrawn, tmp_path / "in", tmp_path / "coco")
    assert list((tmp_path / "coco").iterdir()) == []


@pytest.mark.parametrize("write_samples", [write_coco, write_mask_folder])
def test_same_samples_give_the_same_bytes(tmp_path: Path, write_samples: Writer) -> None:
    samples = parts(tmp_path / "in")[1:]
    for out in ("one", "two"):
        write_samples(samples, tmp_path / "in", tmp_path / out)
    assert tree(tmp_path / "one") == tree(tmp_path / "two") != {}


def test_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    samples = parts(tmp_path / "in")
    write(tmp_path / "out" / "notes.txt", "mine")
    for write_samples in (write_coco, write_mask_folder):
        with pytest.raises(DataError, match=r"is not empty \(it holds notes\.txt\)"):
            write_samples(samples[1:], tmp_path / "in", tmp_path / "out")
    assert tree(tmp_path / "out") == {"notes.txt": b"mine"}


def test_what_a_format_cannot_hold_is_refused(tmp_path: Path) -> None:
    root, out = tmp_path / "in", tmp_path / "out"
    one, two, three = parts(root)
    with pytest.raises(DataError, match="has the labels pit, stain, and a mask folder holds one"):
        write_mask_folder([one], root, out)
    for label in ("a/b", "..", "a\\b"):
        with pytest.raises(DataError, match="is no name of a folder"):
            write_mask_folder([replace(two, label=label)], root, out)
    photograph(root, "a/2.png")
    with pytest.raises(DataError, match=r"2\.jpg: would share its mask with .*2\.png"):
        write_mask_folder([replace(two, images=(root / "a/2.png",)), two], root, out)
    with pytest.raises(DataError, match="has 2 views"):
        write_coco([replace(three, images=three.images * 2)], root, out)
    with pytest.raises(DataError, match="only some of the samples have a split"):
        write_coco([two, replace(three, split=None)], root, out)


def test_command_converts_and_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photograph(tmp_path / "in", "images/1.png", "images/2.png")
    write(tmp_path / "in/classes.txt", "pit")
    write(tmp_path / "in/labels/1.txt", "0 0.5 0.5 0.5 0.5\n0 0.1 0.1 0.1 0.1")
    write(tmp_path / "in/index.csv", "image,tile\nimages/1.png,A\nimages/2.png,B\n")
    command = [
        "data",
        "convert",
        str(tmp_path / "in"),
        str(tmp_path / "out"),
        "--layout",
        "yolo",
        "--to",
        "coco",
    ]
    assert main(command) == 1
    assert "2.png: has no annotation" in capsys.readouterr().err
    index = ["--index", str(tmp_path / "in/index.csv")]
    assert main([*command, *index]) == 2
    assert main([*command, *index, "--unlabelled", "good", "--part-column", "tile"]) == 0
    said = capsys.readouterr().out
    assert "2 images: 1 good, 1 pit" in said
    assert "2 drawn regions: 2 pit" in said
    assert [sample.part for sample in read_samples("coco", tmp_path / "out")] == ["A", "B"]


def test_circuit_boards_survive_the_way_through_coco(tmp_path: Path) -> None:
    root = source("deeppcb")
    samples = read_samples("deeppcb", root)[::40]
    write_coco(samples, root, tmp_path / "out")
    back = read_samples("coco", tmp_path / "out")
    assert [(sample.label, sample.regions) for sample in back] == [
        (sample.label, sample.regions) for sample in samples
    ]
