"""Probability of detection from hits and misses by size: the fit and its bounds (MIL-HDBK-1823A, G.3).

The model is g(POD) = b0 + b1·x with x the size or its natural logarithm. In the handbook's words
mu = −b0/b1 and sigma = 1/b1, so x at a probability p is mu + sigma·g(p).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtri, xlogy

from taktsight.quality.pod_links import Link, fisher_weights, likelihood, predictor
from taktsight.quality.tables import Bools, Floats

MAX_STEPS = 200
TOLERANCE = 1e-11
BISECTIONS = 30


@dataclass(frozen=True, slots=True)
class HitMissFit:
    """A fitted curve; every x is on the scale it was fitted on (size, or ln size)."""

    link: Link
    x: Floats
    """(N,) of the targets."""
    hit: Bools
    intercept: float
    slope: float
    """NaN, as the intercept, where hits and misses are parted: the curve is a step then."""
    covariance: Floats
    """(2, 2) of intercept and slope, from the expected information."""
    log_likelihood: float
    """The highest that the model reaches, a step where hits and misses are parted."""
    null_log_likelihood: float
    """Of one POD for all sizes."""
    gap: tuple[float, float] | None
    """Largest miss and smallest hit where no size has both below and above it; else None."""

    def at(self, share: float) -> float:
        """x at which the fitted POD is ``share``; of a step the middle of the gap."""
        if self.gap is not None:
            return sum(self.gap) / 2
        return (predictor(self.link, share) - self.intercept) / self.slope


def fit_hit_miss(x: Floats, hit: Bools, link: Link) -> HitMissFit:
    """The curve of maximum likelihood.

    Args:
        x: (N,) sizes, or their logarithms; not all the same.
        hit: (N,) whether each was found; both kinds.
        link: the shape of the curve.
    """
    hits, n = int(hit.sum()), len(hit)
    null = float(xlogy(hits, hits / n) + xlogy(n - hits, 1 - hits / n))
    lowest_hit, highest_miss = float(x[hit].min()), float(x[~hit].max())
    lowest_miss, highest_hit = float(x[~hit].min()), float(x[hit].max())
    nothing = np.full((2, 2), np.nan)
    if highest_miss <= lowest_hit and highest_miss < highest_hit:
        top = _tied(x, hit, lowest_hit) if highest_miss == lowest_hit else 0.0
        return HitMissFit(link, x, hit, np.nan, np.nan, nothing, top, null, (highest_miss, lowest_hit))
    if highest_hit <= lowest_miss:  # falls with size, as steep as one likes
        top = _tied(x, hit, highest_hit) if highest_hit == lowest_miss else 0.0
        return HitMissFit(link, x, hit, np.inf, -np.inf, nothing, top, null, None)
    middle, spread = float(x.mean()), float(x.std())
    design = np.column_stack([np.ones(n), (x - middle) / spread])
    beta, top = _newton(design, hit, link, predictor(link, (hits + 0.5) / (n + 1)))
    weights = fisher_weights(link, design @ beta)
    inverse = np.linalg.inv(design.T @ (design * weights[:, None]))
    turn = np.array([[1.0, -middle / spread], [0.0, 1.0 / spread]])  # back to x itself
    intercept, slope = (float(value) for value in turn @ beta)
    return HitMissFit(link, x, hit, intercept, slope, turn @ inverse @ turn.T, top, null, None)


def _tied(x: Floats, hit: Bools, size: float) -> float:
    """What the targets of the one size that has both hits and misses leave uncertain."""
    there = hit[x == size]
    found = int(there.sum())
    return float(xlogy(found, found / len(there)) + xlogy(len(there) - found, 1 - found / len(there)))


def _newton(design: Floats, hit: Bools, link: Link, start: float) -> tuple[Floats, float]:
    beta = np.array([start, 0.0])
    value = float(likelihood(link, design @ beta, hit)[0].sum())
    for _ in range(MAX_STEPS):
        _, first, second = likelihood(link, design @ beta, hit)
        information = design.T @ (design * -second[:, None])
        step = np.linalg.solve(information + 1e-12 * np.eye(2), design.T @ first)
        for _ in range(40):
            new = float(likelihood(link, design @ (beta + step), hit)[0].sum())
            if new >= value:
                break
            step /= 2
        beta = beta + step
        if new - value <= TOLERANCE and float(np.abs(step).max()) < 1e-9:
            break
        value = new
    return beta, float(likelihood(link, design @ beta, hit)[0].sum())


def profile(fit: HitMissFit, x: Floats, eta: Floats, start: Floats | None = None) -> tuple[Floats, Floats]:
    """The log likelihood of the best curve through each of K points (x, η), and that curve's steepness.

    Args:
        fit: the fitted curve.
        x: (K,) where the curve is held.
        eta: (K,) on what.
        start: (K,) steepness, slope × spread of sizes, to begin from: that of points nearby.
    """
    spread = float(fit.x.std())
    offset = (fit.x[None, :] - x[:, None]) / spread
    first_guess = fit.slope * spread if np.isfinite(fit.slope) else 1.0
    slope = np.full(len(x), first_guess) if start is None else start
    value, first, second = _at(fit, offset, slope, eta)
    for _ in range(MAX_STEPS):
        bend = (second * offset * offset).sum(axis=1)
        pull = (first * offset).sum(axis=1)
        step = np.clip(pull / np.maximum(-bend, 1e-12), -50.0, 50.0)
        for _ in range(40):
            new, new_first, new_second = _at(fit, offset, slope + step, eta)
            worse = ~(new >= value - 1e-12)
            if not worse.any():
                break
            step = np.where(worse, step / 2, step)
        gained = new - value
        slope, value, first, second = slope + step, new, new_first, new_second
        if float(np.max(np.abs(gained))) <= TOLERANCE:
            break
    return value, slope


def _at(fit: HitMissFit, offset: Floats, slope: Floats, eta: Floats) -> tuple[Floats, Floats, Floats]:
    each, first, second = likelihood(fit.link, eta[:, None] + slope[:, None] * offset, fit.hit)
    return each.sum(axis=1), first, second


def size_bound_by_likelihood(fit: HitMissFit, share: float, drop: float) -> float | None:
    """The largest x at which a POD of ``share`` is not ruled out; None where none is.

    Args:
        fit: the fitted curve, which rises.
        share: the POD asked for, 0–1.
        drop: twice the fall of the log likelihood that rules a curve out, a quantile of χ²₁.
    """
    if 2 * (fit.log_likelihood - fit.null_log_likelihood) <= drop:
        return None  # a POD that does not depend on size is not ruled out
    eta = np.array([predictor(fit.link, share)])

    def excess(x: float) -> float:
        return float(2 * (fit.log_likelihood - profile(fit, np.array([x]), eta)[0][0]) - drop)

    start = fit.gap[1] if fit.gap is not None else fit.at(share)
    return _rising_root(excess, start, float(fit.x.std()) / 4)


def size_bound_by_wald(fit: HitMissFit, share: float, confidence: float) -> float | None:
    """The x from which η − z·se(η) reaches g(share), one-sided; None where it never does."""
    if fit.gap is not None:
        return None
    z, wanted = float(ndtri(confidence)), predictor(fit.link, share)
    if fit.slope - z * np.sqrt(fit.covariance[1, 1]) <= 0:
        return None

    def excess(x: float) -> float:
        return float(wald_bound(fit, np.array([x]), z)[0]) - wanted

    return _rising_root(excess, fit.at(share), float(fit.x.std()) / 4)


def wald_bound(fit: HitMissFit, x: Floats, z: float) -> Floats:
    """η − z·se(η) at each x."""
    cov = fit.covariance
    variance = cov[0, 0] + 2 * x * cov[0, 1] + x * x * cov[1, 1]
    bound: Floats = fit.intercept + fit.slope * x - z * np.sqrt(np.maximum(variance, 0.0))
    return bound


def likelihood_bound(fit: HitMissFit, x: Floats, drop: float) -> Floats:
    """The lowest η at each x that is not ruled out, by bisection of all of them at once."""
    highest = fit.intercept + fit.slope * x if fit.gap is None else _step_top(fit, x)
    high, width = highest.copy(), np.ones_like(x)
    low = high - width
    slope = None
    for _ in range(60):
        value, slope = profile(fit, x, low, slope)
        inside = 2 * (fit.log_likelihood - value) <= drop
        if not inside.any():
            break
        width = np.where(inside, 2 * width, width)
        low = np.where(inside, low - width, low)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        value, slope = profile(fit, x, middle, slope)
        inside = 2 * (fit.log_likelihood - value) <= drop
        high, low = np.where(inside, middle, high), np.where(inside, low, middle)
    return high


def _step_top(fit: HitMissFit, x: Floats) -> Floats:
    """A steep curve's η: what no bound lies above."""
    assert fit.gap is not None
    return np.where(x > fit.gap[1], 12.0, np.where(x < fit.gap[0], -12.0, 0.0))


def _rising_root(excess: Callable[[float], float], start: float, step: float) -> float | None:
    """Where a function that is below zero at ``start`` rises through it."""
    low, high = start, start + step
    if excess(start) >= 0:
        return start
    for _ in range(200):
        if excess(high) > 0:
            return float(brentq(excess, low, high, xtol=1e-12, rtol=1e-12))
        low, high = high, high + 2 * (high - low)
    return None
