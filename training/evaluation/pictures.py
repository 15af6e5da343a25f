"""Frames as pictures in a page: fitted, outlined, and inside the page itself."""

from __future__ import annotations

import base64

import cv2
import numpy as np
from numpy.typing import NDArray

from taktsight.records import Image

PICTURE_PX = 460
"""Longest side of a picture in the page."""
THUMB_PX = 200
"""Longest side of a small one."""
REFERENCE_RGB = (240, 228, 66)
"""Yellow with a black rim: seen on dark and on bright metal alike."""
OUTLINE_PX = 6
"""Distance of the outline from what it marks, page pixels."""

Colours = NDArray[np.uint8]
"""(H, W, 3) uint8 RGB, for the page only."""


def outlined(plain: Colours, marked: NDArray[np.bool_], colour: tuple[int, int, int]) -> Colours:
    """A line around what is marked, at some distance: it must not cover a crack of two pixels.

    Args:
        plain: the fitted picture.
        marked: (H, W) of the frame.
        colour: RGB of the line.
    """
    share = cv2.resize(marked.astype(np.float32), size(plain), interpolation=cv2.INTER_AREA)
    covered = (share > 0).astype(np.uint8)  # any coverage counts, or a small pit would vanish
    distance = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * OUTLINE_PX + 1, 2 * OUTLINE_PX + 1))
    around = cv2.dilate(covered, distance)
    contours, _ = cv2.findContours(around, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    drawn = plain.copy()
    cv2.drawContours(drawn, contours, -1, (0, 0, 0), 4, cv2.LINE_AA)
    cv2.drawContours(drawn, contours, -1, colour, 2, cv2.LINE_AA)
    return drawn


def colours(image: Image) -> Colours:
    """A frame of one channel or three as RGB."""
    return np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image


def fitted(image: Colours, longest_px: int = PICTURE_PX) -> Colours:
    """Fitted to the page; a small picture is enlarged by whole pixels, so its pixels stay visible."""
    height, width = image.shape[:2]
    longest = max(height, width)
    if longest <= longest_px // 2:
        times = longest_px // longest
        return np.asarray(np.repeat(np.repeat(image, times, axis=0), times, axis=1), dtype=np.uint8)
    scale = min(1.0, longest_px / longest)
    shrunk = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(image, shrunk, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def size(image: Colours) -> tuple[int, int]:
    """Width and height, as OpenCV takes them."""
    return image.shape[1], image.shape[0]


def data_uri(image: Colours) -> str:
    """A JPEG that stands in the page itself, so that the page needs no other file."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    # Without colour subsampling: a yellow line two pixels wide would turn grey.
    how = (
        cv2.IMWRITE_JPEG_QUALITY,
        86,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    )
    encoded = cv2.imencode(".jpg", bgr, how)[1].tobytes()
    return "data:image/jpeg;base64," + base64.b64encode(encoded).decode()
