"""From frame to network input and back: ROI, down-scaling, canvas, tiles, regions, mm².

Training, evaluation, export and the line all call these functions, so there is one preparation
and nothing to configure twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from taktsight.records import Box, Defect, Image, Maps, Prediction, Scores, check_image

Batch = NDArray[np.uint8]
"""(N, H, W, C) uint8: the tiles of one view, N = 1 where the region fits the canvas. C are the canvas's
``planes``."""

TILE_STEP_PX = 32
"""Tiles start at multiples of an encoder's total stride: a defect meets the same grid everywhere."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """What the network takes."""

    height: int
    """Rows of the network's input, a multiple of 32."""
    width: int
    """Columns of the network's input, a multiple of 32."""
    channels: int
    """1 (mono) or 3 (RGB)."""
    factor: int = 1
    """Down-scaling before the canvas: 1, 2, 4 or 8."""
    overlap: int = 64
    """Least overlap of neighbouring tiles, canvas pixels."""
    paired: bool = False
    """Whether the network compares: its input then holds the golden template's channels behind the
    frame's."""

    @property
    def planes(self) -> int:
        """Last axis of the network's input: the frame's channels, and the template's as many again."""
        return 2 * self.channels if self.paired else self.channels

    def __post_init__(self) -> None:
        if self.factor not in (1, 2, 4, 8):
            raise ValueError(f"factor must be 1, 2, 4 or 8, got {self.factor}")
        if self.height < 1 or self.width < 1 or self.height % TILE_STEP_PX or self.width % TILE_STEP_PX:
            raise ValueError(f"a canvas is a multiple of {TILE_STEP_PX}, got {self.height}×{self.width}")
        if self.channels not in (1, 3):
            raise ValueError(f"channels must be 1 or 3, got {self.channels}")
        if not 0 <= self.overlap <= min(self.height, self.width) - TILE_STEP_PX:
            raise ValueError(f"overlap {self.overlap} leaves no step between tiles of the canvas")


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the tiles of a batch lie in the frame they were cut from."""

    roi_px: Box
    """The judged region, frame pixels."""
    canvas: Canvas
    starts: tuple[tuple[int, int], ...]
    """Top-left corner y, x of each tile in the down-scaled region."""


def prepare(
    image: Image, roi_px: Box | None, canvas: Canvas, reference: Image | None = None
) -> tuple[Batch, Layout]:
    """The judged region of a frame as network input.

    Crops the ROI, halves it ``log2(factor)`` times by exact 2×2 block means (``cv2.INTER_AREA``),
    then pads to the canvas by edge replication, or cuts overlapping tiles where it is larger. A paired
    canvas gets the golden template, prepared alike, behind the frame's channels.

    Args:
        image: (H, W, C) uint8 frame.
        roi_px: x0, y0, x1, y1 in frame pixels, or None for the whole frame.
        canvas: the network's input; C must be the frame's.
        reference: (H, W, C) uint8 golden template, the same place on a good part, pixel by pixel; None
            where the canvas is not paired.

    Raises:
        ValueError: If the frame's channels are not the canvas's, the ROI leaves the frame, or the
            template is absent, not asked for, or not of the frame's size.
    """
    _check_reference(image, canvas, reference)
    tiles, layout = _cut_tiles(image, roi_px, canvas)
    if reference is None:
        return tiles, layout
    return np.concatenate([tiles, _cut_tiles(reference, roi_px, canvas)[0]], axis=3), layout


def _check_reference(image: Image, canvas: Canvas, reference: Image | None) -> None:
    if canvas.paired and reference is None:
        raise ValueError("the network compares with a golden template, and none was given")
    if reference is not None and not canvas.paired:
        raise ValueError("a golden template was given, and the network compares with none")
    if reference is not None and reference.shape != image.shape:
        (height, width, channels), (tall, wide, planes) = image.shape, reference.shape
        raise ValueError(
            f"the golden template is {wide}×{tall}×{planes}, the frame {width}×{height}×{channels}: "
            "they are compared pixel by pixel, take the template with this camera"
        )


def _cut_tiles(image: Image, roi_px: Box | None, canvas: Canvas) -> tuple[Batch, Layout]:
    check_image(image)
    height, width, channels = image.shape
    if channels != canvas.channels:
        raise ValueError(f"the frame has {channels} channels, the bundle wants {canvas.channels}")
    x0, y0, x1, y1 = roi = roi_px or (0, 0, width, height)
    if not (0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height):
        raise ValueError(f"roi_px {roi} holds no pixel or leaves the frame of {width}×{height} pixels")
    scaled = halve(image[y0:y1, x0:x1], canvas.factor)
    rows = _starts(scaled.shape[0], canvas.height, canvas.overlap)
    columns = _starts(scaled.shape[1], canvas.width, canvas.overlap)
    padded = _pad(scaled, rows[-1] + canvas.height, columns[-1] + canvas.width)
    starts = tuple((row, column) for row in rows for column in columns)
    layout = Layout(roi, canvas, starts)
    if len(starts) == 1:
        return np.ascontiguousarray(padded)[np.newaxis], layout
    tiles = [padded[y : y + canvas.height, x : x + canvas.width] for y, x in starts]
    return np.stack(tiles), layout


def halve(image: Image, factor: int) -> Image:
    """``image`` down-scaled by ``factor`` (1, 2, 4, 8) as exact 2×2 block means.

    A size that the factor does not divide is first padded by edge replication: no strip of the
    part is dropped.
    """
    if factor == 1:
        return image
    height, width, channels = image.shape
    scaled = _pad(image, -(-height // factor) * factor, -(-width // factor) * factor)
    while factor > 1:
        size = (scaled.shape[1] // 2, scaled.shape[0] // 2)
        scaled = np.asarray(cv2.resize(scaled, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        factor //= 2
    return scaled.reshape(scaled.shape[0], scaled.shape[1], channels)


def merge(maps: NDArray[np.float32], layout: Layout) -> Maps:
    """The tiles' maps as one map of the judged region; overlaps keep the maximum.

    Args:
        maps: (N, K, h, w) float32; h and w divide the canvas, or both are 1. Of more than one tile
            the stride divides 32.
        layout: as :func:`prepare` returned it.

    Returns:
        (K, h', w') float32 without the padding.
    """
    tiles, labels, map_height, map_width = maps.shape
    if tiles != len(layout.starts):
        raise ValueError(f"{len(layout.starts)} tiles were prepared, {tiles} maps came back")
    if map_height == map_width == 1:
        return np.asarray(maps.max(axis=0), dtype=np.float32)
    stride = map_stride(layout.canvas, map_height, map_width)
    region_height, region_width = _region_size(layout, stride)
    if tiles == 1:
        return np.ascontiguousarray(maps[0, :, :region_height, :region_width])
    if TILE_STEP_PX % stride:
        raise ValueError(
            f"maps of stride {stride} do not meet at tiles that start every {TILE_STEP_PX} pixels"
        )
    last_y, last_x = layout.starts[-1]
    merged = np.zeros((labels, last_y // stride + map_height, last_x // stride + map_width), np.float32)
    for tile, (y, x) in zip(maps, layout.starts, strict=True):
        window = merged[:, y // stride : y // stride + map_height, x // stride : x // stride + map_width]
        np.maximum(window, tile, out=window)
    return np.ascontiguousarray(merged[:, :region_height, :region_width])


def locate(
    maps: Maps,
    labels: Sequence[str],
    map_scores: Sequence[float],
    layout: Layout,
    *,
    stride: int,
    mm_per_px: float,
    view: str,
) -> tuple[Defect, ...]:
    """The connected regions (8-neighbourhood) of each label, largest first.

    Args:
        maps: (K, h, w) float32 of the whole judged region, from :func:`merge`.
        labels: K names.
        map_scores: K map values from which a pixel belongs to a region, 0–1.
        layout: as :func:`prepare` returned it.
        stride: canvas pixels per map pixel, from :func:`map_stride`.
        mm_per_px: calibration of the *frame*.
        view: the camera's name.
    """
    px_per_pixel = stride * layout.canvas.factor
    mm2_per_pixel = (px_per_pixel * mm_per_px) ** 2
    found = []
    for label, score_map, map_score in zip(labels, maps, map_scores, strict=True):
        if not score_map.max() >= map_score:  # of a broken map the highest is NaN
            continue
        mask = (score_map >= map_score).view(np.uint8)
        # Defects are small: looking for regions only around them takes a tenth of the time.
        left, top, wide, tall = cv2.boundingRect(mask)
        around = np.s_[top : top + tall, left : left + wide]
        near, score_near = mask[around], score_map[around]
        _, regions, stats, _ = cv2.connectedComponentsWithStats(near, connectivity=8)
        for region, (x, y, width, height, pixels) in enumerate(stats[1:].tolist(), start=1):
            window = np.s_[y : y + height, x : x + width]
            score = float(score_near[window][regions[window] == region].max())
            box = (left + x, top + y, left + x + width, top + y + height)
            box_px = _frame_box(box, px_per_pixel, layout.roi_px)
            found.append(Defect(label, score, box_px, pixels * mm2_per_pixel, view))
    return tuple(sorted(found, key=lambda defect: -defect.area_mm2))


def read_outputs(
    maps: NDArray[np.float32],
    scores: NDArray[np.float32],
    labels: tuple[str, ...],
    map_scores: Sequence[float],
    layout: Layout,
    *,
    mm_per_px: float,
    view: str,
) -> Prediction:
    """A network's raw outputs for the tiles of one view as one prediction of that view.

    Args:
        maps: (N, K, h, w) float32; h = w = 1 for a classifier, which says that, not where.
        scores: (N, K) float32; the view's score is the highest of its tiles.
        labels: K names.
        map_scores: K map values from which a pixel belongs to a region, 0–1.
        layout: as :func:`prepare` returned it.
        mm_per_px: calibration of the *frame*.
        view: the camera's name.
    """
    if not scores.min(initial=0.0) >= 0.0:  # the highest of the tiles would hide it
        raise ValueError("scores must be finite and within 0–1: the network's output is broken")
    merged = merge(maps, layout)
    view_scores: Scores = np.asarray(scores.max(axis=0), dtype=np.float32)
    if maps.shape[2:] == (1, 1):
        return Prediction(labels, view_scores, merged, (), view)
    stride = map_stride(layout.canvas, maps.shape[2], maps.shape[3])
    defects = locate(merged, labels, map_scores, layout, stride=stride, mm_per_px=mm_per_px, view=view)
    return Prediction(labels, view_scores, merged, defects, view)


def map_stride(canvas: Canvas, map_height: int, map_width: int) -> int:
    """Canvas pixels per map pixel; the same in both directions, and a whole number."""
    stride = canvas.height // map_height
    if stride * map_height != canvas.height or stride * map_width != canvas.width:
        raise ValueError(
            f"maps of {map_height}×{map_width} do not divide a canvas of {canvas.height}×{canvas.width}"
        )
    return stride


def _starts(length: int, tile: int, overlap: int) -> tuple[int, ...]:
    """Tile starts along one axis: multiples of 32, evenly spread, the last one covers the end."""
    if length <= tile:
        return (0,)
    last = -(-(length - tile) // TILE_STEP_PX)
    steps = -(-last // ((tile - overlap) // TILE_STEP_PX))
    return tuple(round(last * step / steps) * TILE_STEP_PX for step in range(steps + 1))


def _pad(image: Image, height: int, width: int) -> Image:
    bottom, right = height - image.shape[0], width - image.shape[1]
    if not bottom and not right:
        return image
    padded = cv2.copyMakeBorder(image, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
    return np.asarray(padded, dtype=np.uint8).reshape(height, width, image.shape[2])


def _region_size(layout: Layout, stride: int) -> tuple[int, int]:
    """Map pixels that lie on the judged region, not on the padding."""
    x0, y0, x1, y1 = layout.roi_px
    cell = stride * layout.canvas.factor
    return -(-(y1 - y0) // cell), -(-(x1 - x0) // cell)


def _frame_box(box: Box, px_per_pixel: int, roi: Box) -> Box:
    x0, y0, x1, y1 = (edge * px_per_pixel for edge in box)
    return roi[0] + x0, roi[1] + y0, min(roi[0] + x1, roi[2]), min(roi[1] + y1, roi[3])
