"""Decisions as rows of their table and of the log, and which of them stands."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from taktsight.inspect.review.store.chain import canonical, readable
from taktsight.inspect.review.store.judged import Judged
from taktsight.inspect.review.store.tables import decisions, undos
from taktsight.inspect.review.store.values import Choice, Decision, Mark, NewDecision, PartKey, Why

WITH_UNDO = sa.select(decisions, undos.c.id.label("undone_by")).select_from(
    decisions.outerjoin(undos, undos.c.decision == decisions.c.id)
)
IN_LOG_ROW = ("id", "utc", "reviewer")
"""Columns of a decision that its log row has as number, time and actor."""


def fields_of(new: NewDecision, judged: Judged, truth: str | None) -> dict[str, Any]:
    """What the log says of a decision: its columns but those of the log row itself."""
    return {
        "request_id": new.request_id,
        "run": readable(new.part.run),
        "trigger": new.part.trigger,
        "choice": new.choice.value,
        "label": None if new.label is None else readable(new.label),
        "note": readable(new.note),
        "marks": canonical([asdict(mark) for mark in new.marks]),
        "why": new.why.value,
        "blind": new.blind,
        "seen": new.seen,
        "shown_ms": new.shown_ms,
        "frames": canonical(dict(judged.frames)),
        "truth": truth,
    }


def decision_of(row: Mapping[str, Any]) -> Decision:
    """Of a row of :data:`WITH_UNDO`."""
    marks = tuple(
        Mark(mark["view"], mark["label"], tuple(mark["box_px"]), mark["brush_rle"])
        for mark in json.loads(row["marks"])
    )
    return Decision(
        part=PartKey(row["run"], row["trigger"]),
        choice=Choice(row["choice"]),
        label=row["label"],
        note=row["note"],
        marks=marks,
        why=Why(row["why"]),
        blind=bool(row["blind"]),
        request_id=row["request_id"],
        seen=row["seen"],
        shown_ms=row["shown_ms"],
        id=row["id"],
        reviewer=row["reviewer"],
        utc=row["utc"],
        frames=json.loads(row["frames"]),
        undone_by=row["undone_by"],
        truth=row["truth"],
    )


def of_part(connection: sa.Connection, part: PartKey) -> tuple[Decision, ...]:
    """All decisions on a part, in order; undone ones among them."""
    query = WITH_UNDO.where(decisions.c.run == part.run, decisions.c.trigger == part.trigger)
    return tuple(
        decision_of(dict(row)) for row in connection.execute(query.order_by(decisions.c.id)).mappings()
    )


def standing(made: Iterable[Decision]) -> Decision | None:
    """The last one that says what the part is.

    One that was undone says nothing any more. A blind double measures how people agree, a known part
    measures its reviewer, and who skips says nothing: none of these takes the place of a decision.
    Escalated is undecided again.
    """
    last = None
    for decision in made:
        silent = decision.blind or decision.why is Why.KNOWN or decision.choice is Choice.SKIP
        if not silent and decision.undone_by is None:
            last = decision
    return last
