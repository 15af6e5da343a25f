"""Axes of charts that the server draws: places in pixels, and round numbers beside them."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to pixels; the same way up whichever end is which."""

    low: float
    high: float
    start_px: float
    end_px: float
    is_log: bool = False

    def __call__(self, value: float) -> float:
        """Where a value lies; beyond the axis it lies on its end."""
        low, high, at = self.low, self.high, min(max(value, self.low), self.high)
        if self.is_log:
            low, high, at = math.log10(low), math.log10(high), math.log10(at)
        share = (at - low) / (high - low) if high > low else 0.5
        return round(self.start_px + share * (self.end_px - self.start_px), 1)

    def ticks(self, most: int = 5) -> list[float]:
        """Round values within the axis."""
        if self.is_log:
            first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
            factors = (1, 2, 5) if last - first < 2 else (1,)
            ticks = [factor * 10.0**power for power in range(first - 1, last + 1) for factor in factors]
            return [tick for tick in ticks if self.low <= tick <= self.high]
        step = nice_step((self.high - self.low) / most)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]


def nice_step(least: float) -> float:
    """The next of 1, 2, 5, 10, … of its power of ten."""
    if not least > 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))
