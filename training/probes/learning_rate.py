"""Which learning rates does this training bear? Smith, Cyclical Learning Rates, WACV 2017, section 3.3.

The rate rises from step to step by a constant factor. Where the loss falls fastest, learning is fastest;
where it turns up again, steps are too wide.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jsonargparse import Namespace
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from taktsight.datasets.prepared_split import Crops
from taktsight.errors import DataError
from taktsight.training.probes.steps import Probed, Recorder, take_steps

STEPS = 60
LOWEST_RATE, HIGHEST_RATE = 1e-5, 1.0
SMOOTHED_STEPS = 4.0
"""Standard deviation of the smoothing, steps: a third of a decade of the rate."""
LOST = 2.0
"""The test ends where the smoothed loss is so many times its lowest value."""
LEAST_FALL = 0.05
"""A loss that fell by less than this share of its start has shown nothing."""
BELOW = 10.0
"""The sensible band begins this factor below the steepest descent."""


@dataclass(frozen=True, slots=True)
class RangeTest:
    """The loss as the rate rose."""

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    """As measured, one per rate."""
    configured: float

    @property
    def curve(self) -> NDArray[np.float64]:
        """The loss without its jumps from batch to batch."""
        return smoothed(self.losses)

    @property
    def steepest(self) -> float | None:
        """The rate at which the smoothed loss falls fastest over the logarithm of the rate.

        None where it never fell.
        """
        curve = self.curve
        lowest = int(curve.argmin())
        if curve[0] - curve[lowest] < LEAST_FALL * curve[0]:
            return None
        slope = np.gradient(curve[: lowest + 1], np.log(self.rates[: lowest + 1]))
        return self.rates[int(slope.argmin())]

    @property
    def band(self) -> tuple[float, float] | None:
        """Rates worth trying: from a tenth of the steepest descent to the lowest loss."""
        if self.steepest is None:
            return None
        return self.steepest / BELOW, self.rates[int(self.curve.argmin())]

    @property
    def is_within(self) -> bool:
        """Whether the configured rate lies in the band."""
        return self.band is not None and self.band[0] <= self.configured <= self.band[1]


def smoothed(losses: Sequence[float]) -> NDArray[np.float64]:
    """Gaussian mean over neighbouring steps: random batches make the loss jump."""
    return np.asarray(gaussian_filter1d(np.array(losses, np.float64), SMOOTHED_STEPS, mode="nearest"))


class _RisingRate(Recorder):
    """Raises the rate from step to step until the loss is lost."""

    def rate(self, step: int) -> float:
        """By a constant factor per step."""
        return LOWEST_RATE * math.pow(HIGHEST_RATE / LOWEST_RATE, step / (STEPS - 1))

    def is_enough(self) -> bool:
        """Still wider steps would only cost time."""
        curve = smoothed(self.losses)
        return not math.isfinite(curve[-1]) or curve[-1] > LOST * curve.min()


def find_range(module: Probed, batches: Iterable[Crops], asked: Namespace) -> RangeTest:
    """Takes up to ``STEPS`` steps at rising rates on the real training batches.

    Args:
        module: stays as it was.
        batches: as the training would draw them.
        asked: the section ``trainer`` of the training.
    """
    seen = _RisingRate()
    try:
        take_steps(module, batches, STEPS, seen, asked)
    except DataError:
        if not seen.is_in_step:  # the loader's fault, not a loss that became infinite
            raise
    finite = [loss for loss in seen.losses if math.isfinite(loss)]
    return RangeTest(tuple(seen.rates[: len(finite)]), tuple(finite), seen.configured_rate)
