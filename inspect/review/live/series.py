"""Measures of frames over the last parts, and cycle times as a histogram: what charts are drawn from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from taktsight.inspect.review.live.metrics import Metrics
from taktsight.inspect.review.parts.ledger_reader import LedgerReader, Row, parsed

LAST_ROWS = 4000
"""Of the ledger are looked at."""
MOST_POINTS = 60
MOST_BARS = 24


@dataclass(frozen=True, slots=True)
class Point:
    """Some parts in a row."""

    utc: str
    """Of the first one."""
    parts: int
    low: float
    middle: float
    """Median."""
    high: float


@dataclass(frozen=True, slots=True)
class Series:
    """One measure of one view, the oldest first."""

    view: str
    measure: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """How many parts took how long."""

    from_ms: float
    until_ms: float
    """Exclusive; endless in the last one where there are longer ones."""
    parts: int


def last_rows(ledger: LedgerReader) -> list[Row]:
    """The last rows of the ledger, in order; in one question."""
    if not ledger.is_there:
        return []
    head, _ = ledger.head()
    return ledger.rows_after(max(0, head - LAST_ROWS), LAST_ROWS)


def health_series(rows: Sequence[Row], run: str) -> tuple[Series, ...]:
    """Every measure of every view, of one run's parts."""
    values: dict[tuple[str, str], list[tuple[str, float]]] = {}
    for row in rows:
        if row["run"] == run and row["kind"] in ("verdict", "judged") and row.get("health"):
            for view, measures in parsed(row, "health").items():
                for name, value in measures.items() if isinstance(measures, dict) else ():
                    if isinstance(value, (int, float)) and math.isfinite(value):
                        values.setdefault((view, name), []).append((row["utc"], float(value)))
    return tuple(Series(view, name, _points(found)) for (view, name), found in sorted(values.items()))


def _points(found: Sequence[tuple[str, float]]) -> tuple[Point, ...]:
    size = max(1, math.ceil(len(found) / MOST_POINTS))
    lots = [found[start : start + size] for start in range(0, len(found), size)]
    return tuple(_point(lot[0][0], [value for _, value in lot]) for lot in lots)


def _point(utc: str, values: Sequence[float]) -> Point:
    return Point(utc, len(values), min(values), median(values), max(values))


def cycle_bars(rows: Sequence[Row], run: str, deadline_ms: float | None) -> tuple[Bar, ...]:
    """Of the last parts of a run, in steps of 1, 2 or 5; the last bar holds all that is longer."""
    times = [
        row["cycle_ns"] / 1e6
        for row in rows
        if row["run"] == run and row["kind"] == "verdict" and row["cycle_ns"] is not None
    ]
    if not times:
        return ()
    end = max(deadline_ms or 0.0, sorted(times)[(len(times) * 99) // 100 - 1])
    step = round_step(end / (MOST_BARS - 1))
    bars = min(MOST_BARS, math.floor(max(times) / step) + 1)
    counts = [0] * bars
    for time_ms in times:
        counts[min(math.floor(time_ms / step), bars - 1)] += 1
    edges = [place * step for place in range(bars + 1)]
    edges[-1] = edges[-1] if max(times) < edges[-1] else math.inf
    return tuple(
        Bar(begin, until, count) for (begin, until), count in zip(pairwise(edges), counts, strict=True)
    )


def round_step(least: float) -> float:
    """The next step of 1, 2 or 5 times a power of ten.

    >>> round_step(3.1), round_step(0.02), round_step(70)
    (5.0, 0.02, 100.0)
    """
    power = 10.0 ** math.floor(math.log10(least)) if least > 0 else 1.0
    step = next(
        (power * factor for factor in (1, 2, 5, 10) if power * factor >= least * 0.999999), power * 10
    )
    return float(f"{step:.6g}")


def cycle_bars_of_run(metrics: Metrics) -> tuple[Bar, ...]:
    """Of a whole run, in the meters' steps of half an octave; empty bars at both ends are left out."""
    found = sorted(
        (math.inf if labels["le"] == "+Inf" else float(labels["le"]) * 1000, count)
        for labels, count in metrics.labelled("cycle_seconds_bucket")
        if "le" in labels
    )
    bars, begin, before = [], 0.0, 0.0
    for until, count in found:
        bars.append(Bar(begin, until, int(count - before)))
        begin, before = until, count
    filled = [place for place, bar in enumerate(bars) if bar.parts]
    return tuple(bars[filled[0] : filled[-1] + 1]) if filled else ()
