"""The drawing as layers of pixels: where the part is, which way it slopes, where a defect may lie.

Everything here is in the part's own position (centred, not turned); the renderer warps it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from taktsight.datasets.synthetic.product import (
    OPENINGS,
    OUTER_CHAMFER_MM,
    OUTER_RADIUS_MM,
    STEP_RADIUS_MM,
    STEP_WIDTH_MM,
    Opening,
    Product,
)
from taktsight.records import Image

Layer = NDArray[np.float32]
"""(H, W) float32."""


@dataclass(frozen=True, slots=True)
class Places:
    """The few pixels of a kind, listed: bores and slopes are far fewer than the surface."""

    index: NDArray[np.int64]
    """(N,) flat pixel index."""
    share: Layer
    """(N,) share of what the pixel shows of the part besides deeper kinds, 0–1."""
    normal_x: Layer
    """(N,) horizontal part of the surface normal; it points where the surface looks."""
    normal_y: Layer
    depth_mm: Layer
    """(N,) distance from the rim."""


@dataclass(frozen=True, slots=True)
class Layers:
    """What belongs to the product and not to one part."""

    silhouette: Layer
    """Share of each pixel that is part and not conveyor, 0–1."""
    shadow: Image
    """The silhouette, softened: the part's shadow, 0–255."""
    face: Layer
    """Brightness of the flat faces relative to the outer one: the recessed face is darker."""
    slopes: Places
    """Chamfers and the step between the faces."""
    bores: Places
    radius_px: Layer
    turn: Layer
    """Polar angle, 0–1 of a full turn."""
    cos1: Layer
    sin1: Layer
    cos2: Layer
    """cos and sin of the angle and of twice the angle: lighting from any side is a sum of them."""
    sin2: Layer
    clearance_mm: Layer
    """Distance to the nearest edge of a flat face; 0 off the faces."""


@lru_cache(maxsize=2)
def layers_of(product: Product) -> Layers:
    """The product's layers, drawn finer than the image and averaged down."""
    size, mm_per_px = product.size_px, product.mm_per_px
    fine = max(1, min(4, 2048 // size))
    x_mm, y_mm = _grid(size * fine, mm_per_px / fine)
    drawing = _Drawing(x_mm, y_mm)
    silhouette = _shrink(drawing.silhouette, fine)
    flat = drawing.silhouette * (drawing.slope == 0) * (drawing.bore == 0)
    inner = (_shrink(flat, fine) > 0.999).astype(np.uint8)
    clearance = cv2.distanceTransform(inner, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) * mm_per_px
    x_px, y_px = _grid(size, 1.0)
    radius, angle = cv2.cartToPolar(x_px, y_px)
    blurred = cv2.GaussianBlur(silhouette, (0, 0), 1.3 / mm_per_px)
    return Layers(
        silhouette=silhouette,
        shadow=np.asarray(blurred * 255, dtype=np.uint8),
        face=_shrink(_face(np.hypot(x_mm, y_mm)), fine),
        slopes=_places(drawing, drawing.slope, drawing.silhouette - drawing.bore, fine),
        bores=_places(drawing, drawing.bore, drawing.silhouette, fine),
        radius_px=np.asarray(radius, np.float32),
        turn=np.asarray(angle / (2 * np.pi), np.float32),
        cos1=np.cos(angle).astype(np.float32),
        sin1=np.sin(angle).astype(np.float32),
        cos2=np.cos(2 * angle).astype(np.float32),
        sin2=np.sin(2 * angle).astype(np.float32),
        clearance_mm=np.asarray(clearance, np.float32),
    )


class _Drawing:
    """The fine canvas while features are drawn on it, outermost first."""

    def __init__(self, x_mm: Layer, y_mm: Layer) -> None:
        radius = np.hypot(x_mm, y_mm)
        safe = np.maximum(radius, 1e-3)
        self.silhouette = (radius <= OUTER_RADIUS_MM).astype(np.float32)
        self.slope: Layer = np.zeros_like(radius)
        self.bore: Layer = np.zeros_like(radius)
        self.depth: Layer = np.zeros_like(radius)
        self.normal_x: Layer = np.divide(x_mm, safe, dtype=np.float32)
        self.normal_y: Layer = np.divide(y_mm, safe, dtype=np.float32)
        self.slope[(radius > OUTER_RADIUS_MM - OUTER_CHAMFER_MM) & (radius <= OUTER_RADIUS_MM)] = 1
        step = np.abs(radius - STEP_RADIUS_MM) < STEP_WIDTH_MM / 2
        self.slope[step] = 1
        self.normal_x[step] *= -1  # the step leads down towards the middle
        self.normal_y[step] *= -1
        for opening in OPENINGS:
            self._cut(opening, x_mm, y_mm)

    def _cut(self, opening: Opening, x_mm: Layer, y_mm: Layer) -> None:
        reach = opening.radius_mm + opening.chamfer_mm + 0.5
        rows = (y_mm[:, 0] > opening.y_mm - reach - opening.length_mm) & (y_mm[:, 0] < opening.y_mm + reach)
        columns = np.abs(x_mm[0] - opening.x_mm) < reach
        window = np.s_[_span(rows), _span(columns)]
        dx = x_mm[window] - opening.x_mm
        dy = y_mm[window] - np.clip(y_mm[window], opening.y_mm - opening.length_mm, opening.y_mm)
        distance = np.maximum(np.hypot(dx, dy), 1e-3)
        hole = distance <= opening.radius_mm
        ring = ~hole & (distance <= opening.radius_mm + opening.chamfer_mm)
        material = self.silhouette[window] > 0
        near = (hole | ring) & material
        self.normal_x[window][near] = (-dx / distance)[near]
        self.normal_y[window][near] = (-dy / distance)[near]
        self.slope[window][ring & material] = 1
        self.slope[window][hole] = 0
        if opening.through:
            self.silhouette[window][hole] = 0
        else:
            self.bore[window][hole] = 1
            self.depth[window][hole] = (opening.radius_mm - distance)[hole]


def _places(drawing: _Drawing, kind: Layer, whole: Layer, fine: int) -> Places:
    """The pixels of a kind; ``whole`` is what they are a share of."""
    small = _shrink(kind, fine)
    index = np.flatnonzero(small > 0)
    weight = small.ravel()[index]
    # Of the rest of the pixel only: what is mixed in later (bore, conveyor) brings its own share.
    share = weight / _shrink(whole, fine).ravel()[index]

    def mean(layer: Layer) -> Layer:
        return np.asarray(_shrink(np.multiply(layer, kind), fine).ravel()[index] / weight, np.float32)

    return Places(index, share, mean(drawing.normal_x), mean(drawing.normal_y), mean(drawing.depth))


def _face(radius_mm: Layer) -> Layer:
    recessed = radius_mm < STEP_RADIUS_MM
    # The step takes light from the foot of the recessed face.
    occluded = 0.3 * np.exp(-(STEP_RADIUS_MM - radius_mm) / 0.5)
    return np.where(recessed, 0.9 - occluded, 1.0).astype(np.float32)


def _grid(size: int, step: float) -> tuple[Layer, Layer]:
    """x and y of every pixel's middle, from the image's middle."""
    line = ((np.arange(size) - (size - 1) / 2) * step).astype(np.float32)
    x, y = np.meshgrid(line, line)
    return np.ascontiguousarray(x), np.ascontiguousarray(y)


def _shrink(layer: Layer, fine: int) -> Layer:
    size = layer.shape[0] // fine
    return np.asarray(cv2.resize(layer, (size, size), interpolation=cv2.INTER_AREA), np.float32)


def _span(inside: NDArray[np.bool_]) -> slice:
    index = np.flatnonzero(inside)
    return slice(int(index[0]), int(index[-1]) + 1)
