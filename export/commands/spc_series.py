"""What a control chart charts, out of a CSV table or a ledger, every mistake with its row and column."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from taktsight.errors import ConfigError, DataError
from taktsight.export.commands.recorded_verdicts import RecordedVerdict, recorded_verdicts
from taktsight.export.commands.spc_history import continued
from taktsight.quality.gap_charts import gaps_between, times_between
from taktsight.quality.quality_hold import judged_outcome
from taktsight.quality.spc_limits import LedgerPart, OfLedger
from taktsight.quality.tables import Bools, Floats, Table, read_table
from taktsight.records import Outcome

COUNTED = ("p", "np", "u", "c", "laney-p", "laney-u")
OF_SHARES = ("p", "np", "laney-p")
PER = 50
"""Parts of a ledger in a point, where nothing is said."""


@dataclass(frozen=True, slots=True)
class Series:
    """Points before any limit."""

    source: str
    sha256: str
    labels: tuple[str, ...]
    values: Floats
    """(N,) events, gaps, values, or 1 and 0."""
    n: Floats
    """(N,) parts or units of each; ones where that means nothing."""
    notes: tuple[str, ...] = ()
    ledger: OfLedger | None = None
    """How they came out of a ledger."""
    table: Table | None = None
    """With the rows of earlier calls, where a history is kept."""
    new_from: int = 0
    """Points of earlier calls."""


def series_of(arguments: argparse.Namespace, frozen: OfLedger | None = None) -> Series:
    """The points that the arguments name.

    Args:
        arguments: of the verb.
        frozen: in phase II, how the points of phase I came out of the ledger.

    Raises:
        ConfigError: If arguments contradict each other.
        DataError: If a cell is wrong, naming it.
        LedgerError: If the ledger is.
    """
    if (arguments.table is None) == (arguments.records is None):
        raise ConfigError("name a table, or a ledger with --records: one of them")
    if arguments.records is not None:
        return _of_records(arguments, frozen)
    table = read_table(arguments.table)
    if arguments.history is None:
        return _of_table(arguments, table)
    whole = continued(arguments.history, table)
    earlier = len(whole.rows) - len(table.rows)
    series = _of_table(arguments, whole)
    names = set(_labels(arguments, whole)[:earlier])
    return replace(series, table=whole, new_from=sum(label in names for label in series.labels))


def _of_table(arguments: argparse.Namespace, table: Table) -> Series:
    table.check_one_unit()
    if arguments.time is not None:
        table.times(arguments.time)  # sorted, whatever is charted
    if arguments.chart in COUNTED:
        return _counted(arguments, table)
    if arguments.chart in ("g", "t"):
        return _gaps(arguments, table)
    if arguments.chart == "bernoulli":
        flags = np.asarray(table.flags(arguments.column or "defective"), dtype=np.float64)
        return _series(table, _labels(arguments, table), flags)
    return _series(table, _labels(arguments, table), table.numbers(arguments.column or "value"))


def _counted(arguments: argparse.Namespace, table: Table) -> Series:
    column = arguments.column or "events"
    events = table.counts(column)
    if arguments.chart == "c":
        n = np.ones(len(events))
    elif arguments.n is not None:
        n = np.full(len(events), float(arguments.n))
    elif arguments.chart in OF_SHARES:
        n = table.counts(arguments.inspected)
    else:
        n = table.numbers(arguments.inspected)
    for index in range(len(events)):
        if n[index] <= 0:
            raise table.fault(index, arguments.inspected, f"{n[index]:g}: more than 0 is wanted")
        if arguments.chart in OF_SHARES and events[index] > n[index]:
            said = f"{events[index]:g} of {n[index]:g} inspected parts cannot be defective"
            raise table.fault(index, column, said)
        if arguments.chart == "np" and n[index] != n[0]:
            said = f"{n[index]:g} after {n[0]:g}; np needs equal subgroups, take p"
            raise table.fault(index, arguments.inspected, said)
    return _series(table, _labels(arguments, table), events, n)


def _gaps(arguments: argparse.Namespace, table: Table) -> Series:
    labels = _labels(arguments, table)
    if arguments.chart == "t" and arguments.column is None:
        column = arguments.time or "time"
        seconds = table.times(column)
        same = np.flatnonzero(np.diff(seconds) == 0)
        if len(same):
            raise table.fault(int(same[0]) + 1, column, "is the time of the event before; time must rise")
        return _series(table, labels[1:], times_between(seconds))
    if arguments.chart == "g" and arguments.defective is not None:
        flags = table.flags(arguments.defective)
        events = np.flatnonzero(flags)
        return _series(table, [labels[index] for index in events[1:]], gaps_between(flags))
    column = arguments.column or "gap"
    gaps = table.counts(column) if arguments.chart == "g" else table.numbers(column)
    for index, gap in enumerate(gaps):
        if gap < 0 or (gap == 0 and arguments.chart == "t"):
            raise table.fault(index, column, f"a gap of {gap:g} cannot be")
    return _series(table, labels, gaps)


def _labels(arguments: argparse.Namespace, table: Table) -> list[str]:
    if arguments.label is not None:
        return table.unique(arguments.label)
    return [str(number) for number in range(1, len(table.rows) + 1)]


def _series(table: Table, labels: Sequence[str], values: Floats, n: Floats | None = None) -> Series:
    sizes = np.ones(len(values)) if n is None else n
    return Series(table.name, table.sha256, tuple(labels), values, sizes)


def _of_records(arguments: argparse.Namespace, frozen: OfLedger | None) -> Series:
    counted = _counted_outcomes(arguments, frozen)
    per = arguments.per or (frozen.per if frozen else PER)
    verdicts = recorded_verdicts(arguments.records, arguments.run)
    if frozen is not None:
        verdicts = _of_phase_2(arguments, verdicts, frozen.last)
    judged = [judged_outcome(verdict.outcome, verdict.reasons) for verdict in verdicts]
    chosen = [
        index
        for index, outcome in enumerate(judged)
        if outcome is not Outcome.UNINSPECTED or Outcome.UNINSPECTED in counted
    ]
    inspected = [verdicts[index] for index in chosen]
    notes = []
    if len(inspected) < len(verdicts):
        notes.append(f"{len(verdicts) - len(inspected)} parts were UNINSPECTED and are no part of it")
    flags = np.array([judged[index] in counted for index in chosen], dtype=bool)
    source = f"{arguments.records} ({'+'.join(sorted(outcome.value for outcome in counted))})"
    if arguments.chart in OF_SHARES:
        series = _grouped(source, per, inspected, flags, notes)
        last = inspected[len(inspected) // per * per - 1]
    else:
        series = _of_parts(arguments.chart, source, inspected, flags, notes)
        last = verdicts[-1]
    part = LedgerPart(run=last.run, trigger=last.trigger)
    return replace(series, ledger=OfLedger(count=counted, per=per, last=part))


def _counted_outcomes(arguments: argparse.Namespace, frozen: OfLedger | None) -> tuple[Outcome, ...]:
    """Those that are named, else those of phase I, else rejects."""
    if arguments.count is None:
        return frozen.count if frozen else (Outcome.REJECT,)
    counted = tuple(dict.fromkeys(Outcome(name) for name in arguments.count))
    if frozen is not None and set(counted) != set(frozen.count):
        names = " ".join(outcome.value for outcome in frozen.count)
        raise ConfigError(f"--count: the limits are of {names}, and of nothing else")
    return counted


def _of_phase_2(
    arguments: argparse.Namespace, verdicts: list[RecordedVerdict], last: LedgerPart
) -> list[RecordedVerdict]:
    """Those that came after phase I; all of a ledger, or a run, in which that was not."""
    places = [
        place for place, each in enumerate(verdicts) if (each.run, each.trigger) == (last.run, last.trigger)
    ]
    found = verdicts[places[-1] + 1 :] if places else verdicts
    if not found:
        raise DataError(
            f"{arguments.records}: no part has come since the last of phase I, part {last.trigger} of run "
            f"{last.run}"
        )
    return found


def _of_parts(
    chart: str, source: str, inspected: Sequence[RecordedVerdict], flags: Bools, notes: list[str]
) -> Series:
    names = [_name(verdict) for verdict in inspected]
    if chart == "bernoulli":
        ones = np.ones(len(flags))
        return Series(source, "", tuple(names), flags.astype(np.float64), ones, tuple(notes))
    if chart == "g":
        gaps = gaps_between(flags)
        labels = tuple(names[int(index)] for index in np.flatnonzero(flags)[1:])
        return Series(source, "", labels, gaps, np.ones(len(gaps)), tuple(notes))
    raise ConfigError(
        f"{chart}: a ledger's verdicts make p, np, laney-p, g and bernoulli charts; write the values into "
        "a table for others"
    )


def _name(verdict: RecordedVerdict) -> str:
    return verdict.serial or f"{verdict.run[:8]}:{verdict.trigger}"


def _grouped(
    source: str,
    size: int,
    verdicts: Sequence[RecordedVerdict],
    flags: Bools,
    notes: list[str],
) -> Series:
    """Parts in their order, so many to a point; those that fill no point wait for the next."""
    count = len(verdicts) // size
    if count < 1:
        raise DataError(
            f"{source}: {len(verdicts)} inspected parts do not fill one point of {size}; see --per"
        )
    if len(verdicts) % size:
        notes.append(f"the last {len(verdicts) % size} parts do not fill a point of {size} yet")
    events = flags[: count * size].reshape(count, size).sum(axis=1).astype(np.float64)
    labels = tuple(f"–{_name(verdicts[(index + 1) * size - 1])}" for index in range(count))
    return Series(source, "", labels, events, np.full(count, float(size)), tuple(notes))
