"""A split on disk: the same for everyone, and no longer what it was once a line is changed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from taktsight.datasets.datamodule import InspectionData
from taktsight.datasets.readers import read_samples
from taktsight.datasets.samples import Sample
from taktsight.datasets.split_lists import apply_lists, write_lists
from taktsight.datasets.splits import split_by_time, split_samples
from taktsight.datasets.strata import label_and_size
from taktsight.errors import ConfigError, DataError
from taktsight.image_files import encode_png
from taktsight.imaging import Canvas


@pytest.fixture
def product(tmp_path: Path) -> Path:
    """Sixty parts, every third with a pit that is wider on every second of them."""
    root = tmp_path / "product"
    for number in range(60):
        label = "good" if number % 3 else "pit"
        mask = np.zeros((40, 40, 1), np.uint8)
        mask[8:12, 8 : 12 + 8 * (number % 2)] = 255
        for kind, image in (("images", np.full_like(mask, 90)), ("masks", mask)):
            file = root / kind / label / f"part-{number}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(encode_png(image))
    return root


def split(root: Path, seed: int = 0) -> list[Sample]:
    return split_samples(read_samples("mask_folder", root), seed=seed)


def test_lists_give_the_split_back(product: Path, tmp_path: Path) -> None:
    samples = split(product)
    digest = write_lists(tmp_path / "lists", product, samples, {"seed": 0})
    assert apply_lists(read_samples("mask_folder", product), product, tmp_path / "lists") == samples
    facts = json.loads((tmp_path / "lists" / "split.json").read_text())
    assert facts["digest"] == digest
    assert sum(sum(counts.values()) for counts in facts["counts"].values()) == 60


def test_same_split_has_the_same_digest_and_another_one_another(product: Path, tmp_path: Path) -> None:
    digests = [
        write_lists(tmp_path / str(number), product, split(product, seed), {})
        for number, seed in enumerate((0, 0, 1))
    ]
    assert digests[0] == digests[1] != digests[2]


def test_split_is_made_once(product: Path, tmp_path: Path) -> None:
    write_lists(tmp_path / "lists", product, split(product), {})
    with pytest.raises(ConfigError, match="a split is made once"):
        write_lists(tmp_path / "lists", product, split(product, 1), {})


def test_list_that_was_changed_is_refused(product: Path, tmp_path: Path) -> None:
    lists = tmp_path / "lists"
    write_lists(lists, product, split(product), {})
    hardest, *easier = (lists / "test.txt").read_text().splitlines(keepends=True)
    (lists / "test.txt").write_text("".join(easier))
    with (lists / "train.txt").open("a") as train:
        train.write(hardest)
    with pytest.raises(DataError, match="not those that were written"):
        apply_lists(read_samples("mask_folder", product), product, lists)


def test_part_that_was_added_or_lost_since_is_named(product: Path, tmp_path: Path) -> None:
    write_lists(tmp_path / "lists", product, split(product), {})
    samples = read_samples("mask_folder", product)
    with pytest.raises(DataError, match=r"1 images that are not there, such as images/good/part-1\.png"):
        apply_lists(samples[1:], product, tmp_path / "lists")
    extra = product / "images" / "good" / "part-99.png"
    extra.write_bytes((product / "images" / "good" / "part-1.png").read_bytes())
    with pytest.raises(DataError, match=r"in no list, such as images/good/part-99\.png"):
        apply_lists(read_samples("mask_folder", product), product, tmp_path / "lists")


def test_folder_without_lists_is_a_wrong_configuration(product: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'taktsight data split' writes it"):
        apply_lists([], product, tmp_path / "absent")
    (tmp_path / "lists").mkdir()
    for name in ("train.txt", "val.txt", "test.txt", "split.json"):
        (tmp_path / "lists" / name).write_text("")
    with pytest.raises(ConfigError, match="is not what 'taktsight data split' writes"):
        apply_lists([], product, tmp_path / "lists")


def test_training_takes_the_lists(product: Path, tmp_path: Path) -> None:
    samples = split(product, seed=5)
    write_lists(tmp_path / "lists", product, samples, {})
    canvas = Canvas(64, 64, 1, 1, 32)
    data = InspectionData(product, "mask_folder", canvas, splits=tmp_path / "lists")
    assert [sample.split for sample in data.samples] == [sample.split for sample in samples]
    with pytest.raises(ConfigError, match="give one"):
        InspectionData(product, "mask_folder", canvas, splits=tmp_path / "lists", split_column="split",
                       index=None)  # fmt: skip


def test_small_defects_are_spread_as_evenly_as_labels(product: Path) -> None:
    samples = read_samples("mask_folder", product)
    strata = label_and_size(samples)
    assert sorted(set(strata)) == ["good", "pit, large", "pit, small"]
    placed = split_samples(samples, strata=strata, seed=3)
    for kind in ("pit, small", "pit, large"):
        in_test = [s.split == "test" for s, stratum in zip(placed, strata, strict=True) if stratum == kind]
        assert 1 <= sum(in_test) <= 3  # a fifth of ten


def test_newest_parts_are_tested_and_no_lot_is_cut(product: Path) -> None:
    samples = read_samples("mask_folder", product)
    times = [f"2026-01-{1 + index // 2:02}" for index in range(60)]
    placed = split_by_time(samples, times)
    assert [sample.split for sample in placed] == ["train"] * 36 + ["val"] * 12 + ["test"] * 12


def test_what_looks_alike_stays_together(product: Path) -> None:
    samples = read_samples("mask_folder", product)
    alike = [[0, 20, 40], [40, 59]]
    placed = split_samples(samples, alike=alike)
    assert len({placed[index].split for index in (0, 20, 40, 59)}) == 1
