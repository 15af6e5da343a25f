"""A control chart as data: its points, its limits and what the rules found. Charts are made elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from taktsight.errors import DataError
from taktsight.quality.run_rules import RuleHit, rule_hits
from taktsight.quality.spc_limits import Limits, RuleSet
from taktsight.quality.tables import Bools, Floats
from taktsight.strict_model import StrictModel

ENOUGH_POINTS = 20
"""Of phase I: from fewer, the limits themselves are uncertain."""


class ChartPoint(StrictModel):
    """One point of a chart."""

    label: str
    value: float
    """What is charted: a share, a count, a gap, an average, the upper sum."""
    low: float | None = None
    """The lower sum of a CUSUM, which signals above the upper limit too."""
    n: float | None = None
    """Parts or units of the subgroup."""
    centre: float | None
    lcl: float | None
    """None where no point can be too low."""
    ucl: float
    excluded: bool = False
    """Left out of the estimate of phase I."""


class ControlChart(StrictModel):
    """A chart with what was found on it."""

    phase: Literal[1, 2]
    """1: limits from these points. 2: frozen before."""
    limits: Limits
    points: tuple[ChartPoint, ...]
    rules: tuple[str, ...]
    """That were looked at."""
    hits: tuple[RuleHit, ...]
    out: tuple[int, ...]
    """Points strictly beyond a limit, counted from 1."""
    arl0: float | None
    """Mean number of points until the limits alone give a false alarm, if the process is as the limits
    say; None where it is not known or infinite."""
    convention: str
    """How limits and centre are meant, in words."""
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """Points and limits before any rule."""

    limits: Limits
    values: Floats
    centre: Floats
    lower: Floats
    """−∞ where there is none."""
    upper: Floats
    sigma: Floats
    """Standard deviation of a point, for zones."""
    convention: str
    n: Floats | None = None
    low_sums: Floats | None = None
    arl0: float | None = None
    warnings: tuple[str, ...] = ()


def rules_of(limits: Limits, rules: RuleSet) -> tuple[str, ...]:
    """The rules of a set that hold for a chart.

    Attribute charts take Nelson's tests 1 to 4, since zones want a normal distribution; of Western
    Electric's they take all four with 3 σ limits, and the two without zones with exact ones. Averages and
    sums depend on each other, so runs mean nothing there.
    """
    if rules == "limits" or limits.chart in ("ewma", "cusum", "bernoulli"):
        return ("limits-1",)
    if rules == "nelson":
        last = 8 if limits.chart == "i" else 4
        return tuple(f"nelson-{number}" for number in range(1, last + 1))
    has_zones = limits.chart in ("i", "laney-p", "laney-u") or getattr(limits, "method", "") == "normal"
    return tuple(f"western-electric-{number}" for number in ((1, 2, 3, 4) if has_zones else (1, 4)))


def chart_of(
    drawn: Drawn,
    *,
    phase: Literal[1, 2],
    rules: RuleSet,
    labels: Sequence[str],
    excluded: Bools | None = None,
) -> ControlChart:
    """The chart with its rule hits.

    Args:
        drawn: points and limits.
        phase: 1 where the limits are from these points.
        rules: which to look at.
        labels: (N,) names of the points.
        excluded: (N,) left out of the estimate.
    """
    names = rules_of(drawn.limits, rules)
    hits = rule_hits(drawn.values, drawn.centre, drawn.lower, drawn.upper, drawn.sigma, names)
    if drawn.low_sums is not None:
        hits += tuple(
            RuleHit(rule=hit.rule, points=hit.points, side="below")
            for hit in rule_hits(drawn.low_sums, drawn.centre, drawn.lower, drawn.upper, drawn.sigma, names)
        )
    out = sorted({point for hit in hits if hit.rule.endswith("-1") for point in hit.points})
    warnings = list(drawn.warnings)
    used = len(labels) - (0 if excluded is None else int(excluded.sum()))
    if phase == 1 and used < ENOUGH_POINTS:
        warnings.append(f"limits from {used} points are uncertain; {ENOUGH_POINTS} at least are usual")
    return ControlChart(
        phase=phase,
        limits=drawn.limits,
        points=_points(drawn, labels, excluded),
        rules=names,
        hits=hits,
        out=tuple(out),
        arl0=drawn.arl0,
        convention=drawn.convention,
        warnings=tuple(warnings),
    )


def _points(drawn: Drawn, labels: Sequence[str], excluded: Bools | None) -> tuple[ChartPoint, ...]:
    finite = np.isfinite(drawn.lower)
    return tuple(
        ChartPoint(
            label=label,
            value=float(drawn.values[index]),
            low=None if drawn.low_sums is None else float(drawn.low_sums[index]),
            n=None if drawn.n is None else float(drawn.n[index]),
            centre=float(drawn.centre[index]),
            lcl=float(drawn.lower[index]) if finite[index] else None,
            ucl=float(drawn.upper[index]),
            excluded=excluded is not None and bool(excluded[index]),
        )
        for index, label in enumerate(labels)
    )


def kept(count: int, excluded: Bools | None, least: int) -> Bools:
    """The points that limits are estimated from.

    Raises:
        DataError: If there are fewer than ``least``.
    """
    chosen = np.ones(count, bool) if excluded is None else ~excluded
    if chosen.sum() < least:
        raise DataError(f"{int(chosen.sum())} points are too few for limits; {least} is the least")
    return chosen


def moving_range_sigma(values: Floats) -> float:
    """Mean moving range of neighbours ÷ 1.128 (d2 of two)."""
    return float(np.abs(np.diff(values)).mean() / D2_OF_TWO)


D2_OF_TWO = 2 / float(np.sqrt(np.pi))
"""1.128379: mean range of two standard normal values."""
