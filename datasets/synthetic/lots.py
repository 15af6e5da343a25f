"""What parts of a lot share: tool marks, material, lighting; and the pools all parts draw from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from taktsight.datasets.synthetic.geometry import Layer
from taktsight.datasets.synthetic.product import OUTER_RADIUS_MM, Product
from taktsight.records import Image

POOL_STREAM, LOT_STREAM, PART_STREAM, DEFECT_STREAM, LABEL_STREAM = range(5)
"""Second word of a generator's seed: what is drawn for one purpose never shifts another."""

MARK_LEVEL, MARK_GAIN = 128.0, 30.0
"""Tool marks are stored as 128 + 30 × standard deviations."""
_TURN_ROWS = 720
_FINE_MM = 0.05
MARKS_SLACK_MM = 9.0
"""How much longer the marks are than a part's radius: each part gets its own stretch of them."""


@dataclass(frozen=True, slots=True)
class Lot:
    """The state of machine, material and lighting while a lot was made."""

    marks: Image
    """(turn, radius) uint8 tool marks, the first rows repeated at the end."""
    light_turn: float
    """Direction the main light comes from, rad in the image."""
    side_turn: float
    """Direction of the second light."""
    face_level: float
    """Grey level of the unlit face."""
    streak_level: float
    """Grey levels that the main light adds where the marks reflect it."""
    streak_sharpness: float
    mark_contrast: float
    """Standard deviation of the tool marks relative to the face."""
    belt_level: float
    falloff: float
    """Share of light lost from one side of the field to the other."""
    focus_mm: float
    """Standard deviation of the lens blur."""


@dataclass(frozen=True, slots=True)
class Pools:
    """Large random fields; a part takes a window of each."""

    noise: Layer
    """Sensor noise, standard deviation 1."""
    belt: Layer
    """Conveyor surface around 1."""
    vignette: Layer
    slope_x: Layer
    """-0.5 to 0.5 across the field: with ``slope_y`` any fall-off of light."""
    slope_y: Layer


def generator(seed: int, stream: int, number: int = 0) -> np.random.Generator:
    """The random numbers of one purpose."""
    return np.random.default_rng([seed, stream, number])


@lru_cache(maxsize=4)
def lot_of(product: Product, seed: int, lot: int) -> Lot:
    """One lot of a product."""
    rng = generator(seed, LOT_STREAM, lot)
    light = rng.normal(-2.2, 0.3)
    return Lot(
        light_turn=light,
        side_turn=light + rng.uniform(1.1, 1.7),
        face_level=rng.uniform(84, 112),
        streak_level=rng.uniform(66, 100),
        streak_sharpness=rng.uniform(2.2, 4.5),
        mark_contrast=rng.uniform(0.045, 0.075),
        belt_level=rng.uniform(20, 34),
        falloff=rng.uniform(0.08, 0.26),
        focus_mm=rng.uniform(0.05, 0.08),
        marks=_marks(product, rng),
    )


@lru_cache(maxsize=2)
def pools_of(product: Product, seed: int) -> Pools:
    """The pools of one seed."""
    rng = generator(seed, POOL_STREAM)
    size = product.size_px
    line = np.linspace(-0.5, 0.5, size, dtype=np.float32)
    slope_x, slope_y = np.meshgrid(line, line)
    return Pools(
        noise=rng.standard_normal((size + 256, size + 256), dtype=np.float32),
        belt=_belt(product, rng),
        vignette=np.asarray(1 - 0.3 * (slope_x**2 + slope_y**2), np.float32),
        slope_x=np.ascontiguousarray(slope_x),
        slope_y=np.ascontiguousarray(slope_y),
    )


def _marks(product: Product, rng: np.random.Generator) -> Image:
    """Marks of a turning tool: a spiral of unequal grooves, torn material, slow drift."""
    columns = round((OUTER_RADIUS_MM + 1 + MARKS_SLACK_MM) / _FINE_MM)
    radius_mm = np.arange(columns, dtype=np.float32) * np.float32(_FINE_MM)
    feed_mm = rng.uniform(0.26, 0.55)
    turn = np.arange(_TURN_ROWS, dtype=np.float32)[:, np.newaxis] / _TURN_ROWS
    groove = radius_mm / np.float32(feed_mm) + turn
    number = groove.astype(np.int32)
    across = groove - number - np.float32(0.5)
    grooves = int(number.max()) + 1
    tilt = rng.normal(1.0, 0.5, grooves).astype(np.float32)
    level = rng.normal(0.0, 0.55, grooves).astype(np.float32)
    # After one turn the spiral meets its next groove: each groove grows into the one beside it.
    before = np.maximum(number - 1, 0)
    marks = (tilt[number] * (1 - turn) + tilt[before] * turn) * across * 1.5
    marks += level[number] * (1 - turn) + level[before] * turn
    marks += 0.75 * _drawn_out(rng, 24, columns)
    marks += 0.55 * _drawn_out(rng, 90, columns)
    marks += 0.30 * _drawn_out(rng, 360, columns)
    marks += 0.60 * _wide(rng, columns)
    stored = np.asarray(np.clip(marks * MARK_GAIN + MARK_LEVEL, 0, 255), np.float32)
    width = round(columns * _FINE_MM / product.mm_per_px)
    scaling = cv2.INTER_AREA if width < columns else cv2.INTER_LINEAR
    pixels = np.rint(cv2.resize(stored, (width, _TURN_ROWS), interpolation=scaling)).astype(np.uint8)
    return np.concatenate([pixels, pixels[:2]])


def _drawn_out(rng: np.random.Generator, turns: int, columns: int) -> Layer:
    """Noise as fine as a sample in radius and ``turns`` cells long around."""
    cells = rng.standard_normal((turns, columns), dtype=np.float32)
    closed = np.concatenate([cells, cells[:1]])
    long = cv2.resize(closed, (columns, _TURN_ROWS + _TURN_ROWS // turns), interpolation=cv2.INTER_LINEAR)
    return np.asarray(long[:_TURN_ROWS], np.float32)


def _wide(rng: np.random.Generator, columns: int) -> Layer:
    """Bands a few millimetres wide: the tool wears and is corrected."""
    coarse = rng.standard_normal((1, columns // 40), dtype=np.float32)
    return np.asarray(cv2.resize(coarse, (columns, 1), interpolation=cv2.INTER_CUBIC), np.float32)


def _belt(product: Product, rng: np.random.Generator) -> Layer:
    """A rubber conveyor: grain, and a faint weave that is nowhere quite regular."""
    size = product.size_px * 3 // 2
    grain = rng.standard_normal((size, size), dtype=np.float32)
    fine = cv2.GaussianBlur(grain, (0, 0), max(0.1 / product.mm_per_px, 0.3))
    coarse = cv2.GaussianBlur(grain[::-1, ::-1], (0, 0), max(0.8 / product.mm_per_px, 0.3))
    line = np.arange(size, dtype=np.float32) * np.float32(product.mm_per_px)
    bend = coarse / coarse.std() * 0.25
    weave = np.sin((line + line[:, np.newaxis]) * 5.5 + bend) * np.sin(
        (line - line[:, np.newaxis]) * 5.5 - bend
    )
    belt = 1 + 0.13 * fine / fine.std() + 0.09 * coarse / coarse.std() + 0.10 * weave
    return np.asarray(belt, np.float32)
