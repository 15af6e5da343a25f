"""A good part with a defect that has no name.

A network that knows ten cracks knows ten cracks. These have every shape and tone, and no label: they teach
where a part is not as it should be (after Zavrtanik et al. 2021, "DRAEM", and Li et al. 2021, "CutPaste").
Textures are another part's, changed: no set of foreign pictures is needed.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from taktsight.datasets.made_up.fills import fill
from taktsight.datasets.made_up.shapes import Cover, draw_shape
from taktsight.datasets.masks import FULL

Pixels = NDArray[np.uint8]
FAINTEST = 0.3
"""Least opacity."""
INSIDE = 0.3
"""A pixel belongs to the defect from this cover on: a soft edge belongs to it halfway."""
TRIES = 4
"""What was painted may look like the part: then it is painted again."""
LEAST_CHANGE = 4.0
"""Grey levels, mean of the channels over the defect: less is lost in the noise of a camera."""
VISIBLE, LEAST_OF_GRAIN, MOST_OF_GRAIN = 25.0, 0.5, 2.0
"""A defect of A pixels differs by VISIBLE ÷ √A of the part's own grain at least, within the other two: the
smaller it is, the more it must stand out."""


def made_up_defect(image: Pixels, donor: Pixels, rng: np.random.Generator) -> tuple[Pixels, Pixels]:
    """A good part with a made-up defect.

    Args:
        image: (H, W, C) a good part; not changed.
        donor: (h, w, C) what a texture is made from: another part, or the same one.
        rng: shape, texture and opacity; the same state gives the same defect.

    Returns:
        The image (H, W, C), and the mask (H, W): FULL where the defect lies, else 0. Where nothing that
        was painted can be seen on the part, the mask is empty, and the part as it was.
    """
    for _ in range(TRIES):
        cover = draw_shape((image.shape[0], image.shape[1]), rng)
        change = fill(image, donor, rng) - image
        opacity = np.float32(rng.uniform(FAINTEST, 1.0))
        change *= np.repeat(cover * opacity, image.shape[2]).reshape(image.shape)  # faster than a broadcast
        inside = _seen(cover, change, _grain(image))
        if inside.any():
            change += image
            return np.rint(change).astype(np.uint8), np.where(inside, np.uint8(FULL), np.uint8(0))
    return image.copy(), np.zeros(image.shape[:2], np.uint8)


def _seen(cover: Cover, change: NDArray[np.float32], grain: float) -> NDArray[np.bool_]:
    """(H, W) True on the defect; nowhere if it cannot be seen as a whole."""
    inside = cover >= INSIDE
    area = max(1, int(inside.sum()))
    least = max(LEAST_CHANGE, grain * min(MOST_OF_GRAIN, max(LEAST_OF_GRAIN, VISIBLE / math.sqrt(area))))
    if not inside.any() or float(np.abs(change[inside]).mean()) < least:
        return np.zeros_like(inside)
    return inside


def _grain(image: Pixels) -> float:
    """Grey levels by which pixels differ from their surroundings, root mean square."""
    around = cv2.blur(image, (5, 5)).reshape(image.shape)
    return float(np.std(image.astype(np.float32) - around))
