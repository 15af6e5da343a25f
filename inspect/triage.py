"""Which part is still worth inspecting once vision has fallen behind.

Working through a backlog in order keeps every part behind it late: each begins with just too little
time. A part that cannot be judged in time gives way to the ones behind it, and the line is back in
step after a few parts instead of never.
"""

from __future__ import annotations

from collections import deque
from statistics import median

REMEMBERED = 9
"""Inspections that say how long the next one will take."""


class Triage:
    """Whether a part can still be judged in time, from how long the parts before it took."""

    def __init__(self) -> None:
        self._took_ns: deque[int] = deque(maxlen=REMEMBERED)

    def took(self, duration_ns: int) -> None:
        """An inspection took so long."""
        self._took_ns.append(duration_ns)

    def is_hopeless(self, left_ns: int, *, younger_waits: bool) -> bool:
        """Whether to leave the part out.

        Where no younger part waits it is tried as long as there is any time at all: nothing would be
        won, and an estimate that a slow moment has spoilt must be able to heal.

        Args:
            left_ns: time until its verdict is of no use, ns.
            younger_waits: whether another part could be looked at instead.
        """
        if left_ns <= 0:
            return True
        return younger_waits and bool(self._took_ns) and left_ns < median(self._took_ns)
