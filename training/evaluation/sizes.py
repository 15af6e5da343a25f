"""How small a defect may be and still be found: true defects by their size, found or missed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from taktsight.quality.rates import clopper_pearson
from taktsight.recipe import Limit
from taktsight.records import Maps, Outcome, Verdict
from taktsight.strict_model import StrictModel
from taktsight.training.evaluation.estimates import Share
from taktsight.training.evaluation.judged import JudgedPart, TrueDefect

FIRST_MM, FIRST_PX = 0.1, 1.0
"""Where the series of bins starts; each bin ends at twice its start, below the first one too."""
HAIR = 1e-9
"""A diameter that is a bin's start but for rounding lies in that bin."""


class SizeFigures(StrictModel):
    """True defects of one size."""

    label: str | None
    """A defect label; None for all of them together."""
    from_diameter: float
    """Least equivalent diameter √(4 A / π), mm where the data say their scale, else frame pixels."""
    to_diameter: float
    """All are smaller than this."""
    found: Share
    """Defects that a region was found on, in parts that did not pass ÷ defects."""


def true_defects(covered: NDArray[np.bool_], label: str, maps: Maps, map_px: int) -> tuple[TrueDefect, ...]:
    """The connected regions (8-neighbourhood) that one label has on a part, and what the maps say there.

    Args:
        covered: (H, W) True where the reference shows the label.
        label: the defect label.
        maps: (K, h, w) float32 of the whole frame.
        map_px: frame pixels per map pixel.
    """
    count, regions = cv2.connectedComponents(covered.astype(np.uint8), connectivity=8)
    rows, columns = np.nonzero(covered)
    numbers = regions[rows, columns]
    said = maps[:, rows // map_px, columns // map_px]
    return tuple(
        TrueDefect(label, int(inside.sum()), said[:, inside].max(axis=1))
        for inside in (numbers == number for number in range(1, count))
    )


def size_figures(
    parts: Sequence[JudgedPart],
    verdicts: Sequence[Verdict],
    labels: Sequence[str],
    limits: Sequence[Limit],
    mm_per_px: float | None,
) -> tuple[SizeFigures, ...]:
    """What was found of each size: all labels together first, then label by label, smallest first.

    A defect was found if a region of any label lies on it, at the map value of that label's limit, and
    its part did not pass: what the line would hold up and can show.

    Args:
        parts: those whose true defects are not known are left out.
        verdicts: one per part.
        labels: K defect labels, in the order of the maps.
        limits: one per label, in the order of ``labels``.
        mm_per_px: scale of the frames; without it sizes are in pixels.
    """
    edges = np.array([limit.map_score for limit in limits])
    scale, first = (mm_per_px, FIRST_MM) if mm_per_px else (1.0, FIRST_PX)
    counted: list[tuple[str, int, bool]] = []
    for part, verdict in zip(parts, verdicts, strict=True):
        held_up = verdict.outcome is not Outcome.PASS
        for defect in part.true_defects or ():
            size = math.floor(math.log2(defect.diameter_px * scale / first) + HAIR)
            counted.append((defect.label, size, held_up and bool((defect.peaks >= edges).any())))
    return tuple(
        SizeFigures(
            label=label,
            from_diameter=first * 2.0**size,
            to_diameter=first * 2.0 ** (size + 1),
            found=Share.of(clopper_pearson(sum(found), len(found))),
        )
        for label in (None, *labels)
        for size, found in _by_size(counted, label)
    )


def _by_size(
    counted: Sequence[tuple[str, int, bool]], label: str | None
) -> Iterator[tuple[int, list[bool]]]:
    """The sizes that occur, each with whether its defects were found."""
    chosen = [(size, found) for name, size, found in counted if label in (None, name)]
    for size in sorted({size for size, _ in chosen}):
        yield size, [found for other, found in chosen if other == size]
