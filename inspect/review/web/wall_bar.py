"""The bar of cycle times: p50 and p99 beside takt and deadline, in units of a drawing 1,000 wide."""

from __future__ import annotations

from dataclasses import dataclass

from taktsight.inspect.review.live.values import Cycle

WIDTH = 1000


@dataclass(frozen=True, slots=True)
class Bar:
    """Places from the left; None where there is nothing to draw."""

    p50: float | None
    p99: float | None
    takt: float | None
    deadline: float | None


def bar_of(cycle: Cycle) -> Bar:
    """To scale, with a tenth of room behind the longest."""
    known = [value for value in (cycle.p99_ms, cycle.takt_ms, cycle.deadline_ms) if value is not None]
    scale = WIDTH / (1.1 * max(known)) if known and max(known) > 0 else 0.0

    def at(value_ms: float | None) -> float | None:
        return None if value_ms is None else round(value_ms * scale, 1)

    return Bar(at(cycle.p50_ms), at(cycle.p99_ms), at(cycle.takt_ms), at(cycle.deadline_ms))
