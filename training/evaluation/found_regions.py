"""How many of the drawn defects were found, one by one: precision, recall and F of regions as boxes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from taktsight.records import Defect
from taktsight.strict_model import StrictModel
from taktsight.training.evaluation.estimates import Estimate, Floats, Statistic, bootstrap, divided
from taktsight.training.evaluation.judged import Clusters, DrawnBox, JudgedPart, clusters_of

MATCH_IOU = 0.33
"""A found box and a drawn one that overlap by more than this are the same defect (Tang et al. 2019)."""


class RegionCounts(StrictModel):
    """The regions of one part, or of many."""

    drawn: int
    """Defects that the reference shows, as they were drawn."""
    found: int
    """Regions found, as the line finds them."""
    named: int
    """Pairs of the two, one to one, that overlap by more than :data:`MATCH_IOU` and have the same label."""
    located: int
    """The same, whatever the labels."""


class RegionFigures(StrictModel):
    """Found regions against drawn ones. Intervals are bootstrapped over physical parts."""

    counts: RegionCounts
    parts: int
    """Parts they lie on; good parts, on which nothing is drawn, are among them."""
    precision: Estimate | None
    """named ÷ found; None where nothing was found."""
    recall: Estimate | None
    """named ÷ drawn."""
    f1: Estimate | None
    """2 named ÷ (found + drawn)."""
    f1_any_label: Estimate | None
    """2 located ÷ (found + drawn)."""


def count_regions(found: Sequence[Defect], drawn: Sequence[DrawnBox]) -> RegionCounts:
    """Pairs found and drawn regions of one part: the surest found first, each with its best overlap."""
    return RegionCounts(
        drawn=len(drawn),
        found=len(found),
        named=_pairs(found, drawn, same_label=True),
        located=_pairs(found, drawn, same_label=False),
    )


def _pairs(found: Sequence[Defect], drawn: Sequence[DrawnBox], *, same_label: bool) -> int:
    left = list(drawn)
    for defect in sorted(found, key=lambda defect: -defect.score):
        rivals = [
            (overlap(defect.box_px, box.box_px), box)
            for box in left
            if box.view == defect.view and (not same_label or box.label == defect.label)
        ]
        best = max(rivals, key=lambda rival: rival[0], default=None)
        if best is not None and best[0] > MATCH_IOU:
            left.remove(best[1])
    return len(drawn) - len(left)


def overlap(one: Sequence[float], other: Sequence[float]) -> float:
    """Intersection ÷ union of two boxes x0, y0, x1, y1; 0–1."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return width * height / (areas - width * height)


def region_figures(parts: Sequence[JudgedPart], *, seed: int, resamples: int) -> RegionFigures | None:
    """The figures of these parts; None where no defect was drawn. Parts nobody drew on are left out."""
    judged = [part for part in parts if part.drawn is not None]
    if not any(part.drawn for part in judged):
        return None
    counts = [count_regions(part.defects, part.drawn or ()) for part in judged]
    drawn, found, named, located = (
        _column(counts, name) for name in ("drawn", "found", "named", "located")
    )
    clusters = clusters_of(judged)

    def estimate(above: Floats, below: Floats) -> Estimate | None:
        return bootstrap(_share(above, below), clusters, seed=seed, resamples=resamples)

    return RegionFigures(
        counts=total(counts),
        parts=len(judged),
        precision=estimate(named, found),
        recall=estimate(named, drawn),
        f1=f1_of(counts, clusters, seed=seed, resamples=resamples),
        f1_any_label=estimate(2 * located, found + drawn),
    )


def f1_of(
    counts: Sequence[RegionCounts], clusters: Clusters, *, seed: int, resamples: int
) -> Estimate | None:
    """2 named ÷ (found + drawn) of some parts, with its interval over physical parts."""
    both = _column(counts, "found") + _column(counts, "drawn")
    share = _share(2 * _column(counts, "named"), both)
    return bootstrap(share, clusters, seed=seed, resamples=resamples)


def _column(counts: Sequence[RegionCounts], name: str) -> Floats:
    return np.array([getattr(each, name) for each in counts], np.float64)


def total(counts: Sequence[RegionCounts]) -> RegionCounts:
    """The sum of the counts."""
    names = RegionCounts.model_fields
    return RegionCounts(**{name: sum(getattr(each, name) for each in counts) for name in names})


def _share(above: NDArray[np.float64], below: NDArray[np.float64]) -> Statistic:
    """Sum over parts ÷ sum over parts."""

    def share(weights: Floats) -> Floats:
        return divided(np.asarray(weights @ above), np.asarray(weights @ below))

    return share
