"""Images fitted to a page, with a line around what is marked as defective."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from taktsight.datasets.regions import Cover

PICTURE_PX = 400
"""Longest side of a picture in a page."""
OUTLINE_RGB, OUTLINE_PX = (240, 228, 66), 4
"""Yellow with a black rim: seen on dark and on bright metal alike; kept at some distance."""

Colours = NDArray[np.uint8]
"""(H, W, 3) uint8 RGB, for people only."""


def outlined(image: Colours, marked: Cover | None, longest_px: int = PICTURE_PX) -> Colours:
    """The image fitted to the page, with a line around what is marked."""
    shown = fitted(image, longest_px)
    if marked is None or marked.shape != image.shape[:2] or not marked.any():
        return shown
    size = (shown.shape[1], shown.shape[0])
    larger = size[0] > image.shape[1]
    how = cv2.INTER_NEAREST if larger else cv2.INTER_AREA
    share = cv2.resize(marked.astype(np.float32), size, interpolation=how)
    reach = 2 * OUTLINE_PX + 1
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    around = cv2.dilate((share > 0).astype(np.uint8), brush)
    lines, _ = cv2.findContours(around, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    drawn = shown.copy()
    cv2.drawContours(drawn, lines, -1, (0, 0, 0), 4, cv2.LINE_AA)
    cv2.drawContours(drawn, lines, -1, OUTLINE_RGB, 2, cv2.LINE_AA)
    return drawn


def fitted(image: Colours, longest_px: int = PICTURE_PX) -> Colours:
    """Fitted to the page; a small picture is enlarged by whole pixels, so its pixels stay visible."""
    height, width = image.shape[:2]
    times = longest_px // max(height, width)
    if times > 1:
        return np.asarray(np.repeat(np.repeat(image, times, axis=0), times, axis=1), np.uint8)
    scale = min(1.0, longest_px / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
