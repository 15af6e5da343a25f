"""A figure and how far it can be trusted: shares of parts, and bootstrap intervals over physical parts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from taktsight.quality.rates import Rate
from taktsight.strict_model import StrictModel
from taktsight.training.evaluation.judged import Clusters

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]
"""(R, N) weights of N parts in R resamples → (R,) values, NaN where a resample leaves it undefined."""

MAX_WEIGHTS = 1 << 22
"""Weights held at once: 32 MiB, however many parts there are."""


class Estimate(StrictModel):
    """A figure that was measured, with its 95 % interval."""

    value: float
    low: float | None
    """None where the parts carry no interval: too few of them, or all alike."""
    high: float | None


class Share(StrictModel):
    """A share of parts with its exact two-sided 95 % interval (Clopper and Pearson, 1934)."""

    events: int
    parts: int
    """The denominator."""
    value: float | None
    """events ÷ parts, 0–1; None where there is no part to count."""
    low: float | None
    high: float | None

    @classmethod
    def of(cls, rate: Rate) -> Share:
        """The same as ``rate``, with None in place of what is undefined."""
        if not rate.parts:
            return cls(events=0, parts=0, value=None, low=None, high=None)
        return cls(events=rate.events, parts=rate.parts, value=rate.value, low=rate.low, high=rate.high)


def bootstrap(
    statistic: Statistic, clusters: Clusters, *, seed: int, resamples: int = 2000
) -> Estimate | None:
    """A statistic of the parts with its 95 % percentile interval over *physical* parts.

    Whole physical parts are drawn with replacement, each with all its exposures (the cluster
    bootstrap: Davison and Hinkley, Bootstrap Methods, 1997, section 3.8). Six exposures of one tile
    are six looks at one piece: drawn one by one they would count as six pieces and the interval
    would come out too narrow.

    Args:
        statistic: see :data:`Statistic`.
        clusters: (N,) the physical part of each part.
        seed: the same seed gives the same interval.
        resamples: how many draws.

    Returns:
        None where the statistic is undefined on the parts themselves. No interval where fewer than
        two physical parts, or more than a tenth of the draws undefined, or every draw the same: a
        bootstrap that never varies does not prove that the figure is certain.
    """
    value = float(statistic(np.ones((1, len(clusters))))[0])
    if np.isnan(value):
        return None
    pieces = int(clusters.max()) + 1
    draws = _draw(statistic, clusters, pieces, np.random.default_rng(seed), resamples)
    defined = draws[~np.isnan(draws)]
    if pieces < 2 or defined.size < 0.9 * resamples or np.ptp(defined) == 0.0:
        return Estimate(value=value, low=None, high=None)
    low, high = np.percentile(defined, [2.5, 97.5])
    return Estimate(value=value, low=float(low), high=float(high))


def _draw(
    statistic: Statistic, clusters: Clusters, pieces: int, rng: np.random.Generator, resamples: int
) -> Floats:
    batch = max(1, MAX_WEIGHTS // len(clusters))
    chances = np.full(pieces, 1.0 / pieces)
    draws = []
    for start in range(0, resamples, batch):
        times_drawn = rng.multinomial(pieces, chances, size=min(batch, resamples - start))
        draws.append(statistic(times_drawn[:, clusters].astype(np.float64)))
    return np.concatenate(draws)


def weighted_mean(values: Floats) -> Statistic:
    """The mean of ``values`` (N,) as a :data:`Statistic`."""

    def mean(weights: Floats) -> Floats:
        return divided(np.asarray(weights @ values), np.asarray(weights.sum(axis=1)))

    return mean


def divided(numerator: Floats, denominator: Floats) -> Floats:
    """``numerator / denominator``, NaN where the denominator is zero."""
    undefined: Floats = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), np.nan)
    np.divide(numerator, denominator, out=undefined, where=denominator > 0)
    return undefined
