"""Whether a review's log is whole, and its tables say what the log says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from taktsight.errors import LedgerError
from taktsight.inspect.review.store.book import FILE, Book
from taktsight.inspect.review.store.chain import GENESIS, LogRow, digest_of_row, row_of
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
    """Number of the first log row that is not as it was written, or of which a table says something else."""
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
    return Verification(found.last.seq, found.last.digest, found.signed, None, None)


def _check_tables(connection: sa.Connection, found: _Found, kept: Head | None) -> None:
    for row in _rows(connection):
        _check_place(row, found.last)
        if kept and row.seq == kept.seq and row.digest != kept.digest:
            raise _FaultError(
                row.seq, f"log row {row.seq} is not the one in head.json: the log was written anew"
            )
        _check_told(connection, row, found)
        found.last = Head(row.seq, row.digest)
    if found.last.seq and kept is None:
        raise _FaultError(None, "head.json is gone: nobody can say whether rows were cut off at the end")
    if kept and kept.seq > found.last.seq:
        raise _FaultError(
            found.last.seq + 1,
            f"log row {found.last.seq + 1} is missing: it was cut off, head.json knows {kept.seq}",
        )
    _check_nothing_more(connection)
    _check_accounts(connection, found)
    _check_settings(connection, found)


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
    if digest_of_row(row) != row.digest:
        raise _FaultError(
            row.seq, f"log row {row.seq} was changed: {row.action} of {row.subject} by {row.actor}"
        )


def _check_told(connection: sa.Connection, row: LogRow, found: _Found) -> None:
    """Compares what this row made with what the tables have."""
    new = json.loads(row.new) if row.new else {}
    if row.action == "decide":
        said = new | {"id": row.seq, "utc": row.utc, "reviewer": row.actor}
        _compare(connection, decisions, decisions.c.id == row.seq, said, row)
    elif row.action == "undo":
        said = new | {"id": row.seq, "utc": row.utc, "actor": row.actor, "reason": row.reason}
        _compare(connection, undos, undos.c.id == row.seq, said, row)
    elif row.action == "sign":
        said = new | {"id": row.seq, "utc": row.utc, "actor": row.actor, "subject": row.subject}
        _compare(connection, signatures, signatures.c.id == row.seq, said, row)
        _check_signed(connection, row, new["digest"])
        found.signed += 1
    elif row.action == "set":
        found.settings[row.subject] = row.new or ""
        found.changed_by[f"setting {row.subject}"] = row.seq
    elif row.action == "add account":
        found.accounts[row.subject] = new
        found.changed_by[f"account {row.subject}"] = row.seq
    elif row.subject in found.accounts and row.action in ACCOUNT_ACTIONS:
        found.accounts[row.subject] |= new
        found.changed_by[f"account {row.subject}"] = row.seq


ACCOUNT_ACTIONS = ("set role", "set password", "disable", "enable", "preferences")
ACTIONS = ("decide", "undo", "sign", "set", "begin", "add account", "make link", *ACCOUNT_ACTIONS)
"""What the store writes itself, and nobody else may."""


def _compare(
    connection: sa.Connection,
    table: sa.Table,
    where: sa.ColumnElement[bool],
    said: Mapping[str, Any],
    row: LogRow,
) -> None:
    there = connection.execute(sa.select(table).where(where)).mappings().first()
    if there is None:
        raise _FaultError(
            row.seq, f"table {table.name} lacks what log row {row.seq} says: {row.action} of {row.subject}"
        )
    _compare_fields(f"table {table.name}, {row.action} of {row.subject}", dict(there), said, row.seq)


def _compare_fields(what: str, there: Mapping[str, Any], said: Mapping[str, Any], seq: int | None) -> None:
    differ = [key for key in said if key not in there or there[key] != said[key]]
    if differ:
        raise _FaultError(
            seq, f"{what}: {', '.join(differ)} was changed and is not what log row {seq} says"
        )


def _check_signed(connection: sa.Connection, row: LogRow, digest: str) -> None:
    """A signed decision is one of the log's own rows."""
    kind, _, number = row.subject.partition(":")
    if kind != "decision":
        return
    query = sa.select(log.c.digest).where(log.c.seq == int(number))
    if connection.execute(query).scalar() != digest:
        raise _FaultError(row.seq, f"log row {row.seq}: {row.subject} is not what {row.actor} signed")


def _check_nothing_more(connection: sa.Connection) -> None:
    for table, action in ((decisions, "decide"), (undos, "undo"), (signatures, "sign")):
        told = sa.select(log.c.seq).where(log.c.action == action)
        query = sa.select(table.c.id).where(table.c.id.not_in(told)).order_by(table.c.id).limit(1)
        extra = connection.execute(query).scalar()
        if extra is not None:
            raise _FaultError(None, f"table {table.name}: row {extra} stands in no row of the log")


def _check_accounts(connection: sa.Connection, found: _Found) -> None:
    rows = {row["name"]: dict(row) for row in connection.execute(sa.select(accounts)).mappings()}
    for name in sorted(rows.keys() | found.accounts.keys()):
        seq = found.changed_by.get(f"account {name}")
        if name not in rows or name not in found.accounts:
            where = "the table of accounts" if name not in rows else "the log"
            raise _FaultError(seq, f"account {name!r} does not stand in {where}")
        rows[name]["password"] = hashlib.sha256(rows[name]["password"].encode()).hexdigest()
        _compare_fields(f"account {name!r}", rows[name], found.accounts[name], seq)


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
