"""Which lot a reviewed part is of: the ledger does not know."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Literal

from taktsight.errors import ConfigError

LotBy = Literal["run", "day", "hour"]
"""What stands for the production lot where nobody names lots."""
_STAMP = {"run": 0, "day": 10, "hour": 13}


def lot_by(run: str, utc: str, by: LotBy) -> str:
    """A name for what stands for the lot.

    >>> lot_by("20261126T071628Z-d318", "2026-11-26T07:16:30.000+00:00", "hour")
    '20261126T071628Z-d318/2026-11-26T07'
    """
    stamp = utc[: _STAMP[by]]
    return f"{run}/{stamp}" if stamp else run


def read_lots(file: Path) -> dict[str, str]:
    """Serial → lot.

    Raises:
        ConfigError: If the table lacks a column or names a serial twice.
    """
    try:
        rows = list(csv.DictReader(file.read_text(encoding="utf-8-sig").splitlines()))
        pairs = [(row["serial"], row["lot"]) for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{file}: cannot be read as a table in UTF-8: {error}") from error
    except KeyError as error:
        raise ConfigError(f"{file}: has no column {error}; wanted are serial and lot") from error
    lots = dict(pairs)
    if len(lots) < len(pairs) or not all(lots.values()) or not all(lots):
        raise ConfigError(f"{file}: each serial has one row, and a lot")
    return lots
