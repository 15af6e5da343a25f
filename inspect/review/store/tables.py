"""Tables of review.sqlite and the file that holds them; the schema is PostgreSQL's too.

``log`` is the record. ``decisions``, ``undos``, ``signatures``, ``settings`` and ``accounts`` say the same
in a shape that can be asked quickly, and verification compares them. The others hold nothing that lasts.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import event

metadata = sa.MetaData()
log = sa.Table(
    "log",
    metadata,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("utc", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("old", sa.Text),
    sa.Column("new", sa.Text),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("previous", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
)
decisions = sa.Table(
    "decisions",
    metadata,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("request_id", sa.Text, nullable=False, unique=True),
    sa.Column("run", sa.Text, nullable=False),
    sa.Column("trigger", sa.BigInteger, nullable=False),
    sa.Column("reviewer", sa.Text, nullable=False),
    sa.Column("utc", sa.Text, nullable=False),
    sa.Column("choice", sa.Text, nullable=False),
    sa.Column("label", sa.Text),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("marks", sa.Text, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("blind", sa.Boolean, nullable=False),
    sa.Column("seen", sa.BigInteger, nullable=False),
    sa.Column("shown_ms", sa.BigInteger, nullable=False),
    sa.Column("frames", sa.Text, nullable=False),
    sa.Column("truth", sa.Text),
    sa.Index("decisions_of_part", "run", "trigger"),
)
undos = sa.Table(
    "undos",
    metadata,
    sa.Column("decision", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("id", sa.BigInteger, nullable=False, unique=True),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("utc", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)
signatures = sa.Table(
    "signatures",
    metadata,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("utc", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("full_name", sa.Text, nullable=False),
    sa.Column("meaning", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False, index=True),
    sa.Column("digest", sa.Text, nullable=False),
)
settings = sa.Table(
    "settings",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("full_name", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("password", sa.Text, nullable=False),
    sa.Column("preferences", sa.Text, nullable=False),
)
sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("token", sa.Text, primary_key=True),
    sa.Column("account", sa.Text, nullable=False, index=True),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("begun", sa.Float, nullable=False),
    sa.Column("seen", sa.Float, nullable=False),
)
links = sa.Table(
    "links",
    metadata,
    sa.Column("token", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("expires", sa.Float, nullable=False),
)
attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("at", sa.Float, nullable=False),
    sa.Index("attempts_of_key", "key", "at"),
)
claims = sa.Table(
    "claims",
    metadata,
    sa.Column("run", sa.Text, primary_key=True),
    sa.Column("trigger", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("until", sa.Float, nullable=False),
)
APPEND_ONLY = (log, decisions, undos, signatures)
for _table in APPEND_ONLY:
    for _verb in ("UPDATE", "DELETE"):
        _refuse = sa.DDL(  # type: ignore[no-untyped-call]  # SQLAlchemy's own gap
            f"CREATE TRIGGER {_table.name}_no_{_verb.lower()} BEFORE {_verb} ON {_table.name} "
            f"BEGIN SELECT RAISE(ABORT, 'the {_table.name} of a review are append-only'); END"
        )
        event.listen(_table, "after_create", _refuse.execute_if(dialect="sqlite"))


def open_engine(file: Path, mode: str) -> sa.Engine:
    """Of the file; ``mode`` as SQLite has it: "ro", "rw", or "rwc" to create it."""
    uri = f"file:{quote(str(file))}?mode={mode}"
    engine = sa.create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False),
        poolclass=sa.pool.QueuePool,
        pool_size=8,
        max_overflow=-1,  # as many as there are threads: their number is the server's to bound
    )
    event.listen(engine, "connect", _set_reader if mode == "ro" else _set_durable)
    event.listen(engine, "begin", _begin)
    return engine


def _set_durable(connection: Any, _record: Any) -> None:
    # FULL: with NORMAL a power cut loses decisions that were acknowledged.
    for pragma in ("busy_timeout=10000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _set_reader(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA busy_timeout=10000").close()


def _begin(connection: sa.Connection) -> None:
    """Writers take their turn at once: a transaction that read first could not become a writer later."""
    wait_ms = connection.get_execution_options().get("wait_ms")
    if wait_ms is None:
        connection.exec_driver_sql("BEGIN")
        return
    connection.exec_driver_sql(f"PRAGMA busy_timeout={int(wait_ms)}")
    connection.exec_driver_sql("BEGIN IMMEDIATE")
