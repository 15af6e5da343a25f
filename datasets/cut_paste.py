"""A defect of one part on another: what makes a part defective is the defect, not the part around it.

A few hundred images often show a few dozen pieces, and a network can know those by heart. Pasted
defects take that way out from it (after Dwibedi et al. 2017, "Cut, paste and learn").
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from taktsight.datasets.cache import FULL, UNKNOWN

Pixels = NDArray[np.uint8]
MARGIN_PX = 6
"""So much around a defect shows how bright its part is."""
SHIFT = 0.1
"""A defect stays about where it was, ± this share of the part: a broken edge belongs to an edge."""


def paste_defect(
    part: Pixels, donor: Pixels, donor_mask: Pixels, rng: np.random.Generator
) -> tuple[Pixels, Pixels] | None:
    """The defect of ``donor`` on ``part``, as bright against its surroundings as it was there.

    Args:
        part: (H, W, C) a good part; not changed.
        donor: (h, w, C) a defective part.
        donor_mask: (h, w) share of each pixel that is defective, 0–FULL, or UNKNOWN.
        rng: where, and turned over which way.

    Returns:
        The part (H, W, C) and its mask (H, W); None where nothing of the donor is known to be
        defective, or it finds no room.
    """
    shares = np.where(donor_mask == UNKNOWN, np.uint8(0), donor_mask)
    if not shares.any():
        return None
    for axis in (0, 1):
        if rng.random() < 0.5:
            donor, shares = np.flip(donor, axis), np.flip(shares, axis)
    rows, columns = _box(shares)
    patch, patch_mask = donor[rows, columns], np.ascontiguousarray(shares[rows, columns])
    height, width = patch_mask.shape
    if height > part.shape[0] or width > part.shape[1]:
        return None
    y = _place(rows.start, donor.shape[0], part.shape[0], height, rng)
    x = _place(columns.start, donor.shape[1], part.shape[1], width, rng)
    place = np.s_[y : y + height, x : x + width]
    pasted, mask = part.copy(), np.zeros(part.shape[:2], np.uint8)
    pasted[place] = _blend(part[place], patch, patch_mask)
    mask[place] = patch_mask
    return pasted, mask


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
