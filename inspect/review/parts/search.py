"""Which parts of the index somebody asks for, as one query that ends in time whatever is asked.

Each question walks along one index, the one that the narrowest filter has, and tests the others on the way.
It looks at so many parts at most; what it has not looked at it says, and where to go on.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timezone

from taktsight.inspect.review.parts.rows import Filters
from taktsight.inspect.review.parts.tables import OUTCOMES
from taktsight.records import Outcome

MAX_SCANNED = 20_000
"""Parts that one question looks at: some 20 ms."""
MAX_TEXT = 200


@dataclass(frozen=True, slots=True)
class Hits:
    """Numbers of verdict rows, in the order they are shown."""

    seqs: tuple[int, ...]
    next: str | None
    """Where to go on; None where every part was looked at."""


@dataclass(frozen=True, slots=True)
class _Walk:
    """Along which column, and which way."""

    column: str
    direction: str
    where: tuple[str, ...]
    values: tuple[object, ...]
    index: str


def find(
    connection: sqlite3.Connection,
    filters: Filters,
    *,
    most: int,
    after: str | None = None,
    scanned: int = MAX_SCANNED,
) -> Hits:
    """Parts that pass all filters: by serial where one is given, else the newest first.

    Args:
        connection: to the index.
        filters: what to look for.
        most: how many.
        after: ``next`` of the hits before.
        scanned: how many parts to look at.
    """
    walk, tests, values = _plan(connection, filters)
    if walk is None:
        return Hits((), None)
    where, begun = list(walk.where), list(walk.values)
    place = _place(after)
    if place is not None:
        sign = ">" if walk.direction == "ASC" else "<"
        where.append(f"({walk.column}, seq) {sign} (?, ?)")
        begun += place
    said = " AND ".join(where) or "1"
    order = f"{walk.column} {walk.direction}, seq {walk.direction}"
    # Names of columns and signs alone are put in; every value is a parameter.
    walked = f"FROM parts {walk.index} WHERE {said} ORDER BY {order}"
    query = (
        f"SELECT seq, walked FROM (SELECT *, {walk.column} AS walked {walked} LIMIT ?) "  # noqa: S608
        f"WHERE {' AND '.join(tests) or '1'} LIMIT ?"
    )
    found = connection.execute(query, (*begun, scanned, *values, most)).fetchall()
    last = (found[-1][1], found[-1][0]) if len(found) == most else None
    if last is None:  # not enough: where the walk ended, if there was more to walk
        edge = f"SELECT {walk.column}, seq {walked} LIMIT 1 OFFSET ?"
        row = connection.execute(edge, (*begun, scanned - 1)).fetchone()
        last = (row[0], row[1]) if row else None
    return Hits(tuple(row[0] for row in found), None if last is None else _named(last))


def _plan(connection: sqlite3.Connection, filters: Filters) -> tuple[_Walk | None, list[str], list[object]]:
    """Along which index to walk, and what to test of each part."""
    tests: list[str] = []
    values: list[object] = []
    ids = {
        kind: _id(connection, kind, name)
        for kind, name in (("label", filters.label), ("lot", filters.lot))
        if name
    }
    if None in ids.values():
        return None, [], []
    for kind, number in ids.items():
        tests.append(f"{kind} = ?")
        values.append(number)
    if filters.label:
        tests.append("outcome <> 0")
    if filters.outcomes:
        places = [OUTCOMES.index(outcome) for outcome in sorted(filters.outcomes)]
        tests.append(f"outcome IN ({','.join(map(str, places))})")
    for moment, sign in ((filters.since, ">="), (filters.until, "<")):
        if moment is not None:
            tests.append(f"at {sign} ?")
            values.append(as_milliseconds(moment))
    runs = _runs(connection, filters)
    if runs == []:
        return None, [], []
    if runs is not None:
        tests.append(f"run IN ({','.join(map(str, runs))})")
    serial = filters.serial[:MAX_TEXT].casefold()
    if serial:
        tests.append("serial >= ? AND serial < ?")
        values += [serial, after_prefix(serial)]
    return _walk(connection, filters, serial, ids), tests, values


def _walk(
    connection: sqlite3.Connection, filters: Filters, serial: str, ids: dict[str, int | None]
) -> _Walk:
    bounds, edges = [], []
    for moment, sign in ((filters.since, ">="), (filters.until, "<")):
        if moment is not None:
            bounds.append(f"at {sign} ?")
            edges.append(as_milliseconds(moment))
    if serial:
        between = ("serial >= ?", "serial < ?")
        return _Walk("serial", "ASC", between, (serial, after_prefix(serial)), "INDEXED BY parts_by_serial")
    if filters.run is not None:
        query = "SELECT first, last FROM runs WHERE name = ?"
        first, last = connection.execute(query, (filters.run,)).fetchone() or (1, 0)
        return _Walk("seq", "DESC", ("seq BETWEEN ? AND ?",), (first, last), "NOT INDEXED")
    if "lot" in ids:
        return _Walk("at", "DESC", ("lot = ?", *bounds), (ids["lot"], *edges), "INDEXED BY parts_by_lot")
    if "label" in ids:
        where = ("label = ?", "outcome <> 0", *bounds)
        return _Walk("at", "DESC", where, (ids["label"], *edges), "INDEXED BY parts_by_label")
    if len(filters.outcomes) == 1 and Outcome.PASS not in filters.outcomes:
        where = ("outcome = ?", "outcome <> 0", *bounds)
        place = OUTCOMES.index(next(iter(filters.outcomes)))
        return _Walk("at", "DESC", where, (place, *edges), "INDEXED BY parts_by_outcome")
    return _Walk("at", "DESC", tuple(bounds), tuple(edges), "INDEXED BY parts_by_time")


def _runs(connection: sqlite3.Connection, filters: Filters) -> list[int] | None:
    """Those that the filters allow; None where they allow any."""
    if filters.run is None and filters.station is None:
        return None
    query = "SELECT id FROM runs WHERE (?1 IS NULL OR name = ?1) AND (?2 IS NULL OR station = ?2)"
    return [row[0] for row in connection.execute(query, (filters.run, filters.station))]


def _id(connection: sqlite3.Connection, kind: str, name: str) -> int | None:
    query = "SELECT id FROM names WHERE kind = ? AND name = ?"
    found = connection.execute(query, (kind, name[:MAX_TEXT])).fetchone()
    return int(found[0]) if found else None


def after_prefix(prefix: str) -> str:
    """The least text that is greater than each text which begins so, in SQLite's order of code points.

    >>> after_prefix("l05")
    'l06'
    """
    last = ord(prefix[-1])
    if last >= 0x10FFFF:
        return prefix + chr(0x10FFFF)
    return prefix[:-1] + chr(0xE000 if last == 0xD7FF else last + 1)


def as_milliseconds(moment: datetime) -> int:
    """Since 1970; a time without a zone is in UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return round(moment.timestamp() * 1000)


def _named(place: tuple[object, int]) -> str:
    return f"{place[1]}.{place[0]}"


def _place(after: str | None) -> tuple[str, int] | None:
    """Value of the column and number of the row; None where the text is none that was given."""
    seq, dot, column = (after or "").partition(".")
    if not dot or not seq.isdecimal() or len(seq) > 18 or len(column) > MAX_TEXT:
        return None
    return column, int(seq)  # the column's affinity makes a number of it where it holds numbers
