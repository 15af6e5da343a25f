"""review.sqlite: every change is one transaction, with its rows in the log."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError

from taktsight.errors import LedgerError
from taktsight.inspect.review.store.chain import GENESIS, MAX_TEXT, LogRow, log_row, row_of
from taktsight.inspect.review.store.head import Head, advance_head, locked, read_head
from taktsight.inspect.review.store.tables import log, metadata, open_engine
from taktsight.whole_files import make_folder

REVIEW = "review"
"""The folder in a line's records that people write to."""
FILE = "review.sqlite"
SECRET = "secret.key"
WAIT_S = 10.0
"""For so long a writer waits for its turn; then it says so and nothing is written."""
SYSTEM = "taktsight"
"""Who acts where no person does."""


def utc_now() -> datetime:
    """The time of records."""
    return datetime.now(timezone.utc)


class Change:
    """A transaction that is being written."""

    def __init__(self, connection: sa.Connection, folder: Path, now: datetime) -> None:
        self.connection = connection
        self.now = now
        self.utc = now.isoformat(timespec="milliseconds")
        self.head: Head | None = None
        """The last row that this transaction wrote."""
        self._folder = folder

    def write(
        self,
        actor: str,
        action: str,
        subject: str,
        *,
        old: object = None,
        new: object = None,
        reason: str = "",
    ) -> int:
        """Writes a row of the log; its number."""
        head = self.head or self._last()
        row = log_row(head.seq + 1, self.utc, actor, action, subject, old, new, reason, head.digest)
        if sum(len(text or "") for text in (row.subject, row.old, row.new, row.reason)) > MAX_TEXT:
            raise LedgerError(
                f"{action} of {subject[:80]}: a row of the log holds {MAX_TEXT} characters at most"
            )
        self.connection.execute(sa.insert(log), asdict(row))
        self.head = Head(row.seq, row.digest)
        return row.seq

    def _last(self) -> Head:
        """The log's last row, if it follows from the head that is kept apart."""
        query = sa.select(log.c.seq, log.c.digest).order_by(log.c.seq.desc()).limit(1)
        found = self.connection.execute(query).first()
        last = Head(found.seq, found.digest) if found else Head(0, GENESIS)
        kept = read_head(self._folder)
        if kept is None and last.seq > 1:
            raise LedgerError(f"{self._folder}: head.json is gone; {_CLOSED}")
        if kept and self._digest_at(kept.seq) != kept.digest:
            raise LedgerError(
                f"{self._folder / FILE}: log row {kept.seq} is not the one that head.json knows; {_CLOSED}"
            )
        return last

    def _digest_at(self, seq: int) -> str | None:
        query = sa.select(log.c.digest).where(log.c.seq == seq)
        return self.connection.execute(query).scalar()


_CLOSED = (
    "nothing more is written to a log that was tampered with: keep the folder as evidence, say "
    "'taktsight ledger verify', and begin anew with a copy from before"
)


class Book:
    """The file, for threads and processes that write it at the same time."""

    def __init__(self, engine: sa.Engine, folder: Path, clock: Callable[[], datetime]) -> None:
        self.folder = folder
        self.clock = clock
        self._engine = engine
        self._turn = threading.Lock()

    @classmethod
    def create(cls, folder: Path, clock: Callable[[], datetime] = utc_now) -> Book:
        """Opens the file to write; makes it where there is none.

        Raises:
            LedgerError: If it cannot be written, or is no such file.
        """
        try:
            make_folder(folder)
            with locked(folder):
                (folder / FILE).touch(mode=0o600)  # it holds the digests of passwords
                book = cls(open_engine(folder / FILE, "rwc"), folder, clock)
                with book._said_plainly():
                    metadata.create_all(book._engine)
        except OSError as error:
            raise LedgerError(f"{folder / FILE}: cannot be opened: {error}") from error
        book._begin()
        return book

    @classmethod
    def read_only(cls, folder: Path) -> Book:
        """Opens the file to read.

        Raises:
            LedgerError: If there is none.
        """
        if not (folder / FILE).is_file():
            raise LedgerError(f"{folder / FILE}: is gone, or never was there")
        return cls(open_engine(folder / FILE, "ro"), folder, utc_now)

    @contextmanager
    def change(self) -> Iterator[Change]:
        """One transaction: it is on the disk when this is left, or nothing of it is.

        Raises:
            LedgerError: If the file stays locked for 10 s or the disk takes nothing.
        """
        started = time.monotonic()
        if not self._turn.acquire(timeout=WAIT_S):
            raise LedgerError(self._busy())
        try:
            left_ms = max(0, int((WAIT_S - (time.monotonic() - started)) * 1000))
            with self._said_plainly(), self._engine.connect() as bare:
                connection = bare.execution_options(wait_ms=left_ms)
                with connection.begin():
                    change = Change(connection, self.folder, self.clock())
                    yield change
        finally:
            self._turn.release()
        if change.head:
            advance_head(self.folder, change.head)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """One view of the file, whoever writes meanwhile."""
        with self._said_plainly(), self._engine.connect() as connection, connection.begin():
            yield connection

    def log(self, after: int, most: int) -> list[LogRow]:
        """The next rows of the log, in order."""
        query = sa.select(log).where(log.c.seq > after).order_by(log.c.seq).limit(most)
        with self.reading() as connection:
            return [row_of(dict(row)) for row in connection.execute(query).mappings()]

    def secret(self) -> bytes:
        """32 bytes of this folder that no page tells: names of images are made with it."""
        file = self.folder / SECRET
        with locked(self.folder):
            if not file.exists():
                partial = file.with_suffix(".new")
                partial.unlink(missing_ok=True)
                with os.fdopen(
                    os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
                ) as opened:
                    opened.write(secrets.token_bytes(32))
                    opened.flush()
                    os.fsync(opened.fileno())
                partial.replace(file)
        return file.read_bytes()

    def close(self) -> None:
        """Lets go of the file."""
        self._engine.dispose()

    def _begin(self) -> None:
        with self.change() as change:
            if change.connection.execute(sa.select(log.c.seq).limit(1)).first() is None:
                change.write(SYSTEM, "begin", "log", reason="this log began")
        first = self.log(0, 2)
        if len(first) == 1 and read_head(self.folder) is None:  # killed between commit and head
            advance_head(self.folder, Head(1, first[0].digest))

    @contextmanager
    def _said_plainly(self) -> Iterator[None]:
        try:
            yield
        except DatabaseError as error:
            if "locked" in str(error.orig) or "busy" in str(error.orig):
                raise LedgerError(self._busy()) from error
            raise LedgerError(f"{self.folder / FILE}: takes nothing: {error.orig}") from error

    def _busy(self) -> str:
        return (
            f"{self.folder / FILE}: is locked by another program for {WAIT_S:g} s; nothing was written, "
            "send it again"
        )
