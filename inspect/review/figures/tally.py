"""The verdicts of a station, counted as they come: what charts and Pareto need of ten million parts.

It follows the index by the numbers of its rows and keeps five bytes a part: what a page asks for is then
cut out of memory, never summed over the ledger again.
"""

from __future__ import annotations

import threading
import time
from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from taktsight.inspect.review.parts.index import PartIndex
from taktsight.inspect.review.parts.ledger_reader import parsed
from taktsight.inspect.review.parts.tables import OUTCOMES
from taktsight.records import Outcome

CHUNK = 50_000
BUDGET_S = 0.5
"""A page waits no longer for the count; it says how far it came where there is more."""
FLAGGED = frozenset({Outcome.REJECT, Outcome.REVIEW})
UNINSPECTED = OUTCOMES.index(Outcome.UNINSPECTED)
DAY_MS = 86_400_000
_EPOCH = date(1970, 1, 1)


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
        self._names: dict[int, str] = {}
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

    def _rows(self) -> list[tuple[int, ...]]:
        """The next parts: row in the ledger, run, trigger, time and outcome, all numbers."""
        query = "SELECT seq, run, trigger, at, outcome FROM parts WHERE seq > ? ORDER BY seq LIMIT ?"
        with self._index.connections.one() as connection:
            cursor = connection.cursor()
            cursor.row_factory = None
            rows = cursor.execute(query, (self.seq, CHUNK)).fetchall()
            if {row[1] for row in rows} - self._names.keys():
                self._names = dict(cursor.execute("SELECT id, name FROM runs").fetchall())
            cursor.close()
        return rows

    def _take(self, rows: list[tuple[int, ...]]) -> None:
        if not rows:
            return
        seqs, runs, _, ats, outcomes = np.array(rows, dtype=np.int64).T
        start = len(self._outcomes)
        self._outcomes += outcomes.astype(np.uint8).tobytes()
        self._seqs.frombytes(seqs.astype(np.uint32).tobytes())
        days = ats // DAY_MS
        kinds, counts = np.unique(np.stack([runs, days, outcomes]), axis=1, return_counts=True)
        for (run, day, outcome), count in zip(kinds.T.tolist(), counts.tolist(), strict=True):
            self._of(run, day).outcomes[OUTCOMES[outcome]] += count
        for run in np.unique(runs).tolist():
            places = start + np.flatnonzero(runs == run)
            first = self._segments.get(self._names[run], (int(places[0]), 0))[0]
            self._segments[self._names[run]] = (first, int(places[-1]) + 1)
        self._take_labels([row for row in rows if OUTCOMES[row[4]] in FLAGGED])
        self.seq, self._last = rows[-1][0], (rows[-1][3], rows[-1][2])

    def _take_labels(self, flagged: list[tuple[int, ...]]) -> None:
        named = self._index.ledger.by_seq([row[0] for row in flagged])
        for seq, run, _, at, outcome in flagged:
            if seq in named:
                labels = labels_of(map(str, parsed(named[seq], "reasons")))
                of_run = self._of(run, at // DAY_MS).labels
                of_run.setdefault(OUTCOMES[outcome], Counter()).update(labels)

    def _of(self, run: int, day: int) -> Counted:
        key = (self._names[run], f"{_EPOCH + timedelta(days=day):%Y-%m-%d}")
        return self._counted.setdefault(key, Counted())


def labels_of(reasons: Iterable[str]) -> tuple[str, ...]:
    """The labels that reasons name before a colon, once each."""
    return tuple(dict.fromkeys(reason.split(":")[0] for reason in reasons if ":" in reason))
