"""Rare events per part (a verdict in doubt, a part like none before): when they have become more frequent.

A Bernoulli CUSUM on a lattice (Reynolds and Stoumbos, J. Quality Technology 31, 1999): an event adds a
whole number, a part without one takes 1 away, so its Markov chain is exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from taktsight.quality.rates import clopper_pearson

TIMES = 3.0
"""As many times as often is what shall be found soonest."""
LUCK = 0.8
"""Two-sided confidence of the interval whose upper end stands for the share of before: nine of ten
references keep the ARL₀."""
MAX_WEIGHT = 400
"""Rarer events are weighed as if they came once in so many parts; the ARL₀ holds all the same."""
MAX_THRESHOLD = 1 << 13
MAX_SOLVED = 1000
"""Thresholds above are passed at a steady pace, as near as anybody reads."""


@dataclass(frozen=True, slots=True)
class EventThreshold:
    """When events are too frequent, and what that means."""

    h: int
    weight: int
    """What an event adds."""
    share: float
    """Of parts with an event, that is taken for usual: the upper end of what the reference allows."""
    arl0: float
    """Parts from one false alarm to the next."""

    def delay(self, times: float) -> float:
        """Mean number of parts until events that are so many times as frequent are found."""
        return event_run_length(self.h, self.weight, min(times * self.share, 1.0))


def event_run_length(threshold: int, weight: int, share: float) -> float:
    """Mean parts to an alarm, from 0, where a share of them has an event.

    It solves L(i) = 1 + p·L(i + w) + (1 − p)·L(i − 1), downwards from h, where L is 0: each L(i) is a
    multiple of one unknown, and what happens at 0 says which.
    """
    quiet = 1.0 - share
    if quiet <= 0:
        return float(math.ceil(threshold / weight))
    if share * weight > quiet:  # it climbs: substitution would lose every digit
        if threshold > MAX_SOLVED:
            return threshold / (share * weight - quiet)
        return _climbing_run_length(threshold, weight, share)
    # L(i) = slope·x + offset with x = L(h − 1); L(i − 1) = (L(i) − 1 − p·L(i + w)) ÷ (1 − p).
    slope, offset = np.zeros(threshold + weight + 1), np.zeros(threshold + weight + 1)
    slope[threshold - 1] = 1.0
    for place in range(threshold - 1, 0, -1):
        slope[place - 1] = (slope[place] - share * slope[place + weight]) / quiet
        offset[place - 1] = (offset[place] - 1 - share * offset[place + weight]) / quiet
    # At 0 a part without an event stays: L(0) = 1 + p·L(w) + (1 − p)·L(0).
    rate = share * (slope[0] - slope[weight])
    found = (1 - share * (offset[0] - offset[weight])) / rate if rate else math.inf
    total = slope[0] * found + offset[0]
    return float(total) if total > 0 else math.inf


def _climbing_run_length(threshold: int, weight: int, share: float) -> float:
    chances = np.eye(threshold) - np.diag(np.full(threshold - 1, 1 - share), -1)
    chances -= np.diag(np.full(max(threshold - weight, 0), share), weight)[:threshold, :threshold]
    chances[0, 0] -= 1 - share  # at 0 it stays there
    return float(np.linalg.solve(chances, np.ones(threshold))[0])


@lru_cache(maxsize=64)
def event_threshold(events: int, parts: int, arl0: float) -> EventThreshold:
    """The least threshold that keeps the ARL₀, for a reference with so many events.

    Raises:
        ValueError: If events are so frequent that none does.
    """
    share = clopper_pearson(events, parts, LUCK).high
    often = min(TIMES * share, (1 + share) / 2)
    ratio = math.log(often / share) / math.log((1 - share) / (1 - often))
    weight = min(max(1, round(ratio)), MAX_WEIGHT)
    high = weight + 1
    while event_run_length(high, weight, share) < arl0:
        high *= 2
        if high > MAX_THRESHOLD:
            raise ValueError(
                f"{events} of {parts} parts is too often to promise one false alarm in {arl0:,.0f} parts"
            )
    low = 0
    while high - low > 1:
        middle = (low + high) // 2
        if event_run_length(middle, weight, share) < arl0:
            low = middle
        else:
            high = middle
    return EventThreshold(high, weight, share, arl0)
