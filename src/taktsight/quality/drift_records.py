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
from typing import Literal, TypeVar

from pydantic import Field, ValidationError

from taktsight.errors import LedgerError
from taktsight.quality.drift_causes import Cause
from taktsight.quality.drift_reference import DriftReference, Place
from taktsight.quality.drift_watch import Alarm
from taktsight.quality.drift_watched_streams import Detector
from taktsight.strict_json import parse_json
from taktsight.strict_model import StrictModel
from taktsight.whole_files import whole_file

FOLDER = "drift"
_SHORT = 12


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
        return self.digest[:_SHORT]


class Clearing(StrictModel):
    """Somebody has looked into an alarm."""

    format: Literal[1] = 1
    alarm: str
    """Digest of the alarm's record."""
    by: str = Field(min_length=1)
    why: str = Field(min_length=1)
    utc: str


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
    folder = records / FOLDER
    found, cleared = [], set()
    for path in sorted(folder.glob("cleared-*.json")):
        try:
            cleared.add(_read(path, Clearing).alarm)
        except LedgerError:  # it clears nothing then
            continue
    for path in sorted(folder.glob("alarm-*.json")):
        try:
            record = _read(path, DriftRecord)
        except LedgerError as error:
            found.append(Suspension(str(error), "", "", ""))
            continue
        if record.digest not in cleared and bundle in (None, record.bundle):
            found.append(Suspension(f"drift: {record.said}", record.name, record.utc, record.bundle))
    return tuple(sorted(found, key=lambda each: (each.since, each.name)))


def suspended_reason(records: Path, *, bundle: str | None = None) -> str | None:
    """Why a certificate may not be believed for now, in one text; None where nothing speaks against it."""
    return "; ".join(each.reason for each in suspensions(records, bundle=bundle)) or None


def write_alarm(records: Path, reference: DriftReference, alarm: Alarm) -> DriftRecord | None:
    """Puts an alarm beside the records; None where one like it stands there and nobody has cleared it.

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
    path = records / FOLDER / f"alarm-{record.name}.json"
    if path.exists() or any(_is_like(each, record) for each in open_alarms(records)):
        return None
    _write(path, record)
    return record


def open_alarms(records: Path) -> Sequence[DriftRecord]:
    """Alarms that can be read and that nobody has cleared."""
    names = {each.name for each in suspensions(records)} - {""}
    return [_read(records / FOLDER / f"alarm-{name}.json", DriftRecord) for name in sorted(names)]


def clear(records: Path, name: str, *, by: str, why: str, utc: str) -> DriftRecord:
    """Notes that somebody has looked into an alarm; it suspends nothing any more.

    Raises:
        LedgerError: If there is no such alarm, it is cleared already, or the note cannot be written.
    """
    found = [each for each in open_alarms(records) if each.name == name]
    if not found:
        there = ", ".join(each.name for each in open_alarms(records)) or "none"
        raise LedgerError(f"{records / FOLDER}: there is no open alarm {name}; open are: {there}")
    clearing = Clearing(alarm=found[0].digest, by=by, why=why, utc=utc)
    _write(records / FOLDER / f"cleared-{name}.json", clearing)
    return found[0]


def _is_like(first: DriftRecord, second: DriftRecord) -> bool:
    return (first.reference, first.detector, first.what) == (second.reference, second.detector, second.what)


Record = TypeVar("Record", DriftRecord, Clearing)


def _read(path: Path, model: type[Record]) -> Record:
    try:
        content = path.read_bytes()
        parse_json(content)
        record = model.model_validate_json(content, strict=True)
    except OSError as error:
        raise LedgerError(f"{path}: cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise LedgerError(
            f"{path}: is no record of drift: {'.'.join(map(str, first['loc']))}: {first['msg']}"
        ) from error
    except ValueError as error:
        raise LedgerError(f"{path}: is no record of drift: {error}") from error
    if isinstance(record, DriftRecord) and path.name != f"alarm-{record.name}.json":
        raise LedgerError(f"{path}: was changed: its content is that of alarm {record.name}")
    return record


def _write(path: Path, record: StrictModel) -> None:
    try:
        with whole_file(path) as file:
            file.write(record.model_dump_json(indent=1).encode())
    except OSError as error:
        raise LedgerError(f"{path}: cannot be written: {error.strerror}") from error
