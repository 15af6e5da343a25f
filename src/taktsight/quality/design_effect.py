"""Parts of one lot resemble each other: how many independent parts a sample from few lots is worth.

The design effect is the variance of a rate over the one that as many independent parts would give (Kish,
Survey Sampling, 1965). Of events it is estimated by the ratio estimator over lots, of scores by
1 + (m − 1) ρ with the intraclass correlation ρ and the lots' size m, weighted by size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, chdtri, stdtrit

from taktsight.quality.rates import Bools, Rate, clopper_pearson, upper_bound

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
"""(N,) the number of each part's lot, 0 and up."""

MATTERS = 1.2
"""From this design effect on it is said in words, if chance alone seldom gives so much: the interval is a
tenth wider."""
_CHANCE = 0.05


@dataclass(frozen=True, slots=True)
class LotRate:
    """A rate over parts that come in lots."""

    rate: Rate
    """As if every part were drawn by itself."""
    lots: int
    """Lots that hold such parts."""
    design_effect: float | None
    """At least 1; None where the events cannot tell: none, all, or fewer than two lots."""
    effective_parts: float | None
    """Independent parts that these are worth."""
    low: float
    high: float
    """Two-sided at the rate's confidence, widened by the design effect (Korn and Graubard 1998)."""
    in_words: str
    """Empty where the lots make no difference."""


def lot_rate(events: Bools, lots: Codes, confidence: float = 0.95) -> LotRate:
    """The rate of events, with an interval that knows the lots.

    Args:
        events: (N,) one per part.
        lots: (N,) which lot each part is of.
        confidence: two-sided coverage of the interval, 0–1.
    """
    happened = np.asarray(events, dtype=bool)
    if happened.shape != lots.shape or happened.ndim != 1:
        raise ValueError(f"one lot per part: got {happened.shape} and {lots.shape}")
    rate = clopper_pearson(int(happened.sum()), happened.size, confidence)
    count = np.unique(lots).size
    effect = ratio_design_effect(happened, lots)
    if effect is None:
        return LotRate(rate, count, None, None, rate.low, rate.high, _unknown(rate, count))
    effective = rate.parts / effect
    low, high = _widened(rate, effective, count)
    return LotRate(rate, count, effect, effective, low, high, _said(rate, effective, effect, count))


def ratio_design_effect(events: Bools, lots: Codes) -> float | None:
    """Variance of events ÷ parts by the ratio estimator over lots, over that of independent parts.

    At least 1: that lots are more alike than chance is never claimed. None where it cannot be estimated.

    >>> bool(ratio_design_effect(np.array([1, 1, 0, 0], bool), np.array([0, 0, 1, 1])) == 4.0)
    True
    """
    happened = np.asarray(events, dtype=np.float64)
    _, codes = np.unique(lots, return_inverse=True)
    sizes = np.bincount(codes)
    share = happened.mean() if happened.size else 0.0
    if sizes.size < 2 or share in (0.0, 1.0):
        return None
    residuals = np.bincount(codes, happened) - share * sizes
    clustered = sizes.size / (sizes.size - 1) * np.sum(residuals**2) / happened.size**2
    return max(1.0, float(clustered / (share * (1 - share) / happened.size)))


def intraclass_correlation(values: Floats, lots: Codes) -> float | None:
    """How alike the values of one lot are: 0 not at all, 1 all the same.

    By one-way analysis of variance with unequal lots (Donner, International Statistical Review 54, 1986).
    None where no two lots, or no two parts of a lot, or no two values differ.
    """
    _, codes = np.unique(lots, return_inverse=True)
    sizes = np.bincount(codes)
    count, total = sizes.size, values.size
    if count < 2 or total <= count or np.ptp(values) == 0:
        return None
    means = np.bincount(codes, values) / sizes
    between = float(np.sum(sizes * (means - values.mean()) ** 2)) / (count - 1)
    within = float(np.sum((values - means[codes]) ** 2)) / (total - count)
    size = (total - float(np.sum(sizes**2)) / total) / (count - 1)
    return float(np.clip((between - within) / (between + (size - 1) * within), 0.0, 1.0))


def kish_design_effect(values: Floats, lots: Codes) -> float | None:
    """1 + (m − 1) ρ: what the likeness of scores within lots costs, also where no event was seen."""
    alike = intraclass_correlation(values, lots)
    if alike is None:
        return None
    _, sizes = np.unique(lots, return_counts=True)
    return 1 + (float(np.sum(sizes**2)) / values.size - 1) * alike


def matters(effect: float, lots: int) -> bool:
    """Whether a design effect over so many lots is worth a word.

    Of independent parts it scatters as χ² with lots − 1 degrees of freedom, divided by them.
    """
    return effect >= max(MATTERS, float(chdtri(lots - 1, _CHANCE)) / (lots - 1))


def _widened(rate: Rate, effective: float, lots: int) -> tuple[float, float]:
    tail = (1 - rate.confidence) / 2
    ratio = stdtrit(rate.parts - 1, 1 - tail) / stdtrit(lots - 1, 1 - tail)
    parts = min(float(rate.parts), effective * float(ratio) ** 2)
    events = rate.value * parts
    low = float(betaincinv(events, parts - events + 1, tail)) if events else 0.0
    high = float(betaincinv(events + 1, parts - events, 1 - tail)) if events < parts else 1.0
    return min(low, rate.low), max(high, rate.high)


def _said(rate: Rate, effective: float, effect: float, lots: int) -> str:
    if not matters(effect, lots):
        return ""
    return (
        f"parts of a lot resemble each other: {rate.parts:,} parts of {lots:,} lots are worth "
        f"{math.floor(effective):,} independent ones (design effect {effect:.1f}): the interval is wider"
    )


def _unknown(rate: Rate, lots: int) -> str:
    if not rate.parts or lots == rate.parts:
        return ""
    if lots < 2:
        return "all parts are of one lot: nothing says how lots differ, and the interval does not know it"
    if rate.events:
        return "every part had the event: how lots differ cannot be seen"
    worst = upper_bound(0, lots, (1 + rate.confidence) / 2)
    return (
        f"no event, so how lots differ cannot be seen: up to {rate.high:.2%} if parts are independent, "
        f"up to {worst:.2%} if all parts of a lot are alike (0 of {lots:,} lots)"
    )
