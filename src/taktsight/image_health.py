"""What a frame is like: focus, exposure, saturation, tears, and how far it has moved.

Pure functions of a frame. None looks at all of it: bands of rows and columns, and a reduced image of every
n-th row, say the same in a fraction of the time. A measure says nothing about what is good; that is for the
recipe's bands (:mod:`taktsight.health_bands`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from taktsight.imaging import halve
from taktsight.records import Box, Image, check_image

SAMPLED_VALUES = 400_000
"""Values whose levels are counted: every 13th row of 5 MP."""
FOCUS_BAND_PX = 48
"""Height of the bands that focus is measured in."""
SEAM_BAND_PX = 64
"""Width of the bands that seams are looked for in."""
BANDS = 8
"""Of each kind, evenly spread; where less remains between them than they measure, the whole is taken."""
REDUCED_PX = 200
"""Longest side of the image that is held against the reference."""
REDUCED_ROWS = 4
"""Rows of the frame that a row of that image is made of."""
SEARCHED = 0.15
"""Share of the region by which it may have moved, in each direction; what moved farther reads as little
more, and is not like the reference."""
MIN_COMPARED_PX = 64
DIGITS = 4
"""Of a value that is recorded; it is judged as it is recorded."""

Grey = NDArray[np.uint8]
"""(h, w) uint8."""


@dataclass(frozen=True, slots=True)
class Reference:
    """The middle of a good part's region, to be found again in other frames."""

    template: Grey
    margin: tuple[int, int]
    """Rows and columns around it in the reduced region."""
    factor: int
    """Frame pixels per pixel of ``template``."""
    size_px: tuple[int, int]
    """Height and width of the frame that it was made of."""


@dataclass(frozen=True, slots=True)
class Shift:
    """How the judged region lies against the reference."""

    x_px: float
    """To the right, frame pixels."""
    y_px: float
    """Downwards, frame pixels."""
    likeness: float
    """Correlation with the reference in that place, 0–1."""


def make_reference(image: Image, roi_px: Box | None) -> Reference:
    """The judged region of a good part's frame, ready to be compared with.

    Raises:
        ValueError: If the region leaves the frame, or is too small to be compared.
    """
    region = _region(image, roi_px)
    if min(region.shape[:2]) < MIN_COMPARED_PX:
        raise ValueError(
            f"a region of {region.shape[1]}×{region.shape[0]} pixels is too small to tell where it lies: "
            f"{MIN_COMPARED_PX} in each direction are wanted"
        )
    factor = _factor(region)
    reduced = _reduced(region, factor)
    height, width = reduced.shape
    rows, columns = (max(2, round(SEARCHED * length)) for length in (height, width))
    template = reduced[rows : height - rows, columns : width - columns]
    return Reference(template, (rows, columns), factor, (image.shape[0], image.shape[1]))


def measure(
    image: Image, roi_px: Box | None, *, mm_per_px: float, reference: Reference | None = None
) -> dict[str, float]:
    """Every measure of a frame, finite, by its name, to four digits.

    Args:
        image: (H, W, C) uint8 frame.
        roi_px: x0, y0, x1, y1 in frame pixels, or None for the whole frame.
        mm_per_px: calibration of the frame.
        reference: of the same view; None leaves out ``shift_mm``, ``shift_x_px``, ``shift_y_px`` and
            ``likeness``.

    Raises:
        ValueError: If the region leaves the frame, or the frame is not of the reference's size.
    """
    region = _region(image, roi_px)
    values = {"focus": focus(region), **levels(region), "seam": seam(image)}
    if reference is not None:
        if reference.size_px != image.shape[:2]:
            (tall, wide), (height, width) = reference.size_px, image.shape[:2]
            raise ValueError(f"the frame is {width}×{height}, its reference {wide}×{tall} pixels")
        found = shift(region, reference)
        moved_mm = float(np.hypot(found.x_px, found.y_px)) * mm_per_px
        values |= {"shift_mm": moved_mm, "shift_x_px": found.x_px, "shift_y_px": found.y_px}
        values["likeness"] = found.likeness
    return {name: float(f"{value:.{DIGITS}g}") for name, value in values.items()}


def focus(region: Image) -> float:
    """Standard deviation of the Laplacian at half size ÷ mean level; 0 for a black region.

    Halving takes most of a sensor's noise away, which would otherwise hide a blur; the division takes the
    exposure out.
    """
    count, total, squares, level = 0, 0.0, 0.0, 0.0
    for rows in _spread(region.shape[0], FOCUS_BAND_PX):
        half = _grey(halve(region[rows], 2))
        (mean,), (deviation,) = (values[:, 0] for values in cv2.meanStdDev(cv2.Laplacian(half, cv2.CV_16S)))
        count += half.size
        total += mean * half.size
        squares += (deviation**2 + mean**2) * half.size
        level += cv2.mean(half)[0] * half.size
    variance = squares / count - (total / count) ** 2
    return float(np.sqrt(max(variance, 0.0)) / (level / count)) if level else 0.0


def levels(region: Image) -> dict[str, float]:
    """``mean_level`` 0–255, ``dark_share`` at 0 and ``bright_share`` at 255, 0–1, of all channels' values.

    Of a large region every n-th row is looked at, at full size: in a reduced image no single pixel is
    saturated any more.
    """
    step = -(-region.size // SAMPLED_VALUES) | 1  # odd: no pattern of two rows hides from it
    values = region[::step].reshape(-1, region.shape[1] * region.shape[2])
    return {
        "mean_level": float(cv2.mean(values)[0]),
        "dark_share": 1 - cv2.countNonZero(values) / values.size,
        "bright_share": 1 - cv2.countNonZero(cv2.bitwise_not(values)) / values.size,
    }


def seam(image: Image) -> float:
    """The largest step between two rows ÷ the larger of the steps above and below it.

    A step is the mean difference of two neighbouring rows, in levels of all channels; 1 is added below the
    line, so that a flat image has none. An edge that a lens made is spread over some rows; where one
    exposure ends and another begins there is one step. 0 for an image of fewer than four rows.
    """
    if image.shape[0] < 4:
        return 0.0
    height, width, channels = image.shape
    values, total, count = image.reshape(height, width * channels), np.zeros(height - 1), 0
    for columns in _spread(width, SEAM_BAND_PX):
        rows = values[:, columns.start * channels : columns.stop * channels]
        step = cv2.absdiff(rows[1:], rows[:-1])
        total += cv2.reduce(step, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S)[:, 0]
        count += rows.shape[1]
    steps = total / count
    return float((steps[1:-1] / (np.maximum(steps[:-2], steps[2:]) + 1)).max())


def shift(region: Image, reference: Reference) -> Shift:
    """Where the region lies against the reference: where the correlation of reduced images is highest.

    Correlation takes level and contrast out. Phase correlation, tried on real parts, found no place at all
    where parts differ in detail or stand before a saturated background.

    Args:
        region: the judged region.
        reference: of the same region.
    """
    factor = reference.factor
    reduced = _reduced(region, factor)
    found = cv2.matchTemplate(reduced, reference.template, cv2.TM_CCOEFF_NORMED)
    match = np.nan_to_num(np.asarray(found, np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    _, likeness, _, (x, y) = cv2.minMaxLoc(match)
    right, down = _summit(match, x, y)
    rows, columns = reference.margin
    x_px, y_px = (x + right - columns) * factor, (y + down - rows) * factor
    return Shift(x_px, y_px, float(np.clip(likeness, 0.0, 1.0)))


def _summit(match: NDArray[np.float32], x: int, y: int) -> tuple[float, float]:
    """Where, from the highest value, the top of the paraboloid through it and its eight neighbours lies."""
    if not (0 < x < match.shape[1] - 1 and 0 < y < match.shape[0] - 1):
        return 0.0, 0.0
    near = match[y - 1 : y + 2, x - 1 : x + 2].astype(np.float64)
    by_column, by_row = near.sum(axis=0), near.sum(axis=1)
    slope_x, slope_y = (by_column[2] - by_column[0]) / 6, (by_row[2] - by_row[0]) / 6
    bend_x = (by_column[2] - 2 * by_column[1] + by_column[0]) / 3
    bend_y = (by_row[2] - 2 * by_row[1] + by_row[0]) / 3
    twist = (near[2, 2] - near[2, 0] - near[0, 2] + near[0, 0]) / 4
    curvature = bend_x * bend_y - twist**2
    if not (bend_x < 0 and curvature > 0):  # a ridge has no top
        return 0.0, 0.0
    right = (twist * slope_y - bend_y * slope_x) / curvature
    down = (twist * slope_x - bend_x * slope_y) / curvature
    return float(np.clip(right, -1, 1)), float(np.clip(down, -1, 1))


def _region(image: Image, roi_px: Box | None) -> Image:
    check_image(image)
    height, width = image.shape[:2]
    x0, y0, x1, y1 = roi_px or (0, 0, width, height)
    if not (0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height):
        raise ValueError(f"roi_px {roi_px} holds no pixel or leaves the frame of {width}×{height} pixels")
    return image[y0:y1, x0:x1]


def _grey(image: Image) -> Grey:
    if image.shape[2] == 1:
        return image[:, :, 0]
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def _factor(region: Image) -> int:
    """The least power of two, 2 at least, that makes it small enough to be compared."""
    factor = 2
    while max(region.shape[:2]) > factor * REDUCED_PX:
        factor *= 2
    return factor


def _reduced(region: Image, factor: int) -> Grey:
    """The region down-scaled, of every n-th row: what it costs is the rows that are read."""
    height, width = region.shape[0] // factor, region.shape[1] // factor
    half = _grey(halve(region[:: max(1, factor // REDUCED_ROWS)], 2))
    return np.asarray(cv2.resize(half, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _spread(length: int, size: int) -> Iterator[slice]:
    """Bands of ``size`` evenly along a length; one of the whole where little would remain between them."""
    if length <= 2 * BANDS * size:
        yield slice(0, length)
        return
    for number in range(BANDS):
        start = round(number * (length - size) / (BANDS - 1))
        yield slice(start, start + size)
