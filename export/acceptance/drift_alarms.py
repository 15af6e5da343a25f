"""Alarms of drift beside the records: each stands until a person has cleared it."""

from __future__ import annotations

from pathlib import Path

from taktsight.errors import LedgerError
from taktsight.strict_json import parse_json

FOLDER = "drift"


def alarms_in(records: Path) -> tuple[str, ...]:
    """What the alarms in ``RECORDS/drift`` say that nobody cleared; one that cannot be read stands too.

    An alarm is ``alarm-NAME.json``; ``cleared-NAME.json`` clears it.
    """
    folder = records / FOLDER
    standing = []
    for path in sorted(folder.glob("alarm-*.json")):
        if not path.with_name(path.name.replace("alarm-", "cleared-", 1)).is_file():
            standing.append(_said(path))
    return tuple(standing)


def has_drift(records: Path) -> bool:
    """Whether drift was ever watched there."""
    return (records / FOLDER).is_dir()


def _said(path: Path) -> str:
    try:
        content = parse_json(path.read_bytes())
    except OSError as error:
        raise LedgerError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        return f"{path.name} cannot be read: {error}"
    said = content.get("said") if isinstance(content, dict) else None
    return str(said) if said else f"{path.name} does not say what it is about"
