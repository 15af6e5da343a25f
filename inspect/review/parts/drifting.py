"""Parts since an alarm of drift that nobody has cleared: some of them are looked at, flagged or not."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterator

from taktsight.errors import LedgerError
from taktsight.inspect.review.parts.audits import replace_why
from taktsight.inspect.review.parts.index import PartIndex
from taktsight.inspect.review.store.values import PartKey, Why
from taktsight.quality.drift_records import DriftRecord, open_alarms

SAMPLE = 100
"""Parts of each alarm."""
AMONG = 20_000
"""The first parts since the alarm's beginning, from which they are taken."""
STEP = 1000
"""The sample is taken again when so many more parts have come."""


class Drifting:
    """Keeps the index up to date with the alarms beside the records."""

    def __init__(self, index: PartIndex) -> None:
        self._index = index
        self._seen: tuple[object, ...] = ()

    def sync(self) -> list[int]:
        """Takes in alarms that are new or cleared: numbers of parts that wait for it, or no more."""
        try:
            alarms = open_alarms(self._index.records)
        except LedgerError:  # one that is being written; it suspends the certificate all the same
            alarms = []
        last = self._last()
        stamp = (
            self._index.generation,
            tuple(alarm.name for alarm in alarms),
            last // STEP if alarms else 0,
        )
        if stamp == self._seen:
            return []
        changed = replace_why(
            self._index, Why.DRIFT, {seq for alarm in alarms for seq in self._sample(alarm)}
        )
        self._seen = stamp
        return changed

    def _sample(self, alarm: DriftRecord) -> list[int]:
        """The same for everybody: those whose number under the alarm's name is lowest."""

        def number(seq: int) -> bytes:
            return hashlib.sha256(f"{alarm.name}\0{seq}".encode()).digest()

        return heapq.nsmallest(SAMPLE, self._since(alarm), key=number)

    def _since(self, alarm: DriftRecord) -> Iterator[int]:
        first = self._index.ledger.seq_of(PartKey(alarm.since.run, alarm.since.trigger))
        if first is None:
            return
        query = "SELECT seq FROM parts WHERE seq >= ? ORDER BY seq LIMIT ?"
        with self._index.connections.one() as connection:
            yield from [row[0] for row in connection.execute(query, (first, AMONG))]

    def _last(self) -> int:
        with self._index.connections.one() as connection:
            return int(connection.execute("SELECT coalesce(max(seq), 0) FROM parts").fetchone()[0])
