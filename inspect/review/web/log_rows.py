"""The audit log, newest first, with what somebody looks for in it."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from taktsight.inspect.review.store.chain import LogRow
from taktsight.inspect.review.store.store import ReviewStore
from taktsight.inspect.review.store.tables import log


@dataclass(frozen=True, slots=True)
class Wanted:
    """What rows are looked for; empty texts leave nothing out."""

    actor: str = ""
    action: str = ""
    subject: str = ""
    """Anywhere in it."""
    since: str = ""
    """A day, "2026-11-26"; the first that is shown."""
    until: str = ""
    """The last day that is shown."""


def newest_rows(
    store: ReviewStore, wanted: Wanted, before: int = 0, after: int = 0, most: int = 50
) -> list[LogRow]:
    """Rows with a number below ``before``, or the next ones above ``after``; newest first."""
    query = sa.select(log).where(*_conditions(wanted))
    if after:
        query = query.where(log.c.seq > after).order_by(log.c.seq)
    else:
        query = query.where(log.c.seq < before if before else sa.true()).order_by(log.c.seq.desc())
    with store.book.reading() as connection:
        rows = [LogRow(**row) for row in connection.execute(query.limit(most)).mappings()]
    return rows[::-1] if after else rows


def actions_of(store: ReviewStore) -> list[str]:
    """What was ever done, for the choice of a filter."""
    with store.book.reading() as connection:
        return list(connection.execute(sa.select(log.c.action).distinct().order_by(log.c.action)).scalars())


def _conditions(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if wanted.actor:
        conditions.append(sa.func.lower(log.c.actor) == wanted.actor.lower())
    if wanted.action:
        conditions.append(log.c.action == wanted.action)
    if wanted.subject:
        conditions.append(log.c.subject.contains(wanted.subject, autoescape=True))
    if wanted.since:
        conditions.append(log.c.utc >= wanted.since)
    if wanted.until:
        conditions.append(log.c.utc <= f"{wanted.until}T99")
    return conditions
