"""Which of the waiting parts comes first: P(wrong) × cost × age, and shares for why they wait.

    P(wrong)   :mod:`taktsight.inspect.review.parts.chance`
    cost       of the mistake that the verdict may be: ``cost_escape`` × what the label weighs where a
               defective part would pass, ``cost_overkill`` where a good one did not
    age        1 + days since the verdict, 31 at most: what waits long comes up, and never runs away

Cost-sensitive ordering by expected cost is Elkan's (IJCAI 2001). Ties go to the older part. The parts of
each Why are ordered by this, and taken in turn so that each Why gets its share of what is decided
(quotas): at any moment the one that lacks most.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taktsight.inspect.review.parts.tables import OUTCOMES
from taktsight.inspect.review.parts.waiting import BITS, WHYS, Columns
from taktsight.inspect.review.store.settings import Settings
from taktsight.inspect.review.store.values import Why
from taktsight.records import Outcome

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DAY_MS = 86_400_000
MAX_AGE_DAYS = 30
WEIGHT_OF = {"critical": 10.0, "major": 1.0, "minor": 0.1}
"""Severity in the defect book → how much an escape of it costs, against the usual."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """Parts with what orders them."""

    columns: Columns
    p_wrong: Floats
    cost: Floats
    age: Floats
    """The factor."""

    @property
    def priority(self) -> Floats:
        """(N,)."""
        return self.p_wrong * self.cost * self.age


def costs(columns: Columns, settings: Settings, weights: Mapping[int, float]) -> Floats:
    """(N,) what it costs if the verdict is wrong.

    Args:
        columns: the parts.
        settings: cost_escape and cost_overkill.
        weights: number of a label → its weight; 1 where there is none.
    """
    weight = np.ones(columns.label.shape)
    for label, value in weights.items():
        weight[columns.label == label] = value
    passes = [OUTCOMES.index(outcome) for outcome in (Outcome.PASS, Outcome.REVIEW)]
    may_escape = np.isin(columns.outcome, passes) | ((columns.whys & BITS[Why.DISAGREEMENT]) != 0)
    return np.where(may_escape, settings.cost_escape * weight, settings.cost_overkill)


def age_factors(columns: Columns, now_ms: int) -> Floats:
    """(N,) 1 to 31."""
    return 1 + np.clip((now_ms - columns.at) / DAY_MS, 0, MAX_AGE_DAYS)


def in_turn(ranked: Ranked, settings: Settings, decided: Mapping[Why, int], most: int) -> Ints:
    """Rows of the first parts, so that each Why gets its share.

    Args:
        ranked: the parts.
        settings: quotas.
        decided: how many of each Why were decided lately: shares are kept over time, not page by page.
        most: how many.
    """
    priority, first = ranked.priority, ranked.columns.first
    lines = {
        why: _best(ranked.columns, priority, np.flatnonzero(first == place), most)
        for place, why in enumerate(WHYS)
    }
    return _merged({why: line for why, line in lines.items() if line.size}, settings, decided, most)


def _best(columns: Columns, priorities: Floats, rows: Ints, most: int) -> Ints:
    """The first rows in their order; of equal ones the older part, then the lower number."""
    priority = priorities[rows]
    if rows.size > most:
        edge = np.partition(priority, rows.size - most)[rows.size - most]
        rows = rows[priority >= edge]  # with all that tie at the edge
    return rows[np.lexsort((columns.seq[rows], columns.at[rows], -priorities[rows]))][:most]


def _merged(lines: Mapping[Why, Ints], settings: Settings, decided: Mapping[Why, int], most: int) -> Ints:
    quotas = {why: float(getattr(settings, f"quota_{why.value}")) for why in lines}
    total = sum(quotas.values())
    shares = {why: quota / total if total else 1 / len(lines) for why, quota in quotas.items()}
    had = {why: decided.get(why, 0) for why in lines}
    taken, begun, found = dict.fromkeys(lines, 0), sum(had.values()), list[int]()
    while len(found) < most:
        left = [why for why in lines if taken[why] < lines[why].size]
        if not left:
            break
        count = begun + len(found) + 1
        why = max(
            left, key=lambda each: (shares[each] * count - had[each] - taken[each], -WHYS.index(each))
        )
        found.append(int(lines[why][taken[why]]))
        taken[why] += 1
    return np.array(found, np.int64)
