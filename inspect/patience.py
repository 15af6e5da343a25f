"""How long the line waits for something when it stops: as long as it comes forward, and a limit beyond.

Only time counts in which the line itself ran. A line that was held up, as in a virtual machine that stands
still, would find its limit over and nothing done, because nobody could do anything.
"""

from __future__ import annotations

from collections.abc import Callable

STEP_NS = 250_000_000
"""So often the line looks; what passed beyond that, it was held up, and with it perhaps everybody else."""


class Patience:
    """For one wait."""

    def __init__(self, limit_ns: int, progress: Callable[[], int] = lambda: 0) -> None:
        """``progress``: what goes on counting as long as it comes forward; the limit then begins anew."""
        self._limit_ns = self._left_ns = limit_ns
        self._progress = progress
        self._reached = progress()
        self._looked_ns: int | None = None

    def is_over(self, now_ns: int) -> bool:
        """Whether it has lasted long enough. Ask at each :meth:`wake_ns` at the latest."""
        before_ns = now_ns if self._looked_ns is None else self._looked_ns
        self._looked_ns = now_ns
        self._left_ns -= min(now_ns - before_ns, STEP_NS)
        reached = self._progress()
        if reached != self._reached:
            self._reached, self._left_ns = reached, self._limit_ns
        return self._left_ns <= 0

    def wake_ns(self) -> int | None:
        """When it must be asked again, monotonic clock; None before it was asked at all."""
        return None if self._looked_ns is None else self._looked_ns + max(0, min(self._left_ns, STEP_NS))


RunUntil = Callable[[Callable[[], object], Patience], None]
"""Lets the line's loop go on until something is so, or patience is over."""
