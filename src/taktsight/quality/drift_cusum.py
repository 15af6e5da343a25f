"""CUSUMs that run beside a line: one of scores, upwards and downwards, and one of events.

Each remembers when the sum that alarmed left 0: since then something has changed, as likely as not (Page,
Biometrika 41, 1954).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taktsight.quality.drift_chain import ALLOWANCE

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Change:
    """What a CUSUM found."""

    since: int
    """Number of the value from which on it sums up."""
    at: int
    """Number of the value at which it alarmed."""
    is_up: bool


class ScoreCusum:
    """Of normal scores. After an alarm it starts anew."""

    def __init__(self, threshold: float, *, allowance: float = ALLOWANCE) -> None:
        self._h = threshold
        self._k = allowance
        self._sums = [0.0, 0.0]
        self._since = [0, 0]
        self._count = 0

    @property
    def level(self) -> float:
        """The larger sum ÷ its threshold: 1 is an alarm."""
        return max(self._sums) / self._h

    def add(self, score: float) -> Change | None:
        """Takes the next score; what it found, if that is an alarm."""
        found = None
        for side, signed in enumerate((score, -score)):
            if self._sums[side] <= 0:
                self._since[side] = self._count
            self._sums[side] = max(0.0, self._sums[side] + signed - self._k)
            if self._sums[side] > self._h:
                found = Change(self._since[side], self._count, is_up=side == 0)
        self._count += 1
        if found is not None:
            self._sums = [0.0, 0.0]
        return found


class EventCusum:
    """Of events that become more frequent: each adds ``weight``, each part without one takes 1 away."""

    def __init__(self, threshold: int, weight: int) -> None:
        self._h = threshold
        self._weight = weight
        self._sum = 0
        self._since = 0
        self._count = 0

    @property
    def level(self) -> float:
        """The sum ÷ its threshold: 1 is an alarm."""
        return self._sum / self._h

    def add(self, is_event: bool) -> Change | None:
        """Takes the next part; what it found, if that is an alarm."""
        if self._sum <= 0:
            self._since = self._count
        self._sum = max(0, self._sum + (self._weight if is_event else -1))
        found = None
        if self._sum >= self._h:
            found, self._sum = Change(self._since, self._count, is_up=True), 0
        self._count += 1
        return found


def first_alarms(scores: Floats, threshold: float, *, allowance: float = ALLOWANCE) -> NDArray[np.int64]:
    """(S,) by how many values each stream has raised its first alarm; 0 where it raised none.

    Args:
        scores: (S, T) normal scores of S streams.
        threshold: h.
        allowance: k.
    """
    up, down = np.zeros(len(scores)), np.zeros(len(scores))
    first = np.zeros(len(scores), np.int64)
    for number, each in enumerate(scores.T, start=1):
        up = np.maximum(0.0, up + each - allowance)
        down = np.maximum(0.0, down - each - allowance)
        first[(first == 0) & (np.maximum(up, down) > threshold)] = number
        if first.all():
            break
    return first


def count_alarms(scores: Floats, threshold: float, *, allowance: float = ALLOWANCE) -> NDArray[np.int64]:
    """(S,) alarms of each stream, each CUSUM starting anew after one; arguments as :func:`first_alarms`."""
    up, down = np.zeros(len(scores)), np.zeros(len(scores))
    alarms = np.zeros(len(scores), np.int64)
    for each in scores.T:
        up = np.maximum(0.0, up + each - allowance)
        down = np.maximum(0.0, down - each - allowance)
        is_alarm = np.maximum(up, down) > threshold
        alarms += is_alarm
        up[is_alarm] = down[is_alarm] = 0.0
    return alarms
