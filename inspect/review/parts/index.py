"""Every part of a station's ledger, found at once: by serial, by what it was flagged for, by when it came.

The index follows the ledger by the numbers of its rows and holds nothing of its own: where it is gone,
damaged or of another ledger it is made anew.
"""

from __future__ import annotations

import re
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from taktsight.errors import ConfigError, LedgerError
from taktsight.inspect.review.parts import tables
from taktsight.inspect.review.parts.connections import Connections
from taktsight.inspect.review.parts.follow import Follower
from taktsight.inspect.review.parts.ledger_reader import LedgerReader
from taktsight.inspect.review.parts.part_rows import PartRows
from taktsight.inspect.review.parts.rows import EVERY, Filters, Found, PartRow
from taktsight.inspect.review.parts.search import MAX_TEXT, find
from taktsight.inspect.review.pictures.ids import ImageIds, read_secret
from taktsight.inspect.review.store.values import PartKey

FOLLOW_S = 0.4
"""How long one call follows at most: a new index of a large ledger is made in many calls."""
MAX_ROWS = 500


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the index has come."""

    seq: int
    """The last row of the ledger that it knows."""
    of: int
    """The ledger's last row."""

    @property
    def is_current(self) -> bool:
        """Whether every row is in it."""
        return self.seq >= self.of


class PartIndex:
    """Any thread may ask; one at a time follows."""

    def __init__(
        self,
        records: Path,
        review_folder: Path,
        file: Path,
        lot: re.Pattern[str] | None,
        deadline_ms: float | None,
    ) -> None:
        self.records = records
        self.folder = review_folder
        self.file = file
        self.ledger = LedgerReader(records)
        self.ids = ImageIds(read_secret(review_folder))
        self._lot = lot
        self._facts = _facts(lot)
        self.connections = Connections(lambda: tables.connect(file))
        self._rows = PartRows(records, self.ledger, self.ids, self.connections, lot, deadline_ms)
        self._following = threading.Lock()
        self.generation = 0
        """Raised whenever it was made anew under those who hold something of it."""

    @classmethod
    def open(
        cls,
        records: Path,
        review_folder: Path,
        *,
        lot_pattern: str | None = None,
        deadline_ms: float | None = None,
    ) -> PartIndex:
        """The index of some records; made where there is none, and empty then.

        Args:
            records: the folder that holds ledger.sqlite.
            review_folder: where the index lies.
            lot_pattern: regular expression that finds the lot in a serial, as its first group or as all
                that it matches; None where serials name no lot.
            deadline_ms: of the station, where somebody knows it.

        Raises:
            ConfigError: If the pattern is none.
            LedgerError: If the index cannot be written.
        """
        try:
            lot = None if lot_pattern is None else re.compile(lot_pattern)
        except re.error as error:
            raise ConfigError(f"lot pattern {lot_pattern!r}: {error}") from error
        file = tables.open_index(review_folder, _facts(lot))
        return cls(records, review_folder, file, lot, deadline_ms)

    def close(self) -> None:
        """Lets go of index and ledger."""
        with self._following:
            self.connections.close()
            self.ledger.close()

    def follow(self) -> int:
        """Takes in what the line wrote since: the number of new parts. Comes back soon.

        Raises:
            LedgerError: If ledger or index cannot be read.
        """
        if not self.ledger.is_there:
            return 0
        with self._following:
            return self._follow(time.monotonic() + FOLLOW_S)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction of the index; nothing of it stays where it is left by an exception.

        Raises:
            LedgerError: If the index cannot be written.
        """
        try:
            with self.connections.one() as connection:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                    connection.execute("COMMIT")
                except BaseException:
                    connection.execute("ROLLBACK")
                    raise
        except sqlite3.Error as error:
            raise LedgerError(
                f"{self.file}: cannot be written: {error}; it may be deleted, and is made anew"
            ) from error

    def progress(self) -> Progress:
        """How far it has come."""
        seq = int(self._meta("seq") or 0)
        return Progress(seq, max(seq, self.ledger.head()[0]) if self.ledger.is_there else seq)

    def part(self, key: PartKey) -> PartRow | None:
        """A part; None where the ledger has no verdict of it."""
        seq = self.ledger.seq_of(key) if self.ledger.is_there else None
        rows = () if seq is None else self._rows.of([seq])
        return rows[0] if rows else None

    def parts(self, seqs: Sequence[int]) -> tuple[PartRow, ...]:
        """Parts by the numbers of their verdicts' rows, in this order; what is not there is left out."""
        return self._rows.of(seqs) if seqs and self.ledger.is_there else ()

    def newest(self, n: int) -> tuple[PartRow, ...]:
        """The last parts that got their verdict, the newest first."""
        query = "SELECT seq FROM parts ORDER BY seq DESC LIMIT ?"
        with self.connections.one() as connection:
            seqs = [row[0] for row in connection.execute(query, (min(n, MAX_ROWS),))]
        return self.parts(seqs)

    def search(
        self, text: str = "", most: int = 50, filters: Filters = EVERY, after: str | None = None
    ) -> Found:
        """Parts by serial, or the newest ones where no serial is given.

        Args:
            text: the serial or its beginning, upper and lower case alike; RUN:TRIGGER names one part.
            most: how many at most.
            filters: what else they must be.
            after: ``next`` of what was found before.
        """
        named = self._named(text.strip()) if after is None and filters == EVERY else None
        if named is not None:
            return Found((named,))
        wanted = replace(filters, serial=(text.strip() or filters.serial)[:MAX_TEXT])
        with self.connections.one() as connection:
            hits = find(connection, wanted, most=min(most, MAX_ROWS), after=after)
        return Found(self.parts(hits.seqs), hits.next is None, hits.next)

    def stations(self) -> tuple[str, ...]:
        """Names that the runs were armed under."""
        return self._texts("SELECT DISTINCT station FROM runs WHERE station <> '' ORDER BY station")

    def labels(self) -> tuple[str, ...]:
        """That parts were flagged for, or could have been."""
        return self._texts("SELECT name FROM names WHERE kind = 'label' ORDER BY name")

    def lots(self, most: int = 200) -> tuple[str, ...]:
        """The newest lots first."""
        return self._texts("SELECT name FROM names WHERE kind = 'lot' ORDER BY id DESC LIMIT ?", most)

    def runs(self, most: int = 200) -> tuple[str, ...]:
        """Names of the runs, the newest first."""
        return self._texts("SELECT name FROM runs ORDER BY last DESC LIMIT ?", most)

    def _named(self, text: str) -> PartRow | None:
        run, colon, trigger = text.rpartition(":")
        is_name = colon and run and trigger.isdecimal() and len(trigger) <= 18
        return self.part(PartKey(run, int(trigger))) if is_name else None

    def _follow(self, until_s: float) -> int:
        parts = 0
        while True:
            with self.writing() as connection:
                if not self._continues(connection):
                    self._begin_anew(connection)
                rows = self.ledger.rows_after(int(_meta(connection, "seq") or 0))
                parts += Follower(connection, self.ledger, self._lot).take(rows)
            if not rows or time.monotonic() > until_s:
                return parts

    def _continues(self, connection: sqlite3.Connection) -> bool:
        """Whether the ledger still has the row that the index saw last."""
        seq, digest = _meta(connection, "seq"), _meta(connection, "digest")
        return seq is None or self.ledger.digest_at(int(seq)) == digest

    def _begin_anew(self, connection: sqlite3.Connection) -> None:
        """Another ledger lies there: what is in the index is of the one before."""
        for emptied in tables.EMPTIED:
            connection.execute(emptied)
        connection.executemany("INSERT INTO meta VALUES (?, ?)", self._facts.items())
        self.generation += 1

    def _meta(self, key: str) -> str | None:
        with self.connections.one() as connection:
            return _meta(connection, key)

    def _texts(self, query: str, *values: object) -> tuple[str, ...]:
        with self.connections.one() as connection:
            return tuple(row[0] for row in connection.execute(query, values))


def _facts(lot: re.Pattern[str] | None) -> dict[str, str]:
    return {"lot": lot.pattern if lot else ""}


def _meta(connection: sqlite3.Connection, key: str) -> str | None:
    found = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return str(found[0]) if found else None


def utc_now() -> datetime:
    """The time that ages are counted to."""
    return datetime.now(timezone.utc)
