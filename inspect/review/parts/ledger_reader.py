"""The line's ledger as the review bench reads it: read-only, in short transactions, never held or locked.

A reader in WAL mode holds up no writer; a *long* one keeps the log from being folded back. So every
question is one query of bounded length, fetched whole before anything is made of it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from taktsight.errors import LedgerError
from taktsight.inspect.ledger import FILE
from taktsight.inspect.review.parts.connections import Connections
from taktsight.inspect.review.store.values import PartKey

Row = Mapping[str, Any]
WAIT_S = 10.0
"""For a ledger that is locked, as while it is copied."""
CHUNK = 5000
"""Rows of one query at most."""


class LedgerReader:
    """Any thread may ask."""

    def __init__(self, records: Path) -> None:
        self._file = records / FILE
        uri = f"file:{quote(str(self._file))}?mode=ro"
        self._connections = Connections(lambda: _connect(uri))

    def close(self) -> None:
        """Lets go of the file."""
        self._connections.close()

    @property
    def is_there(self) -> bool:
        """A station that never ran has no ledger."""
        return self._file.is_file()

    def rows_after(self, seq: int, most: int = CHUNK) -> list[Row]:
        """The next rows of all kinds, in order."""
        return self._ask(
            "SELECT * FROM entries WHERE seq > ? ORDER BY seq LIMIT ?", (seq, min(most, CHUNK))
        )

    def digest_at(self, seq: int) -> str | None:
        """Of a row; None where there is none."""
        rows = self._ask("SELECT digest FROM entries WHERE seq = ?", (seq,))
        return str(rows[0]["digest"]) if rows else None

    def head(self) -> tuple[int, str]:
        """Number and UTC of the last row; 0 and "" of an empty ledger."""
        rows = self._ask("SELECT seq, utc FROM entries ORDER BY seq DESC LIMIT 1", ())
        return (rows[0]["seq"], rows[0]["utc"]) if rows else (0, "")

    def by_seq(self, seqs: Sequence[int]) -> dict[int, Row]:
        """Rows by their number; those that are not there are left out."""
        rows = self._ask(
            "SELECT * FROM entries WHERE seq IN (SELECT value FROM json_each(?))", (as_json(seqs),)
        )
        return {row["seq"]: row for row in rows}

    def of_part(self, key: PartKey) -> dict[str, Row]:
        """Kind → row, of one part."""
        query = (
            "SELECT * FROM entries WHERE run = ? AND trigger = ? AND kind IN ('judged', 'late', 'verdict')"
        )
        return {row["kind"]: row for row in self._ask(query, (key.run, key.trigger))}

    def images_of(self, keys: Iterable[PartKey]) -> dict[PartKey, list[Row]]:
        """Its rows of the table of images, by camera; removed ones too."""
        query = "SELECT * FROM images WHERE run = ? AND trigger = ? ORDER BY camera"
        return {key: self._ask(query, (key.run, key.trigger)) for key in keys}

    def run_of(self, run: str, kind: str) -> list[Row]:
        """Rows of one kind of a run, in order; at most a chunk."""
        query = "SELECT * FROM entries WHERE run = ? AND kind = ? ORDER BY seq LIMIT ?"
        return self._ask(query, (run, kind, CHUNK))

    def seq_of(self, key: PartKey) -> int | None:
        """Number of a part's verdict; None while it has none."""
        query = "SELECT seq FROM entries WHERE run = ? AND kind = 'verdict' AND trigger = ?"
        rows = self._ask(query, (key.run, key.trigger))
        return rows[0]["seq"] if rows else None

    def _ask(self, query: str, values: Sequence[object]) -> list[Row]:
        try:
            with self._connections.one() as connection:
                return [dict(row) for row in connection.execute(query, values)]
        except sqlite3.Error as error:
            raise LedgerError(f"{self._file}: cannot be read: {error}") from error


def as_json(values: Iterable[object]) -> str:
    """For ``IN (SELECT value FROM json_each(?))``: as many values as there are."""
    return json.dumps(list(values))


def parsed(row: Row, column: str) -> Any:
    """A column of JSON; an empty value where the row holds nothing or nothing that can be read.

    A row that was tampered with must not take a page with it; that it was changed, ``ledger verify`` says.
    """
    empty: Any = () if column == "reasons" else {}
    try:
        found = json.loads(row.get(column) or "null")
    except ValueError:
        return empty
    return found if isinstance(found, list if column == "reasons" else dict) else empty


def _connect(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        uri, uri=True, timeout=WAIT_S, check_same_thread=False, isolation_level=None
    )
    connection.row_factory = sqlite3.Row
    return connection
