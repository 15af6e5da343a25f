"""Control charts of the ledger's verdicts, from the last parts that were counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from taktsight.errors import DataError
from taktsight.inspect.review.figures.tally import UNINSPECTED, Tail, Tally
from taktsight.inspect.review.parts.index import PartIndex
from taktsight.inspect.review.parts.tables import OUTCOMES
from taktsight.quality.attribute_charts import draw_laney, draw_shares, laney_limits, share_limits
from taktsight.quality.control_chart import ControlChart, Drawn, chart_of
from taktsight.quality.gap_charts import draw_gaps, gap_limits, gaps_between
from taktsight.quality.spc_limits import FrozenLimits, GapLimits, LaneyLimits, Limits, ShareLimits
from taktsight.quality.tables import Bools, Floats
from taktsight.records import Outcome

Kind = Literal["p", "laney-p", "g"]
KINDS: tuple[Kind, ...] = ("p", "laney-p", "g")
PER = (20, 50, 100, 200, 500, 1000, 5000)
"""Parts in one point."""
MOST_POINTS = 100
MOST_PARTS = 1_000_000
"""A chart looks no further back, however rare its events are."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which chart."""

    kind: Kind = "p"
    counted: Outcome = Outcome.REJECT
    per: int = 50
    points: int = 60
    run: str = ""
    """Empty: of all runs."""

    @property
    def subject(self) -> str:
        """Names the chart in the log, where its limits are frozen."""
        size = "" if self.kind == "g" else f":{self.per}"
        return f"limits:{self.kind}:{self.counted.value}{size}"


@dataclass(frozen=True, slots=True)
class Charted:
    """A chart, and what is to be said of its points."""

    chart: ControlChart
    first: int
    """Number of its first point since the run began, from 1."""
    waiting: int
    """Parts that fill no point yet."""
    frozen: FrozenLimits | None


@dataclass(frozen=True, slots=True)
class _Points:
    values: Floats
    n: Floats
    seqs: list[int]
    """Of the last part of each point."""
    first: int
    waiting: int


def charted(tally: Tally, index: PartIndex, asked: Asked, frozen: FrozenLimits | None = None) -> Charted:
    """The chart of the newest points.

    Args:
        tally: has caught up.
        index: names the parts.
        asked: which chart.
        frozen: limits of phase I; None estimates them from these very points.

    Raises:
        DataError: If there are too few points, or none has an event.
    """
    points = _gaps(tally, asked) if asked.kind == "g" else _shares(tally, asked)
    drawn = _drawn(frozen.limits if frozen else _estimated(asked.kind, points), points)
    labels = _labels(index, points.seqs)
    phase: Literal[1, 2] = 2 if frozen else 1
    chart = chart_of(drawn, phase=phase, rules=frozen.rules if frozen else "nelson", labels=labels)
    return Charted(chart, points.first, points.waiting, frozen)


def usual_per(tally: Tally, run: str = "") -> int:
    """The largest number of parts in a point that still fills 40 points; the smallest where none does."""
    parts = sum(tally.counted(run).outcomes.values())
    return max((per for per in PER if parts // per >= 40), default=PER[0])


def _shares(tally: Tally, asked: Asked) -> _Points:
    tail = tally.tail(min(MOST_PARTS, 2 * asked.per * (asked.points + 1)), asked.run)
    is_asked, before = _inspected(tail, asked.counted)
    places = np.flatnonzero(is_asked)
    skipped = -before % asked.per  # a point is the same one whatever came after it
    count = max(0, (len(places) - skipped) // asked.per)
    if count < 2:
        raise DataError("fewer than two points")
    shown = min(count, asked.points)
    whole = places[skipped : skipped + count * asked.per].reshape(count, asked.per)[-shown:]
    flags = tail.outcomes[whole] == OUTCOMES.index(asked.counted)
    return _Points(
        values=flags.sum(axis=1).astype(np.float64),
        n=np.full(shown, float(asked.per)),
        seqs=[int(tail.seqs[place]) for place in whole[:, -1]],
        first=(before + skipped) // asked.per + count - shown + 1,
        waiting=len(places) - skipped - count * asked.per,
    )


def _inspected(tail: Tail, counted: Outcome) -> tuple[Bools, int]:
    """Which parts the rate is of (UNINSPECTED ones were not looked at), and how many came before."""
    if counted is Outcome.UNINSPECTED:
        return np.ones(len(tail.outcomes), dtype=bool), tail.before
    return np.asarray(tail.outcomes != UNINSPECTED), tail.before - tail.uninspected_before


def _gaps(tally: Tally, asked: Asked) -> _Points:
    tail = tally.tail(MOST_PARTS, asked.run)
    is_asked, _ = _inspected(tail, asked.counted)
    flags = tail.outcomes[is_asked] == OUTCOMES.index(asked.counted)
    seqs = tail.seqs[is_asked][flags]
    gaps = gaps_between(flags)[-asked.points :]
    if len(gaps) < 2:
        raise DataError("fewer than two points")
    waiting = int(len(flags) - 1 - np.flatnonzero(flags)[-1])
    ends = [int(seq) for seq in seqs[-len(gaps) :]]
    return _Points(gaps, np.ones(len(gaps)), ends, len(seqs) - len(gaps), waiting)


def _estimated(kind: Kind, points: _Points) -> Limits:
    if kind == "g":
        return gap_limits("g", points.values)
    if kind == "laney-p":
        return laney_limits("laney-p", points.values, points.n)
    return share_limits("p", points.values, points.n)


def _drawn(limits: Limits, points: _Points) -> Drawn:
    if isinstance(limits, ShareLimits):
        return draw_shares(limits, points.values, points.n)
    if isinstance(limits, LaneyLimits):
        return draw_laney(limits, points.values, points.n)
    if isinstance(limits, GapLimits):
        return draw_gaps(limits, points.values)
    raise DataError(f"limits of a {limits.chart} chart are none of the ledger's")


def _labels(index: PartIndex, seqs: list[int]) -> list[str]:
    rows = index.ledger.by_seq(seqs)
    return [
        (rows[seq]["serial"] or f"{rows[seq]['run'][:8]}:{rows[seq]['trigger']}")
        if seq in rows
        else str(seq)
        for seq in seqs
    ]
