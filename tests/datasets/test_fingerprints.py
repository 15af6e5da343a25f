"""Fingerprints: every byte that a part consists of counts, where it lies does not."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from taktsight.datasets.fingerprints import (
    as_table,
    changes,
    digests_of,
    fingerprints,
    read_table,
    split_digest,
)
from taktsight.datasets.regions import Rectangle, Region
from taktsight.datasets.samples import Sample
from taktsight.errors import DataError


def parts(root: Path) -> list[Sample]:
    """Four parts with image, mask and reference; two are trained on."""
    samples = []
    for number, split in enumerate(("train", "train", "val", "test")):
        files = [root / kind / f"{number}.png" for kind in ("images", "masks", "references")]
        for file in files:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(str(file.relative_to(root)).encode())
        image, mask, reference = files
        samples.append(Sample((image,), "pit", (mask,), references=(reference,), split=split))  # type: ignore[arg-type]  # a Split
    return samples


def test_place_and_order_of_a_data_set_do_not_count(tmp_path: Path) -> None:
    samples = parts(tmp_path / "here")
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    moved = parts(tmp_path / "there")[::-1]
    here, there = fingerprints(samples, tmp_path / "here"), fingerprints(moved, tmp_path / "there")
    assert digests_of(here) == digests_of(there)
    assert split_digest(here) == split_digest(there)
    assert changes(here, there) == ()
    assert len(set(digests_of(here).values())) == 3


@pytest.mark.parametrize("kind", ["images", "masks", "references"])
def test_changed_file_is_found_and_only_its_split_has_another_digest(tmp_path: Path, kind: str) -> None:
    samples = parts(tmp_path)
    before = fingerprints(samples, tmp_path)
    (tmp_path / kind / "1.png").write_bytes(b"changed")
    after = fingerprints(samples, tmp_path)
    assert [str(change) for change in changes(before, after)] == ["1 changed in train: images/1.png"]
    old, new = digests_of(before), digests_of(after)
    assert [split for split in old if old[split] != new[split]] == ["train"]
    assert split_digest(before) == split_digest(after)


def test_another_label_or_drawing_is_another_part(tmp_path: Path) -> None:
    first, *others = parts(tmp_path)
    drawn = replace(first, masks=(), regions=((Region("pit", Rectangle(0, 0, 4, 4)),),))
    prints = [
        fingerprints([changed, *others], tmp_path)
        for changed in (first, replace(first, label="stain"), drawn)
    ]
    assert len({each["images/0.png"] for each in prints}) == 3


def test_part_that_moved_is_missing_here_and_new_there(tmp_path: Path) -> None:
    samples = parts(tmp_path)
    before = fingerprints(samples, tmp_path)
    after = fingerprints([*samples[:2], replace(samples[2], split="test")], tmp_path)
    assert [str(change) for change in changes(before, after)] == [
        "1 missing in val: images/2.png",
        "1 missing in test: images/3.png",
        "1 new in test: images/2.png",
    ]
    assert split_digest(before) != split_digest(after)


def test_many_changes_are_counted_and_some_named(tmp_path: Path) -> None:
    before = {f"{number}.png": ("train", 64 * "a") for number in range(9)}
    (change,) = changes(before, {})  # type: ignore[arg-type]  # a Split
    assert str(change) == "9 missing in train: 0.png, 1.png, 2.png and 6 more"


def test_table_gives_the_fingerprints_back(tmp_path: Path) -> None:
    prints = fingerprints(parts(tmp_path), tmp_path)
    file = tmp_path / "parts.csv"
    file.write_text(as_table(prints))
    assert read_table(file) == prints


@pytest.mark.parametrize("content", ["split,part\ntrain,1.png\n", "split,part,sha256\nlearn,1.png,ab\n"])
def test_table_of_something_else_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "parts.csv").write_text(content)
    with pytest.raises(DataError, match=r"parts\.csv: is not the list of parts"):
        read_table(tmp_path / "parts.csv")


def test_image_that_is_gone_is_named(tmp_path: Path) -> None:
    samples = parts(tmp_path)
    samples[0].images[0].unlink()
    with pytest.raises(DataError, match=r"images/0\.png: cannot be read: No such file"):
        fingerprints(samples, tmp_path)
