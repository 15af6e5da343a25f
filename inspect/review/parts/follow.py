"""Rows of the ledger become rows of the index, in the order they were written, each once."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from taktsight.inspect.review.parts.ledger_reader import LedgerReader, Row, parsed
from taktsight.inspect.review.parts.tables import OUTCOMES
from taktsight.inspect.review.store.values import PartKey
from taktsight.records import Outcome

_PASS = OUTCOMES.index(Outcome.PASS)
_BY_NAME = {outcome.value: place for place, outcome in enumerate(OUTCOMES)}
PENDING_ROWS = 100_000
"""Judged so many rows ago, and never answered: its line has ended."""
_INSERT = (
    "INSERT OR IGNORE INTO parts "
    "(seq, run, trigger, serial, at, outcome, label, score, recipe, lot, other, is_waiting) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


@dataclass(frozen=True, slots=True)
class Looked:
    """What a part was flagged for, or would have been first."""

    label: str
    score: float | None


class Follower:
    """Writes into a connection that is in a transaction."""

    def __init__(
        self, connection: sqlite3.Connection, ledger: LedgerReader, lot: re.Pattern[str] | None
    ) -> None:
        self._connection = connection
        self._ledger = ledger
        self._lot = lot
        self._ids: dict[tuple[str, str], int] = {}
        self._labels: dict[str, tuple[str, ...]] = {}

    def take(self, rows: Sequence[Row]) -> int:
        """Takes rows in; the number of new parts."""
        parts = 0
        for row in rows:
            kind = row["kind"]
            if kind in ("armed", "changeover"):
                self._note(row)
            elif kind == "judged":
                self._connection.execute(
                    "INSERT OR REPLACE INTO pending VALUES (?, ?, ?)",
                    (row["run"], row["trigger"], row["seq"]),
                )
            elif kind == "verdict":
                self._verdict(row)
                parts += 1
            elif kind == "late":
                self._late(row)
        if rows:
            self._set_meta("seq", str(rows[-1]["seq"]))
            self._set_meta("digest", rows[-1]["digest"])
            self._connection.execute("DELETE FROM pending WHERE seq < ?", (rows[-1]["seq"] - PENDING_ROWS,))
        return parts

    def _note(self, row: Row) -> None:
        """Station and labels, as a line says them when it is armed or changes over."""
        self._run(row)
        for sentence in map(str, parsed(row, "reasons")):
            word, _, rest = sentence.partition(" ")
            if word == "station":
                self._connection.execute("UPDATE runs SET station = ? WHERE name = ?", (rest, row["run"]))
            elif word == "labels":
                labels = rest.split(", ")
                self._labels[row["bundle"]] = tuple(labels)
                self._connection.execute(
                    "INSERT OR REPLACE INTO bundles VALUES (?, ?)", (row["bundle"], json.dumps(labels))
                )

    def _verdict(self, row: Row) -> None:
        judged = self._judged(row)
        scored = judged if judged is not None and not parsed(row, "scores") else row
        looked = looked_at(scored, self._labels_of(scored["bundle"]))
        outcome = _BY_NAME.get(row["outcome"], len(OUTCOMES) - 1)
        serial = row["serial"]
        lot = lot_of(serial, self._lot)
        self._connection.execute(
            _INSERT,
            (
                row["seq"],
                self._run(row),
                row["trigger"],
                None if serial is None else serial.casefold(),
                milliseconds(row["utc"]),
                outcome,
                self._id("label", looked.label) if looked.label else None,
                looked.score,
                self._id("recipe", row["recipe"]),
                None if lot is None else self._id("lot", lot),
                None if judged is None else judged["seq"],
                int(outcome != _PASS),
            ),
        )

    def _judged(self, row: Row) -> Row | None:
        """What strict mode wrote of the part before its gate was told; None in fast mode."""
        where = (row["run"], row["trigger"])
        found = self._connection.execute(
            "DELETE FROM pending WHERE run = ? AND trigger = ? RETURNING seq", where
        ).fetchone()
        return self._ledger.by_seq([found[0]]).get(found[0]) if found else None

    def _late(self, row: Row) -> None:
        """It came after its part was answered; the part keeps its outcome, and has scores now."""
        seq = self._ledger.seq_of(PartKey(row["run"], row["trigger"]))
        looked = looked_at(row, self._labels_of(row["bundle"]))
        label = self._id("label", looked.label) if looked.label else None
        self._connection.execute(
            "UPDATE parts SET other = ?, label = ?, score = ? WHERE seq = ?",
            (row["seq"], label, looked.score, seq),
        )

    def _run(self, row: Row) -> int:
        seq = row["seq"]
        found = self._connection.execute(
            "INSERT INTO runs (name, first, last) VALUES (?, ?, ?) "
            "ON CONFLICT (name) DO UPDATE SET last = excluded.last RETURNING id",
            (row["run"], seq, seq),
        ).fetchone()
        return int(found[0])

    def _id(self, kind: str, name: str) -> int:
        known = self._ids.get((kind, name))
        if known is not None:
            return known
        self._connection.execute("INSERT OR IGNORE INTO names (kind, name) VALUES (?, ?)", (kind, name))
        found = self._connection.execute(
            "SELECT id FROM names WHERE kind = ? AND name = ?", (kind, name)
        ).fetchone()
        if len(self._ids) > 100_000:
            self._ids.clear()
        self._ids[kind, name] = number = int(found[0])
        return number

    def _labels_of(self, bundle: str) -> tuple[str, ...]:
        if bundle not in self._labels:
            query = "SELECT labels FROM bundles WHERE digest = ?"
            found = self._connection.execute(query, (bundle,)).fetchone()
            self._labels[bundle] = tuple(json.loads(found[0])) if found else ()
        return self._labels[bundle]

    def _set_meta(self, key: str, value: str) -> None:
        self._connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))


def looked_at(row: Row, labels: Sequence[str]) -> Looked:
    """What a row says that its part was flagged for.

    The reasons name the worst first, each with its label before the colon: "scratch: 0.80 mm² > 0.50 mm²".
    Of a part that passed it is the label of the highest score.
    """
    highest = _highest(row, labels)
    reasons = [str(reason) for reason in parsed(row, "reasons")]
    flagged = next((label for reason in reasons if (label := reason.partition(": ")[0]) in highest), None)
    if flagged is None:
        flagged = max(highest, key=lambda label: highest[label], default="")
    return Looked(flagged, highest.get(flagged))


def _highest(row: Row, labels: Sequence[str]) -> dict[str, float]:
    """Label → highest score of any view."""
    found: dict[str, float] = {}
    for scores in parsed(row, "scores").values():
        for label, score in named_scores(scores, labels).items():
            found[label] = max(found.get(label, 0.0), score)
    return found


def named_scores(scores: object, labels: Sequence[str]) -> dict[str, float]:
    """The scores of one view by label; a label that nobody named is its number."""
    values = scores if isinstance(scores, list) else []
    numbers = [value for value in values if isinstance(value, (int, float)) and 0 <= value <= 1]
    if len(numbers) != len(values):
        return {}
    names = labels if len(labels) == len(values) else [f"label {place}" for place in range(len(values))]
    return dict(zip(names, map(float, numbers), strict=True))


def lot_of(serial: str | None, pattern: re.Pattern[str] | None) -> str | None:
    """The lot that a serial names: the pattern's first group, or all that it matches."""
    found = pattern.search(serial[:200]) if pattern and serial else None
    if found is None:
        return None
    return found[1] if found.re.groups else found[0]


def milliseconds(utc: str) -> int:
    """Since 1970; 0 of a text that is no time."""
    try:
        moment = datetime.fromisoformat(utc)
    except ValueError:
        return 0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return round(moment.timestamp() * 1000)
