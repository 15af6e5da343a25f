"""index.sqlite: what searching and queueing need of each part, and nothing that is not in ledger or store.

It may be deleted at any time. It is made anew where it is gone, damaged, or of another version.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from taktsight.errors import LedgerError
from taktsight.records import Outcome
from taktsight.whole_files import make_folder

FILE = "index.sqlite"
VERSION = 1
OUTCOMES = (Outcome.PASS, Outcome.REJECT, Outcome.REVIEW, Outcome.UNINSPECTED)
"""A part's ``outcome`` is its place here."""

EMPTIED = (
    "DELETE FROM meta",
    "DELETE FROM names",
    "DELETE FROM bundles",
    "DELETE FROM runs",
    "DELETE FROM parts",
    "DELETE FROM pending",
    "DELETE FROM looks",
    "DELETE FROM whys",
)
"""Leaves nothing of another ledger behind."""
TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE names (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (kind, name));
CREATE TABLE bundles (digest TEXT PRIMARY KEY, labels TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE runs (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, station TEXT NOT NULL DEFAULT '',
                   first INTEGER NOT NULL, last INTEGER NOT NULL);
CREATE TABLE parts (
    seq INTEGER PRIMARY KEY,        -- of the verdict's row in the ledger
    run INTEGER NOT NULL,
    trigger INTEGER NOT NULL,
    serial TEXT,                    -- casefolded
    at INTEGER NOT NULL,            -- of the verdict, ms since 1970 in UTC
    outcome INTEGER NOT NULL,
    label INTEGER,                  -- flagged for; of a part that passed, of its highest score
    score REAL,                     -- of that label, the highest of its views
    recipe INTEGER,
    lot INTEGER,
    other INTEGER,                  -- row of the ledger that knows its scores where the verdict's does not
    is_waiting INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE pending (run TEXT NOT NULL, trigger INTEGER NOT NULL, seq INTEGER NOT NULL,
                      PRIMARY KEY (run, trigger)) WITHOUT ROWID;
CREATE TABLE looks (
    id INTEGER PRIMARY KEY,         -- of the decision
    part INTEGER NOT NULL,          -- 0 of one that is in no ledger
    reviewer TEXT NOT NULL,
    choice TEXT NOT NULL,
    why TEXT NOT NULL,
    blind INTEGER NOT NULL,
    truth TEXT,
    at INTEGER NOT NULL,
    undone INTEGER NOT NULL,
    mark TEXT,                      -- view, x0, y0, x1, y1 of its first mark, as JSON
    number INTEGER                  -- among decisions of which some come back blind, from 0
);
CREATE TABLE whys (part INTEGER NOT NULL, why TEXT NOT NULL, PRIMARY KEY (part, why)) WITHOUT ROWID;
"""
INDICES = """
CREATE INDEX parts_by_serial ON parts (serial) WHERE serial IS NOT NULL;
CREATE INDEX parts_by_time ON parts (at);
CREATE INDEX parts_by_outcome ON parts (outcome, at) WHERE outcome <> 0;
CREATE INDEX parts_by_label ON parts (label, at) WHERE outcome <> 0;
CREATE INDEX parts_by_lot ON parts (lot, at) WHERE lot IS NOT NULL;
CREATE INDEX parts_waiting ON parts (seq) WHERE is_waiting <> 0;
CREATE INDEX looks_of_part ON looks (part);
CREATE INDEX looks_of_reviewer ON looks (reviewer);
CREATE INDEX looks_by_number ON looks (number) WHERE number IS NOT NULL;
"""


def open_index(folder: Path, facts: dict[str, str]) -> Path:
    """The file of the index, ready; made anew where it is not what it must be.

    Args:
        folder: the review's.
        facts: what it was made with, as the pattern of a lot: with others it is made anew.

    Raises:
        LedgerError: If it cannot be written.
    """
    file = folder / FILE
    try:
        make_folder(folder)
        if file.exists() and not _is_fit(file, facts):
            remove_index(folder)
        if not file.exists():
            _make(file, facts)
    except (OSError, sqlite3.Error) as error:
        raise LedgerError(f"{file}: cannot be written: {error}") from error
    return file


def remove_index(folder: Path) -> None:
    """Takes it away, with what SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm"):
        (folder / f"{FILE}{suffix}").unlink(missing_ok=True)


def connect(file: Path) -> sqlite3.Connection:
    """A connection that any thread may use."""
    connection = sqlite3.connect(file, timeout=10, check_same_thread=False, isolation_level=None)
    connection.row_factory = sqlite3.Row
    # NORMAL: what a power cut takes, the ledger still has.
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "temp_store=MEMORY", "cache_size=-16000"):
        connection.execute(f"PRAGMA {pragma}").close()
    return connection


def _make(file: Path, facts: dict[str, str]) -> None:
    with contextlib.closing(connect(file)) as connection:
        connection.executescript(f"BEGIN IMMEDIATE; {TABLES} {INDICES} PRAGMA user_version={VERSION};")
        connection.executemany("INSERT INTO meta VALUES (?, ?)", facts.items())
        connection.execute("COMMIT")


def _is_fit(file: Path, facts: dict[str, str]) -> bool:
    try:
        with contextlib.closing(connect(file)) as connection:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version != VERSION:
                return False
            there = dict(connection.execute("SELECT key, value FROM meta").fetchall())
    except sqlite3.DatabaseError:  # damaged, or no database at all
        return False
    return all(there.get(key) == value for key, value in facts.items())
