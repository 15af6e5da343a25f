"""Renders one part: faces, slopes and bores in the part's own position, then pose, light, lens, sensor."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from taktsight.datasets.samples import GOOD
from taktsight.datasets.synthetic.defects import add_defects
from taktsight.datasets.synthetic.geometry import Layer, Layers, layers_of
from taktsight.datasets.synthetic.lots import (
    DEFECT_STREAM,
    MARK_GAIN,
    MARK_LEVEL,
    MARKS_SLACK_MM,
    PART_STREAM,
    Lot,
    Pools,
    generator,
    lot_of,
    pools_of,
)
from taktsight.datasets.synthetic.product import SHIFT_MM, KnownDefect, Product, RenderedPart
from taktsight.datasets.synthetic.shapes import Points
from taktsight.records import Image


@dataclass(frozen=True, slots=True)
class Pose:
    """How one part lay under the camera, and what else differs from part to part."""

    heading: float
    """Turn of the part, rad."""
    shift_px: tuple[float, float]
    light_turn: float
    side_turn: float
    exposure: float
    focus_px: float
    marks_start: int
    """Column of the lot's tool marks where this part's begin."""
    window: tuple[int, int, int, int]
    """Row and column in the noise pool, row and column in the belt pool."""

    def matrix(self, size_px: int) -> Points:
        """(2, 3) from the part's own pixels to the frame's."""
        cos, sin, half = np.cos(self.heading), np.sin(self.heading), (size_px - 1) / 2
        x = half + self.shift_px[0] - cos * half + sin * half
        y = half + self.shift_px[1] - sin * half - cos * half
        return np.array([[cos, -sin, x], [sin, cos, y]])


def render_part(
    product: Product,
    seed: int,
    number: int,
    defect: str | None = None,
    *,
    length_mm: float | None = None,
    width_mm: float | None = None,
) -> RenderedPart:
    """One part of a product, the same whatever was rendered before it.

    The part, its pose and its light depend on ``seed`` and ``number`` only: rendered with and without a
    defect it is the same part.
    Processors with other instruction sets round a few pixels in 100,000 one grey
    level apart; masks and sizes are the same everywhere.

    Args:
        product: what is rendered.
        seed: of the whole data set, ≥ 0.
        number: of the part, ≥ 0; ``number // parts_per_lot`` is its lot.
        defect: the kind to put on it; None for a good part.
        length_mm: of a single defect, instead of one to three of drawn lengths.
        width_mm: of a single defect.

    Raises:
        ValueError: If the product has no such defect, or no place on the part holds one of that size.
    """
    if defect is None and (length_mm is not None or width_mm is not None):
        raise ValueError("a size was given for a part without a defect")
    lot = number // product.parts_per_lot
    made, layers, pools = lot_of(product, seed, lot), layers_of(product), pools_of(product, seed)
    pose = pose_of(product, seed, number)
    frame = _place(_shade(layers, made, pose, product), layers, made, pools, pose, product)
    mask: Image = np.zeros((*frame.shape, 1), np.uint8)
    defects: tuple[KnownDefect, ...] = ()
    if defect is not None:
        mask, defects = add_defects(
            frame,
            product,
            layers,
            pose.matrix(product.size_px),
            defect,
            generator(seed, DEFECT_STREAM, number),
            light_turn=pose.light_turn,
            length_mm=length_mm,
            width_mm=width_mm,
        )
    return RenderedPart(_expose(frame, pools, pose), mask, defect or GOOD, defects, number, lot)


def pose_of(product: Product, seed: int, number: int) -> Pose:
    """How a part lies; the same at any resolution."""
    lot = lot_of(product, seed, number // product.parts_per_lot)
    rng = generator(seed, PART_STREAM, number)
    size = product.size_px
    jitter = rng.normal(0, 0.06)
    return Pose(
        heading=rng.uniform(0, 2 * np.pi),
        shift_px=tuple(rng.uniform(-SHIFT_MM, SHIFT_MM, 2) / product.mm_per_px),
        light_turn=lot.light_turn + jitter,
        side_turn=lot.side_turn + jitter,
        exposure=rng.normal(1.0, 0.03),
        focus_px=max(0.35, lot.focus_mm * rng.uniform(0.85, 1.25) / product.mm_per_px),
        marks_start=int(rng.uniform(0, MARKS_SLACK_MM) / product.mm_per_px),
        window=tuple(rng.integers(0, (256, 256, size // 2, size // 2)).tolist()),
    )


def _shade(layers: Layers, lot: Lot, pose: Pose, product: Product) -> Layer:
    """The part's brightness in its own position."""
    marks = _marks(layers, lot, pose)
    main = _streaks(layers, marks, pose.light_turn - pose.heading, lot.streak_sharpness)
    side = _streaks(layers, marks, pose.side_turn - pose.heading, 2 * lot.streak_sharpness)
    lit = cv2.addWeighted(main, lot.streak_level, side, 0.35 * lot.streak_level, lot.face_level)
    picture = np.asarray(lit * layers.face * (1 + lot.mark_contrast * marks), np.float32)
    _shade_slopes(picture, layers, pose, lot)
    _shade_bores(picture, layers, pose)
    return picture


def _marks(layers: Layers, lot: Lot, pose: Pose) -> Layer:
    """The part's own tool marks, in standard deviations."""
    rows = lot.marks.shape[0] - 2
    stretch = lot.marks[:, pose.marks_start :]
    marks = cv2.remap(stretch, layers.radius_px, layers.turn * rows, cv2.INTER_LINEAR)
    return np.asarray((marks.astype(np.float32) - MARK_LEVEL) / MARK_GAIN, np.float32)


def _streaks(layers: Layers, marks: Layer, light: float, sharpness: float) -> Layer:
    """What circular grooves reflect of one light: two beams from the middle, frayed by the marks."""
    beam = cv2.addWeighted(
        layers.cos2, sharpness * np.cos(2 * light), layers.sin2, sharpness * np.sin(2 * light), -sharpness
    )
    beam = cv2.exp(cv2.addWeighted(beam, 1.0, marks, 0.12 * sharpness, 0))
    # The beam on the light's side is the brighter one.
    near = cv2.addWeighted(layers.cos1, 0.25 * np.cos(light), layers.sin1, 0.25 * np.sin(light), 0.8)
    return np.asarray(beam * near, np.float32)


def _shade_slopes(picture: Layer, layers: Layers, pose: Pose, lot: Lot) -> None:
    slopes = layers.slopes
    light = pose.light_turn - pose.heading
    facing = slopes.normal_x * np.float32(np.cos(light)) + slopes.normal_y * np.float32(np.sin(light))
    glint = np.maximum(facing, 0) ** 5
    level = lot.face_level * (0.72 + 0.42 * facing) + 1.3 * lot.streak_level * glint
    _mix(picture, slopes.index, slopes.share, np.asarray(level, np.float32))


def _shade_bores(picture: Layer, layers: Layers, pose: Pose) -> None:
    bores = layers.bores
    light = pose.light_turn - pose.heading
    facing = bores.normal_x * np.float32(np.cos(light)) + bores.normal_y * np.float32(np.sin(light))
    wall = 42 * np.exp(-bores.depth_mm / 0.45) * np.maximum(facing, 0)
    level = np.asarray(11 + wall + 9 * np.exp(-bores.depth_mm / 1.5), np.float32)
    _mix(picture, bores.index, bores.share, level)


def _mix(
    picture: Layer, index: np.ndarray[tuple[int], np.dtype[np.int64]], share: Layer, level: Layer
) -> None:
    flat = picture.reshape(-1)
    flat[index] += share * (level - flat[index])


def _place(picture: Layer, layers: Layers, lot: Lot, pools: Pools, pose: Pose, product: Product) -> Layer:
    """The part where it lay on the conveyor, under uneven light."""
    size = (product.size_px, product.size_px)
    matrix = pose.matrix(product.size_px)
    cast = matrix.copy()
    cast[:, 2] -= 0.9 / product.mm_per_px * np.array([np.cos(pose.light_turn), np.sin(pose.light_turn)])
    shadow = cv2.warpAffine(layers.shadow, cast, size).astype(np.float32)
    row, column = pose.window[2:]
    belt = pools.belt[row : row + size[1], column : column + size[0]] * (
        1 - shadow * np.float32(0.62 / 255)
    )
    belt *= lot.belt_level
    silhouette = cv2.warpAffine(layers.silhouette, matrix, size)
    # Weighted before the warp: at the rim nothing of the face beyond it may bleed in.
    part = cv2.warpAffine(picture * layers.silhouette, matrix, size)
    frame = np.asarray(part + (1 - silhouette) * belt, np.float32)
    slope = cv2.addWeighted(
        pools.slope_x,
        lot.falloff * np.cos(pose.light_turn),
        pools.slope_y,
        lot.falloff * np.sin(pose.light_turn),
        1.0,
    )
    frame *= slope * pools.vignette * np.float32(pose.exposure)
    return frame


def _expose(frame: Layer, pools: Pools, pose: Pose) -> Image:
    """What lens and sensor make of it: blur, shot noise, read-out noise, 8 bits."""
    blurred = cv2.GaussianBlur(frame, (0, 0), pose.focus_px, borderType=cv2.BORDER_REPLICATE)
    row, column = pose.window[:2]
    height, width = frame.shape
    noise = pools.noise[row : row + height, column : column + width]
    deviation = cv2.sqrt(np.maximum(blurred * np.float32(0.022) + np.float32(0.8), 0))
    exposed = np.clip(np.rint(blurred + noise * deviation), 0, 255)
    return np.asarray(exposed, dtype=np.uint8)[:, :, np.newaxis]
