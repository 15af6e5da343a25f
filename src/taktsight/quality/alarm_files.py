"""Alarms as files in a folder beside the records: each is written once, and another file clears it.

    alarm-0123456789ab.json       what was found; its name is the beginning of its digest
    cleared-0123456789ab.json     who looked into it, and why it may be over

An alarm stands until a person clears it: that nothing alarms any more proves nothing. One like it that is
found in parts of before the clearing is the same alarm: whoever cleared it has looked at those.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Protocol, TypeVar

from pydantic import BaseModel, Field, ValidationError

from taktsight.errors import LedgerError
from taktsight.strict_json import parse_json
from taktsight.strict_model import StrictModel
from taktsight.whole_files import whole_file

SHORT = 12
"""Digits of a digest that name an alarm."""


class Clearing(StrictModel):
    """Somebody has looked into an alarm."""

    format: int = Field(default=1, ge=1, le=1)
    alarm: str
    """Digest of the alarm's record."""
    by: str = Field(min_length=1)
    why: str = Field(min_length=1)
    utc: str


class AlarmRecord(Protocol):
    """Of drift, or of a chart."""

    @property
    def digest(self) -> str:
        """Of what was found."""

    @property
    def name(self) -> str:
        """By which it is cleared."""

    @property
    def utc(self) -> str:
        """Of the part that raised it."""


Record = TypeVar("Record", bound=BaseModel)
Alarm = TypeVar("Alarm", bound=AlarmRecord)


def read_record(path: Path, model: type[Record]) -> Record:
    """A record as it was written.

    Raises:
        LedgerError: If it cannot be read, is no such record, or was changed.
    """
    try:
        content = path.read_bytes()
        parse_json(content)
        return model.model_validate_json(content, strict=True)
    except OSError as error:
        raise LedgerError(f"{path}: cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise LedgerError(
            f"{path}: is no record of an alarm: {'.'.join(map(str, first['loc']))}: {first['msg']}"
        ) from error
    except ValueError as error:
        raise LedgerError(f"{path}: is no record of an alarm: {error}") from error


def write_record(path: Path, record: BaseModel) -> None:
    """Writes a record whole.

    Raises:
        LedgerError: If it cannot be written.
    """
    try:
        with whole_file(path) as file:
            file.write(record.model_dump_json(indent=1).encode())
    except OSError as error:
        raise LedgerError(f"{path}: cannot be written: {error.strerror}") from error


def alarm_path(folder: Path, name: str) -> Path:
    """Where an alarm lies."""
    return folder / f"alarm-{name}.json"


def alarms_in(folder: Path, read: Callable[[Path], Alarm]) -> Iterator[tuple[Path, Alarm | LedgerError]]:
    """Each alarm of a folder, cleared ones too; where a file cannot be read or was changed, why."""
    for path in sorted(folder.glob("alarm-*.json")):
        try:
            record = read(path)
        except LedgerError as error:
            yield path, error
            continue
        is_its_own = path.name == alarm_path(folder, record.name).name
        said = f"{path}: was changed: its content is that of alarm {record.name}"
        yield path, record if is_its_own else LedgerError(said)


def clearings(folder: Path) -> dict[str, Clearing]:
    """Digest of each alarm that was cleared → its clearing. One that cannot be read clears nothing."""
    found = {}
    for path in sorted(folder.glob("cleared-*.json")):
        try:
            clearing = read_record(path, Clearing)
        except LedgerError:  # then it stands
            continue
        found[clearing.alarm] = clearing
    return found


def standing_in(folder: Path, read: Callable[[Path], Alarm]) -> list[Alarm | LedgerError]:
    """Alarms that nobody has cleared, and why a file cannot be read."""
    cleared = clearings(folder)
    return [
        each
        for _, each in alarms_in(folder, read)
        if isinstance(each, LedgerError) or each.digest not in cleared
    ]


def is_new(
    folder: Path, record: Alarm, read: Callable[[Path], Alarm], is_like: Callable[[Alarm, Alarm], bool]
) -> bool:
    """Whether an alarm says what none does that stands, and none that was cleared after its part."""
    if alarm_path(folder, record.name).exists():
        return False
    cleared = clearings(folder)
    for _, each in alarms_in(folder, read):
        if isinstance(each, LedgerError) or not is_like(each, record):
            continue
        clearing = cleared.get(each.digest)
        if clearing is None or _moment(record.utc) <= _moment(clearing.utc):
            return False
    return True


def clear_in(folder: Path, alarm: AlarmRecord, *, by: str, why: str, utc: str) -> None:
    """Notes that somebody has looked into an alarm.

    Raises:
        LedgerError: If it cannot be written.
    """
    clearing = Clearing(alarm=alarm.digest, by=by, why=why, utc=utc)
    write_record(folder / f"cleared-{alarm.name}.json", clearing)


def _moment(utc: str) -> datetime:
    moment = datetime.fromisoformat(utc)
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
