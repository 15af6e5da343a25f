"""Which pixels of a part are defective, as far as anybody has said: from mask files or drawings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from taktsight.datasets.regions import Cover, area_px, cover
from taktsight.datasets.samples import Sample
from taktsight.errors import DataError
from taktsight.image_files import read_image
from taktsight.imaging import Canvas, prepare

Pixels = NDArray[np.uint8]
UNKNOWN = 255
"""Mask value: this pixel may or may not be defective; no loss looks at it."""
FULL = 254
"""Mask value: wholly defective. Down-scaled masks hold the covered share, 0 to FULL."""


def read_mask(
    sample: Sample, size: tuple[int, int], view: int = 0, *, label: str | None = None
) -> Pixels | None:
    """(H, W) uint8, FULL where the part is defective, or None where the pixels are not known.

    A defective sample whose mask is empty has a defect that nobody drew: its pixels are unknown,
    not good.

    Args:
        sample: the part.
        size: height and width of its image.
        view: which of its images.
        label: only the pixels of this label, where several were drawn.

    Raises:
        DataError: If the mask is not ``size`` (height, width) of its image.
    """
    if not sample.is_defective:
        return np.zeros(size, np.uint8)
    drawn = sample.regions[view] if sample.regions else None
    if drawn is not None:
        covered = np.zeros(size, np.bool_)
        # The smallest last: a pit on a stain is a pit.
        for region in sorted(drawn, key=lambda region: -area_px(region.shape)):
            place = cover(region.shape, size)
            covered = covered | place if label in (None, region.label) else covered & ~place
    else:
        covered = _covered_by_file(sample, size, view)
    if label is None and not covered.any():
        return None
    return np.where(covered, np.uint8(FULL), np.uint8(0))


def _covered_by_file(sample: Sample, size: tuple[int, int], view: int) -> Cover:
    path = sample.masks[view] if sample.masks else None
    if path is None:
        return np.zeros(size, np.bool_)
    grey = read_image(path, channels=1)[:, :, 0]
    if grey.shape != size:
        raise DataError(
            f"{path}: is {grey.shape[1]}×{grey.shape[0]} pixels, its image {sample.images[view]} "
            f"{size[1]}×{size[0]}; a mask lies on its image pixel by pixel"
        )
    return np.asarray(grey > 127)


def prepare_masks(
    sample: Sample, size: tuple[int, int], canvas: Canvas, labels: Sequence[str]
) -> tuple[Pixels, Pixels]:
    """Share that is defective, and the label that most of it has, of every tile of a view.

    Args:
        sample: of one view.
        size: height and width of its image.
        canvas: the network's input.
        labels: K defect labels of the whole data set.

    Returns:
        Shares (T, H, W), 0–FULL or UNKNOWN, and indices of labels (T, H, W), 0 to K − 1.
    """
    mono = Canvas(canvas.height, canvas.width, 1, canvas.factor, canvas.overlap)

    def tiles(mask: Pixels) -> Pixels:
        return prepare(np.ascontiguousarray(mask[:, :, np.newaxis]), None, mono)[0][:, :, :, 0]

    whole = read_mask(sample, size)
    if whole is None:
        unknown = np.full_like(tiles(np.zeros(size, np.uint8)), UNKNOWN)
        return unknown, np.zeros_like(unknown)
    share = tiles(whole)
    if len(sample.labels) < 2:
        kind = labels.index(sample.label) if sample.is_defective else 0
        return share, np.full_like(share, kind)
    each = [read_mask(sample, size, label=label) for label in sample.labels]
    largest = np.argmax([tiles(mask) for mask in each if mask is not None], axis=0)
    order = np.array([labels.index(label) for label in sample.labels], np.uint8)
    return share, order[largest]
