"""The verdicts of a station, counted as they come: what charts and Pareto need of ten million parts.

It follows the index by the numbers of its rows and keeps five bytes a part: what a page asks for is then
cut out of memory, never summed over the ledger again.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timezone

import numpy as np
from numpy.typing import NDArray

from taktsight.inspect.review.parts.index import PartIndex
from taktsight.inspect.review.parts.ledger_reader import parsed
from taktsight.inspect.review.parts.tables import OUTCOMES
from taktsight.records import Outcome

CHUNK = 20_000
BUDGET_S = 0.5
"""A page waits no longer for the count; it says how far it came where there is more."""
FLAGGED = frozenset({Outcome.REJECT, Outcome.REVIEW})
UNINSPECTED = OUTCOMES.index(Outcome.UNINSPECTED)


@dataclass(slots=True)
class Counted:
    """Parts of one run on one day."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    labels: dict[Outcome, Counter[str]] = field(default_factory=dict)
    """Of flagged parts: how many name each label in their reasons, once a part."""


@dataclass(frozen=True, slots=True)
class Tail:
    """The last parts of a run, or of all."""

    outcomes: NDArray[np.uint8]
    """(N,) places in ``OUTCOMES``."""
    seqs: NDArray[np.uint32]
    """(N,) numbers of their verdicts' rows."""
    before: int
    """Parts of this run before these."""
    uninspected_before: int


class Tally:
    """One station; any thread may ask."""

    def __init__(self, index: PartIndex) -> None:
        self._index = index
        self._lock = threading.Lock()
        self._forget()

    def catch_up(self, budget_s: float = BUDGET_S) -> bool:
        """Counts what is new; whether that was all of it."""
        until = time.monotonic() + budget_s
        with self._lock:
            if self.seq and not self._is_same():
                self._forget()
            while True:
                rows = self._rows()
                self._take(rows)
                if len(rows) < CHUNK:
                    return True
                if time.monotonic() > until:
                    return False

    @property
    def parts(self) -> int:
        """How many are counted."""
        return len(self._outcomes)

    def runs(self) -> tuple[str, ...]:
        """Names, the newest first."""
        return tuple(reversed(self._segments))

    def counted(self, run: str = "", since: str = "") -> Counted:
        """Sums over the days from ``since`` on ("2026-01-05"), of a run or of all."""
        total = Counted()
        with self._lock:
            for (name, day), one in self._counted.items():
                if (not run or name == run) and day >= since:
                    total.outcomes.update(one.outcomes)
                    for outcome, labels in one.labels.items():
                        total.labels.setdefault(outcome, Counter()).update(labels)
        return total

    def tail(self, parts: int, run: str = "") -> Tail:
        """The last parts, of a run or of all; fewer where there are no more."""
        with self._lock:
            first, end = self._segments.get(run, (0, 0)) if run else (0, len(self._outcomes))
            start = max(first, end - parts)
            cut = bytes(self._outcomes[start:end])
            seqs = np.array(self._seqs[start:end], dtype=np.uint32)
            total = sum(
                one.outcomes[Outcome.UNINSPECTED]
                for (name, _), one in self._counted.items()
                if not run or name == run
            )
        outcomes = np.frombuffer(cut, dtype=np.uint8)
        lost = int((outcomes == UNINSPECTED).sum())
        return Tail(outcomes, seqs, start - first, total - lost)

    def _forget(self) -> None:
        self.seq = 0
        self._last: tuple[int, int] = (0, 0)
        self._outcomes = bytearray()
        self._seqs = array("I")
        self._segments: dict[str, tuple[int, int]] = {}
        """Run → first place and the one after its last; runs of one station follow one another."""
        self._counted: dict[tuple[str, str], Counted] = {}

    def _is_same(self) -> bool:
        """Whether the index still has the part that was counted last: it may have been made anew."""
        with self._index.connections.one() as connection:
            row = connection.execute("SELECT at, trigger FROM parts WHERE seq = ?", (self.seq,)).fetchone()
        return row is not None and (row["at"], row["trigger"]) == self._last

    def _rows(self) -> list[sqlite3.Row]:
        query = (
            "SELECT parts.seq, runs.name AS run, trigger, at, outcome FROM parts "
            "JOIN runs ON runs.id = parts.run WHERE parts.seq > ? ORDER BY parts.seq LIMIT ?"
        )
        with self._index.connections.one() as connection:
            return connection.execute(query, (self.seq, CHUNK)).fetchall()

    def _take(self, rows: list[sqlite3.Row]) -> None:
        if not rows:
            return
        flagged = [row["seq"] for row in rows if OUTCOMES[row["outcome"]] in FLAGGED]
        named = self._index.ledger.by_seq(flagged)
        for row in rows:
            place = len(self._outcomes)
            run, outcome = row["run"], OUTCOMES[row["outcome"]]
            self._outcomes.append(row["outcome"])
            self._seqs.append(row["seq"])
            self._segments[run] = (self._segments.get(run, (place, 0))[0], place + 1)
            one = self._counted.setdefault((run, _day(row["at"])), Counted())
            one.outcomes[outcome] += 1
            if outcome in FLAGGED and row["seq"] in named:
                reasons = map(str, parsed(named[row["seq"]], "reasons"))
                one.labels.setdefault(outcome, Counter()).update(labels_of(reasons))
        self.seq, self._last = rows[-1]["seq"], (rows[-1]["at"], rows[-1]["trigger"])


def labels_of(reasons: Iterable[str]) -> tuple[str, ...]:
    """The labels that reasons name before a colon, once each."""
    return tuple(dict.fromkeys(reason.split(":")[0] for reason in reasons if ":" in reason))


def _day(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, timezone.utc):%Y-%m-%d}"
