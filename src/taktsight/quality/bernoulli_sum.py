"""The sum of a Bernoulli CUSUM part by part, as a line could keep it: no array, no NumPy.

How its limits are designed, and what its mean run is, says :mod:`taktsight.quality.bernoulli_cusum`.
"""

from __future__ import annotations

from taktsight.quality.spc_limits import BernoulliLimits


class BernoulliCusum:
    """The sum of one line, part by part: two additions a part, no array."""

    def __init__(self, limits: BernoulliLimits) -> None:
        self._up = limits.steps - 1
        self._height = limits.height
        self._steps = limits.steps
        self._sum = 0

    @property
    def sum(self) -> float:
        """As it is charted; the limit is H/m."""
        return self._sum / self._steps

    def add(self, *, is_defective: bool) -> bool:
        """Takes the next part; True where the sum lies strictly above its limit."""
        self._sum = self._sum + self._up if is_defective else max(0, self._sum - 1)
        return self._sum > self._height

    def reset(self) -> None:
        """Begins anew, once somebody has seen to it."""
        self._sum = 0
