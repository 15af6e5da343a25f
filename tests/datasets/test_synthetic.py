"""The synthetic product: the same parts again, defects of the size that was asked for, honest masks."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from taktsight.cli import main
from taktsight.datasets.synthetic import (
    DEFAULT_RANGES,
    FIELD_MM,
    DefectRange,
    Product,
    RenderedPart,
    plan_labels,
    render_part,
    write_dataset,
)
from taktsight.datasets.synthetic.geometry import layers_of
from taktsight.datasets.synthetic.render import pose_of
from taktsight.errors import DataError
from taktsight.image_files import read_image

KINDS = ("crack", "pit", "scratch", "stain")
SMALL = Product(size_px=128, mm_per_px=0.4)
MEDIUM = Product(size_px=256, mm_per_px=0.2)


def product_of(size_px: int) -> Product:
    return Product(size_px=size_px, mm_per_px=FIELD_MM / size_px)


def faces_in_frame(
    product: Product, seed: int, number: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """255 where the frame shows a flat face of the part; a pixel wider, for the rounding of the warp."""
    pose = pose_of(product, seed, number)
    faces = (layers_of(product).clearance_mm > 0).astype(np.uint8) * 255
    size = (product.size_px, product.size_px)
    seen = cv2.warpAffine(faces, pose.matrix(product.size_px), size, flags=cv2.INTER_NEAREST)
    return np.asarray(cv2.dilate(seen, np.ones((3, 3), np.uint8)), np.uint8)


def read_table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def same(one: RenderedPart, other: RenderedPart) -> bool:
    return (
        np.array_equal(one.image, other.image)
        and np.array_equal(one.mask, other.mask)
        and one.defects == other.defects
    )


@pytest.mark.parametrize("defect", [None, *KINDS])
def test_the_same_seed_and_number_give_the_same_bytes(defect: str | None) -> None:
    assert same(render_part(SMALL, 7, 3, defect), render_part(SMALL, 7, 3, defect))


def test_a_part_does_not_depend_on_the_parts_before_it() -> None:
    product = Product(size_px=128, mm_per_px=0.4, parts_per_lot=2)
    forward = {number: render_part(product, 7, number, "pit") for number in range(12)}
    # Six lots are more than are kept: the last ones are made again.
    assert all(
        same(render_part(product, 7, number, "pit"), forward[number]) for number in reversed(range(12))
    )


def test_another_seed_gives_other_parts() -> None:
    assert not np.array_equal(render_part(SMALL, 7, 3).image, render_part(SMALL, 8, 3).image)


@pytest.mark.parametrize("size_px", [128, 200, 512])
def test_an_image_is_mono_of_the_size_asked_for(size_px: int) -> None:
    part = render_part(product_of(size_px), 1, 0, "pit")
    assert part.image.shape == part.mask.shape == (size_px, size_px, 1)
    assert part.image.dtype == part.mask.dtype == np.uint8
    assert set(np.unique(part.mask)) == {0, 255}


def test_the_same_product_is_seen_at_another_resolution() -> None:
    fine, coarse = render_part(product_of(256), 7, 5).image, render_part(product_of(128), 7, 5).image
    halved = cv2.resize(fine, (128, 128), interpolation=cv2.INTER_AREA)
    # Noise and conveyor differ; part, pose and light do not.
    assert np.corrcoef(halved.ravel(), coarse.ravel())[0, 1] > 0.95


def test_a_good_part_has_an_empty_mask() -> None:
    part = render_part(SMALL, 7, 3)
    assert part.label == "good"
    assert part.defects == ()
    assert not part.mask.any()


@pytest.mark.parametrize("kind", KINDS)
def test_the_mask_lies_on_the_faces_of_the_part(kind: str) -> None:
    for number in range(12):
        mask = render_part(MEDIUM, 7, number, kind).mask[:, :, 0]
        assert mask.any()
        assert not (mask & ~faces_in_frame(MEDIUM, 7, number)).any()


@pytest.mark.parametrize("kind", KINDS)
def test_a_defective_part_differs_from_its_good_twin_only_at_the_defect(kind: str) -> None:
    part, twin = render_part(MEDIUM, 7, 4, kind), render_part(MEDIUM, 7, 4)
    difference = cv2.absdiff(part.image, twin.image)
    # 2 mm: the soft edge of a stain, the rim of a pit and the lens blur reach beyond the mask.
    near = cv2.dilate(part.mask, np.ones((21, 21), np.uint8))
    assert not difference[near == 0].any()


@pytest.mark.parametrize("kind", KINDS)
def test_a_defect_can_be_seen(kind: str) -> None:
    """Against its twin each defect changes its pixels by more than the noise and the marks around vary."""
    product = product_of(512)
    for number in range(0, 60, 6):
        part, twin = render_part(product, 3, number, kind), render_part(product, 3, number)
        on = part.mask[:, :, 0] > 0
        seen, before = part.image[:, :, 0].astype(float), twin.image[:, :, 0].astype(float)
        around = (cv2.dilate(part.mask, np.ones((15, 15), np.uint8)) > 0) & ~on
        marks = (before - cv2.GaussianBlur(before, (0, 0), 8))[around].std()
        assert np.abs(seen - before)[on].mean() > max(15, 1.5 * marks)


@pytest.mark.parametrize("size_px", [512, 256])
@pytest.mark.parametrize(
    ("kind", "length_mm", "width_mm", "tolerance"),
    [
        ("pit", 1.2, 1.0, 0.05),
        ("stain", 5.0, 4.0, 0.03),
        ("scratch", 8.0, 0.25, 0.06),
        # Branches add to a crack's area, and the trunk folds over itself: 8 % more in the mean of 40.
        ("crack", 6.0, 0.25, 0.16),
    ],
)
def test_the_mean_area_is_what_was_asked_for(
    kind: str, length_mm: float, width_mm: float, tolerance: float, size_px: int
) -> None:
    product = product_of(size_px)
    parts = [
        render_part(product, 5, number, kind, length_mm=length_mm, width_mm=width_mm)
        for number in range(12)
    ]
    asked = length_mm * width_mm * (math.pi / 4 if kind in ("pit", "stain") else 1)
    assert [len(part.defects) for part in parts] == [1] * 12
    assert np.mean([part.defects[0].area_mm2 for part in parts]) == pytest.approx(asked, rel=tolerance)


def test_what_is_known_of_a_defect_is_what_the_mask_shows() -> None:
    part = render_part(product_of(512), 7, 2, "stain", length_mm=4.0)
    rows, columns = np.nonzero(part.mask[:, :, 0])
    (defect,) = part.defects
    assert defect.length_mm == 4.0
    assert defect.area_mm2 == pytest.approx(len(rows) * 0.01)
    assert defect.centre_px == pytest.approx((columns.mean(), rows.mean()))
    assert defect.contrast < -0.2


def test_a_part_has_one_to_three_defects_of_one_kind() -> None:
    parts = [render_part(SMALL, 7, number, "pit") for number in range(60)]
    assert {len(part.defects) for part in parts} == {1, 2, 3}
    assert {defect.label for part in parts for defect in part.defects} == {"pit"}


def test_a_defect_larger_than_the_part_is_refused() -> None:
    with pytest.raises(ValueError, match="finds no place on the part"):
        render_part(SMALL, 7, 0, "pit", length_mm=30)


def test_a_size_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"pit: length_mm must be > 0, got 0"):
        render_part(SMALL, 7, 0, "pit", length_mm=0)


def test_a_faint_defect_stays_faint_where_that_is_asked_for() -> None:
    faint = (DefectRange("pit", (1.0, 1.5), (1.0, 1.5), (0.05, 0.05)),)
    product = Product(ranges=faint, least_visible=0)
    (defect,) = render_part(product, 7, 0, "pit", length_mm=1.2).defects
    assert -0.07 < defect.contrast < -0.03


def test_a_kind_that_the_product_cannot_have_is_refused() -> None:
    with pytest.raises(ValueError, match="no defect 'dent'; it has crack, pit, scratch, stain"):
        render_part(SMALL, 7, 0, "dent")


def test_a_size_without_a_defect_is_refused() -> None:
    with pytest.raises(ValueError, match="without a defect"):
        render_part(SMALL, 7, 0, length_mm=1.0)


def test_lots_differ_more_than_parts_of_a_lot() -> None:
    def brightness(number: int) -> float:
        return float(np.median(render_part(SMALL, 7, number).image[32:96, 32:96]))

    lots = [[brightness(25 * lot + part) for part in range(4)] for lot in range(6)]
    within = np.mean([np.std(lot) for lot in lots])
    assert np.std([np.mean(lot) for lot in lots]) > 1.5 * within
    assert render_part(SMALL, 7, 24).lot_name == "lot-0000"
    assert render_part(SMALL, 7, 25).lot_name == "lot-0001"


def test_parts_of_a_lot_do_not_share_their_tool_marks() -> None:
    starts = {pose_of(SMALL, 7, number).marks_start for number in range(25)}
    assert len(starts) > 10


def test_a_field_that_cuts_the_part_is_refused() -> None:
    with pytest.raises(ValueError, match=r"use mm_per_px 0\.2"):
        Product(size_px=256, mm_per_px=0.1)
    with pytest.raises(ValueError, match="≥ 128"):
        Product(size_px=64, mm_per_px=0.8)
    with pytest.raises(ValueError, match=r"mm_per_px must be ≤ 0\.5"):
        Product(size_px=512, mm_per_px=1.0)


def test_a_range_in_the_wrong_order_is_refused() -> None:
    with pytest.raises(ValueError, match="pit: length_mm must be 0 < low ≤ high"):
        DefectRange("pit", (2.0, 1.0), (0.5, 1.0), (0.4, 0.5))
    with pytest.raises(ValueError, match="each once"):
        Product(ranges=(DEFAULT_RANGES[0], DEFAULT_RANGES[0]))


def test_labels_are_spread_evenly_over_lots_and_kinds() -> None:
    labels = plan_labels(SMALL, parts=200, defective_share=0.32, seed=7)
    lots = [labels[start : start + 25] for start in range(0, 200, 25)]
    assert [lot.count("good") for lot in lots] == [17] * 8
    assert [labels.count(kind) for kind in KINDS] == [16] * 4
    assert labels == plan_labels(SMALL, parts=200, defective_share=0.32, seed=7)
    assert labels != plan_labels(SMALL, parts=200, defective_share=0.32, seed=8)


def test_a_data_set_holds_what_its_index_says(tmp_path: Path) -> None:
    product = Product(size_px=128, mm_per_px=0.4, parts_per_lot=10)
    written = write_dataset(tmp_path / "set", product, parts=20, defective_share=0.4, seed=7)
    rows = read_table(tmp_path / "set" / "index.csv")
    assert list(rows[0]) == ["image", "mask", "label", "part", "lot", "camera"]
    assert written.by_label == {"good": 12, "crack": 2, "pit": 2, "scratch": 2, "stain": 2}
    assert [row["part"] for row in rows] == [f"part-{number:06d}" for number in range(20)]
    assert {row["lot"] for row in rows} == {"lot-0000", "lot-0001"}
    for number, row in enumerate(rows):
        part = render_part(product, 7, number, None if row["label"] == "good" else row["label"])
        assert row["image"] == f"images/{row['label']}/{row['part']}.png"
        assert np.array_equal(read_image(tmp_path / "set" / row["image"]), part.image)
        assert bool(row["mask"]) is (row["label"] != "good")
        if row["mask"]:
            assert np.array_equal(read_image(tmp_path / "set" / row["mask"]), part.mask)
    files = {path.relative_to(tmp_path / "set").as_posix() for path in (tmp_path / "set").rglob("*.png")}
    assert files == {row[column] for row in rows for column in ("image", "mask")} - {""}


def test_the_tables_say_what_is_true_of_every_defect(tmp_path: Path) -> None:
    write_dataset(tmp_path, SMALL, parts=8, defective_share=0.5, seed=7)
    defects = read_table(tmp_path / "defects.csv")
    assert list(defects[0]) == [
        "part",
        "label",
        "length_mm",
        "width_mm",
        "area_mm2",
        "x_px",
        "y_px",
        "contrast",
    ]
    for row in read_table(tmp_path / "index.csv"):
        own = [defect for defect in defects if defect["part"] == row["part"]]
        assert {defect["label"] for defect in own} == ({row["label"]} - {"good"})
        if row["mask"]:
            pixels = np.count_nonzero(read_image(tmp_path / row["mask"]))
            assert sum(float(defect["area_mm2"]) for defect in own) == pytest.approx(pixels * 0.16)
    content = yaml.safe_load((tmp_path / "product.yaml").read_text())
    assert (content["mm_per_px"], content["size_px"], content["seed"], content["parts"]) == (0.4, 128, 7, 8)
    assert content["parts_by_label"]["good"] == 4


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match=r"is not empty \(it holds notes.txt\)"):
        write_dataset(tmp_path, SMALL, parts=4, defective_share=0.5, seed=7)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_data_set_that_could_not_be_finished_has_no_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_bytes = Path.write_bytes

    def full_disk(path: Path, content: bytes) -> int:
        if path.name == "part-000003.png":
            raise OSError(28, "No space left on device")
        return write_bytes(path, content)

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(DataError, match="No space left on device; the data set is not whole"):
        write_dataset(tmp_path, SMALL, parts=6, defective_share=0.5, seed=7)
    assert not (tmp_path / "index.csv").exists()


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "set").write_text("")
    with pytest.raises(DataError, match="cannot be used as a folder"):
        write_dataset(tmp_path / "set", SMALL, parts=4, defective_share=0.5, seed=7)


def test_the_command_line_writes_a_data_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "set")
    assert main(["data", "synth", out, "--parts", "6", "--defective-share", "0.5", "--size-px", "128"]) == 0
    assert "6 parts in 1 lots: 3 good" in capsys.readouterr().out
    assert len(read_table(tmp_path / "set" / "index.csv")) == 6
    assert yaml.safe_load((tmp_path / "set" / "product.yaml").read_text())["mm_per_px"] == 0.4
    assert main(["data", "synth", out]) == 1
    assert "is not empty" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--parts", "0"], "parts must be ≥ 1"),
        (["--defective-share", "1.2"], "defective_share must be within 0–1"),
        (["--size-px", "64"], "size_px must be ≥ 128"),
        (["--mm-per-px", "0.05"], "the part needs 50 mm"),
        (["--seed", "-1"], "--seed must be ≥ 0"),
    ],
)
def test_a_wrong_argument_is_a_wrong_configuration(
    wrong: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "synth", str(tmp_path / "set"), *wrong]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "set").exists()
