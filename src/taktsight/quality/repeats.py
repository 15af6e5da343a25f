"""Whether a station says the same of the same part: parts that it saw more than once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from taktsight.errors import DataError
from taktsight.quality.agreement import Share
from taktsight.quality.rates import clopper_pearson
from taktsight.strict_model import StrictModel


class RepeatedPart(StrictModel):
    """One part that was judged in more than one way."""

    part: str
    looks: int
    outcomes: tuple[str, ...]
    """In the order they came."""
    score_sigma: float | None
    """Standard deviation of its scores within the part, all views and labels together."""


class Repeats(StrictModel):
    """All parts that came more than once."""

    parts: int
    looks: int
    same: Share
    """Parts with the same verdict each time ÷ parts, exact 95 % interval."""
    score_sigma: float | None
    """Standard deviation of scores within parts, pooled; None where nothing was scored twice."""
    changed: tuple[RepeatedPart, ...]
    """Those with several verdicts, by name."""


def repeats(looks: Sequence[tuple[str, str, Mapping[str, Sequence[float]]]]) -> Repeats:
    """What a station said of the same parts.

    Args:
        looks: part, outcome and scores by view, in the order they came.

    Raises:
        DataError: If no part came twice.
    """
    by_part: dict[str, list[tuple[str, Mapping[str, Sequence[float]]]]] = {}
    for part, outcome, scores in looks:
        by_part.setdefault(part, []).append((outcome, scores))
    again = {part: seen for part, seen in by_part.items() if len(seen) > 1}
    if not again:
        raise DataError(
            f"none of {len(by_part)} named parts came twice: show parts again, with the same serial"
        )
    changed, squares, freedom = [], 0.0, 0
    for part, seen in sorted(again.items()):
        of_part, free = _within([scores for _, scores in seen])
        squares, freedom = squares + of_part, freedom + free
        outcomes = tuple(outcome for outcome, _ in seen)
        if len(set(outcomes)) > 1:
            sigma = math.sqrt(of_part / free) if free else None
            changed.append(RepeatedPart(part=part, looks=len(seen), outcomes=outcomes, score_sigma=sigma))
    rate = clopper_pearson(len(again) - len(changed), len(again))
    same = Share(events=rate.events, of=rate.parts, value=rate.value, low=rate.low, high=rate.high)
    return Repeats(
        parts=len(again),
        looks=sum(len(seen) for seen in again.values()),
        same=same,
        score_sigma=math.sqrt(squares / freedom) if freedom else None,
        changed=tuple(changed),
    )


def _within(scores: Sequence[Mapping[str, Sequence[float]]]) -> tuple[float, int]:
    """Sum of squares about the means of each view and label, and its degrees of freedom."""
    squares, freedom = 0.0, 0
    for view in sorted({view for look in scores for view in look}):
        rows = [tuple(look[view]) for look in scores if view in look]
        if len(rows) > 1 and len({len(row) for row in rows}) == 1:
            table = np.array(rows, dtype=np.float64)
            squares += float(((table - table.mean(axis=0)) ** 2).sum())
            freedom += (len(rows) - 1) * table.shape[1]
    return squares, freedom
