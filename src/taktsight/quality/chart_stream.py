"""A control chart that goes on part by part, as a ledger grows: which rule is hit, and by which parts.

It finds a pattern at the point that completes it, which is where the chart of the whole history has it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from taktsight.errors import ConfigError
from taktsight.quality.bernoulli_sum import BernoulliCusum
from taktsight.quality.chart_points import draw_points
from taktsight.quality.control_chart import chart_of
from taktsight.quality.run_rules import Side
from taktsight.quality.spc_limits import BernoulliLimits, FrozenLimits, LedgerPart
from taktsight.records import Outcome

TAIL = 32
"""Points that are looked back on: the longest pattern is complete with fifteen."""
CHARTS = ("p", "np", "laney-p", "g", "bernoulli")
"""That a ledger's verdicts make."""


@dataclass(frozen=True, slots=True)
class Found:
    """A rule was hit."""

    rule: str
    side: Side
    since: LedgerPart
    """With which part the pattern begins."""
    at: LedgerPart
    value: float
    """Of the point that completes it."""
    points: int
    """Of the pattern."""


@dataclass(frozen=True, slots=True)
class _Point:
    value: float
    n: float
    first: LedgerPart
    last: LedgerPart


class ChartStream:
    """One chart of the parts of phase II, in their order."""

    def __init__(self, frozen: FrozenLimits) -> None:
        """Raises ``ConfigError`` where the limits are of no chart that a ledger makes."""
        if frozen.ledger is None or frozen.limits.chart not in CHARTS:
            raise ConfigError(
                f"limits of a {frozen.limits.chart} chart that were not frozen out of a ledger cannot be "
                f"watched, and a ledger makes {', '.join(CHARTS)}: taktsight spc p --records RECORDS "
                "--freeze FILE"
            )
        self.frozen = frozen
        self._of = frozen.ledger
        self._tail: deque[_Point] = deque(maxlen=TAIL)
        is_sum = isinstance(frozen.limits, BernoulliLimits)
        self._cusum = BernoulliCusum(frozen.limits) if isinstance(frozen.limits, BernoulliLimits) else None
        self._wants_all = not is_sum and frozen.limits.chart != "g"
        self._first: LedgerPart | None = None
        self._parts = self._events = 0
        self._has_begun = False

    def add(self, part: LedgerPart, outcome: Outcome) -> list[Found]:
        """Takes the next part; the rules that are hit with it. One that nobody looked at is none of it."""
        counted = outcome in self._of.count
        if outcome is Outcome.UNINSPECTED and not counted:
            return []
        if self._cusum is not None:
            return self._sum_up(self._cusum, part, counted)
        self._first = self._first or part
        self._parts += 1
        self._events += counted
        if not (self._parts >= self._of.per if self._wants_all else counted):
            return []
        return self._point(part)

    def _sum_up(self, cusum: BernoulliCusum, part: LedgerPart, counted: bool) -> list[Found]:
        """Since when the sum is off 0; after a signal it begins anew, so that a second one is news."""
        if cusum.sum == 0:
            self._first, self._parts = part, 0
        self._parts += 1
        if not cusum.add(is_defective=counted):
            return []
        found = Found("limits-1", "above", self._first or part, part, cusum.sum, self._parts)
        cusum.reset()
        return [found]

    def _point(self, part: LedgerPart) -> list[Found]:
        """A point is complete: a share of so many parts, or the gap up to this one."""
        value = self._events if self._wants_all else self._parts - 1
        is_gap_open = not self._wants_all and not self._has_begun
        point = _Point(float(value), float(self._parts), self._first or part, part)
        self._has_begun, self._first, self._parts, self._events = True, None, 0, 0
        if is_gap_open:  # good parts before the first event are no gap
            return []
        self._tail.append(point)
        return self._hits()

    def _hits(self) -> list[Found]:
        tail = list(self._tail)
        values, n = (np.array([getattr(point, name) for point in tail]) for name in ("value", "n"))
        drawn = draw_points(self.frozen.limits, values, n)
        names = [str(number) for number in range(len(tail))]
        chart = chart_of(drawn, phase=2, rules=self.frozen.rules, labels=names)
        return [
            Found(
                hit.rule,
                hit.side,
                tail[hit.points[0] - 1].first,
                tail[-1].last,
                chart.points[-1].value,
                len(hit.points),
            )
            for hit in chart.hits
            if hit.points[-1] == len(tail)
        ]
