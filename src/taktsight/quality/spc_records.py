"""What a watched chart leaves beside the records: one file for each rule that was hit.

    RECORDS/spc/alarm-0123456789ab.json     written once, never changed
    RECORDS/spc/cleared-0123456789ab.json   who looked into it, and what was found

A process that shifted is no reason to doubt what was certified, so nothing is suspended by it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from taktsight.errors import LedgerError
from taktsight.quality.alarm_files import (
    SHORT,
    alarm_path,
    clear_in,
    is_new,
    read_record,
    standing_in,
    write_record,
)
from taktsight.quality.chart_stream import Found
from taktsight.quality.run_rules import SENTENCES, Side
from taktsight.quality.spc_limits import FrozenLimits, LedgerPart
from taktsight.strict_model import StrictModel

FOLDER = "spc"


class ChartRecord(StrictModel):
    """One alarm."""

    format: Literal[1] = 1
    chart: str
    limits: str
    """Digest of the frozen limits."""
    rule: str
    side: Side
    since: LedgerPart
    """With which part the pattern begins."""
    at: LedgerPart
    utc: str
    """Of the part that completed it."""
    value: float
    said: str

    @property
    def name(self) -> str:
        """By which it is cleared."""
        return self.digest[:SHORT]


def write_hit(records: Path, frozen: FrozenLimits, found: Found, utc: str) -> ChartRecord | None:
    """Puts a rule hit beside the records; None where one like it stands, or was cleared after its part.

    Raises:
        LedgerError: If it cannot be written.
    """
    record = ChartRecord(
        chart=frozen.limits.chart,
        limits=frozen.digest,
        rule=found.rule,
        side=found.side,
        since=found.since,
        at=found.at,
        utc=utc,
        value=found.value,
        said=in_words(frozen, found),
    )
    folder = records / FOLDER
    if not is_new(folder, record, _read, _is_like):
        return None
    write_record(alarm_path(folder, record.name), record)
    return record


def in_words(frozen: FrozenLimits, found: Found) -> str:
    """A rule hit in one sentence."""
    counted = "+".join(outcome.value for outcome in frozen.ledger.count) if frozen.ledger else ""
    return (
        f"{frozen.limits.chart} chart of {counted}: {SENTENCES[found.rule]}, {found.side}, since part "
        f"{found.since.trigger:,} ({found.value:.4g} at part {found.at.trigger:,})"
    )


def standing_hits(records: Path) -> tuple[tuple[str, str], ...]:
    """Name and sentence of each alarm that nobody has cleared, oldest first; "" and why a file cannot
    be read.
    """
    found = [
        ("", "", str(each)) if isinstance(each, LedgerError) else (each.utc, each.name, each.said)
        for each in standing_in(records / FOLDER, _read)
    ]
    return tuple((name, said) for _, name, said in sorted(found))


def clear_hit(records: Path, name: str, *, by: str, why: str, utc: str) -> ChartRecord | None:
    """Notes that somebody has looked into an alarm; None where none of this name stands.

    Raises:
        LedgerError: If the note cannot be written.
    """
    for each in standing_in(records / FOLDER, _read):
        if isinstance(each, ChartRecord) and each.name == name:
            clear_in(records / FOLDER, each, by=by, why=why, utc=utc)
            return each
    return None


def _is_like(first: ChartRecord, second: ChartRecord) -> bool:
    return (first.limits, first.rule, first.side) == (second.limits, second.rule, second.side)


def _read(path: Path) -> ChartRecord:
    return read_record(path, ChartRecord)
