"""Tables of the ledger and the file that holds them, and columns that came after ledgers had begun."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import event

ADDED = ("health", "frames")
"""Columns that ledgers of before do not have. Where one holds nothing it is no part of the row's digest, so
the digests of before still hold."""

metadata = sa.MetaData()
entries = sa.Table(
    "entries",
    metadata,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("run", sa.Text, nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("trigger", sa.BigInteger),
    sa.Column("serial", sa.Text),
    sa.Column("utc", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text),
    sa.Column("reasons", sa.Text, nullable=False),
    sa.Column("cycle_ns", sa.BigInteger),
    sa.Column("stage_ns", sa.Text, nullable=False),
    sa.Column("scores", sa.Text, nullable=False),
    sa.Column("health", sa.Text),
    sa.Column("bundle", sa.Text, nullable=False),
    sa.Column("recipe", sa.Text, nullable=False),
    sa.Column("frames", sa.Text),
    sa.Column("previous", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.UniqueConstraint("run", "number"),
    sa.UniqueConstraint("run", "kind", "trigger"),
)
images = sa.Table(
    "images",
    metadata,
    sa.Column("run", sa.Text, primary_key=True),
    sa.Column("trigger", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("camera", sa.Text, primary_key=True),
    sa.Column("file", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("utc", sa.Text, nullable=False),
    sa.Column("removed", sa.Text),
)
for _verb in ("UPDATE", "DELETE"):
    _refuse = sa.DDL(  # type: ignore[no-untyped-call]  # SQLAlchemy's own gap
        f"CREATE TRIGGER entries_no_{_verb.lower()} BEFORE {_verb} ON entries "
        "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
    )
    event.listen(entries, "after_create", _refuse.execute_if(dialect="sqlite"))


def open_engine(file: Path, mode: str) -> sa.Engine:
    """Of a ledger's file; ``mode`` as SQLite has it: "rw", or "rwc" to create it."""
    # Quoted: a folder may be called "50% off".
    uri = f"file:{quote(str(file))}?mode={mode}"
    engine = sa.create_engine(
        "sqlite://", creator=lambda: sqlite3.connect(uri, uri=True), poolclass=sa.pool.StaticPool
    )
    event.listen(engine, "connect", _set_durable)
    return engine


def _set_durable(connection: Any, _record: Any) -> None:
    # FULL: with NORMAL a power cut loses rows that were acknowledged.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=200"):
        connection.execute(f"PRAGMA {pragma}").close()


def columns_of(engine: sa.Engine) -> set[str]:
    """Names of the columns that the file's entries have."""
    return {column["name"] for column in sa.inspect(engine).get_columns(entries.name)}


def add_columns(engine: sa.Engine) -> None:
    """Gives a ledger of before the columns that came since; its rows hold nothing there."""
    for name in set(ADDED) - columns_of(engine):
        with engine.begin() as connection:
            connection.execute(sa.DDL(f"ALTER TABLE {entries.name} ADD COLUMN {name} TEXT"))  # type: ignore[no-untyped-call]
