"""Frames for a browser that runs no script: tiles side by side in one drawing, and outlines over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from taktsight.inspect.review.parts.rows import FrameRef
from taktsight.inspect.review.web.shown_parts import Tile, tiles_at


@dataclass(frozen=True, slots=True)
class Outline:
    """One region that was found."""

    label: str
    points: str
    """As a polygon of SVG has them."""


@dataclass(frozen=True, slots=True)
class Plain:
    """One view."""

    frame: FrameRef
    tiles: Sequence[Tile]
    outlines: tuple[Outline, ...] = ()


def plain_pictures(
    pictures: Any, frames: Sequence[FrameRef], most_px: int, *, is_overlaid: bool
) -> tuple[Plain, ...]:
    """The views of a part.

    Args:
        pictures: where overlays come from.
        frames: one per view.
        most_px: the longer side, in pixels.
        is_overlaid: with what the bundle finds in them.
    """
    return tuple(
        Plain(frame, tiles_at(frame, most_px), _outlines(pictures, frame) if is_overlaid else ())
        for frame in frames
    )


def _outlines(pictures: Any, frame: FrameRef) -> tuple[Outline, ...]:
    return tuple(
        Outline(each.label, " ".join(f"{x},{y}" for x, y in each.points))
        for each in pictures.overlay(frame.image_id, wait_s=5.0).contours
    )
