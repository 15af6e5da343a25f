"""Values as their place among the values of a frozen reference: what their distribution was matters no
more.

A place becomes a normal score, Φ⁻¹((rank + ½) ÷ (n + 1)): of parts like those of the reference about
normal, with mean 0 and deviation 1, whatever is measured; and never beyond what n parts can show, so that
one wild value raises no alarm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]

BLOCKS = (1, 2, 5, 10, 20, 50, 100)
"""Parts in a row whose mean is looked at as one value, where single parts are alike in a row."""
LAGS = 5
"""Neighbours that independence is looked for among."""
INDEPENDENT_Z = 2.6
"""Largest autocorrelation × √n of values that count as independent: 1 % of truly independent ones exceed
that at one lag, about 5 % at one of five."""

HARMLESS = 0.02
"""Autocorrelation that shortens no run by more than about a quarter, however surely it is there."""


def normal_scores(count: int) -> Floats:
    """(n + 1,) the score of each place that a new value can take among n."""
    return np.asarray(ndtri((np.arange(count + 1) + 0.5) / (count + 1)), np.float64)


@dataclass(frozen=True)
class Ranks:
    """The values of a reference, sorted."""

    values: Floats
    """(n,) ascending."""
    sums: Floats
    """(n + 2,) cumulated normal scores of the places."""

    @classmethod
    def of(cls, values: ArrayLike) -> Ranks:
        """The same, in any order.

        Raises:
            ValueError: If there is none, or one is not finite.
        """
        ordered = np.sort(np.asarray(values, np.float64))
        if not ordered.size or not np.isfinite(ordered).all():
            raise ValueError("a reference holds finite values, one at least")
        return cls(ordered, np.concatenate([[0.0], np.cumsum(normal_scores(ordered.size))]))

    def scores(self, values: ArrayLike) -> Floats:
        """The normal score of each value.

        A value that equals some of the reference gets the mean score of all places it could take: scores
        of ties vary less than those of others, so alarms come later, never sooner.
        """
        new = np.asarray(values, np.float64)
        low = np.searchsorted(self.values, new, side="left")
        high = np.searchsorted(self.values, new, side="right")
        found: Floats = (self.sums[high + 1] - self.sums[low]) / (high - low + 1)
        return found


def block_means(values: Floats, block: int) -> Floats:
    """Means of ``block`` values in a row; what is left at the end is dropped."""
    whole = values.size // block * block
    means: Floats = values[:whole].reshape(-1, block).mean(axis=1)
    return means


def autocorrelation(values: Floats) -> float:
    """The largest correlation of values with those up to five places before them, of their ranks.

    0 where they do not vary, or are too few.
    """
    if values.size <= LAGS + 2:
        return 0.0
    scores = Ranks.of(values).scores(values)
    centred = scores - scores.mean()
    power = float(centred @ centred)
    if power <= 0:
        return 0.0
    return max(float(centred[lag:] @ centred[:-lag]) / power for lag in range(1, LAGS + 1))


def independent_block(values: Floats, *, least: int) -> int | None:
    """The shortest block whose means are not alike in a row; None where none of ``least`` blocks are.

    Args:
        values: in the order in which the parts came.
        least: fewer blocks than these are no reference.
    """
    for block in BLOCKS:
        means = block_means(values, block)
        if means.size < least:
            return None
        if autocorrelation(means) <= max(INDEPENDENT_Z / np.sqrt(means.size), HARMLESS):
            return block
    return None
