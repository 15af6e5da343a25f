"""FiftyOne's COCODetectionDataset: ``data/`` and ``labels.json``, in a folder for each split.

Polygons are written as the pixels that we train on, because FiftyOne fills a polygon in another way and
cuts it to its box; boxes stay boxes. Part, lot and camera are attributes of every annotation: of images
FiftyOne reads none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from taktsight.datasets.readers.sizes import image_size
from taktsight.datasets.regions import Polygon, Region, cover, run_lengths
from taktsight.datasets.samples import Sample
from taktsight.datasets.writers.coco import (
    Document,
    as_json,
    category_numbers,
    coco_document,
    splits_of,
)
from taktsight.datasets.writers.folder import copy_images, new_folder, only_view

LABELS_FILE = "labels.json"


def write_fiftyone(samples: Sequence[Sample], root: Path, out: Path) -> None:
    """Writes images and annotations; the same samples give the same bytes.

    With splits: ``train/data`` and ``train/labels.json``, and so on; without: ``data`` and ``labels.json``.

    Args:
        samples: with one view each, below ``root``.
        root: the folder that their paths are kept relative to.
        out: a new or empty folder.

    Raises:
        DataError: As :func:`~taktsight.datasets.writers.coco.write_coco`. Nothing is written then.
    """
    splits = splits_of(samples)
    names = [only_view(sample).relative_to(root) for sample in samples]
    numbers = category_numbers(samples)
    with new_folder(out, last=splits[0] or LABELS_FILE) as folder:
        for split in splits:
            chosen = [
                (sample, name)
                for sample, name in zip(samples, names, strict=True)
                if (sample.split or "") == split
            ]
            copy_images([(sample.images[0], folder / split / "data" / name) for sample, name in chosen])
            content = coco_document([(_as_pixels(sample), name) for sample, name in chosen], numbers)
            (folder / split / LABELS_FILE).write_bytes(as_json(_with_attributes(content)))


def _as_pixels(sample: Sample) -> Sample:
    """The sample with its polygons as run lengths."""
    drawn = sample.regions[0] if sample.regions else None
    if not drawn:
        return sample
    size = image_size(sample.images[0])
    pixels = tuple(
        Region(region.label, run_lengths(cover(region.shape, size)))
        if isinstance(region.shape, Polygon)
        else region
        for region in drawn
    )
    return replace(sample, regions=(pixels,))


def _with_attributes(content: Document) -> dict[str, object]:
    said = {
        image["id"]: {key: image[key] for key in ("part", "lot", "camera") if key in image}
        for image in content["images"]
    }
    annotations = [{**entry, **said[entry["image_id"]]} for entry in content["annotations"]]
    return {**content, "annotations": annotations}
