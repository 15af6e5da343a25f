"""The views of a part as one picture each, with outlines of what was found; for pages and for paper."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from taktsight.errors import TaktsightError
from taktsight.inspect.review.parts.rows import FrameRef, PartRow
from taktsight.inspect.review.pictures.overlays import Contour
from taktsight.inspect.review.pictures.pictures import Pictures
from taktsight.inspect.review.pictures.pyramid import level_size, max_level

LEVEL = 9
"""Of Deep Zoom: 512 px on the longer side at most, and one tile."""
OVERLAYS_S = 2.0
"""A page waits no longer for outlines; the next one has them."""
LINE_BGR = (40, 40, 225)


@dataclass(frozen=True, slots=True)
class View:
    """One view."""

    frame: FrameRef
    level: int
    """The tile that holds the whole frame."""
    fault: str = ""
    """Why it is not to be taken for the frame that was judged; a sentence."""
    note: str = ""
    """Why nothing is drawn over it, or what is to be known of that."""
    contours: tuple[Contour, ...] = ()

    @property
    def tile(self) -> str:
        """Where browsers find it."""
        return f"/pictures/{self.frame.image_id}/tiles/{self.level}/0_0"

    @property
    def outlines(self) -> tuple[tuple[str, str], ...]:
        """Label and points of each outline, as a polygon of SVG has them."""
        return tuple((each.label, " ".join(f"{x},{y}" for x, y in each.points)) for each in self.contours)


def views_of(pictures: Pictures | None, row: PartRow, wait_s: float = OVERLAYS_S) -> tuple[View, ...]:
    """The kept views of a part; those that are gone say so."""
    until_s = time.monotonic() + wait_s
    return tuple(_view(pictures, frame, until_s) for frame in row.frames.values())


def _view(pictures: Pictures | None, frame: FrameRef, until_s: float) -> View:
    if pictures is None or not frame.is_kept or not frame.width:
        return View(frame, 0)
    try:
        described = pictures.describe(frame.image_id)
        overlay = pictures.overlay(frame.image_id, max(0.0, until_s - time.monotonic()))
    except TaktsightError as error:
        return View(frame, 0, fault=str(error))
    level = min(LEVEL, max_level(described.width, described.height))
    return View(frame, level, described.fault or "", overlay.why, overlay.contours)


def drawn(pictures: Pictures, view: View) -> bytes | None:
    """A view with its outlines as JPEG, for paper; None where the frame cannot be shown."""
    frame = view.frame
    if not frame.is_kept or not frame.width:
        return None
    try:
        tile = pictures.tile(frame.image_id, view.level, 0, 0)
    except TaktsightError:  # gone since: the paper says that it was not kept
        return None
    image = cv2.imdecode(np.frombuffer(tile, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        return None
    width, _ = level_size(frame.width, frame.height, view.level)
    _outline(image, view.contours, width / frame.width)
    return cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, 88))[1].tobytes()


def _outline(image: np.ndarray, contours: Iterable[Contour], scale: float) -> None:
    for contour in contours:
        points: Sequence[tuple[float, float]] = [(x * scale, y * scale) for x, y in contour.points]
        cv2.polylines(image, [np.round(points).astype(np.int32)], True, LINE_BGR, 2, cv2.LINE_AA)
