"""The audit log: who did what, when, from which value to which, and why; and whether it is whole."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from starlette.responses import Response

from taktsight.inspect.review.people.roles import May
from taktsight.inspect.review.store.chain import LogRow
from taktsight.inspect.review.web.drawing import with_query
from taktsight.inspect.review.web.log_rows import Wanted, actions_of, newest_rows
from taktsight.inspect.review.web.log_said import said_of
from taktsight.inspect.review.web.routes import get, post
from taktsight.inspect.review.web.visit import Visit

ROWS = 50
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def show(visit: Visit) -> Response:
    """One lot of rows. Filters stand in the address, so it can be sent to a colleague."""
    return _show(visit)


def verify(visit: Visit) -> Response:
    """Follows the whole chain; takes about a second for 50,000 rows, so it is done when asked for."""
    return _show(visit, visit.bench.store.verify())


def _show(visit: Visit, verification: object = None) -> Response:
    wanted = Wanted(
        actor=visit.asked("actor", 64),
        action=visit.asked("action", 64),
        subject=visit.asked("subject"),
        since=_day(visit.asked("since")),
        until=_day(visit.asked("until")),
    )
    lot = _lot(visit, wanted)
    return visit.page(
        "log.html",
        rows=[(row, said_of(row.action, visit.words), changes_of(row)) for row in lot.rows],
        wanted=wanted,
        actions=[(action, said_of(action, visit.words)) for action in actions_of(visit.bench.store)],
        newer=lot.newer,
        older=lot.older,
        verification=verification,
    )


@dataclass(frozen=True, slots=True)
class _Lot:
    """Rows of one page, and the addresses of the pages before and after it; empty where there is none."""

    rows: list[LogRow]
    newer: str
    older: str


def _lot(visit: Visit, wanted: Wanted) -> _Lot:
    before, after = visit.asked_number("before"), visit.asked_number("after")
    rows = newest_rows(visit.bench.store, wanted, before, after, ROWS + 1)
    is_more = len(rows) > ROWS
    rows = rows[-ROWS:] if after else rows[:ROWS]
    if not rows:
        return _Lot([], "", "")
    newer = (
        with_query(visit.request, after=rows[0].seq, before=None) if before or (after and is_more) else ""
    )
    older = with_query(visit.request, before=rows[-1].seq, after=None) if after or is_more else ""
    return _Lot(rows, newer, older)


def changes_of(row: LogRow) -> list[tuple[str, str, str]]:
    """Field, old and new value of what a row changed."""
    old, new = (_unfolded(json.loads(text)) if text else None for text in (row.old, row.new))
    if isinstance(old, dict) or isinstance(new, dict):
        before, now = (value if isinstance(value, dict) else {} for value in (old, new))
        return [(key, _said(before.get(key)), _said(now.get(key))) for key in {**before, **now}]
    return [("", _said(old), _said(new))] if old is not None or new is not None else []


def _unfolded(value: object) -> object:
    """Preferences are kept as JSON within JSON; they are shown like anything else."""
    if isinstance(value, dict) and isinstance(value.get("preferences"), str):
        return {**value, "preferences": json.loads(value["preferences"])}
    return value


def _said(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_said(each)}" for key, each in value.items())
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"{text[:200]} …" if len(text) > 200 else text


def _day(text: str) -> str:
    return text if _DAY.fullmatch(text) else ""


routes = [
    get("/log", May.SEE_LOG, show),
    post("/log", May.SEE_LOG, verify),
]
