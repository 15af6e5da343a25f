"""Whether a review's log is whole, and its tables say what the log says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from taktsight.errors import LedgerError
from taktsight.inspect.review.store.book import FILE, Book
from taktsight.inspect.review.store.chain import GENESIS, LogRow, digest_of_row, logged, row_of
from taktsight.inspect.review.store.head import Head, read_head
from taktsight.inspect.review.store.tables import accounts, decisions, log, settings, signatures, undos


@dataclass(frozen=True, slots=True)
class Verification:
    """What following the chain found."""

    rows: int
    """Rows of the log that were found whole."""
    head: str
    """Digest of the last of them."""
    signatures: int
    first_bad: int | None
    """Number of the first log row that is not as it was written, or that a table contradicts."""
    fault: str | None
    """What is wrong, in words; None where everything is whole."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong."""
        return self.fault is None


class _FaultError(LedgerError):
    """Ends a verification at the first thing that is wrong."""

    def __init__(self, seq: int | None, said: str) -> None:
        super().__init__(said)
        self.seq = seq


@dataclass(slots=True)
class _Found:
    """What the rows so far say."""

    last: Head = field(default_factory=lambda: Head(0, GENESIS))
    accounts: dict[str, dict[str, Any]] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    changed_by: dict[str, int] = field(default_factory=dict)
    signed: int = 0


class _Table:
    """Rows of a table that only grows, read beside the log in the same order."""

    def __init__(self, connection: sa.Connection, table: sa.Table) -> None:
        self._name = table.name
        query = _as_kept(table).order_by(table.c.id).execution_options(yield_per=1000)
        self._rows = (dict(row) for row in connection.execute(query).mappings())

    def compare(self, row: LogRow, said: Mapping[str, Any]) -> None:
        """The next row is the one that this row of the log made."""
        there = next(self._rows, None)
        if there is None or there["id"] > row.seq:
            what = f"log row {row.seq} says: {row.action} of {row.subject}"
            raise _FaultError(row.seq, f"table {self._name} lacks what {what}")
        self._refuse_extra(there["id"], row.seq)
        _compare_fields(f"table {self._name}, {row.action} of {row.subject}", there, said, row.seq)

    def check_end(self) -> None:
        """Nothing stands in it of which the log does not know."""
        there = next(self._rows, None)
        if there is not None:
            self._refuse_extra(there["id"], None)

    def _refuse_extra(self, number: int, seq: int | None) -> None:
        if number != seq:
            raise _FaultError(seq, f"table {self._name}: row {number} was made by no row of the log")


def verify(book: Book) -> Verification:
    """Follows the log from its first row to its last, then compares head, signatures and tables with it."""
    found = _Found()
    try:
        kept = read_head(book.folder)  # before the rows: what is committed meanwhile comes after it
        with book.reading() as connection:
            _check_tables(connection, found, kept)
    except _FaultError as fault:
        return Verification(found.last.seq, found.last.digest, found.signed, fault.seq, str(fault))
    except LedgerError as error:
        return Verification(found.last.seq, found.last.digest, found.signed, None, str(error))
    except (TypeError, ValueError) as error:  # what SQLite or SQLAlchemy make of bytes that are no text
        said = f"after log row {found.last.seq} something cannot be read: {error}"
        return Verification(found.last.seq, found.last.digest, found.signed, None, said)
    return Verification(found.last.seq, found.last.digest, found.signed, None, None)


def _check_tables(connection: sa.Connection, found: _Found, kept: Head | None) -> None:
    made = {
        "decide": _Table(connection, decisions),
        "undo": _Table(connection, undos),
        "sign": _Table(connection, signatures),
    }
    for row in _rows(connection):
        _check_place(row, found.last)
        if kept and row.seq == kept.seq and row.digest != kept.digest:
            said = f"log row {row.seq} is not the one that head.json knows: the log was written anew"
            raise _FaultError(row.seq, said)
        new = _new_of(row, must_be_fields=row.action in made or row.action in STATE_ACTIONS)
        if row.action in made:
            made[row.action].compare(row, _told(row, new))
        if row.action == "sign":
            _check_signed(connection, row, new.get("digest"))
            found.signed += 1
        _take_state(row, new, found)
        found.last = Head(row.seq, row.digest)
    _check_end(found.last, kept)
    for table in made.values():
        table.check_end()
    _check_accounts(connection, found)
    _check_settings(connection, found)


def _check_end(last: Head, kept: Head | None) -> None:
    if last.seq and kept is None:
        raise _FaultError(None, "head.json is gone: nobody can say whether rows were cut off at the end")
    if kept and kept.seq > last.seq:
        said = f"log row {last.seq + 1} is missing: the log was cut off, head.json knows {kept.seq} rows"
        raise _FaultError(last.seq + 1, said)


def _rows(connection: sa.Connection) -> Iterator[LogRow]:
    query = sa.select(log).order_by(log.c.seq).execution_options(yield_per=1000)
    for row in connection.execute(query).mappings():
        yield row_of(dict(row))


def _check_place(row: LogRow, last: Head) -> None:
    if row.seq != last.seq + 1:
        raise _FaultError(last.seq + 1, f"log row {last.seq + 1} is missing: row {row.seq} comes next")
    if row.previous != last.digest:
        raise _FaultError(
            row.seq, f"log row {row.seq} does not follow row {last.seq}: one of them was moved or replaced"
        )
    if not _is_as_written(row):
        raise _FaultError(
            row.seq, f"log row {row.seq} was changed: {row.action} of {row.subject} by {row.actor}"
        )


def _as_kept(table: sa.Table) -> sa.Select[Any]:
    """A table with its numbers as they are: a truth of 17 is none that the store wrote."""
    plain = (
        sa.type_coerce(column, sa.Integer).label(column.name)
        if isinstance(column.type, sa.Boolean)
        else column
        for column in table.c
    )
    return sa.select(*plain)


def _is_as_written(row: LogRow) -> bool:
    try:
        return digest_of_row(row) == row.digest
    except (TypeError, ValueError):  # bytes or infinities, which the store never writes
        return False


def _new_of(row: LogRow, *, must_be_fields: bool) -> dict[str, Any]:
    """What a row says in fields; rows that may say anything else say none here."""
    try:
        new = json.loads(row.new or "{}")
    except (TypeError, ValueError):
        new = None
    if isinstance(new, dict):
        return new
    if must_be_fields:
        raise _FaultError(
            row.seq, f"log row {row.seq} was changed: {row.action} of {row.subject} says nothing"
        )
    return {}


def _told(row: LogRow, new: Mapping[str, Any]) -> dict[str, Any]:
    """What a row of the log says that its table holds."""
    said = {**new, "id": row.seq, "utc": row.utc}
    if row.action == "decide":
        return said | {"reviewer": row.actor}
    if row.action == "undo":
        return said | {"actor": row.actor, "reason": row.reason}
    return said | {"actor": row.actor, "subject": row.subject}


def _take_state(row: LogRow, new: dict[str, Any], found: _Found) -> None:
    """What accounts and settings are after this row."""
    if row.action == "set":
        found.settings[row.subject] = row.new or ""
        found.changed_by[f"setting {row.subject}"] = row.seq
    elif row.action == "add account":
        found.accounts[row.subject] = new
        found.changed_by[f"account {row.subject}"] = row.seq
    elif row.subject in found.accounts and row.action in ACCOUNT_ACTIONS:
        found.accounts[row.subject] |= new
        found.changed_by[f"account {row.subject}"] = row.seq


ACCOUNT_ACTIONS = ("set role", "set password", "disable", "enable", "preferences")
LOGIN_ACTIONS = ("log in", "log out", "log in refused", "confirm", "confirm refused", "make link")
STATE_ACTIONS = ("add account", *ACCOUNT_ACTIONS)
ACTIONS = ("decide", "undo", "sign", "set", "begin", "add account", *ACCOUNT_ACTIONS, *LOGIN_ACTIONS)
"""What the store writes itself, and nobody else may."""


def _compare_fields(what: str, there: Mapping[str, Any], said: Mapping[str, Any], seq: int | None) -> None:
    differ = sorted(key for key in there.keys() | said.keys() if there.get(key, ...) != said.get(key, ...))
    if differ:
        raise _FaultError(
            seq, f"{what}: {', '.join(differ)} was changed and is not what log row {seq} says"
        )


def _check_signed(connection: sa.Connection, row: LogRow, digest: object) -> None:
    """A signed decision is one of the log's own rows."""
    kind, _, number = row.subject.partition(":")
    if kind != "decision":
        return
    query = sa.select(log.c.digest).where(log.c.seq == sa.cast(sa.literal(number), sa.BigInteger))
    if connection.execute(query).scalar() != digest:
        raise _FaultError(row.seq, f"log row {row.seq}: {row.subject} is not what {row.actor} signed")


def _check_accounts(connection: sa.Connection, found: _Found) -> None:
    rows = {row["name"]: dict(row) for row in connection.execute(_as_kept(accounts)).mappings()}
    for name in sorted(rows.keys() | found.accounts.keys()):
        seq = found.changed_by.get(f"account {name}")
        if name not in rows or name not in found.accounts:
            where = "the table of accounts" if name not in rows else "the log"
            raise _FaultError(seq, f"account {name!r} does not stand in {where}")
        _compare_fields(f"account {name!r}", logged(rows[name]), found.accounts[name], seq)


def _check_settings(connection: sa.Connection, found: _Found) -> None:
    rows = {row.key: row.value for row in connection.execute(sa.select(settings))}
    for key in sorted(rows.keys() | found.settings.keys()):
        if rows.get(key) != found.settings.get(key):
            seq = found.changed_by.get(f"setting {key}")
            raise _FaultError(seq, f"setting {key!r} was changed and is not what the log says (row {seq})")


def checked(book: Book) -> Verification:
    """The same, where a fault is an error.

    Raises:
        LedgerError: Naming the first thing that is wrong.
    """
    found = verify(book)
    if found.fault:
        raise LedgerError(f"{book.folder / FILE}: {found.fault}")
    return found
