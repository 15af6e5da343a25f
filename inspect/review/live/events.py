"""What happened to a station beside its parts: runs, faults, alarms, golden parts, changeovers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from taktsight.inspect.review.parts.ledger_reader import CHUNK, LedgerReader, Row, parsed
from taktsight.records import Outcome

RUNS = 20
"""The last ones are looked at."""
SHOWN = 100
Kind = Literal["fault", "golden", "changeover"]


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the ledger that is about no part, or about a golden one."""

    utc: str
    run: str
    said: str
    trigger: int | None = None
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Events:
    """The newest first."""

    events: tuple[Event, ...]
    more: int
    """So many older ones of these runs are left out."""


@dataclass(frozen=True, slots=True)
class Run:
    """From one start of the line to its end."""

    name: str
    armed_utc: str
    """Empty where it never was."""
    closed_utc: str
    """Empty where it did not close its records: it goes on, was killed, or lost its power."""
    said: str
    """How many parts it had, as it said at its end."""
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class History:
    """Of the last runs."""

    runs: tuple[Run, ...]
    faults: Events
    golden: Events
    changeovers: Events


def history_of(ledger: LedgerReader, runs: Sequence[str]) -> History:
    """Read in short questions, a run and a kind each.

    Args:
        ledger: of the station.
        runs: the newest first.
    """
    looked = list(runs[:RUNS])
    found: dict[Kind, list[Row]] = {"fault": [], "golden": [], "changeover": []}
    for run in looked:
        for kind, of_kind in found.items():
            if len(of_kind) <= CHUNK:
                of_kind.extend(ledger.run_of(run, kind))
    return History(
        runs=tuple(_run(ledger, name) for name in looked),
        faults=_events(found["fault"]),
        golden=_events(found["golden"]),
        changeovers=_events(found["changeover"]),
    )


def _run(ledger: LedgerReader, name: str) -> Run:
    armed, closed = (next(iter(ledger.run_of(name, kind)), None) for kind in ("armed", "closed"))
    return Run(
        name,
        armed["utc"] if armed else "",
        closed["utc"] if closed else "",
        "; ".join(_reasons(closed)) if closed else "",
        _reasons(armed) if armed else (),
    )


def _events(rows: Sequence[Row]) -> Events:
    newest = sorted(rows, key=lambda row: row["seq"], reverse=True)
    events = tuple(
        Event(row["utc"], row["run"], "; ".join(_reasons(row)), row["trigger"], _outcome(row["outcome"]))
        for row in newest[:SHOWN]
    )
    return Events(events, max(0, len(newest) - SHOWN))


def _reasons(row: Row) -> tuple[str, ...]:
    return tuple(map(str, parsed(row, "reasons")))


def _outcome(value: str | None) -> Outcome | None:
    return next((outcome for outcome in Outcome if outcome.value == value), None)
