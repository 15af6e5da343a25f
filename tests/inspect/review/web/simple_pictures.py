"""Pictures without caches, threads or a bundle's model: what the bench's tests need while nothing else is there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from taktsight.errors import ReviewError
from taktsight.inspect.review.parts.index import PartIndex
from taktsight.inspect.review.parts.rows import FrameRef
from taktsight.inspect.review.pictures.ids import FramePlace
from taktsight.inspect.review.pictures.picture_files import read_picture
from taktsight.records import Image

TILE_PX = 512
SPOT = 165
"""Brighter than this is a spot."""


@dataclass(frozen=True, slots=True)
class Contour:
    label: str
    points: list[tuple[float, float]]
    score: float
    area_mm2: float


@dataclass(frozen=True, slots=True)
class Overlay:
    labels: tuple[str, ...]
    maps: tuple[bytes, ...]
    contours: tuple[Contour, ...]


@dataclass(frozen=True, slots=True)
class Example:
    image_id: str
    said: str
    likeness: float


class SimplePictures:
    def __init__(self, index: PartIndex) -> None:
        self._index = index

    def thumbnail(self, image_id: str) -> bytes:
        image = self._image(image_id)
        scale = 320 / max(image.shape[:2])
        return _encoded(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), ".jpg")

    def tile(self, image_id: str, level: int, column: int, row: int) -> bytes:
        image = self._image(image_id)
        top = int(np.ceil(np.log2(max(image.shape[:2]))))
        if level > top:
            raise ReviewError("there is no such tile")
        step = 1 << (top - level)
        x, y = column * TILE_PX * step, row * TILE_PX * step
        part = image[y : y + TILE_PX * step, x : x + TILE_PX * step]
        if not part.size:
            raise ReviewError("there is no such tile")
        size = (-(-part.shape[1] // step), -(-part.shape[0] // step))
        return _encoded(cv2.resize(part, size, interpolation=cv2.INTER_AREA), ".png" if step == 1 else ".jpg")

    def overlay(self, image_id: str) -> Overlay:
        image = self._image(image_id)
        grey = image if image.ndim == 2 else image[..., 0]
        found, _ = cv2.findContours((grey > SPOT).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        contours = tuple(
            Contour("spot", [(float(x), float(y)) for x, y in each[:, 0]], 0.9, 1.0) for each in found[:50]
        )
        small = cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        heat = np.clip((small.astype(float) - 128) * 2, 0, 255).astype(np.uint8)
        return Overlay(("spot",), (_encoded(heat, ".png"),), contours)

    def nearest(self, image_id: str) -> list[Example]:
        self._frame(image_id)
        rows = self._index.newest(6)
        return [
            Example(frame.image_id, row.outcome.value, 0.5) for row in rows for frame in list(row.frames.values())[:1]
        ]

    def golden(self, image_id: str) -> FrameRef | None:
        view = self._frame(image_id).view
        passed = [row for row in self._index.newest(50) if row.outcome.value == "PASS" and view in row.frames]
        return passed[0].frames[view] if passed else None

    def prepare(self, image_ids: Iterable[str]) -> None:
        for image_id in image_ids:
            self._frame(image_id)

    def close(self) -> None:
        pass

    def _image(self, image_id: str) -> Image:
        image = read_picture(self._index.records, self._frame(image_id).file).image
        return image[..., 0] if image.shape[2] == 1 else image[..., ::-1]

    def _frame(self, image_id: str) -> FrameRef:
        place = self._index.ids.place(image_id)
        rows = self._index.parts([place.seq]) if isinstance(place, FramePlace) else ()
        for row in rows:
            for frame in row.frames.values():
                if frame.image_id == image_id:
                    return frame
        raise ReviewError("there is no such picture")


def _encoded(image: Image, suffix: str) -> bytes:
    return bytes(cv2.imencode(suffix, image)[1])
