"""Records of very many parts, written by SQLite itself: a ledger as a line leaves it, and its index.

Of 100 parts 97 pass, 2 are rejected or in the unsure band, 1 is uninspected. The index holds, row by row,
what following such a ledger would put there; following 10⁷ rows would take an hour of these two cores.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from taktsight.inspect.ledger import FILE as LEDGER
from taktsight.inspect.ledger import Ledger
from taktsight.inspect.review.parts import tables

RUN = "20260105T060000"
LABELS = ("pit", "scratch", "stain")
BEGUN_MS = 1_767_592_800_000
"""2026-01-05T06:00Z."""
TAKT_MS = 1000
LOT_PARTS = 5000
_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)"
_OUTCOME = "CASE i % 100 WHEN 17 THEN 1 WHEN 56 THEN 2 WHEN 91 THEN 3 ELSE 0 END"
_SERIAL = "printf('L%05d-%08d', i / 5000, i)"
_SCORE = "((i * 2654435761) % 1000) / 1000.0"
_UTC = f"strftime('%Y-%m-%dT%H:%M:%S', ({BEGUN_MS} + i * {TAKT_MS}) / 1000, 'unixepoch') || '.000+00:00'"
_LEDGER_ROWS = f"""
{_NUMBERS}
INSERT INTO entries (seq, run, number, kind, trigger, serial, utc, outcome, reasons, cycle_ns, stage_ns,
                     scores, bundle, recipe, frames, previous, digest)
SELECT i + 1, '{RUN}', i + 1, 'verdict', i, {_SERIAL}, {_UTC},
       CASE {_OUTCOME} WHEN 0 THEN 'PASS' WHEN 1 THEN 'REJECT' WHEN 2 THEN 'REVIEW' ELSE 'UNINSPECTED' END,
       CASE {_OUTCOME} WHEN 0 THEN '[]' ELSE '["pit: score 0.71 ≥ 0.60"]' END,
       41000000, '{{"infer":30000000}}',
       CASE {_OUTCOME} WHEN 3 THEN '{{}}' ELSE '{{"top":[0.71,0.02,0.01]}}' END,
       'bundle', 'recipe', NULL, 'previous', printf('%x', i)
FROM n
"""
_INDEX_ROWS = f"""
{_NUMBERS}
INSERT INTO parts (seq, run, trigger, serial, at, outcome, label, score, recipe, lot, other, is_waiting)
SELECT i + 1, 1, i, lower({_SERIAL}), {BEGUN_MS} + i * {TAKT_MS}, {_OUTCOME}, 1 + i % 3,
       CASE {_OUTCOME} WHEN 3 THEN NULL ELSE {_SCORE} END, 4, 5 + i / {LOT_PARTS}, NULL, {_OUTCOME} <> 0
FROM n
"""


def write_many(records: Path, parts: int) -> None:
    """Writes ledger and index of so many parts, about 400 bytes each; a minute or two for 10⁷."""
    Ledger.create(records).close()
    with closing(sqlite3.connect(records / LEDGER, isolation_level=None)) as connection:
        _hurry(connection)
        armed = json.dumps(["station press 4", f"labels {', '.join(LABELS)}"])
        connection.execute("BEGIN")
        connection.execute(
            "INSERT INTO entries (seq, run, number, kind, utc, reasons, stage_ns, scores, bundle, recipe, "
            "previous, digest) VALUES (1, ?, 1, 'armed', '2026-01-05T06:00:00.000+00:00', ?, '{}', '{}', "
            "'bundle', 'recipe', '', '')",
            (RUN, armed),
        )
        connection.execute(_LEDGER_ROWS, (parts,))
        connection.execute("COMMIT")
    _write_index(records / "review", parts)


def _write_index(folder: Path, parts: int) -> None:
    file = tables.open_index(folder, {"lot": r"^L\d+"})
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        _hurry(connection)
        connection.execute("BEGIN")
        query = "SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE INDEX%'"
        for (name,) in connection.execute(query).fetchall():
            connection.execute(f"DROP INDEX {name}")
        names = [(1 + place, "label", label) for place, label in enumerate(LABELS)]
        names += [(4, "recipe", "recipe")]
        names += [(5 + lot, "lot", f"L{lot:05d}") for lot in range(parts // LOT_PARTS + 1)]
        connection.executemany("INSERT INTO names VALUES (?, ?, ?)", names)
        connection.execute("INSERT INTO runs VALUES (1, ?, 'press 4', 1, ?)", (RUN, parts + 1))
        connection.execute("INSERT INTO bundles VALUES ('bundle', ?)", (json.dumps(LABELS),))
        said = [("seq", str(parts + 1)), ("digest", f"{parts:x}")]
        connection.executemany("INSERT INTO meta VALUES (?, ?)", said)
        connection.execute(_INDEX_ROWS, (parts,))
        connection.execute("COMMIT")
        connection.executescript(tables.INDICES)


def _hurry(connection: sqlite3.Connection) -> None:
    """Nobody minds if the power goes meanwhile."""
    for pragma in ("synchronous=OFF", "cache_size=-400000", "temp_store=MEMORY"):
        connection.execute(f"PRAGMA {pragma}").close()
