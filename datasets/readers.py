"""Folders of labelled images read as samples. Each reader knows one layout and guesses nothing.

mask_folder     images/LABEL/x.png with masks/LABEL/x.png, or LABEL/**/x.jpg with its mask x.png beside it
class_folder    LABEL/**/x.png
mvtec           train/good/x.png, test/LABEL/x.png, ground_truth/LABEL/x_mask.png
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

from taktsight.datasets.samples import GOOD, Sample, Split
from taktsight.errors import ConfigError, DataError
from taktsight.image_files import IMAGE_SUFFIXES

Layout = Literal["mask_folder", "class_folder", "mvtec"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")


def read_samples(layout: Layout, root: Path, good: str = GOOD) -> list[Sample]:
    """The labelled images below ``root``, in natural order of their paths.

    A sample's part is its path below ``root`` until an index says better: the same on every machine.

    Args:
        layout: which folders mean what.
        root: the data set.
        good: name of the folder that holds good parts; its samples get the label ``GOOD``.

    Raises:
        ConfigError: If ``root`` is absent.
        DataError: If there is not one image, a defect image has no mask where the layout has
            masks, a mask belongs to no image, or an image lies where the layout has none.
    """
    if not root.is_dir():
        raise ConfigError(f"{root}: there is no such folder of images")
    if layout == "mask_folder":
        samples = _read_mask_folder(root, good)
    elif layout == "class_folder":
        samples = [Sample((path,), _label(root, path, good)) for path in _images(root)]
    else:
        samples = _read_mvtec(root)
    if not samples:
        raise DataError(f"{root}: holds no image in the layout {layout!r} ({_described(layout)})")
    return [replace(sample, part=sample.images[0].relative_to(root).as_posix()) for sample in samples]


def apply_index(
    samples: list[Sample],
    index: Path,
    *,
    part: str | None = None,
    lot: str | None = None,
    camera: str | None = None,
    split: str | None = None,
) -> list[Sample]:
    """The samples with part, lot, camera and split from a CSV file.

    Args:
        samples: as read from the folders.
        index: CSV with a column ``image``, paths relative to the file; the columns below hold the
            rest. Values of split: train, val, test.
        part: column of the physical part, or None to leave it as it is.
        lot: column of the lot, or None.
        camera: column of the camera, or None.
        split: column of the split, or None.

    Raises:
        ConfigError: If the file or a column is absent, or the file is not a table in UTF-8.
        DataError: If an image has no row or two, a row has no image or fewer fields than columns, a
            part has no name, or a split has another name.
    """
    columns = {"part": part, "lot": lot, "camera": camera, "split": split}
    named = {key: column for key, column in columns.items() if column}
    rows = _read_rows(index, ["image", *named.values()])
    paths = [(index.parent / row["image"]).resolve() for row in rows]
    by_path = dict(zip(paths, rows, strict=True))
    if len(by_path) < len(rows):
        twice = next(path for path in paths if paths.count(path) > 1)
        raise DataError(f"{index}: has more than one row for {twice}")
    known = {sample.images[0].resolve() for sample in samples}
    strangers = [str(path) for path in by_path if path not in known]
    if strangers:
        raise DataError(f"{index}: {len(strangers)} rows name no image, the first is {strangers[0]}")
    indexed = []
    for sample in samples:
        row = by_path.get(sample.images[0].resolve())
        if row is None:
            raise DataError(f"{index}: has no row for {sample.images[0]}")
        values = {key: row[column] for key, column in named.items()}
        if values.get("part") == "":  # without a name it could lie in two splits unseen
            raise DataError(f"{index}: {sample.name} has no {columns['part']}")
        if "split" in values and values["split"] not in SPLITS:
            raise DataError(f"{index}: {sample.name} is in {values['split']!r}, not in {', '.join(SPLITS)}")
        indexed.append(replace(sample, **values))  # type: ignore[arg-type]  # split was checked above
    return indexed


def _read_mask_folder(root: Path, good: str) -> list[Sample]:
    if (root / "images").is_dir():
        return list(_paired_folders(root / "images", root / "masks", good))
    return list(_masks_beside(root, good))


def _paired_folders(images: Path, masks: Path, good: str) -> Iterator[Sample]:
    unused = set(_images(masks)) if masks.is_dir() else set()
    for path in _images(images):
        label = _label(images, path, good)
        mask = masks / path.relative_to(images).with_suffix(".png")
        unused.discard(mask)
        yield _masked(path, label, mask)
    _refuse_orphans(unused)


def _masks_beside(root: Path, good: str) -> Iterator[Sample]:
    files = _images(root)
    unused = {path for path in files if path.suffix.lower() == ".png"}
    for path in files:
        if path.suffix.lower() != ".png":  # a PNG is a mask here, never an image that is its own mask
            mask = path.with_suffix(".png")
            unused.discard(mask)
            yield _masked(path, _label(root, path, good), mask)
    _refuse_orphans(unused)


def _read_mvtec(root: Path) -> list[Sample]:
    train = [Sample((path,), GOOD, split="train") for path in _images(root / "train")]
    for sample in train:
        if _label(root / "train", sample.images[0], "good") != GOOD:
            raise DataError(f"{sample.images[0]}: train/ holds good parts only, in train/good")
    test, truth = [], root / "ground_truth"
    unused = set(_images(truth)) if truth.is_dir() else set()
    for path in _images(root / "test"):
        label = _label(root / "test", path, "good")
        mask = truth / label / f"{path.stem}_mask.png"
        unused.discard(mask)
        test.append(replace(_masked(path, label, mask), split="test"))
    _refuse_orphans(unused)
    return train + test


def _masked(path: Path, label: str, mask: Path) -> Sample:
    if label == GOOD:
        return Sample((path,), label)
    if not mask.is_file():
        raise DataError(f"{path}: is labelled {label!r} and has no mask {mask}")
    return Sample((path,), label, (mask,))


def _refuse_orphans(masks: set[Path]) -> None:
    if masks:
        raise DataError(f"{min(masks)}: is a mask without an image ({len(masks)} such masks)")


def _images(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    files = (path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file())
    return sorted(files, key=_natural)


def _natural(path: Path) -> tuple[list[tuple[int, str]], str]:
    """part-9 before part-10; 07 and 7 in the order of their text, not of the disk."""
    runs = re.split(r"(\d+)", str(path))
    return [(int(run), "") if run.isdecimal() else (-1, run) for run in runs], str(path)


def _label(root: Path, path: Path, good: str) -> str:
    below = path.relative_to(root).parts
    if len(below) < 2:
        raise DataError(f"{path}: lies in no label folder; wanted is {root}/LABEL/{path.name}")
    return GOOD if below[0] == good else below[0]


def _read_rows(index: Path, columns: list[str]) -> list[dict[str, str]]:
    try:
        # Spreadsheets begin UTF-8 with a mark that would be part of the first column's name.
        with index.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = [column for column in columns if column not in (reader.fieldnames or ())]
            if missing:
                present = ", ".join(reader.fieldnames or ())
                raise ConfigError(f"{index}: has no column {', '.join(missing)} (it has {present})")
            rows = list(reader)
    except FileNotFoundError:
        raise ConfigError(f"{index}: there is no such index") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{index}: cannot be read as a table in UTF-8: {error}") from error
    for number, row in enumerate(rows, start=1):
        if any(row[column] is None for column in columns):
            raise DataError(
                f"{index}: row {number} ({row['image']}) has fewer fields than there are columns"
            )
    return rows


def _described(layout: Layout) -> str:
    lines = (__doc__ or "").splitlines()
    return next(" ".join(line.split()[1:]) for line in lines if line.startswith(layout))
