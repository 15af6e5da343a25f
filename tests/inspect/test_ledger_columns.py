"""A ledger that was begun before it had a column for image health: read, verified and written on."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from taktsight.errors import LedgerError
from taktsight.inspect.ledger import FILE, Ledger
from taktsight.inspect.messages import Entry

HEAD_OF_BEFORE = "7c73d0533467ab3bc48d9c252e7a55765367a73cf48312726445ef2ecad61a81"
"""Of the three entries below, as the ledger without the column gave it."""
HEALTH = {"camera": {"focus": 0.0123, "mean_level": 101.5}}


def entry(number: int, health: dict[str, dict[str, float]] | None = None) -> Entry:
    return Entry(
        "verdict",
        number,
        outcome="PASS",
        number=number,
        scores={"camera": (0.25,)},
        bundle="b",
        recipe="r",
        health=health or {},
    )


@pytest.fixture
def of_before(tmp_path: Path) -> Path:
    """The folder of a ledger without the column."""
    ledger = Ledger.create(tmp_path)
    ledger.append("run", [entry(number) for number in (1, 2, 3)], (), "2030-01-02")
    ledger.close()
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute("ALTER TABLE entries DROP COLUMN health")
    connection.close()
    return tmp_path


def columns(folder: Path) -> list[str]:
    with sqlite3.connect(folder / FILE) as connection:
        found = [row[1] for row in connection.execute("PRAGMA table_info(entries)")]
    connection.close()
    return found


def test_ledger_of_before_is_read_and_verified_and_not_touched(of_before: Path) -> None:
    ledger = Ledger.open(of_before)
    found = ledger.verify()
    assert (found.rows, found.head) == (3, HEAD_OF_BEFORE)
    assert [row["health"] for row in ledger.rows()] == [None] * 3
    assert [row["health"] for row in ledger.rows_of("run")] == [None] * 3
    ledger.close()
    assert "health" not in columns(of_before)


def test_ledger_of_before_is_written_on_in_one_chain(of_before: Path) -> None:
    ledger = Ledger.create(of_before)
    ledger.append("run", [entry(4, HEALTH), entry(5)], (), "2030-01-03")
    assert ledger.verify().rows == 5
    rows = ledger.rows()
    assert [row["health"] is None for row in rows] == [True, True, True, False, True]
    assert json.loads(rows[3]["health"]) == HEALTH
    ledger.close()
    assert "health" in columns(of_before)


@pytest.mark.parametrize(
    ("change", "row"),
    [
        ("""UPDATE entries SET health = '{"camera":{"focus":9}}' WHERE seq = 2""", 2),
        ("""UPDATE entries SET health = '{"camera":{"focus":9}}' WHERE seq = 4""", 4),
        ("UPDATE entries SET health = NULL WHERE seq = 4", 4),
    ],
)
def test_changed_measure_breaks_the_chain(of_before: Path, change: str, row: int) -> None:
    ledger = Ledger.create(of_before)
    ledger.append("run", [entry(4, HEALTH), entry(5)], (), "2030-01-03")
    with sqlite3.connect(of_before / FILE) as connection:
        connection.execute("DROP TRIGGER entries_no_update")
        connection.execute(change)
    connection.close()
    with pytest.raises(LedgerError, match=f"row {row} was changed"):
        ledger.verify()
