"""A defect of one part on another: what makes a part defective is the defect, not the part around it.

A few hundred images often show a few dozen pieces, and a network can know those by heart. Pasted
defects take that way out from it (after Dwibedi et al. 2017, "Cut, paste and learn").
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from taktsight.datasets.masks import FULL, UNKNOWN

Pixels = NDArray[np.uint8]
MARGIN_PX = 6
"""So much around a defect shows how bright its part is."""
SHIFT = 0.1
"""A defect stays about where it was, ± this share of the part: a broken edge belongs to an edge."""


def paste_defect(
    part: Sequence[Pixels], donor: Sequence[Pixels], rng: np.random.Generator
) -> list[Pixels] | None:
    """The defect of ``donor`` on ``part``, as bright against its surroundings as it was there.

    Args:
        part: (H, W, C) image of a good part, (H, W) mask, and (H, W) kinds where the data set has
            them; not changed.
        donor: the same of a defective part; its mask holds the share of each pixel that is
            defective, 0–FULL, or UNKNOWN.
        rng: where, and turned over which way.

    Returns:
        The planes of the part with the defect; None where nothing of the donor is known to be
        defective, or it finds no room.
    """
    donor = [donor[0], np.where(donor[1] == UNKNOWN, np.uint8(0), donor[1]), *donor[2:]]
    if not donor[1].any():
        return None
    for axis in (0, 1):
        if rng.random() < 0.5:
            donor = [np.flip(plane, axis) for plane in donor]
    image, mask, *kinds = (np.ascontiguousarray(plane[_box(donor[1])]) for plane in donor)
    (height, width), (tall, wide) = mask.shape, part[1].shape
    if height > tall or width > wide:
        return None
    rows, columns = _box(donor[1])
    y = _place(rows.start, donor[1].shape[0], tall, height, rng)
    x = _place(columns.start, donor[1].shape[1], wide, width, rng)
    place = np.s_[y : y + height, x : x + width]
    planes = [part[0].copy(), np.zeros((tall, wide), np.uint8), *(plane.copy() for plane in part[2:])]
    planes[0][place] = _blend(part[0][place], image, mask)
    for plane, patch in zip(planes[1:], (mask, *kinds), strict=True):
        plane[place] = patch
    return planes


def _box(shares: Pixels) -> tuple[slice, slice]:
    """What holds every defective pixel, with a margin where there is one."""
    sides = []
    for axis in (1, 0):
        inside = np.flatnonzero(shares.any(axis=axis))
        sides.append(slice(max(0, int(inside[0]) - MARGIN_PX), int(inside[-1]) + 1 + MARGIN_PX))
    return sides[0], sides[1]


def _place(start: int, donor_side: int, part_side: int, side: int, rng: np.random.Generator) -> int:
    """About where it was: measured in the free room that was before and behind it."""
    free = max(1, donor_side - side)
    share = start / free + rng.uniform(-SHIFT, SHIFT)
    return round(min(1.0, max(0.0, share)) * (part_side - side))


def _blend(ground: Pixels, patch: Pixels, patch_mask: Pixels) -> Pixels:
    around = patch_mask == 0
    if not around.any():
        around = np.ones_like(around)
    level = np.maximum(np.median(patch[around], axis=0), 1.0)
    moved = patch.astype(np.float32) * (np.median(ground, axis=(0, 1)) / level).astype(np.float32)
    soft = cv2.GaussianBlur(cv2.dilate(patch_mask, np.ones((3, 3), np.uint8)), (5, 5), 0)
    cover = (soft.astype(np.float32) / FULL).clip(0, 1)[:, :, np.newaxis]
    return np.asarray(np.rint(ground * (1 - cover) + moved.clip(0, 255) * cover), dtype=np.uint8)
