"""Parts that wait for somebody, as columns in memory: a queue is ordered without reading the disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taktsight.inspect.review.parts.ledger_reader import as_json
from taktsight.inspect.review.parts.tables import OUTCOMES
from taktsight.inspect.review.store.values import Why
from taktsight.records import Outcome

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MAX_WAITING = 500_000
"""The newest are held; older ones come once there are fewer. It is a year of a reviewer's work."""
WHYS = (Why.DISAGREEMENT, Why.AUDIT, Why.DRIFT, Why.UNINSPECTED, Why.REVIEW, Why.REJECT)
"""For which parts wait, the rarest first: a part that waits for several counts for the first of them."""
BITS = {why: 1 << place for place, why in enumerate(WHYS)}
_OF_OUTCOME = {
    OUTCOMES.index(Outcome.REJECT): BITS[Why.REJECT],
    OUTCOMES.index(Outcome.REVIEW): BITS[Why.REVIEW],
    OUTCOMES.index(Outcome.UNINSPECTED): BITS[Why.UNINSPECTED],
}
_COLUMNS = "seq, run, at, outcome, coalesce(label, 0), score, coalesce(recipe, 0), coalesce(lot, 0)"
SELECT = f"SELECT {_COLUMNS} FROM parts"  # noqa: S608  # names of columns
BY_NUMBER = f"{SELECT} WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY seq"  # noqa: S608
_NEW = f"{SELECT} WHERE is_waiting <> 0 AND seq > ? ORDER BY seq DESC LIMIT ?"
_CHANGED = f"{SELECT} WHERE is_waiting <> 0 AND seq IN (SELECT value FROM json_each(?))"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Columns:
    """One row a part, seq ascending."""

    seq: Ints
    run: Ints
    at: Ints
    """ms since 1970."""
    outcome: Ints
    label: Ints
    """0 where there is none; the same of recipe and lot."""
    score: Floats
    """NaN where nobody judged it."""
    recipe: Ints
    lot: Ints
    whys: Ints
    """Bits of :data:`BITS`; 0 of a part that does not wait."""
    first: Ints
    """Place in :data:`WHYS` for which the part is counted; -1 where there is none."""

    def at_rows(self, rows: Ints | Bools) -> Columns:
        """Some of the rows."""
        return Columns(*(getattr(self, name)[rows] for name in Columns.__slots__))


class Waiting:
    """Follows the index. One thread at a time."""

    def __init__(self) -> None:
        self.columns = columns_of([], {})
        self._last = 0
        self._generation = -1

    def follow(self, connection: sqlite3.Connection, changed: Sequence[int], generation: int) -> None:
        """Takes in parts that are new, and those that were decided or undone.

        Args:
            connection: to the index.
            changed: numbers of parts about which something else is known now.
            generation: of the index; another one, and all is read again.
        """
        if generation != self._generation:
            self.columns, self._last, self._generation = columns_of([], {}), 0, generation
        new = connection.execute(_NEW, (self._last, MAX_WAITING)).fetchall()[::-1]
        if new:
            self._last = new[-1][0]
            self._put(new, connection)
        if changed:
            self._change(connection, sorted({seq for seq in changed if seq <= self._last}))

    def _change(self, connection: sqlite3.Connection, seqs: Sequence[int]) -> None:
        found = connection.execute(_CHANGED, (as_json(seqs),)).fetchall()
        gone = np.isin(self.columns.seq, np.array(seqs, np.int64))
        if gone.any():
            self.columns = self.columns.at_rows(~gone)
        if found:
            self._put(found, connection)

    def _put(self, rows: Sequence[Sequence[object]], connection: sqlite3.Connection) -> None:
        added = columns_of(rows, _others(connection))
        joined = Columns(
            *(
                np.concatenate([getattr(self.columns, name), getattr(added, name)])
                for name in Columns.__slots__
            )
        )
        if self.columns.seq.size and added.seq[0] < self.columns.seq[-1]:
            joined = joined.at_rows(np.argsort(joined.seq, kind="stable"))
        if joined.seq.size > MAX_WAITING:
            joined = joined.at_rows(np.arange(joined.seq.size - MAX_WAITING, joined.seq.size))
        self.columns = joined


def columns_of(rows: Sequence[Sequence[object]], others: dict[int, int]) -> Columns:
    """Rows of :data:`SELECT`; ``others`` is what else than its verdict a part waits for, as bits."""
    if not rows:
        no, no_score = np.empty(0, np.int64), np.empty(0, np.float64)
        return Columns(no, no, no, no, no, no_score, no, no, no, no)
    table = np.array(rows, dtype=np.float64)  # None becomes NaN; numbers stay exact below 2**53
    seq, run, at, outcome, label, score, recipe, lot = table.T
    whole = [column.astype(np.int64) for column in (seq, run, at, outcome, label, recipe, lot)]
    whys = np.zeros(len(rows), np.int64)
    for place, bit in _OF_OUTCOME.items():
        whys[whole[3] == place] = bit
    for row, number in enumerate(whole[0].tolist()) if others else ():
        whys[row] |= others.get(number, 0)
    return Columns(
        seq=whole[0],
        run=whole[1],
        at=whole[2],
        outcome=whole[3],
        label=whole[4],
        score=np.ascontiguousarray(score),
        recipe=whole[5],
        lot=whole[6],
        whys=whys,
        first=_first_whys(whys),
    )


def _others(connection: sqlite3.Connection) -> dict[int, int]:
    """Part → bits of what else than its verdict it waits for."""
    found: dict[int, int] = {}
    for part, why in connection.execute("SELECT part, why FROM whys"):
        found[part] = found.get(part, 0) | BITS.get(Why(why), 0)
    return found


def whys_of(bits: int) -> tuple[Why, ...]:
    """For which a part waits, the rarest first."""
    return tuple(why for why in WHYS if bits & BITS[why])


def _first_whys(whys: Ints) -> Ints:
    first = np.full(whys.shape, -1, np.int64)
    for place in reversed(range(len(WHYS))):
        first[(whys & (1 << place)) != 0] = place
    return first
