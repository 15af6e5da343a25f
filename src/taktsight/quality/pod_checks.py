"""What makes a curve of detection doubtful: too few targets, pooled groups, another asymptote, no slope."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize
from scipy.special import chdtrc, expit, logit

from taktsight.quality.pod_hit_miss import HitMissFit, fit_hit_miss
from taktsight.quality.pod_links import Link, probability
from taktsight.quality.tables import Bools, Floats

ENOUGH_HIT_MISS, ENOUGH_SIGNALS = 60, 40
"""Targets that MIL-HDBK-1823A (4.5.2.1) asks for: with hits and misses alone, and with signals."""
UNLIKELY = 0.05
"""Chance of what was seen, if nothing were wrong, below which it is called wrong."""


def slope_chance(fit: HitMissFit) -> float:
    """Chance of a rise like this where size told nothing (likelihood ratio, χ²₁)."""
    return float(chdtrc(1, max(0.0, 2 * (fit.log_likelihood - fit.null_log_likelihood))))


def pooling_chance(pooled: float, parts: Sequence[tuple[float, int]], parameters: int) -> float:
    """Chance of groups that differ like this where one curve holds for all (likelihood ratio).

    Args:
        pooled: log likelihood of the one curve.
        parts: log likelihood of each group's own, with its number of parameters.
        parameters: of the one curve.
    """
    gained = 2 * (sum(value for value, _ in parts) - pooled)
    return float(chdtrc(max(1, sum(count for _, count in parts) - parameters), max(0.0, gained)))


def group_likelihood(x: Floats, hit: Bools, link: Link) -> tuple[float, int]:
    """Of one group's own curve; a group of hits alone, or of one size, needs no curve."""
    if hit.all() or not hit.any():
        return 0.0, 1
    if np.ptp(x) == 0:
        share = hit.mean()
        return float(len(hit) * (share * math.log(share) + (1 - share) * math.log(1 - share))), 1
    return fit_hit_miss(x, hit, link).log_likelihood, 2


def asymptotes(fit: HitMissFit) -> tuple[float, float, float, float]:
    """Where the curve ends if it need not go from 0 to 1: lower end, its chance, upper end, its chance.

    Each end is freed by itself: POD = lower + (1 − lower)·F(η), or upper·F(η). A chance is that of an end
    as far from 0 or 1 if it were there (likelihood ratio; half of χ²₁, since it cannot lie beyond).
    """
    if fit.gap is not None:
        return 0.0, 1.0, 1.0, 1.0
    lower, gained_low = _freed(fit, upper=False)
    upper, gained_high = _freed(fit, upper=True)
    return lower, float(chdtrc(1, gained_low)) / 2, upper, float(chdtrc(1, gained_high)) / 2


def _freed(fit: HitMissFit, *, upper: bool) -> tuple[float, float]:
    """The end that fits best, and twice the log likelihood it gains."""
    middle, spread = float(fit.x.mean()), float(fit.x.std())
    z = (fit.x - middle) / spread

    def loss(theta: Floats) -> float:
        end, curve = expit(theta[2]), probability(fit.link, theta[0] + theta[1] * z)
        pod = np.clip((1 - end) * curve if upper else end + (1 - end) * curve, 1e-12, 1 - 1e-12)
        return -float(np.where(fit.hit, np.log(pod), np.log1p(-pod)).sum())

    start = [fit.intercept + fit.slope * middle, fit.slope * spread]
    best, end = -fit.log_likelihood, 0.0
    for share in (0.02, 0.1, 0.3):
        for steeper in (1.0, 3.0):
            begin = [start[0], start[1] * steeper, float(logit(share))]
            found = minimize(loss, begin, method="Nelder-Mead", options={"maxiter": 400, "fatol": 1e-6})
            if found.fun < best:
                best, end = float(found.fun), float(expit(found.x[2]))
    return (1 - end if upper else end), 2 * (-fit.log_likelihood - best)


def bend_chance(x: Floats, residuals: Floats) -> float:
    """Chance of residuals that follow x² like this where the line is straight (one more term, normal)."""
    z = (x - x.mean()) / x.std()
    design = np.column_stack([np.ones(len(z)), z, z * z])
    return _share_chance(design, residuals, base=2)


def spread_chance(x: Floats, residuals: Floats) -> float:
    """Chance of squared residuals that follow x like this where the scatter is the same (Breusch–Pagan)."""
    z = (x - x.mean()) / x.std()
    return _share_chance(np.column_stack([np.ones(len(z)), z]), residuals**2, base=1)


def _share_chance(design: Floats, y: Floats, base: int) -> float:
    """Of the last column, from N·R²."""

    def squares(columns: Floats) -> float:
        beta, *_ = np.linalg.lstsq(columns, y, rcond=None)
        return float(((y - columns @ beta) ** 2).sum())

    before, after = squares(design[:, :base]), squares(design)
    if before <= 0:
        return 1.0
    return float(chdtrc(design.shape[1] - base, len(y) * max(0.0, 1 - after / before)))
