"""People who decide, for tests of the queue."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path

from taktsight.bundle import read_bundle
from taktsight.inspect.review.parts.index import PartIndex
from taktsight.inspect.review.parts.review_queue import Queue
from taktsight.inspect.review.store.store import ReviewStore
from taktsight.inspect.review.store.values import Choice, Decision, NewDecision, PartKey, Why

from ..records import STARTED, MadeRecords

NOW = STARTED + timedelta(days=3)


class Bench:
    """Index, store and queue of some records."""

    def __init__(self, made: MadeRecords, *, with_golden: bool = False, **values: object) -> None:
        self.made = made
        review = made.folder / "review"
        self.store = ReviewStore.open(review)
        self.index = PartIndex.open(made.folder, review)
        while self.index.follow():
            pass
        bundles = [read_bundle(made.bundle)]
        values |= {"golden": bundles} if with_golden else {}
        self.queue = Queue(self.index, self.store, bundles=bundles, now=lambda: NOW, **values)  # type: ignore[arg-type]

    def decide(
        self,
        reviewer: str,
        key: PartKey,
        truth: str | None = "good",
        *,
        why: Why = Why.REJECT,
        blind: bool = False,
        choice: Choice | None = None,
    ) -> Decision:
        """Says that the part is good, or has this label."""
        said = choice or (Choice.FALSE_REJECT if truth == "good" else Choice.MISSED_DEFECT)
        label = None if truth == "good" or choice else truth
        made = self.store.decisions_of(key)
        seen = made[-1].id if made else 0
        request = str(uuid.uuid4())
        return self.store.decide(
            reviewer,
            NewDecision(key, said, label, "", (), why, blind, request, seen, 900),
            self.queue.known.judged(key),
        )

    def close(self) -> None:
        """Lets go of the files."""
        self.index.close()
        self.store.close()


def utc(moment: datetime) -> datetime:
    """With its zone."""
    return moment.replace(tzinfo=timezone.utc)


def remove(path: Path) -> None:
    """A database and what lies beside it."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
