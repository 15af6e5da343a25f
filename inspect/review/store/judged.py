"""What the line's ledger says of a part: read only, in short transactions, never written."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from taktsight.errors import LedgerError, ReviewError
from taktsight.inspect.ledger import FILE
from taktsight.inspect.review.store.values import GOOD, Choice, NewDecision, PartKey


@dataclass(frozen=True, slots=True)
class Judged:
    """The line's last word on a part."""

    outcome: str
    reasons: tuple[str, ...]
    frames: Mapping[str, str]
    """View → SHA-256 of the pixels that were kept."""
    digests: tuple[str, ...]
    """Of its rows in the ledger, in order."""


def judged_part(records: Path, part: PartKey) -> Judged:
    """The part as the ledger has it.

    Raises:
        ReviewError: If the ledger does not know the part.
        LedgerError: If there is no ledger, or it cannot be read.
    """
    file = records / FILE
    query = (
        "SELECT * FROM entries WHERE run = ? AND trigger = ? "
        "AND kind IN ('judged','late','verdict') ORDER BY seq"
    )
    try:
        with closing(
            sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True, timeout=10)
        ) as connection:
            connection.row_factory = sqlite3.Row
            rows = [dict(row) for row in connection.execute(query, (part.run, part.trigger))]
    except sqlite3.Error as error:
        raise LedgerError(f"{file}: cannot be read: {error}") from error
    verdicts = [row for row in rows if row["kind"] == "verdict"]
    if not verdicts:
        raise ReviewError(f"part {part} has no verdict in {file}")
    frames = {view: sha for row in rows for view, sha in json.loads(row.get("frames") or "{}").items()}
    reasons, digests = json.loads(verdicts[0]["reasons"]), [row["digest"] for row in rows]
    return Judged(verdicts[0]["outcome"], tuple(reasons), frames, tuple(digests))


def truth_of(new: NewDecision, judged: Judged) -> str | None:
    """What the part is, if the decision is right: "good", a label, or None where it does not say.

    Raises:
        ReviewError: If it says that there is a defect, and not which.
    """
    if new.choice in (Choice.ESCALATE, Choice.SKIP):
        return None
    if new.choice is Choice.FALSE_REJECT:
        return GOOD
    label = new.label or next((mark.label for mark in new.marks), None)
    if label:
        return label
    if new.choice is Choice.CONFIRM and judged.outcome == "PASS":
        return GOOD
    if new.choice is Choice.CONFIRM and judged.outcome in ("REJECT", "REVIEW"):
        # The recipe's reasons begin with the label: "scratch: 0.80 mm² > 0.50 mm²".
        named, colon, _ = next(iter(judged.reasons), "").partition(": ")
        if colon:
            return named
    raise ReviewError(f"part {new.part}: say which defect it has, or that it is good")
