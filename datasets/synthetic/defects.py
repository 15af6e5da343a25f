"""Puts defects of known kind and size on a part, and says where every pixel of them is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from taktsight.datasets.synthetic.geometry import Layer, Layers
from taktsight.datasets.synthetic.product import DefectRange, KnownDefect, Product, Range
from taktsight.datasets.synthetic.shapes import Outline, Points, outline_of, place
from taktsight.records import Image

MARGIN_MM = 0.25
"""A defect keeps this far from edges: what lies on an edge is another defect than a pit on a face."""
_TRIES = 600
_FINE = 8
_LONG = ("scratch", "crack")


@dataclass(frozen=True, slots=True)
class Spot:
    """A piece of the frame around one defect."""

    x: int
    y: int
    cover: Layer
    """(h, w) share of each pixel that the defect covers, 0–1."""

    def of(self, frame: Layer) -> Layer:
        """The frame under the spot, writable."""
        height, width = self.cover.shape
        return frame[self.y : self.y + height, self.x : self.x + width]


def add_defects(
    frame: Layer,
    product: Product,
    layers: Layers,
    pose: Points,
    label: str,
    rng: np.random.Generator,
    *,
    light_turn: float,
    length_mm: float | None,
    width_mm: float | None,
) -> tuple[Image, tuple[KnownDefect, ...]]:
    """Draws one kind of defect into ``frame``: one to three of it, or one where its size is given.

    Args:
        frame: (H, W) grey levels before the lens; changed in place.
        product: where sizes are drawn from.
        layers: the product's layers.
        pose: (2, 3) from the part's own pixels to the frame's.
        label: the kind of defect.
        rng: the part's random numbers for defects.
        light_turn: direction of the main light in the frame, rad.
        length_mm: instead of a drawn length.
        width_mm: instead of a drawn width.

    Returns:
        The mask (H, W, 1) and what was drawn.

    Raises:
        ValueError: If the size is none, or no place on the part holds a defect of it.
    """
    limits = product.range_of(label)
    asked = length_mm is not None or width_mm is not None
    count = 1 if asked else int(rng.choice([1, 2, 3], p=[0.7, 0.2, 0.1]))
    mask = np.zeros((*frame.shape, 1), np.uint8)
    taken: list[tuple[float, float, float]] = []
    drawn: list[KnownDefect] = []
    for _ in range(count):
        length, width = _size(limits, length_mm, width_mm, rng)
        outline = outline_of(label, length, width, rng)
        placed = _find_place(outline, frame, product, layers, pose, label, taken, rng)
        if placed is None and drawn:
            break  # the part is full; one defect is enough to make it defective
        if placed is None:
            raise ValueError(f"a {label} of {length:.2f} × {width:.2f} mm finds no place on the part")
        spot = _cover(placed, pose, product, softness_px=_softness_px(label, width, product))
        drawn.append(_draw(frame, mask, spot, product, limits, (length, width), light_turn, rng))
    return mask, tuple(drawn)


def _size(
    limits: DefectRange, length_mm: float | None, width_mm: float | None, rng: np.random.Generator
) -> Range:
    for name, asked in ("length_mm", length_mm), ("width_mm", width_mm):
        if asked is not None and not asked > 0:
            raise ValueError(f"{limits.label}: {name} must be > 0, got {asked}")
    length = rng.uniform(*limits.length_mm)
    width = rng.uniform(*limits.width_mm)
    length = length if length_mm is None else length_mm
    if width_mm is not None:
        return length, width_mm
    return length, width if limits.label in _LONG else float(np.clip(width, 0.7 * length, length))


def _find_place(
    outline: Outline,
    frame: Layer,
    product: Product,
    layers: Layers,
    pose: Points,
    label: str,
    taken: list[tuple[float, float, float]],
    rng: np.random.Generator,
) -> Outline | None:
    """The outline at a random place where all of it lies on a flat face that is lit well enough."""
    span = float(np.hypot(*np.ptp(outline.probes, axis=0)))
    half = (product.size_px - 1) / 2
    candidates = np.flatnonzero(layers.clearance_mm > MARGIN_MM)
    for place_index in rng.choice(candidates, _TRIES):
        row, column = divmod(int(place_index), product.size_px)
        middle = (np.array([column, row]) - half) * product.mm_per_px
        heading = rng.uniform(0, 2 * np.pi)
        if label in _LONG and _runs_with_marks(middle, heading):
            continue
        if any(np.hypot(middle[0] - x, middle[1] - y) < (span + other) / 2 + 1 for x, y, other in taken):
            continue
        placed = place(outline, heading, middle)
        index = np.rint(placed.probes / product.mm_per_px + half).astype(np.int64)
        if index.min() < 0 or index.max() >= product.size_px:
            continue
        if layers.clearance_mm[index[:, 1], index[:, 0]].min() < MARGIN_MM:
            continue
        x, y = pose @ np.array([column, row, 1.0])
        if frame[int(y), int(x)] < 62:  # a dark defect in the dark would be unfair
            continue
        taken.append((float(middle[0]), float(middle[1]), span))
        return placed
    return None


def _runs_with_marks(middle_mm: Points, heading: float) -> bool:
    """A line along the grooves is a groove to any eye."""
    around = np.arctan2(middle_mm[1], middle_mm[0]) + np.pi / 2
    return bool(abs(np.sin(heading - around)) < 0.5)


def _softness_px(label: str, width_mm: float, product: Product) -> float:
    return 0.09 * width_mm / product.mm_per_px if label == "stain" else 0.0


def _cover(placed: Outline, pose: Points, product: Product, *, softness_px: float) -> Spot:
    """Share of each pixel that the outline covers, from a drawing eight times finer."""
    half = (product.size_px - 1) / 2
    polygons = [
        (polygon / product.mm_per_px + half) @ pose[:, :2].T + pose[:, 2] for polygon in placed.polygons
    ]
    border = 4 + round(3 * softness_px + 0.3 / product.mm_per_px)
    corners = np.concatenate(polygons)
    low = np.maximum(np.floor(corners.min(axis=0)).astype(int) - border, 0)
    high = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + border + 1, product.size_px)
    width, height = (high - low).tolist()
    fine = np.zeros((height * _FINE, width * _FINE), np.uint8)
    for polygon in polygons:
        # A pixel's middle is a whole number; OpenCV also fills the pixels that an edge runs through,
        # about half a fine pixel too much on each side, which the shrunk outline takes back.
        points = np.rint(_inset((polygon - low + 0.5) * _FINE - 0.5) * 16).astype(np.int32)
        cv2.fillPoly(fine, [points], 255, shift=4)
    cover = cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    if softness_px > 0:
        cover = np.asarray(cv2.GaussianBlur(cover, (0, 0), softness_px), np.float32)
    return Spot(int(low[0]), int(low[1]), np.asarray(cover, np.float32))


def _inset(polygon: Points) -> Points:
    """The polygon with its edge half a pixel further in."""
    along = np.roll(polygon, -1, axis=0) - np.roll(polygon, 1, axis=0)
    length = np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)
    x, y = polygon.T
    turns = np.sign(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))
    inward = np.stack([-along[:, 1], along[:, 0]], axis=1) / length[:, np.newaxis] * turns
    return np.asarray(polygon + 0.5 * inward)


def _draw(
    frame: Layer,
    mask: Image,
    spot: Spot,
    product: Product,
    limits: DefectRange,
    size: Range,
    light_turn: float,
    rng: np.random.Generator,
) -> KnownDefect:
    """Changes the frame under the spot and marks its pixels in the mask."""
    under = spot.of(frame)
    before = under.copy()
    level = float(np.average(before, weights=spot.cover))
    least = product.least_visible * _marks_around(before, spot.cover, product) / level
    strength = min(max(rng.uniform(*limits.contrast), least), 0.9)
    bright = limits.label == "scratch" and level * (1 + strength) < 235 and rng.random() < 0.7
    gain = _tone(limits.label, spot.cover, strength if bright else -strength, product, light_turn, rng)
    np.multiply(under, np.maximum(1 + gain, 0.04), out=under)
    pixels = _whole_pixels(spot.cover)
    height, width = pixels.shape
    mask[spot.y : spot.y + height, spot.x : spot.x + width, 0][pixels] = 255
    rows, columns = np.nonzero(pixels)
    change = (under[pixels] - before[pixels]).mean() / before[pixels].mean()
    return KnownDefect(
        label=limits.label,
        length_mm=size[0],
        width_mm=size[1],
        area_mm2=len(rows) * product.mm_per_px**2,
        centre_px=(float(columns.mean()) + spot.x, float(rows.mean()) + spot.y),
        contrast=float(change),
    )


def _marks_around(level: Layer, cover: Layer, product: Product) -> float:
    """Standard deviation of the tool marks under the defect, grey levels; edges beside it do not count."""
    under = (cover > 0).astype(np.float32)
    smooth = cv2.GaussianBlur(level * under, (0, 0), 0.8 / product.mm_per_px)
    weight = cv2.GaussianBlur(under, (0, 0), 0.8 / product.mm_per_px)
    return float((level - smooth / np.maximum(weight, 1e-6))[under > 0].std())


def _whole_pixels(cover: Layer) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """As many pixels as the defect covers in all, those it covers most.

    A fixed share (half a pixel) would lose a line thinner than a pixel, or double it.
    """
    count = max(1, round(float(cover.sum())))
    order = np.argsort(cover, axis=None, kind="stable")[::-1][:count]
    pixels = np.zeros(cover.shape, np.bool_)
    pixels.ravel()[order] = True
    return pixels


def _tone(
    label: str,
    cover: Layer,
    strength: float,
    product: Product,
    light_turn: float,
    rng: np.random.Generator,
) -> Layer:
    """Change of brightness ÷ brightness, pixel by pixel; a negative ``strength`` darkens."""
    toward = (np.cos(light_turn), np.sin(light_turn))
    if label == "scratch":
        burr = np.maximum(_moved(cover, toward, 0.14 / product.mm_per_px) - cover, 0)
        return np.asarray(strength * (cover * _uneven(cover, 0.3, rng) - 0.3 * burr), np.float32)
    if label == "pit":
        return _pit_tone(cover, strength, toward, product)
    if label == "stain":
        ring = cover * (1 - cover) * 4
        return np.asarray(strength * (cover * _uneven(cover, 0.4, rng) + 0.2 * ring), np.float32)
    return np.asarray(strength * cover * _uneven(cover, 0.15, rng), np.float32)


def _pit_tone(cover: Layer, strength: float, toward: Sequence[float], product: Product) -> Layer:
    """A crater: its wall towards the light lies in shade, the far wall and rim catch light."""
    away = (-toward[0], -toward[1])
    radius_px = float(np.sqrt(cover.sum() / np.pi))
    wide = np.asarray(cv2.GaussianBlur(cover, (0, 0), max(0.1 / product.mm_per_px, 0.5)), np.float32)
    bowl = np.asarray(cv2.GaussianBlur(cover, (0, 0), max(0.35 * radius_px, 0.5)), np.float32)
    lit_wall = cover * (1 - _moved(bowl, toward, 0.45 * radius_px))
    rim = np.maximum(wide - cover, 0)
    far_rim = np.maximum(_moved(cover, away, max(0.13 / product.mm_per_px, 0.5)) - cover, 0)
    return np.asarray(strength * (1.2 * cover - 0.5 * lit_wall - 0.3 * rim - 0.7 * far_rim), np.float32)


def _uneven(cover: Layer, amount: float, rng: np.random.Generator) -> Layer:
    """A slowly changing factor between ``1 - amount`` and 1."""
    coarse = rng.random((6, 6), dtype=np.float32)
    height, width = cover.shape
    return np.asarray(
        1 - amount * cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR), np.float32
    )


def _moved(cover: Layer, direction: Sequence[float], distance_px: float) -> Layer:
    height, width = cover.shape
    shift = np.array([[1, 0, direction[0] * distance_px], [0, 1, direction[1] * distance_px]], np.float64)
    return np.asarray(cv2.warpAffine(cover, shift, (width, height), flags=cv2.INTER_LINEAR), np.float32)
