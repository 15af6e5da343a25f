"""The append-only record of every trigger: each row carries the digest of the row before it.

A row that is changed, missing or moved breaks the chain there. Rows cut off at the end leave a whole
chain behind: whoever must be able to see that keeps the head's digest elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError

from taktsight.errors import LedgerError
from taktsight.inspect.ledger_rows import GENESIS, Row, check_digest, row_of
from taktsight.inspect.ledger_tables import add_columns, columns_of, entries, images, metadata, open_engine
from taktsight.inspect.messages import Entry
from taktsight.whole_files import make_folder

FILE = "ledger.sqlite"

_HEAD = sa.select(entries.c.seq, entries.c.digest).order_by(entries.c.seq.desc()).limit(1)
_LAST = sa.select(sa.func.max(entries.c.number)).where(entries.c.run == sa.bindparam("run"))
_INSERT = sa.insert(entries)
_LIST = sa.insert(images).prefix_with("OR REPLACE", dialect="sqlite")
_REMOVE = sa.update(images).where(
    *(images.c[key] == sa.bindparam(f"of_{key}") for key in ("run", "trigger", "camera"))
)
"""Statements made once: to make them for each commit takes as long as the commit."""


@dataclass(frozen=True, slots=True)
class Verification:
    """A chain that was found whole."""

    rows: int
    head: str
    """Digest of the last row: the whole ledger in 64 digits."""


class Ledger:
    """A ledger in a folder. Opened by one recorder at a time, read by anyone."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    @classmethod
    def create(cls, folder: Path) -> Ledger:
        """Opens the ledger to write; creates it where there is none.

        Raises:
            LedgerError: If the file cannot be written or is not a ledger.
        """
        try:
            make_folder(folder)
            ledger = cls(open_engine(folder / FILE, "rwc"))
            metadata.create_all(ledger._engine)
            add_columns(ledger._engine)
            columns = columns_of(ledger._engine)
        except (OSError, DatabaseError) as error:
            raise LedgerError(f"{folder / FILE}: cannot be opened: {error}") from error
        if columns != set(entries.c.keys()):
            raise LedgerError(
                f"{folder / FILE}: was written by another version of Taktsight; keep it, and give the "
                "station a new folder for its records"
            )
        return ledger

    @classmethod
    def open(cls, folder: Path) -> Ledger:
        """Opens the ledger to read.

        Raises:
            LedgerError: If there is none.
        """
        if not (folder / FILE).is_file():
            raise LedgerError(f"{folder / FILE}: there is no such ledger")
        return cls(open_engine(folder / FILE, "rw"))

    def append(self, run: str, new: Sequence[Entry], image_rows: Sequence[Row], utc: str) -> None:
        """Writes entries that are not there yet, and images, in one transaction on the disk.

        Raises:
            LedgerError: If the disk is full or the file is locked; nothing was written then.
        """
        try:
            with self._engine.begin() as connection:
                head = connection.execute(_HEAD).first()
                last = connection.execute(_LAST, {"run": run}).scalar()
                seq, previous = (head.seq, head.digest) if head else (0, GENESIS)
                rows = []
                for entry in new:
                    if entry.number <= (last or 0):
                        continue  # sent again after a crash of the recorder
                    seq += 1
                    rows.append(row_of(seq, run, entry, utc, previous))
                    previous = rows[-1]["digest"]
                if rows:
                    connection.execute(_INSERT, rows)
                for image_row in image_rows:
                    _put_image(connection, image_row)
        except DatabaseError as error:
            raise LedgerError(f"the ledger takes no entry: {error.orig}") from error

    def rows(self, last: int | None = None) -> Sequence[Row]:
        """The entries in order; with ``last``, the last so many."""
        query = sa.select(*self._columns()).order_by(entries.c.seq.desc()).limit(last)
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()][::-1]

    def rows_after(self, seq: int, most: int) -> Sequence[Row]:
        """The next entries after one, in order, so many at most: to read on while a line writes."""
        query = sa.select(*self._columns()).where(entries.c.seq > seq).order_by(entries.c.seq).limit(most)
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def runs(self) -> Sequence[str]:
        """Names of the runs, in the order they began."""
        query = sa.select(entries.c.run).group_by(entries.c.run).order_by(sa.func.min(entries.c.seq))
        with self._engine.connect() as connection:
            return list(connection.execute(query).scalars())

    def rows_of(self, run: str) -> Sequence[Row]:
        """The entries of one run, in order.

        Raises:
            LedgerError: If one of them was changed; whether one is missing, :meth:`verify` says.
        """
        query = sa.select(*self._columns()).where(entries.c.run == run).order_by(entries.c.seq)
        with self._engine.connect() as connection:
            rows = [dict(row) for row in connection.execute(query).mappings()]
        for row in rows:
            check_digest(row)
        return rows

    def newest_utc(self, *, before: str) -> str | None:
        """When the last entry of another run than this one was written; None where there is none."""
        query = sa.select(entries.c.utc).where(entries.c.run != before)
        with self._engine.connect() as connection:
            utc: str | None = connection.execute(query.order_by(entries.c.seq.desc()).limit(1)).scalar()
        return utc

    def image_rows(self, *, kept: bool) -> Sequence[Row]:
        """The images, oldest first; with ``kept`` only those that still lie on the disk."""
        query = sa.select(images).order_by(images.c.utc, images.c.trigger)
        with self._engine.connect() as connection:
            found = connection.execute(query.where(images.c.removed.is_(None)) if kept else query)
            return [dict(row) for row in found.mappings()]

    def verify(self) -> Verification:
        """Follows the chain from the first row to the last.

        Raises:
            LedgerError: Naming the first row that is changed, missing or out of order.
        """
        count, previous = 0, GENESIS
        for row in self._stream():
            count += 1
            if row["seq"] != count:
                raise LedgerError(f"ledger row {count} is missing: row {row['seq']} comes next")
            if row["previous"] != previous:
                raise LedgerError(
                    f"ledger row {count} does not follow row {count - 1}: one of them was moved or replaced"
                )
            check_digest(row)
            previous = row["digest"]
        return Verification(count, previous)

    def _columns(self) -> list[sa.ColumnElement[Any]]:
        """Those of a row; None stands for one that a ledger of before does not have."""
        there = columns_of(self._engine)
        return [column if column.name in there else sa.null().label(column.name) for column in entries.c]

    def close(self) -> None:
        """Lets go of the file."""
        self._engine.dispose()

    def _stream(self) -> Iterator[Row]:
        query = sa.select(*self._columns()).order_by(entries.c.seq)
        try:
            with self._engine.connect() as connection:
                for row in connection.execute(query).mappings():
                    yield dict(row)
        except DatabaseError as error:
            raise LedgerError(f"the ledger cannot be read: {error.orig}") from error


def _put_image(connection: sa.Connection, row: Row) -> None:
    if row.get("removed"):
        values = {f"of_{key}": row[key] for key in ("run", "trigger", "camera")}
        connection.execute(_REMOVE, values | {"removed": row["removed"]})
        return
    connection.execute(_LIST, [dict(row)])
