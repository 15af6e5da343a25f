"""Charts of rare events: g counts good parts between two defective ones, t the time between two events.

Where one part in a thousand is defective a p chart needs thousands of parts for a point; these have one
for each event. Limits are exact: normal ones lie below 0 and call a third of one per cent a tenth.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from taktsight.errors import DataError
from taktsight.quality.control_chart import Drawn, kept
from taktsight.quality.spc_limits import TAIL, GapLimits
from taktsight.quality.tables import Bools, Floats


def gaps_between(defective: Bools) -> Floats:
    """Good parts between one defective part and the next; those before the first are no gap.

    Raises:
        DataError: If there are fewer than two defective parts.
    """
    places = np.flatnonzero(defective)
    if len(places) < 2:
        raise DataError(f"{len(places)} defective parts have no gap between them; two at least are wanted")
    return np.asarray(np.diff(places) - 1, dtype=np.float64)


def times_between(seconds: Floats) -> Floats:
    """Seconds from one event to the next.

    Raises:
        DataError: If there are fewer than two, or two at the same time.
    """
    if len(seconds) < 2:
        raise DataError(f"{len(seconds)} events have no time between them; two at least are wanted")
    between = np.diff(seconds)
    if (between <= 0).any():
        index = int(np.argmax(between <= 0))
        raise DataError(f"event {index + 2} is not later than the one before: time must rise")
    return np.asarray(between, dtype=np.float64)


def gap_limits(chart: Literal["g", "t"], gaps: Floats, *, excluded: Bools | None = None) -> GapLimits:
    """The mean gap of phase I.

    Raises:
        DataError: If there are fewer than two gaps, one is negative, or all are 0.
    """
    if not (gaps >= 0).all():
        index = int(np.argmin(gaps >= 0))
        raise DataError(f"point {index + 1}: a gap of {gaps[index]:g}; 0 or more is wanted")
    mean = float(gaps[kept(len(gaps), excluded, 2)].mean())
    if mean == 0:
        raise DataError("all gaps are 0: every part was defective")
    return GapLimits(chart=chart, mean=mean)


def draw_gaps(limits: GapLimits, gaps: Floats) -> Drawn:
    """Points and limits; the centre is the median, so that half of the points lie on each side."""
    if limits.chart == "g":
        low, middle, high, chance = _geometric(limits.mean)
        sigma, of = math.sqrt(limits.mean * (limits.mean + 1)), "geometric"
    else:
        low, high = (-limits.mean * math.log1p(-TAIL), -limits.mean * math.log(TAIL))
        middle, chance, sigma, of = limits.mean * math.log(2), 2 * TAIL, limits.mean, "exponential"
    ones = np.ones(len(gaps))
    return Drawn(
        limits=limits,
        values=gaps,
        centre=middle * ones,
        lower=low * ones,
        upper=high * ones,
        sigma=sigma * ones,
        arl0=1 / chance if chance > 0 else None,
        convention=(
            f"exact {of} limits, at most {TAIL} beyond each, centre at the median; below: events come "
            "faster, above: more seldom"
        ),
        warnings=_no_lower(limits, low),
    )


def _geometric(mean: float) -> tuple[float, float, float, float]:
    """Lower limit, median, upper limit and chance beyond them, of good parts between two defective ones."""
    log_good = -math.log1p(1 / mean)  # ln(1 − p) with p = 1 / (mean + 1)
    high = math.ceil(math.log(TAIL) / log_good - 1e-9) - 1
    low = math.floor(math.log1p(-TAIL) / log_good + 1e-9)
    middle = max(0, math.ceil(math.log(0.5) / log_good - 1e-9) - 1)
    chance = math.exp(log_good * (high + 1)) - math.expm1(log_good * low)
    return float(low), float(middle), float(high), chance


def _no_lower(limits: GapLimits, low: float) -> tuple[str, ...]:
    if limits.chart == "g" and low == 0:
        return (
            "no gap is short enough to be out: only runs, or a Bernoulli CUSUM, show that it got worse",
        )
    return ()
