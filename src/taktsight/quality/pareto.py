"""Which few labels make most of the defects, with intervals, so that nobody ranks what chance ranked."""

from __future__ import annotations

from collections.abc import Mapping

from taktsight.errors import DataError
from taktsight.quality.rates import clopper_pearson
from taktsight.strict_model import StrictModel


class ParetoRow(StrictModel):
    """One label."""

    label: str
    count: float
    """Events, or their weight."""
    share: float
    """Of all, 0–1."""
    low: float | None
    high: float | None
    """95 % interval of the share, exact; None where events were weighted."""
    cumulative: float
    """Share of this label and all above it, 0–1."""


def pareto(counts: Mapping[str, float]) -> tuple[ParetoRow, ...]:
    """Labels by their count, most first; equal ones by name.

    Raises:
        DataError: If nothing was counted, or a count lies below 0.
    """
    for label, count in counts.items():
        if not count >= 0:
            raise DataError(f"label {label!r} has a count of {count:g}; 0 or more is wanted")
    total = sum(counts.values())
    if not total > 0:
        raise DataError("nothing was counted: there is nothing to rank")
    are_whole = all(count == int(count) for count in counts.values())
    rows, sum_so_far = [], 0.0
    for label, count in sorted(counts.items(), key=lambda one: (-one[1], one[0])):
        sum_so_far += count
        rate = clopper_pearson(int(count), int(total)) if are_whole else None
        rows.append(
            ParetoRow(
                label=label,
                count=count,
                share=count / total,
                low=rate.low if rate else None,
                high=rate.high if rate else None,
                cumulative=min(1.0, sum_so_far / total),
            )
        )
    return tuple(rows)
