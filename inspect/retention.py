"""Which kept images go first: by age, by outcome, by room. No clock and no disk of its own."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from datetime import datetime, timedelta

from taktsight.inspect.ledger_rows import Row
from taktsight.inspect.messages import ImageRules
from taktsight.records import Outcome

RANK = {Outcome.PASS: 0, Outcome.UNINSPECTED: 1, Outcome.REVIEW: 2, Outcome.REJECT: 2}
"""What has the lower rank is shed and removed first: an audit can take another passed part, a part that
nobody could judge tells of the machine alone, and of rejects and reviews somebody may ask."""


class Shelf:
    """The images that lie on the disk."""

    def __init__(self, rules: ImageRules) -> None:
        self._rules = rules
        self._images: dict[Outcome, OrderedDict[str, Row]] = {outcome: OrderedDict() for outcome in RANK}
        self.bytes = 0

    def add(self, row: Row) -> None:
        """An image more, younger than the others; one written again takes the place of the old one."""
        images = self._images[Outcome(row["outcome"])]
        before = images.pop(row["file"], None)
        images[row["file"]] = row
        self.bytes += row["bytes"] - (before["bytes"] if before else 0)

    def discard(self, row: Row) -> None:
        """The image is gone."""
        if self._images[Outcome(row["outcome"])].pop(row["file"], None) is not None:
            self.bytes -= row["bytes"]

    def too_old(self, now: datetime) -> Iterator[Row]:
        """Takes out what is older than its outcome may become."""
        for outcome, images in self._images.items():
            days = self._rules.max_age_days_of.get(outcome, self._rules.max_age_days)
            oldest = (now - timedelta(days=days)).isoformat(timespec="milliseconds")
            while images and (row := next(iter(images.values())))["utc"] < oldest:
                self.discard(row)
                yield row

    def too_much(self) -> Iterator[Row]:
        """Takes out what is beyond the room for images."""
        while self.bytes > self._rules.max_mb * 1e6 and (row := self.first_out()) is not None:
            yield row

    def first_out(self) -> Row | None:
        """Takes out the image that can be missed most easily: the oldest of the lowest rank."""
        heads = [(RANK[of], next(iter(images.values()))) for of, images in self._images.items() if images]
        if not heads:
            return None
        _, row = min(heads, key=lambda head: (head[0], head[1]["utc"]))
        self.discard(row)
        return row
