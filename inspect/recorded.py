"""What the records know of a part that was judged: its verdict, its scores, its frames."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

from taktsight.errors import LedgerError
from taktsight.inspect.engine_facts import read_facts
from taktsight.inspect.ledger import Ledger
from taktsight.inspect.ledger_rows import Row
from taktsight.records import Outcome

LAST = "last"
"""Names the run that began last."""


@dataclass(frozen=True, slots=True)
class RecordedPart:
    """A part as it was judged, and where its frames lie."""

    run: str
    trigger: int
    serial: str | None
    outcome: Outcome | None
    """As it was judged, before the gate, where it may have been too late; None where no row says so."""
    reasons: tuple[str, ...]
    scores: Mapping[str, tuple[float, ...]]
    """View → part scores; empty where nobody judged it."""
    bundle: str
    recipe: str
    digests: Mapping[str, str]
    """Camera → SHA-256 of the pixels that were judged, as the chained row has it."""
    files: Mapping[str, Path]
    """Camera → where the frame lies now."""
    utc: str = ""
    """When the gate was told."""
    station: str = ""
    is_golden: bool = False
    """Whether the line knew it as a golden part."""


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A run and those of its parts of which frames are kept."""

    name: str
    started: date
    """In UTC."""
    facts: Mapping[str, str]
    """What computed the scores: :data:`taktsight.inspect.engine_facts.FACTS`."""
    parts: Sequence[RecordedPart]


def read_run(records: Path, named: str, triggers: Iterable[int] | None = None) -> RecordedRun:
    """A run of the ledger, with its parts or those that are asked for.

    Args:
        records: the folder that holds the ledger.
        named: its name, the beginning of it, or ``last``.
        triggers: None for every part of which a frame is kept.

    Raises:
        LedgerError: If there is no such run or part, a row was changed, or an asked part's frames are gone.
    """
    ledger = Ledger.open(records)
    try:
        name = find_run(ledger, named)
        rows = ledger.rows_of(name)
        files = _files(records, ledger.image_rows(kept=True), name)
    finally:
        ledger.close()
    by_part: dict[int, dict[str, Row]] = {}
    for row in rows:
        if row["trigger"] is not None:
            by_part.setdefault(row["trigger"], {})[row["kind"]] = row
    wanted = sorted(files) if triggers is None else sorted({*triggers})
    for trigger in wanted:
        _check_kept(name, trigger, by_part, files)
    parts = [_part(name, trigger, by_part[trigger], files[trigger]) for trigger in wanted]
    armed = next((row["reasons"] for row in rows if row["kind"] == "armed"), "[]")
    started = datetime.fromisoformat(rows[0]["utc"]).date()
    return RecordedRun(name, started, read_facts(json.loads(armed)), parts)


def read_parts(ledger: Ledger, records: Path, run: str, triggers: Iterable[int]) -> Sequence[RecordedPart]:
    """Parts of one run in the order of their triggers, whether or not their frames are still kept.

    Args:
        ledger: of ``records``.
        records: the folder that holds it.
        run: its whole name.
        triggers: of the parts.

    Raises:
        LedgerError: If a part has no verdict there, or a row of the run was changed.
    """
    rows = ledger.rows_of(run)
    files = _files(records, ledger.image_rows(kept=True), run)
    by_part: dict[int, dict[str, Row]] = {}
    for row in rows:
        if row["trigger"] is not None:
            by_part.setdefault(row["trigger"], {})[row["kind"]] = row
    wanted = sorted({*triggers})
    missing = [trigger for trigger in wanted if "verdict" not in by_part.get(trigger, ())]
    if missing:
        raise LedgerError(f"run {run} has no verdict of part {missing[0]} in the ledger")
    armed = next((row["reasons"] for row in rows if row["kind"] == "armed"), "[]")
    station = next((said[8:] for said in json.loads(armed) if said.startswith("station ")), "")
    return [
        replace(
            _part(run, trigger, by_part[trigger], files.get(trigger, {})),
            utc=by_part[trigger]["verdict"]["utc"],
            station=station,
            is_golden="golden" in by_part[trigger],
        )
        for trigger in wanted
    ]


def find_run(ledger: Ledger, named: str) -> str:
    """The whole name of a run.

    Raises:
        LedgerError: If there is none, or more than one, of that name.
    """
    runs = ledger.runs()
    if named == LAST and runs:
        return runs[-1]
    found = [run for run in runs if run == named] or [run for run in runs if run.startswith(named)]
    if len(found) != 1:
        there = ", ".join(runs[-5:]) or "none"
        raise LedgerError(f"run {named!r}: {len(found)} runs have such a name; the last ones are {there}")
    return found[0]


def _files(records: Path, images: Sequence[Row], run: str) -> dict[int, dict[str, Path]]:
    files: dict[int, dict[str, Path]] = {}
    for row in images:
        if row["run"] == run:
            files.setdefault(row["trigger"], {})[row["camera"]] = records / row["file"]
    return files


def _check_kept(
    run: str, trigger: int, rows: Mapping[int, object], files: Mapping[int, Mapping[str, Path]]
) -> None:
    if trigger not in rows:
        raise LedgerError(f"run {run} has no part {trigger} in the ledger")
    if trigger not in files:
        raise LedgerError(
            f"part {trigger} of run {run}: none of its frames is kept; records.images of the station says "
            "which are kept, and for how long"
        )


def _part(run: str, trigger: int, rows: Mapping[str, Row], files: Mapping[str, Path]) -> RecordedPart:
    # What was judged in time, what was judged and waited for the ledger in vain, what came too late.
    judged = rows.get("judged") or rows.get("late") or rows["verdict"]
    scored = next((row for row in (judged, rows.get("verdict")) if row and row["scores"] != "{}"), judged)
    outcome = Outcome(judged["outcome"]) if judged["outcome"] else None
    if judged["kind"] == "verdict" and outcome is Outcome.UNINSPECTED and scored["scores"] != "{}":
        outcome = None  # judged, and held up on the way to the gate
    digests = {
        camera: digest
        for row in rows.values()
        for camera, digest in json.loads(row["frames"] or "{}").items()
    }
    return RecordedPart(
        run,
        trigger,
        scored["serial"],
        outcome,
        tuple(json.loads(judged["reasons"])),
        {view: tuple(scores) for view, scores in json.loads(scored["scores"]).items()},
        scored["bundle"],
        scored["recipe"],
        digests,
        files,
    )
