"""What the gate was told of each part, out of a ledger: for charts, Pareto and studies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from taktsight.errors import DataError
from taktsight.records import Outcome


@dataclass(frozen=True, slots=True)
class RecordedVerdict:
    """One part."""

    run: str
    trigger: int
    serial: str | None
    utc: str
    """When its row was written."""
    outcome: Outcome
    reasons: tuple[str, ...]
    scores: Mapping[str, tuple[float, ...]]
    """View → part scores."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that its reasons name, once each."""
        named = (reason.split(":")[0] for reason in self.reasons if ":" in reason)
        return tuple(dict.fromkeys(named))


def recorded_verdicts(records: Path, run: str | None = None) -> list[RecordedVerdict]:
    """The verdicts in order, of one run or of all; golden parts are among them where the line showed some.

    Args:
        records: the folder that holds the ledger.
        run: its name, the beginning of it, or ``last``; None for every run.

    Raises:
        LedgerError: If there is no ledger or no such run, or a row was changed.
        DataError: If no part got a verdict.
    """
    from taktsight.inspect.ledger import Ledger
    from taktsight.inspect.recorded import find_run

    ledger = Ledger.open(records)
    try:
        runs = ledger.runs() if run is None else [find_run(ledger, run)]
        rows = [row for name in runs for row in ledger.rows_of(name)]
    finally:
        ledger.close()
    found = [
        RecordedVerdict(
            row["run"],
            row["trigger"],
            row["serial"],
            row["utc"],
            Outcome(row["outcome"]),
            tuple(json.loads(row["reasons"])),
            {view: tuple(scores) for view, scores in json.loads(row["scores"]).items()},
        )
        for row in rows
        if row["kind"] == "verdict"
    ]
    if not found:
        raise DataError(f"{records}: no part has a verdict there")
    return found
