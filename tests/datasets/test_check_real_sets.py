"""The faults that public data sets are known for, counted by hand, are found."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from taktsight.datasets.checks import Checked, Source, check_data
from taktsight.datasets.readers import Layout, Unlabelled
from taktsight.image_files import read_image

SOURCES = Path(__file__).parents[3] / "shared" / "data"


def named(checked: Checked, kind: str) -> list[list[str]]:
    return [[path.name for path in found.paths] for found in checked.findings if found.kind == kind]


@pytest.fixture
def check() -> Callable[..., Checked]:
    def run(
        folder: str,
        layout: Layout,
        *,
        good: str = "good",
        below: str = "",
        annotations: str = "",
        unlabelled: Unlabelled = "refuse",
        leave_out: dict[str, str] | None = None,
        **columns: str,
    ) -> Checked:
        home = SOURCES / folder
        if not home.is_dir():
            pytest.skip(f"the data set {folder} is not on this machine")
        index = home / "index.csv" if columns or leave_out else None
        source = Source(
            home / below,
            layout,
            good,
            annotations=home / annotations if annotations else None,
            unlabelled=unlabelled,
            index=index,
            columns=columns,
            leave_out=leave_out or {},
        )
        return check_data(source)

    return run


def test_magnetic_tiles_have_empty_and_soft_masks(check: Callable[..., Checked]) -> None:
    """Three of the four published empty masks are in this selection."""
    checked = check("magnetic-tile", "mask_folder", good="MT_Free", part="physical_group", split="split")
    assert {fault.kind for fault in checked.faults} == {"empty mask"}
    assert [paths[0] for paths in named(checked, "empty mask")] == [
        "exp3_num_45042.jpg",
        "exp4_num_124690.jpg",
        "exp4_num_45057.jpg",
    ]
    ((soft),) = named(checked, "soft mask")
    assert len(soft) == 296
    (fray,) = [found for found in checked.findings if found.kind == "absent label"]
    assert "'MT_Fray' has no part in val" in fray.message
    (rare,) = [found for found in checked.findings if found.kind == "rare label"]
    assert "'MT_Fray' has 4 parts in train" in rare.message


def test_random_split_of_magnetic_tiles_leaks(check: Callable[..., Checked]) -> None:
    """Without its groups six exposures of one tile lie anywhere: the most alike of them are found."""
    checked = check("magnetic-tile", "mask_folder", good="MT_Free")
    assert len(named(checked, "near copy across splits")) == 7


def test_steel_strips_have_nine_copies_and_one_odd_size(check: Callable[..., Checked]) -> None:
    checked = check("xsdd", "class_folder", below="datas", part="block_group", split="split")
    pairs = [(f"{first}.jpg", f"{first + step}.jpg") for first, step in _COPIES]
    assert named(checked, "copy") == [list(pair) for pair in pairs]
    assert {fault.kind for fault in checked.faults} == {"copy"}
    assert named(checked, "odd size") == [["2041.jpg"]]
    (absent,) = [found for found in checked.findings if found.kind == "absent label"]
    assert "'oxide scale of plate system' has no part in val" in absent.message


_COPIES = [*((first, 4) for first in range(2078, 2082)), *((first, 5) for first in range(2205, 2210))]
"""Number of the first image of each pair, and how far on its copy lies."""


def test_aliens_are_validated_on_a_fifth_of_train_and_have_no_copies(check: Callable[..., Checked]) -> None:
    checked = check("aws-aliens", "class_folder", good="normal", split="split")
    assert (checked.faults, checked.split_by) == ((), "the index, val a fifth of train")
    assert check("aws-aliens", "class_folder", good="normal").faults == ()


def test_spindles_without_annotation_are_not_taken_for_good(check: Callable[..., Checked]) -> None:
    """173 good frames and 2 that nobody knows have no annotation; taken for good, neighbours leak."""
    checked = check("bsdata", "labelme", annotations="label")
    assert checked.counts["unlabelled"] == 175
    assert len(checked.samples) == 156
    as_good = check("bsdata", "labelme", annotations="label", unlabelled="good")
    assert {fault.kind for fault in as_good.faults} == {"near copy across splits"}
    assert max(len(paths) for paths in named(as_good, "near copy across splits")) > 200


def test_spindles_that_nobody_can_judge_are_left_out(check: Callable[..., Checked]) -> None:
    """Two frames are so soiled that nobody says anything of them."""
    checked = check(
        "bsdata",
        "labelme",
        annotations="label",
        unlabelled="good",
        leave_out={"status": "unknown"},
    )
    assert len(checked.samples) == 331 - 2
    assert "index" not in checked.counts


def test_boards_have_no_fault_and_sixteen_files_are_colour(check: Callable[..., Checked]) -> None:
    checked = check("deeppcb", "deeppcb")
    assert checked.faults == ()
    ((*colour,),) = named(checked, "odd channels")
    assert len([name for name in colour if "_test" in name]) == 6
    assert len([name for name in colour if "_temp" in name]) == 10


def test_commutators_without_their_copies_have_no_fault(
    check: Callable[..., Checked], tmp_path: Path
) -> None:
    """The items whose images are another item's are not in this selection."""
    names = tmp_path / "classes.txt"
    names.write_text("crack\n", encoding="utf-8")
    checked = check("kolektorsdd", "yolo", annotations=str(names), part="item_reconstructed")
    assert (checked.faults, len(checked.samples)) == ((), 175)


@pytest.mark.parametrize(("image", "overlap"), [("005", "0.50"), ("098", "0.63")])
def test_commutators_marked_twice_disagree(tmp_path: Path, image: str, overlap: str) -> None:
    """Two images of the set are the same bytes as two others, and each pair was marked twice."""
    home = SOURCES / "kolektorsdd"
    if not home.is_dir():
        pytest.skip("the data set kolektorsdd is not on this machine")
    photograph = home / "images" / f"{image}.jpg"
    for name, labels in (("one", "labels"), ("two", "labels_second_annotator")):
        for folder in ("images", "masks"):
            (tmp_path / folder / "crack").mkdir(parents=True, exist_ok=True)
        shutil.copy(photograph, tmp_path / "images" / "crack" / f"{name}.jpg")
        mask = _yolo_mask(home / labels / f"{image}.txt", read_image(photograph).shape)
        (tmp_path / "masks" / "crack" / f"{name}.png").write_bytes(cv2.imencode(".png", mask)[1].tobytes())
    checked = check_data(Source(tmp_path, "mask_folder"))
    (found,) = [found for found in checked.findings if found.kind == "copies disagree"]
    assert f"overlap {overlap}" in found.message


def _yolo_mask(labels: Path, shape: tuple[int, ...]) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    mask = np.zeros(shape[:2], np.uint8)
    for line in labels.read_text().splitlines():
        corners = np.array(line.split()[1:], np.float64).reshape(-1, 2) * (shape[1], shape[0])
        cv2.fillPoly(mask, [np.rint(corners).astype(np.int32)], (255,))
    return mask
