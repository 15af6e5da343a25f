"""COCO: ``images/`` with their paths, and ``annotations/instances….json``, a file for each split.

Polygons are written as polygons, boxes as boxes, masks as run lengths, one for each piece of the mask.
Images of good parts are listed without annotations. An image's part, lot and camera are keys of it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypedDict

import cv2
import numpy as np

from taktsight.datasets.masks import read_mask
from taktsight.datasets.readers.sizes import Size, image_size
from taktsight.datasets.regions import (
    Polygon,
    Rectangle,
    Region,
    RunLengths,
    Shape,
    area_px,
    cover,
    run_lengths,
)
from taktsight.datasets.samples import Sample, defect_labels
from taktsight.datasets.writers.folder import copy_images, new_folder, only_view
from taktsight.errors import DataError

Undrawn = Literal["refuse", "label"]
"""What becomes of a defective part whose pixels nobody knows. Other tools know no ``label``."""


class _Runs(TypedDict):
    size: list[int]
    counts: list[int]


class Annotation(TypedDict):
    """One entry of ``annotations``."""

    id: int
    image_id: int
    category_id: int
    bbox: list[float]
    area: float
    segmentation: list[list[float]] | _Runs
    iscrowd: int


class Document(TypedDict):
    """What one file holds."""

    images: list[dict[str, int | str]]
    annotations: list[Annotation]
    categories: list[dict[str, int | str]]


def write_coco(samples: Sequence[Sample], root: Path, out: Path) -> None:
    """Writes images and annotations; the same samples give the same bytes.

    With splits: ``instances_train.json`` and so on; without: ``instances.json``. Every file has the same
    categories, numbered from 1.

    Args:
        samples: with one view each, below ``root``.
        root: the folder that their paths are kept relative to.
        out: a new or empty folder.

    Raises:
        DataError: If ``out`` is not empty, only some samples have a split, a part has several views, or
            the pixels of a defective part are not known: COCO would call it good. Nothing is written then.
    """
    splits = splits_of(samples)
    names = [only_view(sample).relative_to(root) for sample in samples]
    numbers = category_numbers(samples)
    with new_folder(out, last="annotations") as folder:
        copies = [
            (sample.images[0], folder / "images" / name)
            for sample, name in zip(samples, names, strict=True)
        ]
        copy_images(copies)
        (folder / "annotations").mkdir()
        for split in splits:
            chosen = [
                (sample, name)
                for sample, name in zip(samples, names, strict=True)
                if (sample.split or "") == split
            ]
            name = f"instances_{split}.json" if split else "instances.json"
            (folder / "annotations" / name).write_bytes(as_json(coco_document(chosen, numbers)))


def splits_of(samples: Sequence[Sample]) -> list[str]:
    """The splits, sorted; one without a name where no sample has a split.

    Raises:
        DataError: If only some have one.
    """
    splits: list[str] = sorted({sample.split or "" for sample in samples})
    if "" in splits and len(splits) > 1:
        raise DataError("only some of the samples have a split; give each one with an index, or none")
    return splits


def category_numbers(samples: Sequence[Sample]) -> dict[str, int]:
    """The same number for a label in every split, from 1."""
    return {label: number for number, label in enumerate(defect_labels(samples), start=1)}


def coco_document(
    chosen: Sequence[tuple[Sample, Path]], numbers: dict[str, int], undrawn: Undrawn = "refuse"
) -> Document:
    """The file about these samples.

    Args:
        chosen: pairs of the sample and what the file calls its image.
        numbers: label → category.
        undrawn: ``label`` writes what the whole part is, as our reader understands it.

    Raises:
        DataError: If the pixels of a defective part are not known.
    """
    images: list[dict[str, int | str]] = []
    annotations: list[Annotation] = []
    for number, (sample, name) in enumerate(chosen, start=1):
        size = image_size(sample.images[0])
        images.append(_image(number, sample, name, size))
        drawn = _regions(sample, size)
        if sample.is_defective and not drawn:
            if undrawn == "refuse":
                raise DataError(
                    f"{sample.images[0]}: is {sample.label!r} and nobody drew where, and COCO would call "
                    "it good; draw the defect or leave the image out"
                )
            images[-1]["label"] = sample.label
        for region in drawn:
            annotations.append(_annotation(len(annotations) + 1, number, numbers, region))
    categories: list[dict[str, int | str]] = [
        {"id": number, "name": label} for label, number in numbers.items()
    ]
    return {"images": images, "annotations": annotations, "categories": categories}


def as_json(content: object) -> bytes:
    """One line of UTF-8, the same each time."""
    return (json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def _image(number: int, sample: Sample, name: Path, size: Size) -> dict[str, int | str]:
    said = {"part": sample.part, "lot": sample.lot, "camera": sample.camera}
    entry: dict[str, int | str] = {
        "id": number,
        "file_name": name.as_posix(),
        "height": size[0],
        "width": size[1],
    }
    return entry | {key: value for key, value in said.items() if value}


def _regions(sample: Sample, size: Size) -> Sequence[Region]:
    """What was drawn on the part, or the pieces of its mask; nothing where nobody knows."""
    drawn = sample.regions[0] if sample.regions else None
    if drawn or not sample.is_defective:
        return drawn or ()
    mask = read_mask(sample, size)
    if mask is None:
        return ()
    count, pieces = cv2.connectedComponents((mask > 0).astype(np.uint8), connectivity=8)
    return [Region(sample.label, run_lengths(pieces == piece)) for piece in range(1, count)]


def _annotation(number: int, image: int, numbers: dict[str, int], region: Region) -> Annotation:
    return {
        "id": number,
        "image_id": image,
        "category_id": numbers[region.label],
        "bbox": _box(region.shape),
        "area": area_px(region.shape),
        "segmentation": _segmentation(region.shape),
        "iscrowd": 0,
    }


def _segmentation(shape: Shape) -> list[list[float]] | _Runs:
    if isinstance(shape, RunLengths):
        return {"size": [shape.height, shape.width], "counts": list(shape.counts)}
    rings = shape.rings if isinstance(shape, Polygon) else ()
    return [[value for corner in ring for value in corner] for ring in rings]


def _box(shape: Shape) -> list[float]:
    """x, y, width, height, pixels."""
    if isinstance(shape, Rectangle):
        return [shape.x0, shape.y0, shape.x1 - shape.x0, shape.y1 - shape.y0]
    if isinstance(shape, RunLengths):
        rows, columns = np.nonzero(cover(shape, (shape.height, shape.width)))
        x, y = int(columns.min()), int(rows.min())
        return [x, y, int(columns.max()) + 1 - x, int(rows.max()) + 1 - y]
    corners = np.array([corner for ring in shape.rings for corner in ring])
    (x0, y0), (x1, y1) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    return [x0, y0, x1 - x0, y1 - y0]
