"""What a control chart charts, out of a CSV table or a ledger, every mistake with its row and column."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from taktsight.errors import ConfigError, DataError
from taktsight.export.commands.recorded_verdicts import RecordedVerdict, recorded_verdicts
from taktsight.quality.gap_charts import gaps_between, times_between
from taktsight.quality.tables import Bools, Floats, Table, read_table
from taktsight.records import Outcome

COUNTED = ("p", "np", "u", "c", "laney-p", "laney-u")
OF_SHARES = ("p", "np", "laney-p")
VALUES = ("i", "ewma", "cusum")


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


def series_of(arguments: argparse.Namespace) -> Series:
    """The points that the arguments name.

    Raises:
        ConfigError: If arguments contradict each other.
        DataError: If a cell is wrong, naming it.
        LedgerError: If the ledger is.
    """
    if (arguments.table is None) == (arguments.records is None):
        raise ConfigError("name a table, or a ledger with --records: one of them")
    if arguments.records is not None:
        return _of_records(arguments)
    table = read_table(arguments.table)
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


def _of_records(arguments: argparse.Namespace) -> Series:
    counted = {Outcome(name) for name in arguments.count}
    verdicts = recorded_verdicts(arguments.records, arguments.run)
    inspected = [
        verdict
        for verdict in verdicts
        if verdict.outcome is not Outcome.UNINSPECTED or Outcome.UNINSPECTED in counted
    ]
    notes = []
    if len(inspected) < len(verdicts):
        notes.append(f"{len(verdicts) - len(inspected)} parts were UNINSPECTED and are no part of it")
    flags = np.array([verdict.outcome in counted for verdict in inspected], dtype=bool)
    source = f"{arguments.records} ({'+'.join(sorted(outcome.value for outcome in counted))})"
    if arguments.chart in OF_SHARES:
        return _grouped(arguments, source, inspected, flags, notes)
    names = [_name(verdict) for verdict in inspected]
    ones = np.ones(len(flags))
    if arguments.chart == "bernoulli":
        return Series(source, "", tuple(names), flags.astype(np.float64), ones, tuple(notes))
    events = [int(index) for index in np.flatnonzero(flags)]
    if arguments.chart == "g":
        gaps = gaps_between(flags)
        labels = tuple(names[index] for index in events[1:])
        return Series(source, "", labels, gaps, np.ones(len(gaps)), tuple(notes))
    raise ConfigError(
        f"{arguments.chart}: a ledger's verdicts make p, np, laney-p, g and bernoulli charts; write the "
        "values into a table for others"
    )


def _name(verdict: RecordedVerdict) -> str:
    return verdict.serial or f"{verdict.run[:8]}:{verdict.trigger}"


def _grouped(
    arguments: argparse.Namespace,
    source: str,
    verdicts: Sequence[RecordedVerdict],
    flags: Bools,
    notes: list[str],
) -> Series:
    """Parts in their order, so many to a point; those that fill no point wait for the next."""
    size = arguments.per
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
