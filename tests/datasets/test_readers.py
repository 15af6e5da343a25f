"""Folders of labelled images: read as their layout says, or refused with the file that does not fit."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random

import cv2
import numpy as np
import pytest

from taktsight.datasets.readers import Layout, apply_index, read_samples
from taktsight.datasets.samples import GOOD, Sample, defect_labels
from taktsight.datasets.splits import check_splits, split_samples
from taktsight.errors import ConfigError, DataError

SOURCES = Path(__file__).parents[3] / "shared" / "data"
"""Public data sets, where they lie beside the repository."""
PIXEL = cv2.imencode(".png", np.zeros((1, 1), np.uint8))[1].tobytes()


def lay(root: Path, *files: str) -> Path:
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_bytes(PIXEL)
    return root


def names(samples: list[Sample]) -> list[tuple[str, str, str | None]]:
    """Image, label and mask of each sample, by file name."""
    masks = [sample.masks[0] if sample.masks else None for sample in samples]
    return [
        (sample.name, sample.label, mask.name if mask else None)
        for sample, mask in zip(samples, masks, strict=True)
    ]


def table(folder: Path, *rows: str, encoding: str = "utf-8") -> Path:
    index = folder / "index.csv"
    index.write_text("\n".join(rows) + "\n", encoding=encoding)
    return index


@pytest.fixture
def pits(tmp_path: Path) -> Path:
    """Three parts in label folders."""
    return lay(tmp_path, "good/1.png", "good/2.png", "pit/3.png")


def test_class_folder_gives_each_image_the_label_of_its_folder(pits: Path) -> None:
    assert names(read_samples("class_folder", pits)) == [
        ("1.png", GOOD, None),
        ("2.png", GOOD, None),
        ("3.png", "pit", None),
    ]


def test_label_is_the_first_folder_however_deep_the_image_lies(tmp_path: Path) -> None:
    lay(tmp_path, "pit/monday/early/1.png", "pit/2.bmp", "good/x/3.JPG", "pit/notes.txt")
    assert Counter(sample.label for sample in read_samples("class_folder", tmp_path)) == {"pit": 2, GOOD: 1}


def test_folder_of_good_parts_may_have_another_name(tmp_path: Path) -> None:
    lay(tmp_path, "MT_Free/1.png", "MT_Crack/2.png")
    samples = read_samples("class_folder", tmp_path, good="MT_Free")
    assert [sample.label for sample in samples] == ["MT_Crack", GOOD]
    assert defect_labels(samples) == ("MT_Crack",)


def test_product_without_good_parts_has_defect_labels_only(tmp_path: Path) -> None:
    lay(tmp_path, "scratch/1.png", "ash/2.png")
    assert defect_labels(read_samples("class_folder", tmp_path)) == ("ash", "scratch")


def test_images_come_in_natural_order(tmp_path: Path) -> None:
    lay(tmp_path, *(f"pit/part-{number}.png" for number in (10, 9, 100, 1)), "pit/part-09.png")
    found = [sample.name for sample in read_samples("class_folder", tmp_path)]
    assert found == ["part-1.png", "part-09.png", "part-9.png", "part-10.png", "part-100.png"]


def test_name_with_a_raised_two_between_digits_is_read(tmp_path: Path) -> None:
    assert len(read_samples("class_folder", lay(tmp_path, "pit/8²5.png", "pit/0.8 mm² 3.png"))) == 2


def test_masks_lie_in_their_own_folders(tmp_path: Path) -> None:
    lay(tmp_path, "images/good/1.png", "images/pit/2.jpg", "masks/pit/2.png")
    samples = read_samples("mask_folder", tmp_path)
    assert names(samples) == [("1.png", GOOD, None), ("2.jpg", "pit", "2.png")]
    assert samples[1].masks == (tmp_path / "masks" / "pit" / "2.png",)


@pytest.mark.parametrize("suffix", [".jpg", ".JPG", ".jpeg", ".bmp", ".tiff", ".webp"])
def test_masks_lie_beside_their_images(tmp_path: Path, suffix: str) -> None:
    lay(tmp_path, f"good/Imgs/1{suffix}", "good/Imgs/1.png", f"pit/Imgs/2{suffix}", "pit/Imgs/2.png")
    assert names(read_samples("mask_folder", tmp_path)) == [
        (f"1{suffix}", GOOD, None),
        (f"2{suffix}", "pit", "2.png"),
    ]


def test_mvtec_layout_brings_its_split(tmp_path: Path) -> None:
    lay(tmp_path, "train/good/1.png", "test/good/1.png", "test/pit/2.png", "ground_truth/pit/2_mask.png")
    samples = read_samples("mvtec", tmp_path)
    assert names(samples) == [("1.png", GOOD, None), ("1.png", GOOD, None), ("2.png", "pit", "2_mask.png")]
    assert [sample.split for sample in samples] == ["train", "test", "test"]


@pytest.mark.parametrize(
    ("layout", "files", "image"),
    [
        ("mask_folder", ("images/pit/1.png", "images/pit/2.png", "masks/pit/1.png"), "images/pit/2.png"),
        ("mask_folder", ("images/pit/1.png",), "images/pit/1.png"),
        ("mask_folder", ("pit/1.jpg", "pit/2.jpg", "pit/1.png"), "pit/2.jpg"),
        ("mvtec", ("train/good/1.png", "test/pit/2.png", "ground_truth/pit/2.png"), "test/pit/2.png"),
    ],
)
def test_defect_without_a_mask_is_refused(
    tmp_path: Path, layout: Layout, files: tuple[str, ...], image: str
) -> None:
    lay(tmp_path, *files)
    with pytest.raises(DataError, match="is labelled 'pit' and has no mask") as caught:
        read_samples(layout, tmp_path)
    assert str(tmp_path / image) in str(caught.value)


@pytest.mark.parametrize(
    ("layout", "files", "mask"),
    [
        ("mask_folder", ("images/pit/1.png", "masks/pit/1.png", "masks/pit/2.png"), "masks/pit/2.png"),
        ("mask_folder", ("pit/1.jpg", "pit/1.png", "pit/2.png"), "pit/2.png"),
        ("mask_folder", ("good/1.jpg", "good/7.png"), "good/7.png"),
        (
            "mvtec",
            ("test/pit/2.png", "ground_truth/pit/2_mask.png", "ground_truth/pit/3_mask.png"),
            "3_mask.png",
        ),
    ],
)
def test_mask_without_an_image_is_refused(
    tmp_path: Path, layout: Layout, files: tuple[str, ...], mask: str
) -> None:
    lay(tmp_path, *files)
    with pytest.raises(DataError, match="is a mask without an image") as caught:
        read_samples(layout, tmp_path)
    assert mask in str(caught.value)


@pytest.mark.parametrize(
    ("layout", "file"),
    [
        ("class_folder", "1.png"),
        ("mask_folder", "images/1.png"),
        ("mask_folder", "1.jpg"),
        ("mvtec", "test/1.png"),
    ],
)
def test_image_in_no_label_folder_is_refused(tmp_path: Path, layout: Layout, file: str) -> None:
    lay(tmp_path, file, "pit/2.jpg", "pit/2.png")
    with pytest.raises(DataError, match=r"lies in no label folder; wanted is .*LABEL"):
        read_samples(layout, tmp_path)


def test_defect_among_the_training_parts_of_mvtec_is_not_left_out_silently(tmp_path: Path) -> None:
    lay(tmp_path, "train/good/night/1.png", "test/good/2.png")
    assert len(read_samples("mvtec", tmp_path)) == 2
    lay(tmp_path, "train/pit/3.png")
    with pytest.raises(DataError, match=r"3\.png: train/ holds good parts only"):
        read_samples("mvtec", tmp_path)


@pytest.mark.parametrize("layout", ["mask_folder", "class_folder", "mvtec"])
def test_empty_data_set_is_refused_with_the_layout_that_was_wanted(tmp_path: Path, layout: Layout) -> None:
    with pytest.raises(DataError, match=f"holds no image in the layout '{layout}' \\(.*LABEL"):
        read_samples(layout, tmp_path)


def test_absent_data_set_is_a_wrong_configuration(tmp_path: Path) -> None:
    for root in (tmp_path / "absent", lay(tmp_path, "pit/1.png") / "pit" / "1.png"):
        with pytest.raises(ConfigError, match="there is no such folder of images"):
            read_samples("class_folder", root)


def test_data_set_is_split_alike_wherever_it_lies(tmp_path: Path) -> None:
    files = [f"{'pit' if number % 3 else 'good'}/{number}.png" for number in range(60)]
    homes = [lay(tmp_path / home, *files) for home in ("one", "another")]
    one, another = (split_samples(read_samples("class_folder", home)) for home in homes)
    assert [sample.part for sample in one] == [sample.part for sample in another]
    assert [sample.split for sample in one] == [sample.split for sample in another]


def test_index_says_part_lot_camera_and_split(pits: Path) -> None:
    index = table(
        pits,
        "split,image,tile,week,cam",
        "train,good/1.png,A,w1,top",
        "val,pit/3.png,B,w2,side",
        "test,good/2.png,C,,top",
    )
    samples = read_samples("class_folder", pits)
    first, second, third = apply_index(samples, index, part="tile", lot="week", camera="cam", split="split")
    assert (first.part, first.lot, first.camera, first.split) == ("A", "w1", "top", "train")
    assert (second.part, second.lot, second.split) == ("C", "", "test")
    assert (third.part, third.label, third.split) == ("B", "pit", "val")


def test_index_says_when_each_image_was_taken_and_an_empty_field_means_no_matter(pits: Path) -> None:
    index = table(pits, "image,taken", "good/1.png,2026-11-24T06:00", "good/2.png,", "pit/3.png,2026-11-23")
    samples = apply_index(read_samples("class_folder", pits), index, time="taken")
    assert {sample.name: sample.time for sample in samples} == {
        "1.png": "2026-11-24T06:00",
        "2.png": "",
        "3.png": "2026-11-23",
    }


def test_column_that_is_not_asked_for_changes_nothing(pits: Path) -> None:
    index = table(pits, "image,tile", "good/1.png,A", "good/2.png,A", "pit/3.png,B")
    samples = read_samples("class_folder", pits)
    assert apply_index(samples, index) == samples


def test_index_as_a_spreadsheet_writes_it_is_read(pits: Path) -> None:
    index = table(pits, "image,tile", "good/1.png,Ä", "good/2.png,Ö", "pit/3.png,Ü", encoding="utf-8-sig")
    parts = [sample.part for sample in apply_index(read_samples("class_folder", pits), index, part="tile")]
    assert parts == ["Ä", "Ö", "Ü"]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (("image,part", "good/1.png,A", "pit/3.png,B"), "has no row for .*2.png"),
        (
            ("image,part", "good/1.png,A", "good/2.png,A", "pit/3.png,B", "pit/4.png,C"),
            "1 rows name no image.*4.png",
        ),
        (
            ("image,part", "good/1.png,A", "good/2.png,A", "pit/3.png,B", "pit/3.png,C"),
            "more than one row for .*3.png",
        ),
        (
            ("image,part", "good/1.png,A", "good/2.png,A", "pit/3.png"),
            r"row 3 \(pit/3.png\) has fewer fields",
        ),
        (("image,part", "good/1.png,A", "good/2.png,", "pit/3.png,B"), "2.png has no part"),
    ],
)
def test_index_that_does_not_match_the_images_is_refused(
    pits: Path, rows: tuple[str, ...], says: str
) -> None:
    with pytest.raises(DataError, match=says):
        apply_index(read_samples("class_folder", pits), table(pits, *rows), part="part")


def test_split_with_a_name_nobody_knows_is_refused(pits: Path) -> None:
    index = table(pits, "image,split", "good/1.png,train", "good/2.png,dev", "pit/3.png,test")
    with pytest.raises(DataError, match=r"2\.png is in 'dev', not in train, val, test"):
        apply_index(read_samples("class_folder", pits), index, split="split")


def test_index_without_the_column_or_without_the_file_is_a_wrong_configuration(pits: Path) -> None:
    samples = read_samples("class_folder", pits)
    with pytest.raises(ConfigError, match=r"has no column lot \(it has image, part\)"):
        apply_index(samples, table(pits, "image,part", "good/1.png,A"), part="part", lot="lot")
    with pytest.raises(ConfigError, match="has no column image"):
        apply_index(samples, table(pits, "image;part", "good/1.png;A"))
    with pytest.raises(ConfigError, match="there is no such index"):
        apply_index(samples, pits / "absent.csv")


def test_index_that_is_no_utf8_table_is_a_wrong_configuration(pits: Path) -> None:
    samples = read_samples("class_folder", pits)
    with pytest.raises(ConfigError, match="cannot be read as a table in UTF-8"):
        apply_index(samples, table(pits, "image,tile", "good/1.png,Ä", encoding="latin-1"), part="tile")
    with pytest.raises(ConfigError, match="cannot be read as a table in UTF-8"):
        apply_index(samples, pits)


def source(name: str) -> Path:
    if not (SOURCES / name / "index.csv").is_file():
        pytest.skip(f"the public data set {name} does not lie beside the repository")
    return SOURCES / name


def magnetic_tiles() -> list[Sample]:
    root = source("magnetic-tile")
    samples = read_samples("mask_folder", root, good="MT_Free")
    return apply_index(samples, root / "index.csv", part="physical_group", split="split")


def test_magnetic_tiles_are_read_and_their_split_by_tile_is_honest() -> None:
    samples = magnetic_tiles()
    assert len(samples) == 1051
    assert len(defect_labels(samples)) == 5
    assert Counter(sample.split for sample in samples) == {"train": 646, "val": 135, "test": 270}
    assert all(bool(sample.masks) == sample.is_defective for sample in samples)
    check_splits(samples)


def test_magnetic_tiles_split_by_image_are_refused() -> None:
    draw = Random(12)
    by_image = [
        replace(sample, split=draw.choice(("train", "train", "train", "val", "test")))
        for sample in magnetic_tiles()
    ]
    with pytest.raises(DataError, match="the figures would be memory"):
        check_splits(by_image)


def test_magnetic_tiles_can_be_split_anew_without_cutting_a_tile() -> None:
    samples = split_samples(magnetic_tiles(), seed=1)
    check_splits(samples)
    shares = Counter(sample.split for sample in samples)
    assert shares["train"] / len(samples) == pytest.approx(0.6, abs=0.05)


def test_xsdd_is_read_and_its_split_by_block_is_honest() -> None:
    root = source("xsdd")
    samples = read_samples("class_folder", root / "datas")
    assert len(samples) == 1052
    assert len(defect_labels(samples)) == 7
    check_splits(apply_index(samples, root / "index.csv", part="block_group", split="split"))
