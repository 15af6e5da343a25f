"""Our own layout: ``images/LABEL/x.png`` with ``masks/LABEL/x.png``, and an index."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from taktsight.datasets.masks import Pixels, read_mask
from taktsight.datasets.readers.sizes import image_size
from taktsight.datasets.samples import GOOD, Sample
from taktsight.datasets.writers.folder import copy_images, new_folder, only_view
from taktsight.errors import DataError
from taktsight.image_files import encode_png

COLUMNS = ("image", "mask", "label", "part", "lot", "camera")


def write_mask_folder(samples: Sequence[Sample], root: Path, out: Path) -> None:
    """Writes images, masks and ``index.csv``; the same samples give the same bytes.

    A defective part whose pixels are not known gets an empty mask, which says just that. The index has a
    column ``split`` where every sample has one.

    Args:
        samples: with one view each, below ``root``.
        root: the folder that their paths are kept relative to.
        out: a new or empty folder.

    Raises:
        DataError: If ``out`` is not empty, a part has several labels or views, a label is no name of a
            folder, or two images would have the same name. Nothing is written then.
    """
    for sample in samples:
        _check_label(sample)
    names = [Path(sample.label, only_view(sample).relative_to(root)) for sample in samples]
    _check_names(samples, names)
    with new_folder(out, last="index.csv") as folder:
        images = [folder / "images" / name for name in names]
        copy_images([(sample.images[0], image) for sample, image in zip(samples, images, strict=True)])
        for sample, name in zip(samples, names, strict=True):
            if sample.is_defective:
                mask = folder / "masks" / name.with_suffix(".png")
                mask.parent.mkdir(parents=True, exist_ok=True)
                mask.write_bytes(encode_png(_mask(sample)))
        (folder / "index.csv").write_bytes(_index(samples, names))


def _mask(sample: Sample) -> Pixels:
    """(H, W, 1) uint8, 255 on the defect."""
    size = image_size(sample.images[0])
    mask = read_mask(sample, size)
    covered = np.zeros(size, np.bool_) if mask is None else mask > 0
    return np.where(covered, np.uint8(255), np.uint8(0))[:, :, np.newaxis]


def _index(samples: Sequence[Sample], names: Sequence[Path]) -> bytes:
    split = all(sample.split for sample in samples)
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow((*COLUMNS, "split") if split else COLUMNS)
    for sample, name in zip(samples, names, strict=True):
        mask = f"masks/{name.with_suffix('.png').as_posix()}" if sample.is_defective else ""
        row = (f"images/{name.as_posix()}", mask, sample.label, sample.part, sample.lot, sample.camera)
        table.writerow((*row, sample.split) if split else row)
    return text.getvalue().encode()


def _check_label(sample: Sample) -> None:
    if len(sample.labels) > 1:
        raise DataError(
            f"{sample.name}: has the labels {', '.join(sample.labels)}, and a mask folder holds one; "
            "convert to coco"
        )
    if sample.label in {".", ".."} or any(mark in sample.label for mark in '/\\:*?"<>|'):
        raise DataError(f"{sample.name}: its label {sample.label!r} is no name of a folder; rename it")


def _check_names(samples: Sequence[Sample], names: Sequence[Path]) -> None:
    """A mask is found by the name of its image without the suffix: two images must not share it."""
    taken: dict[Path, Sample] = {}
    for sample, name in zip(samples, names, strict=True):
        other = taken.setdefault(name.with_suffix(""), sample)
        if other is not sample and (sample.label != GOOD):
            raise DataError(
                f"{sample.images[0]}: would share its mask with {other.images[0]}; give one another name"
            )
