"""What a ledger says for an acceptance: verdicts, cycle times, a control chart, labels, repeated parts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from taktsight.errors import DataError
from taktsight.export.acceptance.sources import Sources
from taktsight.export.acceptance.trade_off import share_of
from taktsight.inspect.ledger import Ledger
from taktsight.inspect.ledger_rows import Row
from taktsight.inspect.recorded import find_run
from taktsight.quality.agreement import Share
from taktsight.quality.attribute_charts import draw_shares, share_limits
from taktsight.quality.control_chart import ControlChart, chart_of
from taktsight.quality.pareto import ParetoRow, pareto
from taktsight.quality.quality_hold import judged_outcome
from taktsight.quality.rates import clopper_pearson
from taktsight.quality.repeats import Repeats, repeats
from taktsight.quality.spc_limits import FrozenLimits, ShareLimits
from taktsight.quality.tables import Floats
from taktsight.records import Outcome
from taktsight.strict_model import StrictModel

LATE = "late"
"""What the reason of a verdict that came too late begins with."""
TIME_BARS = 40


class Timing(StrictModel):
    """Trigger to verdict at the gate."""

    runs: tuple[str, ...]
    triggers: int
    first_utc: str
    last_utc: str
    outcomes: dict[str, int]
    uninspected: Share
    """Of the triggers; late ones among them."""
    late: Share
    """Of the triggers: no verdict in time."""
    timed: int
    """Verdicts with a cycle time."""
    p50_ms: float | None = None
    p99_ms: float | None = None
    p999_ms: float | None = None
    max_ms: float | None = None
    edges_ms: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    other_bundles: int = 0
    """Verdicts of a bundle that is not this file."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """Verdicts in order."""

    rows: tuple[Row, ...]
    source: str
    """Marker."""


def read_recorded(records: Path, run: str | None, sources: Sources) -> Recorded:
    """The verdicts of a ledger, once its whole chain was followed.

    Args:
        records: the folder that holds it.
        run: its name or ``last``; None for all.
        sources: notes the digest of the chain's last row.

    Raises:
        LedgerError: If a row was changed or is missing, or there is no such run.
        DataError: If no part has a verdict.
    """
    ledger = Ledger.open(records)
    try:
        verified = ledger.verify()
        chosen = None if run is None else find_run(ledger, run)
        rows = [row for row in ledger.rows() if row["kind"] == "verdict" and chosen in (None, row["run"])]
    finally:
        ledger.close()
    if not rows:
        raise DataError(f"{records}: no part has a verdict there")
    name = records.resolve().name
    marker = sources.add(
        "the ledger", name, verified.head, digest_of="its last row, chained to all before", rows=len(rows)
    )
    return Recorded(tuple(rows), marker)


def timing(recorded: Recorded, bundle: str, confidence: float) -> Timing:
    """Outcomes and cycle times.

    Args:
        recorded: verdicts.
        bundle: digest of the bundle that the report is about.
        confidence: two-sided, of the shares.
    """
    rows = recorded.rows
    outcomes = Counter(row["outcome"] for row in rows)
    late = sum(_is_late(row) for row in rows)
    times_ms = np.array([row["cycle_ns"] for row in rows if row["cycle_ns"] is not None], float) / 1e6
    utc = sorted(row["utc"] for row in rows)
    untimed = Timing(
        runs=tuple(dict.fromkeys(row["run"] for row in rows)),
        triggers=len(rows),
        first_utc=utc[0],
        last_utc=utc[-1],
        outcomes=dict(sorted(outcomes.items())),
        uninspected=share_of(clopper_pearson(outcomes["UNINSPECTED"], len(rows), confidence)),
        late=share_of(clopper_pearson(late, len(rows), confidence)),
        timed=times_ms.size,
        other_bundles=sum(row["bundle"] != bundle for row in rows),
    )
    return untimed.model_copy(update=_quantiles(times_ms)) if times_ms.size else untimed


def slower_than(recorded: Recorded, limit_ms: float) -> tuple[int, int]:
    """Verdicts that took longer, or never came in time, of all triggers."""
    slow = sum(
        _is_late(row) or (row["cycle_ns"] is not None and row["cycle_ns"] / 1e6 > limit_ms)
        for row in recorded.rows
    )
    return slow, len(recorded.rows)


def reject_chart(recorded: Recorded, per: int, frozen: FrozenLimits | None) -> ControlChart:
    """A p chart of rejected parts, so many inspected parts to a point; UNINSPECTED ones are no part of it.

    With frozen limits it begins behind the parts that they are of.

    Raises:
        DataError: If the parts do not fill two points, or frozen limits are those of another chart.
    """
    judged = [_judged(row) for row in _behind(recorded.rows, frozen)]
    inspected = [outcome for outcome in judged if outcome is not Outcome.UNINSPECTED]
    count = len(inspected) // per
    if count < 2:
        raise DataError(f"{len(inspected)} inspected parts do not fill two points of {per}")
    flags = np.array([outcome is Outcome.REJECT for outcome in inspected[: count * per]])
    events, n = flags.reshape(count, per).sum(axis=1).astype(np.float64), np.full(count, float(per))
    if frozen is None:
        limits = share_limits("p", events, n, excluded=None, method="auto")
    elif isinstance(frozen.limits, ShareLimits) and frozen.limits.chart == "p":
        limits = frozen.limits
    else:
        raise DataError(f"frozen limits of a {frozen.limits.chart} chart, and p is charted")
    labels = [str(number) for number in range(1, count + 1)]
    drawn = draw_shares(limits, events, n)
    rules = "nelson" if frozen is None else frozen.rules
    return chart_of(drawn, phase=1 if frozen is None else 2, rules=rules, labels=labels)


def label_pareto(recorded: Recorded) -> tuple[ParetoRow, ...]:
    """Labels that rejected parts; raises ``DataError`` where none did."""
    counts: Counter[str] = Counter()
    for row in recorded.rows:
        if row["outcome"] == "REJECT":
            named = (reason.split(":")[0] for reason in json.loads(row["reasons"]) if ":" in reason)
            counts.update(set(named))
    return pareto({label: float(count) for label, count in counts.items()})


def repeated(recorded: Recorded) -> Repeats:
    """Parts that came more than once; raises ``DataError`` where none did."""
    return repeats(
        [
            (row["serial"], row["outcome"], json.loads(row["scores"]))
            for row in recorded.rows
            if row["serial"] is not None
        ]
    )


def _judged(row: Row) -> Outcome:
    return judged_outcome(Outcome(row["outcome"]), json.loads(row["reasons"]))


def _behind(rows: Sequence[Row], frozen: FrozenLimits | None) -> Sequence[Row]:
    if frozen is None or frozen.ledger is None:
        return rows
    last = (frozen.ledger.last.run, frozen.ledger.last.trigger)
    places = [place for place, row in enumerate(rows) if (row["run"], row["trigger"]) == last]
    return rows[places[-1] + 1 :] if places else rows


def _is_late(row: Row) -> bool:
    reasons = json.loads(row["reasons"])
    return row["outcome"] == "UNINSPECTED" and any(reason.startswith(LATE) for reason in reasons)


def _quantiles(times_ms: Floats) -> dict[str, object]:
    at = [float(np.quantile(times_ms, level, method="higher")) for level in (0.5, 0.99, 0.999)]
    counts, edges = np.histogram(times_ms, TIME_BARS)
    return {
        "p50_ms": at[0],
        "p99_ms": at[1],
        "p999_ms": at[2],
        "max_ms": float(times_ms.max()),
        "edges_ms": tuple(np.round(edges, 4).tolist()),
        "counts": tuple(counts.tolist()),
    }
