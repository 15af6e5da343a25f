"""Drawn regions that contradict each other, and the pixels that a part's labels cover."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from taktsight.datasets.checks.findings import Finding
from taktsight.datasets.checks.look import Looks, Seen
from taktsight.datasets.regions import Cover, Rectangle, Region, RunLengths, Shape, cover
from taktsight.datasets.samples import Sample
from taktsight.image_files import read_image

SAME_PLACE = 0.5
"""Intersection over union from which two regions are one place: half of either is the other."""
SAME_DRAWING = 0.9
"""The same for two regions of one label: they are one drawing."""


def check_regions(samples: Sequence[Sample], looks: Looks) -> list[Finding]:
    """Regions outside their image, of another size, or that overlap and disagree."""
    findings: list[Finding] = []
    for sample in samples:
        for image, regions in zip(sample.images, sample.regions, strict=False):
            seen = looks.seen(image)
            if regions and seen:
                findings += _outside(image, regions, seen) or _overlapping(image, regions, seen)
    return findings


def covered(sample: Sample, image: Path, looks: Looks) -> Cover | None:
    """(H, W) True where the image is marked as defective; None where its pixels are not known."""
    view, seen = sample.images.index(image), looks.seen(image)
    if seen is None:
        return None
    if not sample.is_defective:
        return np.zeros((seen.height, seen.width), np.bool_)
    mask = sample.masks[view] if view < len(sample.masks) else None
    if mask is not None:
        return np.asarray(read_image(mask, channels=1)[:, :, 0] > 127) if looks.drawn(mask) else None
    regions = sample.regions[view] if view < len(sample.regions) else None
    if regions is None:
        return None
    every = np.zeros((seen.height, seen.width), np.bool_)
    for region in regions:
        if _fits(region.shape, seen):
            every |= cover(region.shape, every.shape)
    return every


def overlap(one: Cover, other: Cover) -> float:
    """Intersection over union; 1 where neither marks anything."""
    either = int(np.count_nonzero(one | other))
    return int(np.count_nonzero(one & other)) / either if either else 1.0


def _outside(image: Path, regions: Sequence[Region], seen: Seen) -> list[Finding]:
    size = f"{seen.width}×{seen.height}"
    findings = []
    for region in regions:
        if not _fits(region.shape, seen):
            message = f"is {size} pixels, a region {region.label!r} was drawn at another size; export again"
            findings.append(Finding("mask size", (image,), message))
        elif not _touches(_box(region.shape), seen):
            message = f"is {size} pixels, a region {region.label!r} covers none of them; draw it again"
            findings.append(Finding("empty mask", (image,), message))
    return findings


def _overlapping(image: Path, regions: Sequence[Region], seen: Seen) -> Iterator[Finding]:
    size = (seen.height, seen.width)
    for one, other in combinations(regions, 2):
        least = SAME_DRAWING if one.label == other.label else SAME_PLACE
        if _box_overlap(_box(one.shape), _box(other.shape)) < least / 2:
            continue  # far cheaper than their pixels
        share = overlap(cover(one.shape, size), cover(other.shape, size))
        if share < least:
            continue
        if one.label == other.label:
            message = f"has a region {one.label!r} drawn twice (overlap {share:.2f}); delete one"
            yield Finding("drawn twice", (image,), message)
        else:
            labels = f"{one.label!r} and {other.label!r}"
            message = f"has one place labelled {labels} (overlap {share:.2f}); keep the right one"
            yield Finding("regions disagree", (image,), message)


Box = tuple[float, float, float, float]


def _fits(shape: Shape, seen: Seen) -> bool:
    return not isinstance(shape, RunLengths) or (shape.height, shape.width) == (seen.height, seen.width)


def _box(shape: Shape) -> Box:
    """x0, y0, x1, y1 around the shape; of run lengths the whole image."""
    if isinstance(shape, RunLengths):
        return 0.0, 0.0, float(shape.width), float(shape.height)
    if isinstance(shape, Rectangle):
        return shape.x0, shape.y0, shape.x1, shape.y1
    corners = [corner for ring in shape.rings for corner in ring]
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    return min(xs), min(ys), max(xs), max(ys)


def _touches(box: Box, seen: Seen) -> bool:
    x0, y0, x1, y1 = box
    return x1 > 0 and y1 > 0 and x0 < seen.width and y0 < seen.height


def _box_overlap(one: Box, other: Box) -> float:
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    if wide <= 0 or high <= 0:
        return 0.0
    both = wide * high
    return both / (_area(one) + _area(other) - both)


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
