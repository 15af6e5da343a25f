"""What people decided, as the index needs it: who looked at which part, and which parts wait no more.

The store is the record. This follows it by the numbers of its log, as the index follows the ledger.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Sequence
from typing import Protocol

from taktsight.inspect.review.parts.follow import milliseconds
from taktsight.inspect.review.parts.index import FOLLOW_S, PartIndex
from taktsight.inspect.review.store.decided import standing
from taktsight.inspect.review.store.settings import Settings
from taktsight.inspect.review.store.values import Decision, PartKey, Why

CHUNK = 500
OWN_WHYS = {Why.SECOND, Why.KNOWN}
"""Say nothing new of the part: they come of decisions, and none of them comes back in turn."""
_INSERT = "INSERT OR REPLACE INTO looks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class Store(Protocol):
    """What the queue asks of the review store, and of what stands in for it in a benchmark."""

    def changes(self, after: int = 0, most: int = 1000) -> list[tuple[int, PartKey]]:
        """Parts that were decided or undone after a row of the log, each with its row."""

    def decisions_of(self, part: PartKey) -> tuple[Decision, ...]:
        """All decisions on a part, in order."""

    def claim(self, actor: str, part: PartKey) -> str | None:
        """Name of whoever else looks at it; None where the actor does now."""

    def settings(self) -> Settings:
        """What holds now."""


class Looks:
    """Keeps the index up to date with the store."""

    def __init__(self, index: PartIndex, store: Store) -> None:
        self._index = index
        self._store = store

    def sync(self) -> list[int]:
        """Takes in what was decided since: numbers of the parts it was about. Comes back soon."""
        changed: list[int] = []
        until_s = time.monotonic() + FOLLOW_S
        while time.monotonic() < until_s:
            with self._index.writing() as connection:
                after = _seen(connection)
                changes = self._store.changes(after, CHUNK)
                for row, key in changes:
                    changed.append(self._take(connection, row, key))
                if changes:
                    said = (str(changes[-1][0]),)
                    connection.execute("INSERT OR REPLACE INTO meta VALUES ('looks', ?)", said)
            if len(changes) < CHUNK:
                break
        return [seq for seq in changed if seq]

    def _take(self, connection: sqlite3.Connection, row: int, key: PartKey) -> int:
        made = self._store.decisions_of(key)
        seq = self._index.ledger.seq_of(key) or 0
        for decision in made:
            if decision.id == row:
                connection.execute(_INSERT, _look(connection, decision, seq))
            else:
                undone = (int(decision.undone_by is not None), decision.id)
                connection.execute("UPDATE looks SET undone = ? WHERE id = ?", undone)
        if seq:
            _settle(connection, seq, made)
        return seq


def _look(connection: sqlite3.Connection, decision: Decision, seq: int) -> tuple[object, ...]:
    """The row of a decision; those that may come back blind are numbered as they were made."""
    number = None
    if seq and decision.truth is not None and not decision.blind and decision.why not in OWN_WHYS:
        last = connection.execute("SELECT max(number) FROM looks").fetchone()[0]
        number = 0 if last is None else last + 1
    return (
        decision.id,
        seq,
        decision.reviewer,
        decision.choice.value,
        decision.why.value,
        int(decision.blind),
        decision.truth,
        milliseconds(decision.utc),
        int(decision.undone_by is not None),
        json.dumps([decision.marks[0].view, *decision.marks[0].box_px]) if decision.marks else None,
        number,
    )


def _settle(connection: sqlite3.Connection, seq: int, made: Sequence[Decision]) -> None:
    """Whether the part waits for somebody, and whether people disagree on it."""
    if disagree(made):
        connection.execute("INSERT OR IGNORE INTO whys VALUES (?, ?)", (seq, Why.DISAGREEMENT.value))
        connection.execute("UPDATE parts SET is_waiting = 1 WHERE seq = ?", (seq,))
        return
    connection.execute("DELETE FROM whys WHERE part = ? AND why = ?", (seq, Why.DISAGREEMENT.value))
    last = standing(made)
    is_decided = last is not None and last.truth is not None
    settle_part(connection, seq, is_decided=is_decided)


def settle_part(connection: sqlite3.Connection, seq: int, *, is_decided: bool) -> None:
    """A part waits while nobody decided, if it was flagged or something else speaks for looking at it."""
    query = (
        "UPDATE parts SET is_waiting = ? AND "
        "(outcome <> 0 OR EXISTS (SELECT 1 FROM whys WHERE whys.part = parts.seq)) WHERE seq = ?"
    )
    connection.execute(query, (int(not is_decided), seq))


def disagree(made: Sequence[Decision]) -> bool:
    """Whether people say different things of a part, and nobody has settled it since.

    It is settled by a decision that was made because they disagree, or by anybody's that came after all
    others and was not blind: who made it saw what the others had said.
    """
    said: dict[str, Decision] = {}
    for decision in made:
        if decision.undone_by is None and decision.truth is not None and decision.why is not Why.KNOWN:
            said[decision.reviewer] = decision
    if len({decision.truth for decision in said.values()}) < 2:
        return False
    last = max(said.values(), key=lambda decision: decision.id)
    return last.blind


def _seen(connection: sqlite3.Connection) -> int:
    found = connection.execute("SELECT value FROM meta WHERE key = 'looks'").fetchone()
    return int(found[0]) if found else 0
