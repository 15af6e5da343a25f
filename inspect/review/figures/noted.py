"""Rows of the chained log that a subject of its own writes: audits, studies, frozen limits."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from taktsight.inspect.review.store.store import ReviewStore
from taktsight.inspect.review.store.tables import log


@dataclass(frozen=True, slots=True)
class Noted:
    """One row, its JSON read."""

    seq: int
    utc: str
    actor: str
    action: str
    subject: str
    new: Any
    reason: str


def noted(store: ReviewStore, actions: Collection[str], after: int, most: int = 100_000) -> list[Noted]:
    """The rows of these actions after one, in order."""
    query = (
        sa.select(log.c.seq, log.c.utc, log.c.actor, log.c.action, log.c.subject, log.c.new, log.c.reason)
        .where(log.c.seq > after, log.c.action.in_(sorted(actions)))
        .order_by(log.c.seq)
        .limit(most)
    )
    with store.book.reading() as connection:
        rows = connection.execute(query).all()
    return [
        Noted(
            row.seq, row.utc, row.actor, row.action, row.subject, json.loads(row.new or "null"), row.reason
        )
        for row in rows
    ]
