"""What drift leaves beside the records: one file for each alarm, which suspends what was certified.

    RECORDS/drift/alarm-0123456789ab.json     written once, never changed
    RECORDS/drift/cleared-0123456789ab.json   who looked into it, and why the claim may stand again

An alarm stands until a person clears it: that nothing alarms any more proves nothing. A file that cannot be
read suspends too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
from taktsight.quality.drift_causes import Cause
from taktsight.quality.drift_reference import DriftReference, Place
from taktsight.quality.drift_watch import Alarm
from taktsight.quality.drift_watched_streams import Detector
from taktsight.strict_model import StrictModel

FOLDER = "drift"


class DriftRecord(StrictModel):
    """One alarm."""

    format: Literal[1] = 1
    station: str
    bundle: str
    """Digest of the bundle that the reference is of."""
    recipe: str
    reference: str
    """Digest of the reference."""
    detector: Detector
    what: str
    view: str
    since: Place
    at: Place
    utc: str
    """Of the part that raised it."""
    cause: Cause
    said: str
    look_into: str

    @property
    def name(self) -> str:
        """By which it is cleared."""
        return self.digest[:SHORT]


@dataclass(frozen=True, slots=True)
class Suspension:
    """Why a certificate may not be believed for now."""

    reason: str
    """In a sentence."""
    name: str
    """Of the alarm; "" where a file cannot be read."""
    since: str
    """UTC; "" where that cannot be read."""
    bundle: str
    """Digest of the bundle that it is about; "" for any."""


def suspensions(records: Path, *, bundle: str | None = None) -> tuple[Suspension, ...]:
    """Alarms beside a station's records that nobody has cleared, oldest first.

    Args:
        records: the station's folder of records.
        bundle: only those about the bundle of this digest; None for all. What cannot be read is about any.
    """
    found = []
    for each in standing_in(records / FOLDER, _read):
        if isinstance(each, LedgerError):
            found.append(Suspension(str(each), "", "", ""))
        elif bundle in (None, each.bundle):
            found.append(Suspension(f"drift: {each.said}", each.name, each.utc, each.bundle))
    return tuple(sorted(found, key=lambda each: (each.since, each.name)))


def suspended_reason(records: Path, *, bundle: str | None = None) -> str | None:
    """Why a certificate may not be believed for now, in one text; None where nothing speaks against it."""
    return "; ".join(each.reason for each in suspensions(records, bundle=bundle)) or None


def write_alarm(records: Path, reference: DriftReference, alarm: Alarm) -> DriftRecord | None:
    """Puts an alarm beside the records; None where one like it stands, or was cleared after its part.

    Raises:
        LedgerError: If it cannot be written.
    """
    record = DriftRecord(
        station=reference.station,
        bundle=reference.bundle,
        recipe=reference.recipe,
        reference=reference.digest,
        detector=alarm.detector,
        what=alarm.what,
        view=alarm.view,
        since=Place(run=alarm.since.run, trigger=alarm.since.trigger),
        at=Place(run=alarm.at.run, trigger=alarm.at.trigger),
        utc=alarm.utc,
        cause=alarm.cause,
        said=alarm.said,
        look_into=alarm.look_into,
    )
    folder = records / FOLDER
    if not is_new(folder, record, _read, _is_like):
        return None
    write_record(alarm_path(folder, record.name), record)
    return record


def open_alarms(records: Path) -> Sequence[DriftRecord]:
    """Alarms that can be read and that nobody has cleared."""
    found = standing_in(records / FOLDER, _read)
    return sorted((each for each in found if isinstance(each, DriftRecord)), key=lambda each: each.name)


def clear(records: Path, name: str, *, by: str, why: str, utc: str) -> DriftRecord:
    """Notes that somebody has looked into an alarm; it suspends nothing any more.

    Raises:
        LedgerError: If there is no such alarm, it is cleared already, or the note cannot be written.
    """
    found = [each for each in open_alarms(records) if each.name == name]
    if not found:
        there = ", ".join(each.name for each in open_alarms(records)) or "none"
        raise LedgerError(f"{records / FOLDER}: there is no open alarm {name}; open are: {there}")
    clear_in(records / FOLDER, found[0], by=by, why=why, utc=utc)
    return found[0]


def _is_like(first: DriftRecord, second: DriftRecord) -> bool:
    return (first.reference, first.detector, first.what) == (second.reference, second.detector, second.what)


def _read(path: Path) -> DriftRecord:
    return read_record(path, DriftRecord)
