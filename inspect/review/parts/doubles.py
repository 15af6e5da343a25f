"""Parts that come back blind to another reviewer, and parts whose truth is known: which, and when.

Nothing is drawn at random: every choice follows from a secret of the folder and from what was decided, so
that it is the same whoever asks and how often, and no reviewer can tell it ahead.

Of each block of decisions, 20 where the share is 5 %, one comes back: the share is kept block by block,
never by luck. A reviewer gets them in between, one in every half a block, for as long as any wait. Known
parts come the same way, one in each of the reviewer's own blocks of 50 where the share is 2 %.
"""

from __future__ import annotations

import hmac
import sqlite3
from dataclasses import dataclass

from taktsight.inspect.review.parts.ledger_reader import as_json
from taktsight.inspect.review.store.values import Why

LAPSES_AFTER = 2000
"""Decisions later, a part that nobody else looked at again does so no more."""
MAX_KNOWN = 500
"""Parts of which people agree, the newest, that known ones are taken from."""


@dataclass(frozen=True, slots=True)
class Second:
    """A part that waits for another pair of eyes."""

    part: int
    first: str
    """Who decided."""


def block_of(share: float) -> int:
    """Parts among which one is chosen, so that at least this share is.

    >>> block_of(0.05), block_of(0.3), block_of(1.0)
    (20, 3, 1)
    """
    return max(1, int(1 / share + 1e-9))


def is_turn(secret: bytes, purpose: str, number: int, block: int) -> bool:
    """Whether the number is the chosen one of its block."""
    return number % block == _draw(secret, f"{purpose}\0{number // block}", block)


def seconds(connection: sqlite3.Connection, secret: bytes, share: float) -> list[Second]:
    """Decided parts that wait for a blind second look, the oldest first.

    Args:
        connection: to the index.
        secret: of the folder.
        share: of decided parts.
    """
    last = connection.execute("SELECT max(number) FROM looks").fetchone()[0]
    if last is None:
        return []
    block = block_of(share)
    chosen = [
        number
        for number in range(max(0, last - LAPSES_AFTER), last + 1)
        if is_turn(secret, "second", number, block)
    ]
    query = (
        "SELECT part, reviewer FROM looks AS first WHERE number IN (SELECT value FROM json_each(?)) "
        "AND undone = 0 AND NOT EXISTS (SELECT 1 FROM looks AS other WHERE other.part = first.part "
        "AND other.blind = 1 AND other.undone = 0 AND other.reviewer <> first.reviewer "
        "AND other.id > first.id AND other.choice <> 'skip') ORDER BY number"
    )
    return [Second(row[0], row[1]) for row in connection.execute(query, (as_json(chosen),))]


def agreed(connection: sqlite3.Connection) -> list[tuple[int, str]]:
    """Parts of which two people at least said the same and nobody anything else, with what they said."""
    query = (
        "SELECT part, min(truth) FROM looks "
        "WHERE undone = 0 AND truth IS NOT NULL AND part > 0 AND why <> ? GROUP BY part "
        "HAVING count(DISTINCT reviewer) >= 2 AND count(DISTINCT truth) = 1 ORDER BY max(id) DESC LIMIT ?"
    )
    return [(row[0], row[1]) for row in connection.execute(query, (Why.KNOWN.value, MAX_KNOWN))]


def looks_by(connection: sqlite3.Connection, reviewer: str) -> int:
    """How many decisions somebody has made, undone ones too: where the reviewer stands in blocks."""
    query = "SELECT count(*) FROM looks WHERE reviewer = ?"
    return int(connection.execute(query, (reviewer,)).fetchone()[0])


def parts_seen_by(connection: sqlite3.Connection, reviewer: str, parts: list[int]) -> set[int]:
    """Those among the parts that somebody has said anything of that still stands, skipping included."""
    query = (
        "SELECT DISTINCT part FROM looks WHERE reviewer = ? AND undone = 0 "
        "AND part IN (SELECT value FROM json_each(?))"
    )
    return {row[0] for row in connection.execute(query, (reviewer, as_json(parts)))}


def pick(secret: bytes, purpose: str, count: int) -> int:
    """A place among so many."""
    return _draw(secret, purpose, count)


def _draw(secret: bytes, said: str, count: int) -> int:
    return int.from_bytes(hmac.digest(secret, said.encode(), "sha256")[:8], "big") % count
